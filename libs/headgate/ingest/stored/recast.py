"""Stored rows in other columns and types: what is cast without loss, and which values cannot be."""

from __future__ import annotations

from collections.abc import Mapping

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.ingest.casts import DATES, INSTANTS, Cast, lossless
from headgate.ingest.stored import rows as stored
from headgate.lake.engines.duckdb import identifier, literal
from headgate.lake.snapshot import Snapshot

_WHOLE = "regexp_full_match({x}, '[+-]?[0-9]+')"
_NUMBER = r"regexp_full_match({x}, '[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?')"
_INSTANT = (
    r"regexp_full_match({x}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt ][0-9]{{2}}:[0-9]{{2}}"
    r"(:[0-9]{{2}}(\.[0-9]{{1,6}})?)?([Zz]|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?')"
)


def query(contract: Contract, base: Snapshot, renamed: Mapping[str, str]) -> str:
    """SQL for the table's rows as the contract has them.

    It gives the contract's columns, ``_unfit`` (those whose stored value the new type cannot hold;
    it is NULL there) and ``_raw`` (the row as it was, for such rows alone).
    """
    before = {new: old for old, new in renamed.items()}
    values, unfit, raw = [], [], {}
    for name, kind in contract.table_columns.items():
        old = before.get(name, name)
        if old not in base.columns:
            values.append(f"NULL::{types.duckdb_type(kind)} AS {identifier(name)}")
            continue
        x = identifier(old)
        cast = between(base.columns[old], kind)
        value = cast.value.format(x=x)
        if cast.guard:
            holds = f"coalesce({cast.guard.format(x=x, v=f'({value})')}, FALSE)"
            value = f"CASE WHEN {holds} THEN {value} END"
            unfit.append(f"CASE WHEN {x} IS NOT NULL AND NOT {holds} THEN {literal(name)} END")
        values.append(f"{value} AS {identifier(name)}")
        if name == "_rescued" or not name.startswith("_"):
            raw[name] = (x, base.columns[old])
    found = f"list_filter([{', '.join(unfit)}]::VARCHAR[], lambda name: name IS NOT NULL)"
    text = f"CASE WHEN len(_unfit) > 0 THEN {stored.raw_sql(raw)} END AS _raw"
    rows = f"(SELECT *, {found} AS _unfit FROM {base.relation()})"
    return f"SELECT {', '.join(values)}, _unfit, {text} FROM {rows}"


def between(old: str, new: str) -> Cast:
    """How a stored value of the column type ``old`` becomes one of type ``new``.

    The guard ranges over ``{x}`` and ``{v}``; what it does not hold for cannot be cast.
    """
    target = types.duckdb_type(new)
    if new == "json" and old in ("string", "json"):
        return Cast("{x}", "json_valid({x})")
    if types.duckdb_type(old) == target:
        return Cast("{x}")
    if new == "string":
        return _to_text(old)
    if new == "json":
        return Cast("to_json({x})::VARCHAR")
    if old in ("string", "json"):
        return _from_text(new, target)
    if (old, new) == ("date", "timestamp"):
        return Cast("{x}::TIMESTAMPTZ")
    if (old, new) == ("timestamp", "date"):
        return Cast("{x}::DATE", "{v}::TIMESTAMPTZ = {x}")
    known = lossless(types.duckdb_type(old).replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"), new)
    if known is not None:
        return known
    back = types.duckdb_type(old)
    return Cast(f"TRY_CAST({{x}} AS {target})", f"TRY_CAST({{v}} AS {back}) = {{x}}")


def _to_text(old: str) -> Cast:
    if old == "timestamp":
        return Cast("strftime({x}, '%Y-%m-%dT%H:%M:%S.%fZ')")
    if types.element(old):
        return Cast("to_json({x})::VARCHAR")
    return Cast("{x}::VARCHAR")


def _from_text(new: str, target: str) -> Cast:
    """A text that says the value in full, in the form that sources have."""
    value, decimal = f"TRY_CAST({{x}} AS {target})", types.decimal_of(new)
    if new in ("integer", "long"):
        return Cast(value, f"{_WHOLE} AND {{v}} IS NOT NULL")
    if decimal:
        exact = rf"regexp_full_match({{x}}, '[+-]?[0-9]+(\.[0-9]{{{{0,{decimal[1]}}}}}0*)?')"
        return Cast(value, f"{exact} AND {{v}} IS NOT NULL")
    if new == "double":
        short = "len(regexp_replace({x}, '[^0-9]', '', 'g')) <= 15"
        return Cast(value, f"{_NUMBER} AND isfinite({{v}}) AND ({short} OR {{v}}::VARCHAR = {{x}})")
    if new == "boolean":
        return Cast("{x} = 'true'", "{x} IN ('true', 'false')")
    if new == "date":
        form = "regexp_full_match({x}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}')"
        return Cast(value, f"{form} AND {{v}} BETWEEN {DATES}")
    if new == "timestamp":
        return Cast(value, f"{_INSTANT} AND {{v}} BETWEEN {INSTANTS}")
    return Cast(f"NULL::{target}", "FALSE")
