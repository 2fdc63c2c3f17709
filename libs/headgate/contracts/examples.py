"""A contract's examples: rows that must pass, and rows that must fail with the rules they break."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.core import json as hjson
from headgate.core.errors import ContractError

VALID, INVALID = "valid.jsonl", "invalid.jsonl"
_WHOLE = {"integer": 2**31, "long": 2**63}


@dataclass(frozen=True)
class Example:
    """One example row, typed as the contract's columns are; all columns are there.

    ``place`` is file and line; ``breaks`` are the ids of the rules that it must break, none for a
    row that must pass.
    """

    place: str
    row: Mapping[str, Any]
    breaks: tuple[str, ...] = ()


def load(contract: Contract) -> tuple[Example, ...]:
    """Every example of the contract, those that must pass first.

    A row names columns, or the source's fields. Columns it leaves out are NULL.

    Raises:
        ContractError: a file is missing or empty, or a line is no example; its place is named.
    """
    return tuple(
        example
        for name in (VALID, INVALID)
        for example in _file(contract, contract.examples_path / name)
    )


def _file(contract: Contract, path: Path) -> Iterator[Example]:
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(f"cannot be read: {error}.", place=str(path)) from None
    if not any(lines):
        raise ContractError("there are no examples.", remedy="Add some.", place=str(path))
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _example(contract, line, f"{path}:{number}", path.name == INVALID)


def _example(contract: Contract, line: str, place: str, invalid: bool) -> Example:
    try:
        given = hjson.loads_strict(line)
    except ValueError as error:
        raise ContractError(f"not JSON: {error}.", place=place) from None
    if not invalid:
        return Example(place, _row(contract, given, place))
    breaks = given.get("breaks") if isinstance(given, dict) else None
    if not isinstance(given, dict) or given.keys() != {"row", "breaks"} or not breaks:
        raise ContractError(
            "this is no example of a bad row.",
            remedy='Write {"row": {…}, "breaks": ["rule id", …]}.',
            place=place,
        )
    return Example(place, _row(contract, given["row"], place), tuple(map(str, breaks)))


def _row(contract: Contract, given: Any, place: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise ContractError("a row is a JSON object.", place=place)
    fields = {c.field: c.name for c in contract.columns}
    row: dict[str, Any] = dict.fromkeys(contract.table_columns)
    for key, value in given.items():
        name = key if key in row else fields.get(key)
        if name is None:
            raise ContractError(f"{contract.id} has no column {key!r}.", place=place)
        kind = contract.table_columns[name]
        try:
            row[name] = typed(value, kind)
        except ValueError:
            raise ContractError(
                f"column {name!r}: expected {kind}, got {value!r}.", place=place
            ) from None
    return row


def typed(value: Any, kind: str) -> Any:
    """A value of strict JSON as Python has values of the column type ``kind``.

    Raises:
        ValueError: the type has no such value.
    """
    inner, places = types.element(kind), types.decimal_of(kind)
    if value is None:
        return None
    if inner and isinstance(value, list):
        return [typed(v, inner) for v in value]
    if kind == "json":
        return value if isinstance(value, str) else hjson.dumps(value)
    if kind == "string" and isinstance(value, str):
        return value
    if kind == "boolean" and isinstance(value, bool):
        return value
    if kind == "date" and isinstance(value, str):
        return dt.date.fromisoformat(value)
    if kind == "timestamp" and isinstance(value, str):
        found = dt.datetime.fromisoformat(value)
        return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        if kind == "double" and math.isfinite(float(value)):
            return float(value)
        if kind in _WHOLE and -_WHOLE[kind] <= value < _WHOLE[kind] and value == int(value):
            return int(value)
        if places:
            return _decimal(Decimal(value), *places)
    raise ValueError(value)


def _decimal(value: Decimal, precision: int, scale: int) -> Decimal:
    try:
        fitted = value.quantize(Decimal(1).scaleb(-scale))
    except InvalidOperation:
        raise ValueError(value) from None
    if fitted != value or len(fitted.as_tuple().digits) > precision:
        raise ValueError(value)
    return fitted
