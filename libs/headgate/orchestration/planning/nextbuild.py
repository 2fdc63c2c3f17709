"""One table's next build: whether it would fit, be refused, and how many rows it would touch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from headgate.contracts.fit import misfits
from headgate.contracts.model import Contract, Rule
from headgate.contracts.names import DatasetName
from headgate.core.errors import ContractError, HeadgateError
from headgate.lake import catalog
from headgate.lake.engines.duckdb import Connection, identifier, one
from headgate.lake.snapshot import Snapshot, relation
from headgate.orchestration.context import RunContext
from headgate.orchestration.dbt import builds
from headgate.orchestration.dbt.compile import Sources
from headgate.orchestration.planning.before import Code
from headgate.orchestration.planning.binding import EmptyTables
from headgate.orchestration.planning.plan import Influence
from headgate.quality.gate import share_limit
from headgate.quality.parents import parent_keys
from headgate.quality.predicates import CompiledRule, compile_row_rules, conjunction
from headgate.quality.table_rules import compile_table_rules, judge_table


@dataclass(frozen=True)
class NextBuild:
    """How a table is built next, as the run itself would decide it now; ``build`` is a model's."""

    contract: Contract
    code_hash: str
    inputs: Mapping[str, int]
    incremental: bool
    why: str
    build: builds.Build | None = None


def next_build(context: RunContext, sources: Sources, contract: Contract) -> NextBuild:
    """How the run that ``context`` is would build the table.

    Raises:
        ModelError: its code is wrong.
    """
    if contract.model:
        found = builds.plan(context, sources, [contract.model])[contract.model]
        return NextBuild(
            contract, found.code_hash, found.inputs, found.incremental, found.why, found
        )
    from headgate.orchestration import transforming  # brings Polars

    made = transforming.plan(context, contract)
    return NextBuild(contract, made.code_hash, made.inputs, made.incremental, made.why)


def unjudgeable(contract: Contract) -> str:
    """Why one of the contract's rules cannot be judged at all; empty if all can be."""
    try:
        compile_row_rules(contract)
        compile_table_rules(contract)
    except ContractError as error:
        return str(error)
    return ""


def misfit(context: RunContext, next_: NextBuild, code: Code, tables: EmptyTables) -> str:
    """Why the table's code does not fit what it reads or its contract; empty if it does."""
    import duckdb

    contract = next_.contract
    problem = code.wrong or unjudgeable(contract)
    if problem or code.sql is None:
        return problem
    try:
        # What the contract promises is told in the engine's words, as what the SQL gives is.
        tables.put(contract.id, contract.table_columns)
        wanted = tables.columns_of(f"FROM {contract.name.relation}", [contract.id])
        reads = {*code.inputs, contract.id}
        for dataset in reads:
            tables.put(dataset, _columns(context, dataset))
        given = tables.columns_of(code.sql[0], reads)
    except duckdb.Error as error:
        return str(error).splitlines()[0]
    told = misfits(given, wanted)
    return f"its SQL does not give the columns of its contract: {'; '.join(told)}" if told else ""


def refusal(
    context: RunContext,
    con: Connection,
    contract: Contract,
    table: Snapshot,
    unknown: frozenset[str] = frozenset(),
) -> str:
    """Why the rows that the table has now would be refused under today's contract, if so.

    ``unknown`` are columns whose values will be others: what is judged by them is left out.
    """
    columns = {**table.columns, **contract.table_columns}
    rows = relation(table.files, columns)
    try:
        parents = parent_keys(context.session, con, contract)
        rules = [
            r
            for r in compile_row_rules(contract, parents=parents)
            if not _about(f"{r.holds} {_said(r.rule)}", unknown)
        ]
        for rule in rules:
            broken = _breaking(con, rows, [rule]) if rule.rule.severity == "fail" else 0
            if broken:
                return f"{broken:,} of its rows break {rule.rule.id}"
        asides = [r for r in rules if r.rule.severity == "quarantine"]
        share = _breaking(con, rows, asides) / table.rows if table.rows else 0.0
        if share > share_limit(context.session, contract):
            return f"{share:.0%} of its rows would be set aside, which is too many"
        judged = {r.id for r in contract.table_rules if not _about(_said(r), unknown)}
        own_rows = context.session.settings.gx_max_rows
        for result in judge_table(con, contract, rows, own_rows=own_rows) if judged else ():
            if result.rule_id in judged and result.severity == "fail" and not result.passed:
                return f"{result.rule_id}: expected {result.expected}, found {result.observed}"
    except HeadgateError as error:
        return error.message
    return ""


def unsure(contract: Contract, influence: Influence) -> tuple[str, ...]:
    """The rules that judge what comes out otherwise, and let it not pass if they are broken."""
    columns = frozenset(influence.columns)
    return tuple(
        r.id
        for r in contract.rules
        if r.severity != "warn" and (influence.rows or _about(_said(r), columns))
    )


def _said(rule: Rule) -> str:
    return f"{rule.column} {rule.arguments}"


def _about(text: str, columns: frozenset[str]) -> bool:
    """Whether one of the columns may be meant there."""
    return any(re.search(rf"(?<!\w){re.escape(c)}(?!\w)", text) for c in columns)


def rows_touched(
    context: RunContext, con: Connection, next_: NextBuild, code: Code, table: Snapshot
) -> int | None:
    """The table's rows of the units that an incremental build replaces; None if only it can tell."""
    import duckdb

    if next_.build is None or code.sql is None or next_.contract.unit_of_change is None:
        return None
    try:
        for dataset in {*code.inputs, next_.contract.id}:
            name, found = DatasetName.parse(dataset), context.snapshot(dataset)
            rows = found.relation() if found else relation((), _columns(context, dataset))
            catalog.define_view(con, name, rows)
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {builds.SCHEMA}")
        builds.show_changed(con, context, next_.build)
        units, unit = (
            next_.build.scope(code.sql[1]),
            identifier(next_.contract.unit_of_change),
        )
        found_rows = table.relation([next_.contract.unit_of_change])
        query = f"SELECT count(*) FROM {found_rows} WHERE {unit} IN (SELECT {unit} FROM ({units}))"
        return int(one(con, query)[0])
    except (HeadgateError, duckdb.Error):
        return None


def _columns(context: RunContext, dataset: str) -> Mapping[str, str]:
    """A table's columns as the run would find them; of one that is not there, its contract's."""
    found = context.snapshot(dataset)
    return found.columns if found else context.project.contracts[dataset].table_columns


def _breaking(con: Connection, rows: str, rules: list[CompiledRule]) -> int:
    if not rules:
        return 0
    return int(one(con, f"SELECT count(*) FROM {rows} WHERE NOT ({conjunction(rules)})")[0])
