"""What Spark will refuse of contracts: rules, the columns that merges go by, streams."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress

from headgate.contracts.model import Contract, Rule
from headgate.core.errors import HeadgateError
from headgate.ingest.streams.source import PULSAR_TOPICS
from headgate.lake.engines import statements
from headgate.lake.engines.duckdb import equal, identifier, identifiers
from headgate.orchestration.project import Project
from headgate.orchestration.spark.foretelling.asked import Asked, Finding, refusals
from headgate.quality import predicates, table_rules
from headgate.quality.kind import TableKind
from headgate.quality.predicates import CompiledRule

_ROWS = "headgate_rows"
_CANDIDATE = "headgate_candidate"
_KEEP = "Keep the dataset on the engine duckdb (headgate.engine: duckdb)."


def findings(project: Project, contracts: Collection[Contract]) -> Iterator[Finding]:
    """What Spark cannot be made to do for datasets apart from their models: rules, merges, streams.

    What is wrong on any engine is not told here.
    """
    asked = {c.id: [*_rules(project, c), *_merges(c)] for c in contracts}
    statements.parse_ahead({a.query for of in asked.values() for a in of})
    for contract in contracts:
        for each in asked[contract.id]:
            yield from refusals(each)
        yield from _taken(contract)


def _rules(project: Project, contract: Contract) -> Iterator[Asked]:
    """What the gate asks."""
    rows: dict[str, Mapping[str, str]] = {_ROWS: contract.table_columns}
    parents: dict[str, str] = {}
    for rule in contract.row_rules:
        if rule.kind == "foreign_key":
            parents[rule.id] = f"headgate_parent_{len(parents)}"
            rows[parents[rule.id]] = _keys(project, contract, rule)
    for compiled in _compiled(contract, parents):
        what = f"rule {compiled.rule.id!r}: "
        yield Asked(_held(compiled.holds), rows, compiled.rule.place, what)
    for rule, kind, sql in _compiled_of_table(contract):
        if sql:  # else no engine judges it
            query = f"SELECT {sql} FROM {{table}}" if kind.aggregate else sql
            table = {_CANDIDATE: contract.table_columns}
            query = query.replace("{table}", _CANDIDATE)
            yield Asked(query, table, rule.place, f"rule {rule.id!r}: ")


def _held(condition: str) -> str:
    return f"SELECT ({condition}\n) AS held FROM {_ROWS}"


def _compiled(contract: Contract, parents: Mapping[str, str]) -> Sequence[CompiledRule]:
    with suppress(HeadgateError):
        return predicates.compile_row_rules(contract, parents=parents)
    return ()


def _compiled_of_table(contract: Contract) -> Sequence[tuple[Rule, TableKind, str]]:
    with suppress(HeadgateError):
        return table_rules.compile_table_rules(contract)
    return ()


def _keys(project: Project, contract: Contract, rule: Rule) -> Mapping[str, str]:
    """The types of the keys that a foreign key refers to; of what refers, if nobody describes them."""
    parent = project.contracts.get(str(rule.arguments["parent"]))
    theirs = parent.table_columns if parent else {}
    pairs = zip(rule.arguments["columns"], rule.arguments["parent_columns"], strict=False)
    return {
        f"k{at}": theirs.get(str(their), contract.table_columns.get(str(our), "string"))
        for at, (our, their) in enumerate(pairs)
    }


def _merges(contract: Contract) -> Iterator[Asked]:
    """What merges, repeated keys and incremental builds ask of the columns that they go by."""
    rows, place = {_ROWS: contract.table_columns}, str(contract.path)
    for key in contract.key:
        name = identifier(key)
        same = f"{_ROWS} AS t JOIN {_ROWS} AS i ON {equal([key], 'i', 't')}"
        query = f"SELECT min(t.{name}), max(t.{name}) FROM {same}"
        yield Asked(query, rows, place, f"its key {key}: ")
    if contract.order_column:
        order, at = identifier(contract.order_column), f"{place}#/customProperties/headgate."
        newest = f"max({order}) OVER (PARTITION BY {identifiers(contract.key)})"
        query = f"SELECT {order} < newest FROM (SELECT *, {newest} AS newest FROM {_ROWS})"
        yield Asked(query, rows, f"{at}orderColumn", f"its order by {contract.order_column}: ")
    if contract.unit_of_change:
        unit, at = contract.unit_of_change, f"{place}#/customProperties/headgate.unitOfChange"
        query = f"SELECT {identifier(unit)}::VARCHAR FROM {_ROWS}"
        yield Asked(query, rows, at, f"its unit of change {unit}: ")
    dead = _tombstone(contract)
    if dead is not None:
        at = f"{place}#/customProperties/headgate.delivery/tombstone"
        yield Asked(_held(dead), rows, at, "its tombstone: ")


def _tombstone(contract: Contract) -> str | None:
    with suppress(HeadgateError):
        return predicates.tombstone(contract)
    return None


def _taken(contract: Contract) -> Iterator[Finding]:
    """What only the embedded engine takes."""
    stream = contract.stream
    if stream and stream.topic.startswith(PULSAR_TOPICS):
        at = f"{contract.path}#/customProperties/headgate.stream"
        yield at, f"{stream.topic} is Pulsar's, and Spark takes topics of Kafka. {_KEEP}"


def remarks(contracts: Collection[Contract]) -> Iterator[Finding]:
    """What runs do on Spark, and not all else."""
    for contract in contracts:
        if contract.live:
            at = f"{contract.path}#/customProperties/headgate.live"
            yield at, f"a run builds it on Spark, and `headgate live` does not count there. {_KEEP}"
