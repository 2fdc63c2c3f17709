"""Reading a file both ways: what the fast path proves, and what the exact path says of each line."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from headgate.contracts.mapping import mapping
from headgate.contracts.model import Column, Contract, SourceSpec
from headgate.contracts.names import DatasetName
from headgate.core.settings import Settings
from headgate.ingest.discover import discover
from headgate.ingest.exact import ExactRecords
from headgate.ingest.readers.base import ExactRow, Reader, open_reader

SETTINGS = Settings(root=Path("/nowhere"))


def contract(columns: dict[str, str], kind: str = "jsonl") -> Contract:
    """A contract of columns by name and type; ``name<-field`` reads another field."""
    parts = [(n.partition("<-")[0], n.partition("<-")[2], t) for n, t in columns.items()]
    return Contract(
        name=DatasetName.parse("bronze.test.rows"),
        path=Path("contract.odcs.yaml"),
        version="1.0.0",
        status="active",
        description="",
        owner="tests",
        grain="one row",
        columns=tuple(Column(n, t, "", "", field=f or n) for n, f, t in parts),
        rules=(),
        document={},
        hash="",
        source=SourceSpec(kind),
    )


@dataclass(frozen=True)
class Reading:
    """What came of a file: proven rows and exact rows by position, and the reader."""

    proven: dict[int, dict[str, Any]]
    exact: dict[int, ExactRow]
    reader: Reader

    @property
    def codes(self) -> dict[int, list[str]]:
        """The reasons of the refused, by position."""
        return {p: [r.code for r in row.reasons] for p, row in self.exact.items() if row.reasons}

    @property
    def values(self) -> dict[int, dict[str, Any]]:
        """The values of all rows that were taken, by position."""
        taken = {p: dict(r.values) for p, r in self.exact.items() if r.values is not None}
        return dict(sorted((self.proven | taken).items()))


def proven_rows(con: duckdb.DuckDBPyConnection, reader: Reader) -> dict[int, dict[str, Any]]:
    """The rows of the reader's scan, by position."""
    scan = reader.scan(con)
    for name, value in scan.settings.items():
        con.execute(f"SET {name} = '{value}'")
    cursor = con.execute(f"SELECT * FROM {scan.relation}")
    names = [d[0] for d in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    found = {row.pop("_position"): row for row in rows}
    assert len(found) == len(rows), "a position came out twice"
    return found


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("SET threads = 2; SET TimeZone = 'UTC'")
    return con


def read(path: Path, of: Contract, settings: Settings = SETTINGS) -> Reading:
    """Read ``path`` as loading does: the proven rows, then the exact look at all the others."""
    con = _connection()
    reader = open_reader(of, discover([path])[0], settings)
    try:
        proven = proven_rows(con, reader)
        missing = np.array([p for p in range(1, reader.read + 1) if p not in proven], np.int64)
        exact = {row.position: row for row in reader.exact(missing)}
        assert sorted(exact) == missing.tolist()
        return Reading(proven, exact, reader)
    finally:
        reader.close()


def oracle(data: bytes, of: Contract, settings: Settings = SETTINGS) -> dict[int, ExactRow]:
    """What plain Python says of every line of ``data``, by position."""
    records = ExactRecords(
        of.columns,
        max_nesting=settings.max_nesting,
        max_record_bytes=settings.max_record_bytes,
        max_fields=settings.max_fields,
        places=mapping(of),
    )
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    ended = [True] * (len(lines) - 1) + [False]
    if not lines[-1]:
        lines, ended = lines[:-1], ended[:-1]
    return {
        n: records.read(n, line, ended=e)
        for n, (line, e) in enumerate(zip(lines, ended, strict=True), 1)
    }


def same(one: object, other: object) -> bool:
    """Equal in value and kind: 1 is not 1.0, and -0.0 is not 0.0."""
    if isinstance(one, float) or isinstance(other, float):
        return repr(one) == repr(other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def assert_exact(found: Reading, data: bytes, of: Contract, settings: Settings = SETTINGS) -> None:
    """Demand that fast and exact paths together say what the oracle says of each line."""
    expected = oracle(data, of, settings)
    assert found.reader.read == len(expected)
    assert sorted([*found.proven, *found.exact]) == sorted(expected)
    for position, row in found.exact.items():
        assert row == expected[position]
    for position, values in found.proven.items():
        row = expected[position]
        told = f"line {position}: proven {values}, but exactly {row}"
        assert row.values is not None, told
        assert not row.warnings, told
        assert list(values) == list(row.values), told
        assert all(same(values[k], row.values[k]) for k in values), told


def check(
    path: Path,
    data: bytes,
    of: Contract,
    settings: Settings = SETTINGS,
    stored: bytes | None = None,
) -> Reading:
    """Write ``data`` (or what it is ``stored`` as), read it both ways, compare with the oracle."""
    path.write_bytes(data if stored is None else stored)
    found = read(path, of, settings)
    assert_exact(found, data, of, settings)
    return found


def with_settings(**values: Any) -> Settings:
    """The default settings but for ``values``."""
    return replace(SETTINGS, **values)


def gzipped(data: bytes) -> bytes:
    """``data`` as a gzip stream."""
    return gzip.compress(data, mtime=0)
