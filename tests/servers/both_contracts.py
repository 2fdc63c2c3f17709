"""Contracts and deliveries that both engines are given: every type, edge values, keys, deletes, parents."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from pathlib import Path

ROOMS, THINGS, EDGES, STAFF = (f"bronze.test.{n}" for n in ("rooms", "things", "edges", "staff"))
_HEAD = """
apiVersion: v3.1.0
kind: DataContract
id: {name}
name: bronze.test.{name}
version: 1.0.0
status: active
description: {{purpose: For tests.}}
team: {{name: tests}}
schema:
  - name: {name}
    dataGranularityDescription: One row is one of them.
"""
_COLUMN = "      - {{name: {name}, classification: internal, description: It., {more}}}\n"


def _contract(name: str, columns: dict[str, str], more: str, quality: str = "") -> str:
    listed = "".join(_COLUMN.format(name=n, more=m) for n, m in columns.items())
    rules = f"    quality:\n{quality}" if quality else ""
    return f"{_HEAD.format(name=name)}{rules}    properties:\n{listed}customProperties:\n{more}"


_WAITS = "customProperties: [{property: headgate.missingParent, value: wait}]"
CONTRACTS = {
    # A snapshot in CSV: what it lacks of a building is gone.
    "rooms": _contract(
        "rooms",
        {
            "building": "logicalType: string, primaryKey: true, primaryKeyPosition: 1",
            "room": "logicalType: string, primaryKey: true, primaryKeyPosition: 2",
            "area": "logicalType: number, physicalType: 'decimal(9,2)', logicalTypeOptions: {minimum: 1}",
            "opened": "logicalType: date",
        },
        """  - {property: headgate.source, value: {format: csv}}
  - {property: headgate.delivery, value: {snapshot: true, scope: [building]}}
  - {property: headgate.maxQuarantineShare, value: 1}
""",
        "      - {type: sql, query: 'SELECT count(DISTINCT building) FROM {object}', mustBeLessThan: 9}\n"
        "      - {metric: rowCount, mustBeGreaterThan: 1}\n",
    ),
    "staff": _contract(
        "staff",
        {"name": "logicalType: string, primaryKey: true"},
        "  - {property: headgate.source, value: {format: jsonl}}\n",
    ),
    # Edits by an order column, tombstones, a parent that is waited for.
    "things": _contract(
        "things",
        {
            "id": "logicalType: integer, primaryKey: true",
            "label": "logicalType: string, required: true, logicalTypeOptions: {maxLength: 4}",
            "size": "logicalType: integer, logicalTypeOptions: {minimum: 0}",
            "keeper": "logicalType: string, relationships: [{to: bronze.test.staff.name, " + _WAITS + "}]",
            "op": "logicalType: string",
            "at": "logicalType: integer",
        },
        """  - {property: headgate.source, value: {format: jsonl}}
  - {property: headgate.delivery, value: {tombstone: "op = 'gone'"}}
  - {property: headgate.orderColumn, value: at}
  - {property: headgate.maxQuarantineShare, value: 0.9}
""",
        "      - {type: sql, query: \"SELECT count(*) FROM {object} WHERE label LIKE 'z%'\", mustBe: 0, severity: warning}\n",
    ),
    "edges": _contract(
        "edges",
        {
            "id": "logicalType: integer, primaryKey: true",
            "small": "logicalType: integer, physicalType: int, logicalTypeOptions: {minimum: -5}",
            "real": "logicalType: number, logicalTypeOptions: {minimum: -0.5, maximum: 1.0e+300}",
            "money": "logicalType: number, physicalType: 'decimal(20,4)', logicalTypeOptions: {multipleOf: 0.25}",
            "flag": "logicalType: boolean",
            "day": "logicalType: date, logicalTypeOptions: {minimum: '1970-01-01'}",
            "moment": "logicalType: timestamp, logicalTypeOptions: {maximum: '9999-01-01T00:00:00Z'}",
            "text": "logicalType: string, logicalTypeOptions: {minLength: 1, maxLength: 5, pattern: '^[^x]*$'}",
            "tags": "logicalType: array, items: {logicalType: string}, logicalTypeOptions: {minItems: 1, uniqueItems: true}",
        },
        """  - {property: headgate.source, value: {format: parquet}}
  - {property: headgate.maxQuarantineShare, value: 1}
""",
        "      - {metric: rowCount, mustBeGreaterThan: 100, severity: warning}\n",
    ),
}  # fmt: skip


def jsonl(path: Path, rows: list[object]) -> Path:
    """A file of JSON lines; a text is a line as it is."""
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows))
    return path


def rooms(folder: Path) -> list[Path]:
    """Two snapshots, the second of one building, with a room that breaks a rule and one undecodable."""
    first = folder / "rooms1.csv"
    first.write_text(
        "building,room,area,opened\nA,1,10.50,2020-01-01\nA,2,0.5,2020-01-02\nA,3,7,\n"
        "B,1,8.25,2021-02-03\nB,2,9,not a day\nA,1,10.50,2020-01-01\n"
    )
    second = folder / "rooms2.csv"
    second.write_text("building,room,area,opened\nA,1,11,2020-01-01\nA,2,0.25,2020-01-02\n")
    return [first, second]


def things(folder: Path) -> list[Path]:
    """Rows, then edits, repeats, contradictions, tombstones, and a keeper who is not known."""

    def row(
        key: int, label: object, size: object, keeper: object, at: int, **more: object
    ) -> dict[str, object]:
        return {"id": key, "label": label, "size": size, "keeper": keeper, "at": at, **more}

    first: list[object] = [row(i, f"t{i}", i, "ada", 1) for i in range(40)]
    first += [row(3, "t3", 3, "ada", 1), row(4, "new", 4, "ada", 2), row(5, "not", 5, "ada", 1)]
    first += [
        row(50, "ümläüt", 1, "ada", 1),
        row(51, "👩‍👩‍👧", 1, None, 1),
        row(52, "😀😀😀😀", 1, None, 1),
    ]
    first += [row(53, "m", -1, "ada", 1), row(54, "w", 1, "eve", 1), row(55, None, -3, "eve", 1)]
    first += ['{"id": 56, "label": "u", "size": 1.5, "at": 1}', '{"broken', "", '{"id": 57}']
    first += [row(58, "k", 1, "ada", 1, unknown={"a": [1, 2]}), row(59, "zzz", 1, None, 1)]
    second: list[object] = [row(1, "t1b", 10, "ada", 2), row(2, "old", 9, "ada", 0)]
    second += [
        row(6, "t6", 6, "ada", 1),
        {"id": 7, "op": "gone", "at": 2},
        {"id": 99, "op": "gone", "at": 2},
    ]
    second += [{"id": 8, "op": "gone", "at": 0}, row(60, "n", 1, "ada", 2)]
    return [jsonl(folder / "things1.jsonl", first), jsonl(folder / "things2.jsonl", second)]


def edges(folder: Path) -> list[Path]:
    """Rows of values at the ends of every type, one value each beside others that hold."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    utc = dt.UTC
    values: dict[str, list[object]] = {
        "small": [-5, -6, 2**31 - 1, -(2**31), None],
        "real": [math.nan, math.inf, -math.inf, -0.0, -0.5, -0.5000000000000001, 1e300, 5e-324, 1.7e308],
        "money": [Decimal("0.2500"), Decimal("0.2600"), Decimal("-9999999999999999.9999"),
                  Decimal("9999999999999999.7500"), None],
        "flag": [True, False, None],
        "day": [dt.date(1970, 1, 1), dt.date(1969, 12, 31), dt.date(1, 1, 1), dt.date(9999, 12, 31)],
        "moment": [
            dt.datetime(1, 1, 1, tzinfo=utc), dt.datetime(9999, 12, 31, 23, 59, 59, 999999, utc),
            dt.datetime(1582, 10, 10, 0, 0, 0, 1, utc), dt.datetime(1900, 1, 1, tzinfo=utc),
            dt.datetime(2024, 3, 31, 1, 59, 59, 999999, utc),
        ],
        "text": ["", " ", "12345", "123456", "😀😀😀😀😀", "e\u0301" * 3, "ax", "a\nx", "a\nb", "\u0000", "İi", "ß"],
        "tags": [["a"], [], ["a", "a"], ["a", None], [None, None], None, ["", "a"], ["A", "a"]],
    }  # fmt: skip
    plain: dict[str, object] = {
        "small": 1, "real": 1.5, "money": Decimal("1.2500"), "flag": True, "day": dt.date(2024, 5, 1),
        "moment": dt.datetime(2024, 5, 1, tzinfo=utc), "text": "t", "tags": ["t"],
    }  # fmt: skip
    rows = [{**plain, name: value} for name, found in values.items() for value in found]
    schema = pa.schema(
        [("id", pa.int64()), ("small", pa.int32()), ("real", pa.float64()),
         ("money", pa.decimal128(20, 4)), ("flag", pa.bool_()), ("day", pa.date32()),
         ("moment", pa.timestamp("us", "UTC")), ("text", pa.string()), ("tags", pa.list_(pa.string()))]
    )  # fmt: skip
    path = folder / "edges.parquet"
    keyed = [{"id": i, **r} for i, r in enumerate(rows)]
    pq.write_table(pa.Table.from_pylist(keyed, schema), path)
    return [path]
