"""How far a stream was taken: of each of its places the next position, in the log of the table itself.

It stands in the same log entry as the rows, as a transaction of the Delta protocol, so that rows and
positions become true together or not at all. Whoever begins reads it there, and a writer that began
from another position than the table has by now, as one that was stopped for a while, commits nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headgate.core.errors import LakeError

if TYPE_CHECKING:
    from headgate.lake.lake import Lake
    from headgate.lake.snapshot import Snapshot

#: In the detail of a commit's account: of each place that it moved, the position that is next.
NEXT = "next"


@dataclass(frozen=True)
class Span:
    """A part of one place: from the position that was next before (None: nothing was taken) up to
    the position that is ``next`` now."""

    first: int | None
    next: int


class OvertakenError(LakeError):
    """Somebody else took messages of the same place meanwhile; nothing of ours was published."""


def read(lake: Lake, dataset: str, base: Snapshot | None, places: Iterable[str]) -> dict[str, int]:
    """Of each of the places (``<topic>/<partition>``) the position that is next at ``base``; those
    of which nothing was taken are left out.

    Raises:
        LakeError: the table cannot be read.
    """
    from headgate.lake.snapshot import app_id

    if base is None:
        return {}
    told = base.meta.detail.get(NEXT) if base.meta else None
    # A commit of a stream tells of the places it moved; for others the whole log is asked.
    known = {p: int(n) for p, n in told.items()} if isinstance(told, Mapping) else {}
    found, asked = {}, []
    for place in places:
        if place in known:
            found[place] = known[place]
        else:
            asked.append(place)
    if asked:
        table = lake.table(lake.key(dataset), base.version)
        if table is None:
            raise LakeError(f"the table of {dataset} is gone.", place=lake.storage.uri(dataset))
        for place in asked:
            version = table.transaction_version(app_id(dataset, place))
            if version is not None:
                found[place] = int(version)
    return found


def demand(lake: Lake, dataset: str, base: Snapshot | None, spans: Mapping[str, Span]) -> None:
    """Demand that each place stands at ``base`` where its span begins.

    Raises:
        OvertakenError: one of them does not.
    """
    stands = read(lake, dataset, base, spans)
    for place, span in spans.items():
        if stands.get(place) != span.first or (span.first is not None and span.next < span.first):
            raise OvertakenError(
                f"{dataset} has taken {place} up to {stands.get(place)}, and this stream went on from"
                f" {span.first}: another one takes the same messages.",
                remedy="Nothing was taken twice. Start it again, where no other takes that partition.",
            )
