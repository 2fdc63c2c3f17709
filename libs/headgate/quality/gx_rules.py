"""Rules that Great Expectations judges itself, by its pandas engine, on the columns they need."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import duckdb

from headgate.contracts import gx
from headgate.contracts.model import Contract, Rule
from headgate.contracts.types import decimal_of
from headgate.core.errors import ContractError
from headgate.quality import gx_library
from headgate.quality.kind import Measured
from headgate.quality.literals import quoted
from headgate.quality.verdict import NO_ANSWER

#: The arguments of expectations that name a column, or several.
_COLUMN_KEYS = ("column", "column_A", "column_B")
_LIST_KEY = "column_list"
#: What a row condition may consist of.
_COMPARING = (
    ast.Expression, ast.BoolOp, ast.boolop, ast.UnaryOp, ast.unaryop, ast.BinOp, ast.operator,
    ast.Compare, ast.cmpop, ast.Name, ast.Constant, ast.List, ast.Tuple, ast.Load,
)  # fmt: skip
#: Breaching values that a result tells.
_EXAMPLES = 5
_LONGEST_EXAMPLE = 60


def check(rule: Rule, contract: Contract) -> None:
    """Hold a rule against Great Expectations' own schema of the expectation that it names.

    Raises:
        ContractError: no such expectation, arguments that it does not take, a column that the
            contract lacks, an expectation that needs a database, or a row condition that does
            more than compare.
        UsageError: Great Expectations is not installed.
    """
    _check_row_condition(rule)
    _expectation(rule)
    for name in _named(rule):
        if name not in contract.table_columns:
            raise _wrong(rule, f"{contract.id} has no column {name!r}")


def judge(
    con: duckdb.DuckDBPyConnection, rule: Rule, contract: Contract, relation: str, most: int
) -> Measured:
    """What Great Expectations finds in the relation; an exception breaks the rule, and is told.

    A relation of more than ``most`` rows is not loaded, and breaks the rule.
    """
    row = con.execute(f"SELECT count(*) FROM {relation}").fetchall()[0]
    if row[0] > most:
        why = (
            f"the table has {row[0]:,} rows, and Great Expectations loads at most {most:,} "
            "into memory; raise gx_max_rows, or write the rule as sql"
        )
        return Measured(False, 1, f"{NO_ANSWER}{why}", why)
    frame = _frame(con, contract, relation, _columns(rule, contract))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        batch = _whole().get_batch({"dataframe": frame})
        found = batch.validate(
            _expectation(rule),
            result_format={"result_format": "SUMMARY", "partial_unexpected_count": _EXAMPLES},
        )
    broken = _exception(found.exception_info)
    if broken:
        return Measured(False, 1, f"{NO_ANSWER}{broken}", broken)
    return _measured(bool(found.success), dict(found.result), _shown(rule, contract))


def _expectation(rule: Rule) -> Any:
    """The rule's expectation, made by the library."""
    name, kwargs = rule.arguments.get("type"), rule.arguments.get("kwargs", {})
    if not isinstance(name, str) or not isinstance(kwargs, Mapping):
        raise _wrong(rule, "it needs a type (the expectation's name) and kwargs (a mapping)")
    gx_library.library()
    from great_expectations.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.registry import get_expectation_impl

    try:
        made = get_expectation_impl(gx.snake(name))
    except ExpectationNotFoundError:
        raise _wrong(rule, f"Great Expectations has no expectation {name!r}") from None
    if not _takes_frames(made):
        raise _wrong(rule, f"{gx.snake(name)} needs a database; write it as a rule of type sql")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return made(**kwargs)
    except ValueError as error:  # pydantic's is one
        raise _wrong(
            rule, f"{gx.snake(name)} does not take these kwargs: {_first(error)}"
        ) from None


def _check_row_condition(rule: Rule) -> None:
    """pandas evaluates a row condition as Python: it may compare columns, and call nothing."""
    condition = rule.arguments.get("kwargs", {}).get("row_condition")
    if not isinstance(condition, str):
        return
    try:
        # Names that are no Python names stand in backticks.
        tree = ast.parse(re.sub(r"`[^`]*`", "column", condition.strip()), mode="eval")
        beyond = [n for n in ast.walk(tree) if not isinstance(n, _COMPARING) and not _is_col(n)]
    except (SyntaxError, ValueError, RecursionError):
        raise _wrong(rule, f"row_condition {condition!r} is no comparison of columns") from None
    if beyond:
        raise _wrong(rule, f"row_condition {condition!r} does more than compare columns")


def _is_col(node: ast.AST) -> bool:
    """Whether it is ``col("name")``, as Great Expectations' own conditions name a column."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "col"
        and all(isinstance(a, ast.Constant) for a in node.args)
        and not node.keywords
    )


@lru_cache(maxsize=128)
def _takes_frames(made: Any) -> bool:
    said = made.schema()["properties"].get("metadata", {}).get("properties", {})
    return "Pandas" in said.get("supported_data_sources", {}).get("const", ["Pandas"])


def _first(error: ValueError) -> str:
    listed: Any = getattr(error, "errors", lambda: [])()
    if not listed:
        return " ".join(str(error).split())[:200]
    where = ".".join(str(part) for part in listed[0]["loc"])
    return f"{where}: {listed[0]['msg']}"


def _named(rule: Rule) -> list[str]:
    kwargs = rule.arguments.get("kwargs", {})
    listed = kwargs.get(_LIST_KEY)
    single = [kwargs[k] for k in _COLUMN_KEYS if isinstance(kwargs.get(k), str)]
    return list(dict.fromkeys([*single, *(listed if isinstance(listed, list | tuple) else ())]))


def _columns(rule: Rule, contract: Contract) -> list[str]:
    """The columns that the rule needs; all of them if it names none or has a condition."""
    named = _named(rule)
    if not named or rule.arguments["kwargs"].get("row_condition"):
        return list(contract.table_columns)
    return named


def _shown(rule: Rule, contract: Contract) -> bool:
    """Whether values may be told: none of the columns holds personal data."""
    described = {c.name: c for c in contract.columns}
    return not any(described[c].personal for c in _columns(rule, contract) if c in described)


def _frame(
    con: duckdb.DuckDBPyConnection, contract: Contract, relation: str, columns: list[str]
) -> Any:
    """A pandas frame: NULL stays apart from NaN, whole numbers stay whole, decimals are floats.

    Expectations of several columns cannot compare with pandas' NULL, so they get its NaN instead,
    and whole numbers beside it as floats.
    """
    import pandas as pd
    import pyarrow as pa

    types: dict[Any, Any] = {
        pa.int64(): pd.Int64Dtype(),
        pa.int32(): pd.Int32Dtype(),
        pa.bool_(): pd.BooleanDtype(),
        pa.float64(): pd.Float64Dtype(),
    }
    if len(columns) > 1:
        types = {}
    selected = []
    for name in columns:
        # On Decimal objects its engine takes a minute for 100,000 rows.
        decimal = decimal_of(contract.table_columns[name])
        cast = f"CAST({quoted(name)} AS DOUBLE) AS {quoted(name)}" if decimal else quoted(name)
        selected.append(cast)
    found = con.sql(f"SELECT {', '.join(selected)} FROM {relation}").to_arrow_table()
    return found.to_pandas(types_mapper=types.get)


@lru_cache(maxsize=1)
def _whole() -> Any:
    """A batch definition for frames, in a context in memory."""
    source = gx_library.context().data_sources.add_pandas("candidate")
    return source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("whole")


def _exception(told: Any) -> str:
    """The first message of an ``exception_info``, which may be one or one for each metric."""
    entries = [told] if "raised_exception" in (told or {}) else list((told or {}).values())
    for entry in entries:
        if isinstance(entry, Mapping) and entry.get("raised_exception"):
            text = str(entry.get("exception_message") or "an exception without a message")
            return " ".join(text.split())[:300]
    return ""


def _measured(passed: bool, result: Mapping[str, Any], shown: bool) -> Measured:
    count = result.get("unexpected_count")
    if count is None:
        value = result.get("observed_value")
        told = None if value is None else _told(value)
        return Measured(passed, int(not passed), told)
    rows = result.get("element_count", 0)
    # With `mostly` a rule may pass although rows break it.
    breaches = int(count) if count else int(not passed)
    observed = f"{int(count)} of {int(rows)} rows"
    examples = [_told(v) for v in result.get("partial_unexpected_list") or ()]
    if examples and shown and not passed:
        observed += f", such as {', '.join(dict.fromkeys(examples))}"
    return Measured(passed, breaches, observed)


def _told(value: Any) -> str:
    plain = value.item() if hasattr(value, "item") else value
    text = " ".join(str(plain).split())
    return text if len(text) <= _LONGEST_EXAMPLE else text[: _LONGEST_EXAMPLE - 1] + "…"


def _wrong(rule: Rule, why: str) -> ContractError:
    return ContractError(
        f"rule {rule.id!r}: {why}.",
        remedy="The expectations: https://greatexpectations.io/expectations",
        place=rule.place,
    )
