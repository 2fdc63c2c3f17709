"""A second look at records that were read and are refused since: their raw text, for quarantine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headgate.contracts.model import Contract
from headgate.contracts.wording import expectation
from headgate.ingest.duplicates import Duplicates
from headgate.ingest.judging import Loading, conflict_reason
from headgate.ingest.readers.base import SourceFile, open_reader
from headgate.ingest.taken import Taken
from headgate.quality import quarantine


def refuse(loading: Loading, source: SourceFile, listed: Sequence[Path]) -> Taken:
    """Stage the records that the Parquet files ``listed`` name, with every reason.

    Each has ``_position`` and either ``_why`` (the ids of the rules that the row breaks) or
    ``_others`` (the positions of the rows of its key, which contradict each other).

    Raises:
        HeadgateError: the file cannot be read, or nothing can be staged.
    """
    contract = loading.contract
    reasons = _reasons(contract, listed)
    reader = open_reader(contract, source, loading.session.settings)
    try:
        # Cut into records and counted, and none of them proven: all that is wanted is where they stand.
        reader.scan(loading.con, careful=True)
        read, content_hash = reader.read, reader.content_hash
        writer = quarantine.Writer(
            loading.con, contract, loading.session, source.name, content_hash, loading.batch_id
        )
        for row in reader.exact(np.array(sorted(reasons), dtype=np.int64)):
            writer.add(row.position, row.raw, reasons[row.position])
        writer.flush()
        return Taken(
            content_hash=content_hash, read=read, refused=tuple(writer.files),
            quarantined=writer.rows, codes=writer.codes,
        )  # fmt: skip
    finally:
        reader.close()


def _reasons(contract: Contract, listed: Sequence[Path]) -> dict[int, list[Mapping[str, Any]]]:
    """Why each record is refused, by its position."""
    import pyarrow.parquet as pq

    rules = {r.id: r for r in contract.row_rules}
    found: dict[int, list[Mapping[str, Any]]] = {}
    for path in listed:
        table = pq.read_table(path, partitioning=None)
        places = table["_position"].to_pylist()
        if "_why" in table.column_names:
            for place, why in zip(places, table["_why"].to_pylist(), strict=True):
                found[place] = [
                    {"code": i, "column": rules[i].column, "detail": expectation(rules[i])}
                    for i in why
                ]
        else:
            others = zip(places, table["_others"].to_pylist(), strict=True)
            drop = Duplicates([], conflicts={p: tuple(o) for p, o in others})
            found |= {p: [conflict_reason(contract, drop, p)] for p in places}
    return found
