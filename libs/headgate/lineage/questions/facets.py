"""Facets of a dataset or job as they were told last, and how the store packs JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from headgate.lineage.store import tables as t
from headgate.lineage.store.packing import unpacked


def newest(connection: Connection, subject: str, members: Sequence[int]) -> dict[str, Any]:
    """Each facet's value that still holds, by its name; of several names of one thing the newest."""
    f = t.fact.c
    rows = connection.execute(
        select(f.facet, t.fact_value.c.body)
        .join_from(t.fact, t.fact_value, f.value_id == t.fact_value.c.id)
        .where(f.subject == subject, f.subject_id.in_(members), f.to_at.is_(None))
        .order_by(f.facet, f.from_at, f.id)
    )
    return {row.facet: unpacked(row.body) for row in rows}
