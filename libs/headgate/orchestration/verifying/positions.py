"""Positions of streams: each place goes on where it stood, and no row lies beyond it or comes twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from headgate.lake.offsets import NEXT
from headgate.lake.snapshot import app_id, relation
from headgate.orchestration.verifying.accounts import STREAM
from headgate.orchestration.verifying.finding import Check, Fault
from headgate.orchestration.verifying.look import Look
from headgate.orchestration.verifying.pinned import Pinned


def _positions(look: Look) -> Iterator[Fault]:
    for table in look.data():
        if any(m.kind == STREAM for _, m in table.metas()):
            yield from _moved(table)
            yield from _beyond(look, table)


def _moved(table: Pinned) -> Iterator[Fault]:
    """Each commit goes on where the log stood, and its transactions say what its account says."""
    stood: dict[str, int] = {}
    for version, entry in sorted(table.entries.items()):
        told = {str(t["appId"]): int(t["version"]) for t in entry.of("txn")}
        if entry.meta is None or entry.meta.kind != STREAM:
            continue
        begun: Mapping[str, int | None] = entry.meta.detail.get("from", {})
        for place, following in entry.meta.detail.get(NEXT, {}).items():
            wrong = []
            if place in stood and stood[place] != begun.get(place):
                wrong.append(f"goes on from {begun.get(place)}, where {stood[place]} was next")
            if told.get(app_id(table.dataset, place)) != following:
                wrong.append(f"says that {following} is next, and its transaction does not")
            stood[place] = int(following)
            for why in wrong:
                yield Fault(table.place(version), f"the commit of {place} {why}.",
                            table.dataset, version)  # fmt: skip


def _beyond(look: Look, table: Pinned) -> Iterator[Fault]:
    """No row stands at a position that is still to be taken."""
    state = table.head
    if state is None or not look.sound(table, state):
        return
    files = table.snapshot(state).files
    rows = relation(files, {"_source": "string", "_position": "long"})
    look.progress.step(table.dataset, "looking at its positions")
    query = f"SELECT _source, max(_position) FROM {rows} GROUP BY 1"
    for place, last in look.con.execute(query).fetchall():
        following = state.transactions.get(app_id(table.dataset, str(place)))
        if following is not None and last >= following:
            yield Fault(table.place(table.last), f"a row stands at {last} of {place}, where {following} "
                        "is still to be taken.", table.dataset, table.last)  # fmt: skip


CHECKS = (
    Check("stream-positions", "A stream goes on where its table stands, and no row lies beyond that.",
          "The stream would take messages again or miss some: end it, keep a copy of the table's log, "
          "and report how it came about.", _positions),
)  # fmt: skip
