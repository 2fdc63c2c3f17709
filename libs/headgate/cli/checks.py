"""What `headgate check` asks, one function a question: each gives places, and what is wrong there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headgate.cli import output
from headgate.contracts.files import FILE_NAME
from headgate.core.errors import HeadgateError

if TYPE_CHECKING:
    from headgate.contracts.model import Contract
    from headgate.orchestration.dbt.compile import Text
    from headgate.orchestration.dbt.refs import ModelCode
    from headgate.orchestration.planning.binding import EmptyTables
    from headgate.orchestration.project import Project


def _properties(project: Project) -> Iterator[tuple[str, str]]:
    from headgate.contracts import properties

    for contract in project.contracts.values():
        for pointer, name in properties.unknown(contract.document):
            yield (
                f"{contract.path}#{pointer}",
                f"headgate.{name} means nothing here. See docs/reference/contract.md.",
            )


def _sources(project: Project) -> Iterator[tuple[str, str]]:
    """Each source has a format that can be read, with options that it has."""
    from headgate.ingest.readers import base

    for contract in project.contracts.sources:
        try:
            base.raw_reader(contract, project.settings)
        except HeadgateError as error:
            yield error.place or str(contract.path), f"{error.message} {error.remedy}".strip()


def _rules(project: Project) -> Iterator[tuple[str, str]]:
    """Each rule compiles (a pattern may ask more than RE2 can, a query name what is not there)."""
    from headgate.quality import predicates, table_rules

    for contract in project.contracts.values():
        parents = {
            r.id: "(SELECT NULL AS k0, NULL AS k1, NULL AS k2, NULL AS k3)"
            for r in contract.row_rules
            if r.kind == "foreign_key"
        }
        try:
            predicates.compile_row_rules(contract, parents=parents)
            table_rules.compile_table_rules(contract)
        except HeadgateError as error:
            yield error.place or str(contract.path), f"{error.message} {error.remedy}".strip()


def _examples(project: Project) -> Iterator[tuple[str, str]]:
    """Rows that must pass do, and rows that must fail do for the reason they give."""
    from headgate.quality import examples

    for contract in project.contracts.values():
        if not contract.examples_path.is_dir():
            if contract.source:
                yield (
                    str(contract.path),
                    "a source needs examples/valid.jsonl and examples/invalid.jsonl beside it.",
                )
            continue
        for problem in examples.check_examples(contract):
            yield str(contract.examples_path), problem


def _models(project: Project) -> Iterator[tuple[str, str]]:
    """Each contracted model has its SQL, and each mart its contract."""
    models = project.settings.dbt_path / "models"
    found = {path.stem: path for path in sorted(models.rglob("*.sql"))}
    for contract in project.contracts.models:
        if contract.model not in found:
            yield (
                str(contract.path),
                f"no {contract.model}.sql under {output.near(models)} builds {contract.id}.",
            )
    for name, path in found.items():
        if "marts" in path.relative_to(models).parts and not project.contracts.by_model(name):
            yield (
                str(path),
                "a mart is public, so it needs a contract. "
                f"Draft one: headgate new model gold.{path.parent.name}.{name}",
            )


def _queries(project: Project) -> Iterator[tuple[str, str]]:
    """Each model's SQL fits what it reads, and gives what its contract promises."""
    from headgate.lake.engines.duckdb import empty
    from headgate.orchestration.dbt import refs
    from headgate.orchestration.dbt.compile import Sources
    from headgate.orchestration.planning.binding import EmptyTables

    models = {str(c.model): c for c in project.contracts.models}
    if not models.keys() <= refs.models(project).keys():
        return  # told already
    try:
        sources = Sources(project)
        texts = sources.texts(models)
    except HeadgateError as error:
        yield error.place or str(project.settings.dbt_path), f"{error.message} {error.remedy}"
        return
    shapes = {d: c.table_columns for d, c in project.contracts.items()}
    with empty() as con:
        tables = EmptyTables(con, shapes)
        for model, text in texts.items():
            code = sources.known[model]
            if text.wrong:
                yield str(code.path), text.wrong
            elif not text.not_plain:  # that dbt says, when it builds it
                yield from _query(tables, models[model], sources.parts(code), text)


def _query(
    tables: EmptyTables, contract: Contract, parts: Sequence[ModelCode], text: Text
) -> Iterator[tuple[str, str]]:
    import duckdb

    from headgate.contracts.fit import misfits
    from headgate.orchestration import error_places

    query = f"(\n{text.full}\n)"
    try:
        given = tables.columns_of(query, text.reads)
    except duckdb.Error as error:
        place = error_places.place(error, query, [(p.path, p.sql) for p in parts])
        yield place, error_places.told(error)
        return
    # What the contract promises is told in the engine's words, as what the SQL gives is.
    wanted = tables.columns_of(f"FROM {contract.name.relation}", [contract.id])
    told = misfits(given, wanted)
    if told:
        yield (
            str(parts[0].path),
            f"its columns are not those of {output.near(contract.path)}: {'; '.join(told)}.",
        )


def spark(project: Project, engine: str) -> Iterator[tuple[str, str, bool]]:
    """What Spark will not do for the datasets that are its own; and, marked so, what only a build
    can tell. An ``engine`` goes before what contracts say."""
    from headgate.lake.engines.ownership import engine_of

    settings = project.settings
    given = [c for c in project.contracts.values() if engine_of(c, settings, engine) == "spark"]
    if given:  # else nothing of it is loaded
        from headgate.orchestration.spark import foretelling

        yield from foretelling.told(project, given)


def _transforms(project: Project) -> Iterator[tuple[str, str]]:
    """Each transform is there, and gives what its contract promises."""
    if not project.contracts.transforms:
        return
    from headgate.orchestration import transforming

    for contract in project.contracts.transforms:
        try:
            transforming.check(project, contract)
        except HeadgateError as error:
            yield error.place or str(contract.path), f"{error.message} {error.remedy}".strip()


def _owners(project: Project) -> Iterator[tuple[str, str]]:
    """Those who are told of what breaks can be reached."""
    from headgate.orchestration.alerting import routes

    yield from routes.findings(project.settings)


def _schedules(project: Project) -> Iterator[tuple[str, str]]:
    """Each contract can be scheduled: its owner is known, and no datasets are made from each other."""
    from headgate.orchestration import dag_index

    for broken in dag_index.load(project.settings.root).broken:
        # What models and the tables of owners lack is told by their own checks.
        if FILE_NAME in broken.place and ".sql in the dbt project" not in broken.message:
            yield broken.place, f"{broken.message} {broken.remedy}".strip()


def _patches(project: Project) -> Iterator[tuple[str, str]]:
    """What a contract says of a model is said nowhere else."""
    models = project.settings.dbt_path / "models"
    schemas = {c.name.schema for c in project.contracts.sources}
    for path in sorted((*models.rglob("*.yml"), *models.rglob("*.yaml"))):
        if "_contracts" in path.relative_to(models).parts:
            continue
        document = _yaml(path)
        for entry in document.get("models") or ():
            contract = project.contracts.by_model(str(entry.get("name")))
            if contract:
                yield (
                    str(path),
                    f"model {entry['name']} is described by its contract; move what is said here "
                    f"to {output.near(contract.path)} (unit tests may stay).",
                )
        for entry in document.get("sources") or ():
            if entry.get("name") in schemas:
                yield (
                    str(path),
                    f"source {entry['name']} is generated from contracts; remove it here.",
                )


def _yaml(path: Path) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
    except yaml.YAMLError:
        return {}  # dbt says it better
    return found if isinstance(found, dict) else {}


def unsaid(part: Any, name: str = "") -> Iterator[str]:
    """Where a document says TODO, in words such as `purpose` and `column sent_at`."""
    if isinstance(part, str) and part.startswith("TODO"):
        words = {"dataGranularityDescription": "what one row is"}
        yield words.get(name, name)
    elif isinstance(part, Mapping):
        for key, value in part.items():
            called = f"column {part['name']}" if key == "description" and "name" in part else key
            yield from unsaid(value, str(called))
    elif isinstance(part, list):
        for value in part:
            yield from unsaid(value, name)


def _dags(project: Project) -> Iterator[tuple[str, str]]:
    """DAG files keep to what all of them must; what only Airflow can see, tests of them do."""
    from headgate.orchestration.airflow import policy

    for finding in policy.check_folder(project.settings.root / "dags"):
        yield finding.place, finding.problem


def flows(project: Project, *, remarks: bool = False) -> Iterator[tuple[str, str]]:
    """Who takes over personal data, or what is classified higher, declares it or says how it ends."""
    from headgate.orchestration import personal_flow

    known = personal_flow.flows(project)
    yield from (personal_flow.remarks if remarks else personal_flow.findings)(known)


def _destinations(project: Project) -> Iterator[tuple[str, str]]:
    """Whoever is to be sent lineage can be sent it, as far as that can be told from here."""
    from headgate.orchestration import forwarding_lineage

    yield from forwarding_lineage.findings(project.settings)


def _reference(project: Project) -> Iterator[tuple[str, str]]:
    """Generated pages say what the code does now."""
    from headgate.cli import reference

    folder = project.settings.root / "docs" / "reference"
    if folder.is_dir():
        for path in reference.stale(folder):
            yield str(path), "not what the code says now. Run: make docs"


CHECKS: dict[str, Callable[[Project], Iterator[tuple[str, str]]]] = {
    "properties": _properties,
    "sources": _sources,
    "rules": _rules,
    "examples": _examples,
    "models": _models,
    "queries": _queries,
    "transforms": _transforms,
    "flows": flows,
    "schedules": _schedules,
    "patches": _patches,
    "owners": _owners,
    "destinations": _destinations,
    "dags": _dags,
    "reference": _reference,
}
