"""Reading CSV both ways and from raw text: what is proven is what the exact look says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from headgate.contracts.model import Contract, SourceSpec
from headgate.ingest.discover import discover
from headgate.ingest.readers.base import ExactRow, open_reader, raw_reader
from tests.unit.ingest import reading


def contract(columns: dict[str, str], **options: Any) -> Contract:
    return replace(reading.contract(columns, "csv"), source=SourceSpec("csv", None, options))


def check(path: Path, of: Contract, settings: Any = reading.SETTINGS) -> reading.Reading:
    """Read both ways; what was proven is what the exact look says, and raw text reads alike."""
    found = reading.read(path, of, settings)
    reader = open_reader(of, discover([path])[0], settings)
    reader.scan(duckdb.connect(), careful=True)
    assert reader.read == found.reader.read
    rows: dict[int, ExactRow] = {
        r.position: r for r in reader.exact(np.arange(1, found.reader.read + 1))
    }
    assert sorted(rows) == list(range(1, found.reader.read + 1))
    replay = raw_reader(of, settings)
    for position, row in rows.items():
        if position in found.proven:
            assert row.values is not None, row
            assert list(row.values) == list(found.proven[position])
            for name, value in row.values.items():
                assert reading.same(found.proven[position][name], value), (name, row)
        else:
            assert row == found.exact[position]
        again = replay(position, row.raw.encode("utf-8", "surrogatepass"))
        if row.values is not None:
            assert again.values == row.values
        else:
            assert again.values is None
    reader.close()
    return found


def texts(path: Path, data: bytes, columns: str, **options: Any) -> list[dict[str, Any]]:
    """The values of a file that is all good, read as text."""
    path.write_bytes(data)
    found = check(path, contract(dict.fromkeys(columns.split(), "string"), **options))
    assert not found.codes
    return [{k: v for k, v in row.items() if k != "_rescued"} for row in found.values.values()]
