"""Everything about one dataset at a glance, each part with a link to all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from headgate.contracts import protection
from headgate.contracts.docs import INGEST_MEANINGS
from headgate.portal import served, showing
from headgate.portal.drawing import graph_small
from headgate.portal.pages import dataset_charts, excepted
from headgate.portal.told import (
    batches,
    contract_in_words,
    data_docs,
    flows,
    freshness,
    masked,
    reasons,
    refused,
    releases,
    subject,
)
from headgate.portal.told.subject import Subject

if TYPE_CHECKING:
    from headgate.lineage.graph import Graph

routes = APIRouter()
#: Batches that are drawn, and that are listed.
DRAWN, LISTED = 20, 10


@routes.get("/datasets/{dataset}")
def dataset(request: Request, dataset: str) -> Response:
    """The page of a dataset."""
    about = subject.of(request, dataset)
    lake, person = served.of(request).asking, served.person(request)
    page = batches.accounts(lake, about.id, limit=DRAWN)
    judged = batches.verdicts(lake, about.id, page.accounts)
    newest = next((b for b in page.accounts if b.batch_id in judged), None)
    broken = [
        (one, reasons.observed(about.contract, one, person))
        for one in (judged[newest.batch_id] if newest else ())
        if not one.passed
    ]
    known = flows.graph(served.of(request).lineage)
    counted = refused.counted(lake, about.id)
    by_rule = batches.by_rule(page.accounts, judged)
    published = freshness.publications(page.accounts)
    return showing.page(
        request, "dataset/dataset.html", about=about, page=page, newest=newest, broken=broken,
        accounts=page.accounts[:LISTED], counted=counted,
        means={r.code: reasons.of_code(about.contract, r.code) for r in counted.reasons},
        publications=published, moved=releases.moved(lake, about.id),
        upstream=flows.neighbours(known, about.id, "up"),
        downstream=flows.neighbours(known, about.id, "down"),
        columns=_columns(about, known), words=contract_in_words.facts(about.contract),
        origin=contract_in_words.origin(about.contract),
        kept=masked.kept_from(about.contract, person), docs=data_docs.is_built(
            served.of(request).project.settings.lake_path, f"{about.id}/index.html"
        ),
        excepted=excepted.of(request, about),
        small=graph_small.around(served.of(request).lineage, about.known, about.id),
        rules=len(by_rule), outcomes=dataset_charts.rules(by_rule),
        quality=dataset_charts.quality(by_rule),
        stacked=dataset_charts.accounts(about.id, page.accounts),
        ages=dataset_charts.ages(published, about.contract.freshness_hours),
    )  # fmt: skip


def _columns(about: Subject, known: Graph) -> list[dict[str, object]]:
    contract = about.contract
    own = {c.name: c for c in contract.columns}
    protected = protection.of_table(contract)
    made = flows.inputs_of_columns(known, about.id, contract.table_columns)
    used = flows.users_of_columns(known, about.id, contract.table_columns)
    rules: dict[str, int] = {}
    for rule in contract.rules:
        if rule.column:
            rules[rule.column] = rules.get(rule.column, 0) + 1
    return [
        {
            "name": name, "type": kind, "protection": protected[name],
            "key": own[name].key_position if name in own else None,
            "meaning": own[name].description if name in own else INGEST_MEANINGS.get(name, ""),
            "rules": rules.get(name, 0), "inputs": made[name], "users": used[name],
        }
        for name, kind in contract.table_columns.items()
    ]  # fmt: skip
