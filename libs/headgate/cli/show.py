"""`headgate show`: everything that is derived from a contract or recorded about a dataset, printed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from headgate.cli import output
from headgate.core.errors import UsageError

if TYPE_CHECKING:
    from headgate.contracts.model import Contract
    from headgate.orchestration.project import Project
    from headgate.orchestration.workbench import Target

EXAMPLE = "Example: headgate show rules bronze.irc.messages"


@dataclass(frozen=True)
class Shown:
    """What a subject shows: ``value`` for programs; for people a table of it, or ``text``."""

    value: Any
    columns: Sequence[str] = ()
    text: str = ""


def show(
    what: str = typer.Argument(..., help="What to show; `headgate show list` lists the choices."),
    dataset: str | None = typer.Argument(
        None, metavar="[DATASET|MODEL]", help="The dataset's id, or the name of its dbt model."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print it as JSON."),
) -> int:
    """Print what is derived from a contract, or recorded about a dataset.

    Of datasets: schema, rules, gx, dbt, docs, names, files, accounting, verdicts, lineage. Of
    models: sql, as it is compiled; of private ones schema and lineage too. Of the project:
    settings, datasets, list.
    """
    if what in PROJECT_SUBJECTS:
        shown = PROJECT_SUBJECTS[what][1]()
    elif what not in SUBJECTS and what not in MODEL_SUBJECTS:
        every = [*SUBJECTS, *MODEL_SUBJECTS, *PROJECT_SUBJECTS]
        raise UsageError(
            f"nothing called {what!r} can be shown.", remedy=f"Choose from {', '.join(every)}."
        )
    elif dataset is None:
        raise UsageError(
            f"headgate show {what} needs a dataset.", remedy="headgate show datasets lists them."
        )
    else:
        shown = _of_one(what, dataset)
    if as_json:
        output.json(shown.value)
    elif shown.text:
        output.out(shown.text)
    elif shown.value:
        output.table(shown.columns, [[row.get(c) for c in shown.columns] for row in shown.value])
    else:
        output.out("Nothing yet.")
    return 0


def _of_one(what: str, dataset: str) -> Shown:
    """A subject of one dataset, or of one model."""
    from headgate.orchestration import workbench
    from headgate.orchestration.project import Project

    project = Project.open()
    contract = project.contracts.by_model(dataset)
    if what in SUBJECTS and (contract or dataset in project.contracts):
        return SUBJECTS[what][1](project, contract or project.contracts[dataset])
    found = workbench.target(project, dataset)
    if what in SUBJECTS and found.contract:
        return SUBJECTS[what][1](project, found.contract)
    if what not in MODEL_SUBJECTS:
        raise UsageError(
            f"{found.name} has no contract, so there is no {what} of it.",
            remedy=f"To be shown: {', '.join(MODEL_SUBJECTS)}. A contract is drafted by "
            "headgate new model.",
        )
    return MODEL_SUBJECTS[what][1](project, found)


def _sql(project: Project, found: Target) -> Shown:
    from headgate.cli import show_model

    value, text = show_model.sql(project, found)
    return Shown(value, text=text)


def _schema_of_model(project: Project, found: Target) -> Shown:
    from headgate.cli import show_model

    return Shown(show_model.schema(project, found), ("column", "type"))


def _lineage_of_model(project: Project, found: Target) -> Shown:
    from headgate.cli import show_model

    return Shown(show_model.lineage(project, found), ("column", "made from", "how"))


def _schema(_: Project, contract: Contract) -> Shown:
    from headgate.contracts import protection

    described = {c.name: c for c in contract.columns}
    protected = protection.of_table(contract)
    rows = []
    for name, kind in contract.table_columns.items():
        column = described.get(name)
        rows.append(
            {
                "column": name,
                "type": kind,
                "required": column.required if column else name != "_rescued",
                "key": column.key_position if column else None,
                "class": protected[name].classification,
                "personal": protected[name].personal,
                "anonymized": column.anonymized if column else "",
                "meaning": column.description if column else "added by ingest",
            }
        )
    return Shown(rows, ("column", "type", "required", "key", "class", "personal", "meaning"))


def _rules(_: Project, contract: Contract) -> Shown:
    from headgate.contracts.wording import expectation

    rows = [
        {
            "rule": r.id,
            "judges": r.scope,
            "breach": r.severity,
            "kind": r.kind,
            "expects": expectation(r),
            "arguments": r.arguments,
            "why": r.description,
            "place": r.place,
        }
        for r in contract.rules
    ]
    return Shown(rows, ("rule", "judges", "breach", "kind", "expects", "why"))


def _gx(_: Project, contract: Contract) -> Shown:
    from headgate.core import json as hjson
    from headgate.quality import gx_suites

    suite = gx_suites.suite(contract)
    return Shown(suite, text=hjson.dumps(suite, indent=2))


def _dbt(project: Project, contract: Contract) -> Shown:
    from headgate.contracts import dbt

    text = dbt.show(project.contracts, contract)
    return Shown({"yaml": text}, text=text)


def _docs(project: Project, contract: Contract) -> Shown:
    from headgate.contracts import docs

    text = docs.page(contract, project.contracts)
    return Shown({"markdown": text}, text=text)


def _names(project: Project, contract: Contract) -> Shown:
    name, lake_name = contract.name, project.settings.lake_name
    forms = {
        "id": name.id,
        "contract": str(contract.path),
        "delta table": str(project.lake.root / name.path),
        "quarantine": str(project.lake.root / name.quarantine_path),
        "relation": name.relation,
        "dbt model": contract.model,
        "lineage": f"headgate://{lake_name} {name.id}",
        "asset": name.asset_uri(lake_name),
        "portal": name.portal_path,
    }
    return Shown([{"form": k, "name": v} for k, v in forms.items()], ("form", "name"))


def _files(project: Project, contract: Contract) -> Shown:
    snapshot = project.lake.snapshot(contract.id)
    files = snapshot.files if snapshot else ()
    rows = [{"file": f.path, "rows": f.rows, "bytes": f.size} for f in files]
    return Shown(rows, ("file", "rows", "bytes"))


def _accounting(project: Project, contract: Contract) -> Shown:
    columns = ("committed_at", "kind", "source", "outcome", "read", "published", "quarantined",
               "deduplicated", "refused", "version")  # fmt: skip
    return _ledger(project, contract, "batches", "committed_at DESC, batch_id", columns)


def _verdicts(project: Project, contract: Contract) -> Shown:
    columns = ("rule_id", "severity", "passed", "breaches", "expected", "observed", "judged_at")
    order = "judged_at DESC, passed, rule_id"
    return _ledger(project, contract, "verdicts", order, columns)


def _ledger(
    project: Project, contract: Contract, name: str, order: str, columns: Sequence[str]
) -> Shown:
    from headgate.lake import ledger
    from headgate.lake.engines import duckdb as engine

    where = f"dataset = {engine.literal(contract.id)}"
    with engine.connect(project.settings) as con:
        rows = ledger.rows(project.lake, con, f"system.ledger.{name}", where, order)
    return Shown(rows, columns)


def _lineage(project: Project, contract: Contract) -> Shown:
    from headgate.cli import lineage_view

    rows = lineage_view.rows(project, contract)
    return Shown(rows, ("column", "made from", "how"))


def _settings() -> Shown:
    from headgate.core import settings as core_settings
    from headgate.core.secrets import HIDDEN

    loaded, secret = core_settings.load(), core_settings.secret()
    rows = [
        {
            "setting": key,
            "value": HIDDEN if key in secret else str(getattr(loaded, key)),
            "default": default,
            "environment": variable,
            "meaning": meaning,
        }
        for key, variable, default, meaning in core_settings.documented()
    ]
    return Shown(rows, ("setting", "value", "default", "environment", "meaning"))


def _datasets() -> Shown:
    from headgate.orchestration.project import Project

    rows = [
        {"dataset": c.id, "owner": c.owner, "one row": c.grain, "contract": output.near(c.path)}
        for c in Project.open().contracts.values()
    ]
    return Shown(rows, ("dataset", "owner", "one row", "contract"))


def _list() -> Shown:
    every = {**MODEL_SUBJECTS, **SUBJECTS, **PROJECT_SUBJECTS}
    return Shown([{"what": k, "shows": v[0]} for k, v in every.items()], ("what", "shows"))


SUBJECTS: dict[str, tuple[str, Callable[[Project, Contract], Shown]]] = {
    "schema": ("Columns of the stored table, their types, classes and meaning.", _schema),
    "rules": ("Every rule, flattened from whatever ODCS form it was written in.", _rules),
    "gx": ("The rules as a Great Expectations suite.", _gx),
    "dbt": ("The dbt properties: source, or model with its columns and contract.", _dbt),
    "docs": ("The dataset's page in Markdown.", _docs),
    "names": ("What the dataset is called on disk, in SQL, dbt, lineage and elsewhere.", _names),
    "files": ("Data files of the newest version, released or not.", _files),
    "accounting": ("Every batch: what was read and what became of it.", _accounting),
    "verdicts": ("How each rule was judged, the newest batch first.", _verdicts),
    "lineage": ("What the dataset and each of its columns are made from.", _lineage),
}
#: What can be shown of a model that has no contract, too; of others `schema` and `lineage` say more.
MODEL_SUBJECTS: dict[str, tuple[str, Callable[[Project, Target], Shown]]] = {
    "sql": ("A model's compiled SQL, of a full and of an incremental build.", _sql),
    "schema": ("Columns and types that a private model gives.", _schema_of_model),
    "lineage": ("What a private model's columns are made from.", _lineage_of_model),
}
PROJECT_SUBJECTS: dict[str, tuple[str, Callable[[], Shown]]] = {
    "settings": ("Every setting: value, default, environment variable, meaning.", _settings),
    "datasets": ("Every contract: dataset, owner, what one row is.", _datasets),
    "list": ("What can be shown.", _list),
}
