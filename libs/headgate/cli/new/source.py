"""Drafting a source: columns, types and examples as a sample file has them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from headgate.cli.new import draft
from headgate.cli.new import sample as samples
from headgate.cli.new.draft import DraftColumn
from headgate.contracts.names import DatasetName
from headgate.core import json as hjson
from headgate.core.errors import UsageError
from headgate.orchestration.project import Project

_DATE = re.compile(r"^\d{4}-\d\d-\d\d$")
_INSTANT = re.compile(r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)$")
#: A source that nobody has seen yet, to start from.
_NOTHING_SEEN = [
    {"id": "a1", "occurred_at": "2024-05-01T09:30:00Z", "text": "what came with the first"},
    {"id": "a2", "occurred_at": "2024-05-01T09:31:00Z", "text": "what came with the second"},
]


def write(
    project: Project,
    dataset: str,
    *,
    sample: Path | None,
    path: str,
    key: Sequence[str],
    owner: str,
) -> list[Path]:
    """Write the contract and both example files; gives their paths.

    Raises:
        UsageError: the name is taken or is no bronze dataset, the sample cannot be read, or no
            column of it can be the key.
    """
    name = DatasetName.parse(dataset)
    if name.layer != "bronze":
        raise UsageError(
            f"a source lands in bronze, not in {name.layer}.",
            remedy=f"Write bronze.{name.domain}.{name.name}.",
        )
    folder = draft.folder_of(project, name)
    seen = samples.read(sample) if sample else samples.Sample(_NOTHING_SEEN, {"format": "jsonl"})
    records = seen.records
    columns = columns_of(records, seen.kinds)
    rows = [{c.name: record.get(c.field) for c in columns} for record in records]
    chosen = list(key) or _identifying(columns, rows, dataset)
    draft.set_key(columns, chosen, dataset)
    document = draft.document(
        name,
        columns,
        purpose=f"{draft.words(name.name)} of {name.domain}, as they were delivered.",
        grain=f"One row is one record, identified by {' and '.join(chosen)}.",
        owner=owner,
        custom={"source": {**seen.source, **({"path": path} if path else {})}},
    )
    written = draft.write_contract(folder, document)
    return [written, *_examples(folder / "examples", columns, rows, chosen)]


def columns_of(records: Iterable[Mapping[str, Any]], kinds: Mapping[str, str]) -> list[DraftColumn]:
    """A column for each field, in the order in which the fields are met; ``kinds`` are types that
    are known already."""
    values: dict[str, list[Any]] = {}
    count = 0
    for record in records:
        count += 1
        for name, value in record.items():
            values.setdefault(name, []).append(value)
    columns = []
    for name, found in values.items():
        present = [v for v in found if v is not None]
        column = DraftColumn(draft.snake(name), kinds.get(name) or type_of(present), field=name)
        column.required = len(present) == count
        if column.type == "string":
            column.options = {"maxLength": _roomy(max((len(v) for v in present), default=0))}
        columns.append(column)
    return columns


def type_of(values: Sequence[Any]) -> str:
    """The narrowest column type that holds all values; ``json`` if no other does."""
    kinds = {_kind(value) for value in values}
    if not kinds:
        return "string"
    if kinds <= {"long", "double"}:
        return "double" if "double" in kinds else "long"
    if kinds <= {"date", "timestamp", "string"}:
        return kinds.pop() if len(kinds) == 1 else "string"
    if kinds == {"array"}:
        inner = type_of([v for value in values for v in value])
        return f"array<{inner}>" if inner in ("string", "long", "double", "boolean") else "json"
    return kinds.pop() if len(kinds) == 1 and kinds <= {"boolean", "timestamp"} else "json"


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "long" if -(2**63) <= value < 2**63 else "double"
    if isinstance(value, float):
        return "double"
    if isinstance(value, list):
        return "array"
    if isinstance(value, str):
        if _DATE.match(value):
            return "date"
        return "timestamp" if _INSTANT.match(value) else "string"
    name = type(value).__name__
    return {"datetime": "timestamp", "date": "date", "Decimal": "double"}.get(name, "json")


def _roomy(length: int) -> int:
    """A limit well above what was seen."""
    return next(limit for limit in (100, 500, 2_000, 10_000, 100_000, 2**31) if limit >= 4 * length)


def _identifying(
    columns: Sequence[DraftColumn], rows: Sequence[Mapping[str, Any]], dataset: str
) -> list[str]:
    """The column, or else pair of columns, that tells all rows apart; ids are preferred."""
    usable = [c.name for c in columns if c.required and c.type in ("string", "long", "timestamp")]
    usable.sort(key=lambda n: (n != "id", not n.endswith("_id"), draft.about_people(n)))
    for size in (1, 2):
        for names in itertools.combinations(usable, size):
            if len({tuple(str(row[n]) for n in names) for row in rows}) == len(rows):
                return list(names)
    raise UsageError(
        f"no column of the sample tells the rows of {dataset} apart.",
        remedy=f"Give --key; columns: {', '.join(c.name for c in columns)}.",
    )


def _examples(
    folder: Path,
    columns: Sequence[DraftColumn],
    rows: Sequence[Mapping[str, Any]],
    key: Sequence[str],
) -> list[Path]:
    """Rows that must pass (from the sample) and rows that must fail, with the rules they break."""
    folder.mkdir(parents=True, exist_ok=True)
    good = rows[0]
    broken = [{"row": {**good, key[0]: None}, "breaks": [f"{key[0]}.required"]}]
    for column in columns:
        limit = column.options.get("maxLength", 0)
        if 0 < limit <= 500 and column.name not in key:
            row = {**good, column.name: "x" * (limit + 1)}
            broken.append({"row": row, "breaks": [f"{column.name}.max_length"]})
            break
    files = {"valid.jsonl": rows[:3], "invalid.jsonl": broken}
    for name, found in files.items():
        (folder / name).write_text("".join(hjson.dumps(row) + "\n" for row in found), "utf-8")
    return [folder / name for name in files]
