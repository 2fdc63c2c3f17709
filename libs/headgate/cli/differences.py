"""How rows that differ are told: to people as tables and sentences, to reviewers as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headgate.cli import output

if TYPE_CHECKING:
    from headgate.orchestration.comparing import Example, TableDifference
    from headgate.orchestration.row_differences import RowsDifference

#: Of an example, values longer than this are cut, and columns beyond so many are left out.
_LONG, _MANY = 60, 8
_COLUMNS = ("column", "rows", "became null", "was null", "least change", "median", "most")


def document(rows: RowsDifference) -> dict[str, Any]:
    """The difference as JSON has it."""
    plain: dict[str, Any] = output.plain(rows)
    return {**plain.pop("table"), **plain, "same": rows.table.same}


def show(rows: RowsDifference) -> None:
    """Print the difference for a person."""
    output.out(f"  rows of {rows.after} against {rows.before}: {summary(rows.table)}")
    for line in _shape(rows.table):
        output.out(f"  {line}")
    if rows.table.columns:
        output.table(_COLUMNS, _cells(rows.table))
    for kind, found in _by_kind(rows.table).items():
        output.out(f"  {kind}, for example:")
        for example in found:
            output.out(f"    {_told(example)}")
    for note in rows.notes:
        output.say(f"  {note}")


def markdown(rows: RowsDifference) -> str:
    """The difference as a part of a Markdown page."""
    parts = [f"Rows of {rows.after} against {rows.before}: {summary(rows.table)}"]
    shape = _shape(rows.table)
    parts += ["\n".join(f"- {line}" for line in shape)] if shape else []
    if rows.table.columns:
        lines = [_row(_COLUMNS), _row(["---"] + ["---:"] * (len(_COLUMNS) - 1))]
        lines += [_row([output.cell(v) for v in cells]) for cells in _cells(rows.table)]
        parts.append("\n".join(lines))
    for kind, found in _by_kind(rows.table).items():
        parts.append(f"{kind}, for example:")
        parts.append("\n".join(f"- {_escaped(_told(e))}" for e in found))
    parts += [f"_{note}_" for note in rows.notes]
    return "\n\n".join(parts)


def summary(table: TableDifference) -> str:
    """The whole difference in one sentence."""
    if table.same:
        return f"the same {table.rows_after:,} rows."
    counted = [
        f"{count:,} {what}"
        for count, what in (
            (table.added, "added"),
            (table.removed, "removed"),
            (table.changed, "changed"),
        )
        if count
    ]
    told = ", ".join(counted) or "the same content"
    return f"{table.rows_after:,} rows, were {table.rows_before:,}: {told}."


def _shape(table: TableDifference) -> list[str]:
    found = []
    if table.columns_added:
        found.append(f"new columns: {', '.join(table.columns_added)}")
    if table.columns_removed:
        found.append(f"columns that are gone: {', '.join(table.columns_removed)}")
    found += [f"{name} was {old} and is {new}" for name, old, new in table.retyped]
    if table.repeated:
        found.append(
            f"{table.repeated:,} rows have the key ({', '.join(table.key)}) of another row"
        )
    return found


def _cells(table: TableDifference) -> list[list[Any]]:
    return [
        [c.column, c.rows, c.became_null, c.was_null, c.least, c.median, c.most]
        for c in table.columns
    ]


def _by_kind(table: TableDifference) -> dict[str, list[Example]]:
    found: dict[str, list[Example]] = {}
    for example in table.examples:
        kind = "changed" if example.before is not None and example.after is not None else ""
        kind = kind or ("added" if example.before is None else "removed")
        found.setdefault(kind, []).append(example)
    return found


def _told(example: Example) -> str:
    key = _values(example.key)
    if example.before is None or example.after is None:
        rest = _values(example.after if example.before is None else example.before)
        return f"{key}: {rest}" if rest else key
    after = example.after
    changes = (
        f"{name} {_short(old)} → {_short(after[name])}" for name, old in example.before.items()
    )
    return f"{key}: {', '.join(changes)}"


def _values(row: Mapping[str, Any] | None) -> str:
    told = [f"{name} {_short(value)}" for name, value in (row or {}).items()]
    return ", ".join(told[:_MANY]) + (", …" if len(told) > _MANY else "")


def _short(value: Any) -> str:
    text = " ".join(output.cell(value).split())
    return text if len(text) <= _LONG else text[: _LONG - 1] + "…"


def _row(cells: Any) -> str:
    return "| " + " | ".join(_escaped(str(c)) for c in cells) + " |"


def _escaped(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
