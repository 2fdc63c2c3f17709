"""Whatever the order, however often and in whatever portions events come, the store holds the same."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from headgate.lineage.store.opening import open_store
from headgate.lineage.store.taking import take
from tests.unit.lineage.store.dumping import dump
from tests.unit.lineage.store.small_events import any_event


@cache
def empty() -> bytes:
    """The file of a store that took nothing yet; making it takes longer than a test's events."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "lineage.db")
        open_store(path).close()
        return path.read_bytes()


def taken(portions: list[list[Any]]) -> dict[str, list[Any]]:
    """What a new store holds after it took these, one portion after the other."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "lineage.db")
        path.write_bytes(empty())
        store = open_store(path)
        try:
            for portion in portions:
                outcome = take(store, portion, lake="local")
                assert not outcome.refused
            return dump(store)
        finally:
            store.close()


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(st.data(), st.lists(any_event(), min_size=1, max_size=14))
def test_the_content_follows_from_the_set_of_events(data: st.DataObject, events: list[Any]) -> None:
    whole = taken([events])
    shuffled = data.draw(st.permutations(events))
    again = data.draw(st.lists(st.sampled_from(events), max_size=3))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=5)))
    portions = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(events)], strict=True)]
    other = taken([*portions, again])
    for table, rows in whole.items():
        assert other[table] == rows, table
