"""Judging a whole table: every count in one scan, and a query each for what no scan can count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb

from headgate.contracts.model import Contract, Rule
from headgate.contracts.wording import expectation
from headgate.core import resources
from headgate.core.errors import ContractError
from headgate.lake.engines import FAILED
from headgate.quality import kinds
from headgate.quality.kind import Measured, TableKind
from headgate.quality.literals import number, quoted
from headgate.quality.predicates import CompiledRule, compile_row_rules
from headgate.quality.verdict import NO_ANSWER, RuleResult

_ONE: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    "mustBe": lambda found, value: found == value,
    "mustNotBe": lambda found, value: found != value,
    "mustBeGreaterThan": lambda found, value: found > value,
    "mustBeGreaterOrEqualTo": lambda found, value: found >= value,
    "mustBeLessThan": lambda found, value: found < value,
    "mustBeLessOrEqualTo": lambda found, value: found <= value,
}
_TWO: Mapping[str, Callable[[Fraction, Fraction, Fraction], bool]] = {
    "mustBeBetween": lambda found, low, high: low <= found <= high,
    "mustNotBeBetween": lambda found, low, high: not low <= found <= high,
}


@dataclass(frozen=True)
class Growth:
    """What a candidate table has beyond one that was judged by the same contract: ``added``, an SQL
    relation of the files that came, and the ids of the rules that no row of it broke (``clean``)."""

    added: str
    clean: frozenset[str]


def compile_table_rules(contract: Contract) -> tuple[tuple[Rule, TableKind, str], ...]:
    """The contract's table rules, each with its kind and its SQL (an aggregate, or a query).

    A kind that judges by itself has none.

    Raises:
        ContractError: a rule cannot be judged; its place is named.
    """
    compiled = []
    for rule in contract.table_rules:
        kind = kinds.table_kind(rule)
        if kind.own:
            kind.own.check(rule, contract)
            compiled.append((rule, kind, ""))
            continue
        make = kind.aggregate or kind.query
        assert make is not None, kind.name
        _passes(rule, Fraction(0))
        if rule.arguments.get("unit") == "percent" and not kind.counts_rows:
            raise ContractError(
                f"rule {rule.id!r}: {rule.kind} counts no share of rows, so it has no percent.",
                remedy="Leave unit out.",
                place=rule.place,
            )
        compiled.append((rule, kind, make(rule, contract)))
    return tuple(compiled)


def judge_table(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    relation: str,
    *,
    own_rows: int = 1_000_000,
    growth: Growth | None = None,
) -> tuple[RuleResult, ...]:
    """What each table rule finds in ``relation``, an SQL relation of the whole candidate table.

    A rule whose SQL fails on the data is broken, and its ``detail`` says why. ``own_rows`` is
    the number of rows beyond which a kind that judges outside the engine declines. With ``growth``
    the outcome is the same, and rules that compare rows are asked of what was added only.

    Raises:
        ContractError: a rule cannot be judged; its place is named.
    """
    compiled = compile_table_rules(contract)
    if not compiled:
        return ()
    counted = {rule.id: sql for rule, kind, sql in compiled if kind.aggregate}
    row = _row(con, f"SELECT {', '.join(['count(*)', *counted.values()])} FROM {relation}")
    rows, found = int(row[0]), dict(zip(counted, row[1:], strict=True))
    results = []
    for rule, kind, sql in compiled:
        detail = ""
        if kind.own:
            measured = kind.own.judge(con, rule, contract, relation, own_rows)
            results.append(_judged(rule, measured))
            continue
        if not kind.aggregate:
            found[rule.id], detail = _asked(con, sql, _beside(rule, kind, relation, growth))
        results.append(_result(rule, kind, found[rule.id], rows, detail))
    return tuple(results)


def _beside(rule: Rule, kind: TableKind, relation: str, growth: Growth | None) -> str:
    """The rows of ``relation`` among which some may break the rule."""
    if growth is None or not kind.compares_rows or rule.id not in growth.clean:
        return relation
    columns = [quoted(str(c)) for c in rule.arguments["columns"]]
    same = " AND ".join(f"t.{c} = a.{c}" for c in columns)
    return f"(SELECT t.* FROM {relation} AS t SEMI JOIN {growth.added} AS a ON {same})"


def judge_warn_rows(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    relation: str,
    parents: Mapping[str, str],
) -> tuple[RuleResult, ...]:
    """What each row rule of severity warn finds in ``relation``, all in one scan.

    ``parents`` is as for :func:`headgate.quality.predicates.compile_row_rules`.

    Raises:
        ContractError: a rule cannot be judged; its place is named.
    """
    if not any(r.severity == "warn" for r in contract.row_rules):
        return ()
    warned = [r for r in compile_row_rules(contract, parents=parents) if r.rule.severity == "warn"]
    return count_breaches(con, warned, relation)


def count_breaches(
    con: duckdb.DuckDBPyConnection, rules: Sequence[CompiledRule], relation: str
) -> tuple[RuleResult, ...]:
    """What each of the row rules finds in ``relation``, all in one scan."""
    if not rules:
        return ()
    # Conditions with subqueries cannot stand inside an aggregate, hence the inner select.
    judged = ", ".join(f"({r.holds}) AS h{i}" for i, r in enumerate(rules))
    counts = ", ".join(f"count(*) FILTER (WHERE NOT h{i})" for i in range(len(rules)))
    rows, *broken = _row(con, f"SELECT count(*), {counts} FROM (SELECT {judged} FROM {relation})")
    return tuple(
        row_result(r.rule, breaches, rows) for r, breaches in zip(rules, broken, strict=True)
    )


def row_result(rule: Rule, breaches: int, rows: int) -> RuleResult:
    """What a row rule found: so many of ``rows`` rows break it."""
    return RuleResult(
        rule_id=rule.id,
        kind=rule.kind,
        severity=rule.severity,
        column=rule.column,
        scope="row",
        passed=breaches == 0,
        breaches=breaches,
        observed=f"{breaches} of {rows} rows",
        expected=expectation(rule),
    )


def _row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    # Read to its end: an open result would keep the connection from other work.
    rows = con.execute(sql).fetchall()
    row = rows[0] if rows else None
    assert row is not None
    return row


def _asked(con: duckdb.DuckDBPyConnection, sql: str, relation: str) -> tuple[Fraction | None, str]:
    """The one number that a query gives, or None and why there is none."""
    query = sql.replace("{table}", "headgate_candidate")
    try:
        found = con.execute(
            f"WITH headgate_candidate AS NOT MATERIALIZED (SELECT * FROM {relation})"
            f" SELECT * FROM ({query}\n) LIMIT 2"
        ).fetchall()
    except FAILED as error:
        gave_out = resources.of(error)
        if gave_out is not None:
            raise gave_out from error
        return None, " ".join(str(error).partition("\n")[0].split())
    if len(found) != 1 or len(found[0]) != 1:
        return None, f"The query gives {len(found)} rows, not one number."
    value = found[0][0]
    try:
        if isinstance(value, bool | int | float | Decimal):
            return Fraction(value), ""
    except (ValueError, OverflowError):
        pass
    return None, f"The query gives {value!r}, which is no number."


def _result(rule: Rule, kind: TableKind, found: Any, rows: int, detail: str) -> RuleResult:
    passed, observed, breaches = False, f"{NO_ANSWER}{detail}", 1
    if found is not None:
        measured = Fraction(found)
        percent = rule.arguments.get("unit") == "percent"
        if percent:
            measured = measured * 100 / rows if rows else Fraction(0)
        passed = _passes(rule, measured)
        breaches = int(found) if kind.counts_rows else int(not passed)
        observed = _told(Fraction(found))
        if kind.counts_rows:
            observed += f" of {rows} rows" + (f" ({_told(measured)}%)" if percent else "")
    return RuleResult(
        rule_id=rule.id,
        kind=rule.kind,
        severity=rule.severity,
        column=rule.column,
        scope="table",
        passed=passed,
        breaches=breaches,
        observed=observed,
        expected=expectation(rule),
        detail=detail,
    )


def _judged(rule: Rule, found: Measured) -> RuleResult:
    return RuleResult(
        rule.id, rule.kind, rule.severity, rule.column, "table", found.passed, found.breaches,
        found.observed, expectation(rule), found.detail,
    )  # fmt: skip


def _told(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.6g}"


def _passes(rule: Rule, measured: Fraction) -> bool:
    """Whether the number compares as the rule demands; `unique` demands none.

    Raises:
        ContractError: the rule compares with something that is no number.
    """
    operator, value = rule.arguments.get("operator", "mustBe"), rule.arguments.get("value", 0)
    if operator in _ONE:
        return _ONE[operator](
            measured, number(int(value) if value in (True, False) else value, rule)
        )
    if operator in _TWO and isinstance(value, list | tuple) and len(value) == 2:
        low, high = (number(v, rule) for v in value)
        return _TWO[operator](measured, low, high)
    raise ContractError(
        f"rule {rule.id!r}: nothing can be compared by {operator!r} with {value!r}.",
        remedy=f"Use one of {', '.join([*_ONE, *_TWO])}.",
        place=rule.place,
    )
