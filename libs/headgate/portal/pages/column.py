"""One column: what it means, how it is protected and judged, where it comes from, who uses it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from headgate.contracts import protection
from headgate.contracts.docs import INGEST_MEANINGS
from headgate.contracts.wording import expectation
from headgate.lineage.graph_node import Node
from headgate.lineage.questions import personal
from headgate.lineage.questions.personal import Flow
from headgate.portal import served, showing
from headgate.portal.access import masking
from headgate.portal.drawing import graph_small
from headgate.portal.pages import excepted
from headgate.portal.told import batches, flows, masked, reasons, subject
from headgate.portal.told.subject import Subject

routes = APIRouter()


@routes.get("/datasets/{dataset}/columns/{column}")
def column(request: Request, dataset: str, column: str) -> Response:
    """All of a column."""
    about = subject.of(request, dataset)
    name = subject.column(about, column)
    own = next((c for c in about.contract.columns if c.name == name), None)
    person, store = served.person(request), served.of(request).lineage
    found = protection.of_table(about.contract)[name]
    users, cut = flows.users(store, about.id, name)
    small = graph_small.around(store, about.known, about.id, name)
    return showing.page(
        request, "dataset/column.html", about=about, name=name, own=own, protection=found,
        type=about.contract.table_columns[name],
        meaning=own.description if own else INGEST_MEANINGS.get(name, ""),
        least=masking.least(about.contract, name),
        is_masked=name in masked.kept_from(about.contract, person),
        rules=_rules(request, about, name),
        excepted=excepted.of(
            request, about, rules={r.id for r in about.contract.rules if r.column == name}
        ),
        upstream=flows.path(store, about.id, name, "up"), users=users, cut=cut, small=small,
        flow=_flow(request, about, name) if found.is_protected else None,
    )  # fmt: skip


def _rules(request: Request, about: Subject, name: str) -> list[dict[str, object]]:
    """Rules on the column, each with what it demands and how the newest verdict went."""
    lake, person = served.of(request).asking, served.person(request)
    newest = batches.accounts(lake, about.id, limit=5).accounts
    judged = batches.verdicts(lake, about.id, newest)
    last = next((judged[b.batch_id] for b in newest if b.batch_id in judged), ())
    verdicts = {one.rule: one for one in last}
    return [
        {
            "rule": rule, "expects": expectation(rule), "judged": verdicts.get(rule.id),
            "observed": reasons.observed(about.contract, verdicts[rule.id], person)
            if rule.id in verdicts else None,
        }
        for rule in about.contract.rules
        if rule.column == name
    ]  # fmt: skip


def _flow(request: Request, about: Subject, name: str) -> Flow | None:
    """Where the column's values flow, with what every dataset on the way declares of it."""
    store = served.of(request).lineage
    if not flows.graph(store).columns(about.id):
        return None  # no run told of it yet
    return personal.personal(store, Node(about.id, name)).flows[0]
