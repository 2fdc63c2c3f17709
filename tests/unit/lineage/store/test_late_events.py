"""What late events cost: what they say is put in its place without reading what others said at other times."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from headgate.lineage.store import tellings
from headgate.lineage.store.opening import Store, open_store
from headgate.lineage.store.packing import unpacked
from headgate.lineage.store.taking import take
from tests.unit.lineage.store.dumping import dump, without_tellings
from tests.unit.lineage.store.editions import first_edition
from tests.unit.lineage.store.small_events import any_event, dataset, event, facet
from tests.unit.lineage.store.test_any_order import taken

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = ("ann", "bob", "cid")


def told(second: int, **facets: str) -> dict[str, Any]:
    """An event of one job that tells facets of one dataset, so many seconds after the begin."""
    said = {name: facet(word=word) for name, word in facets.items()}
    found = event(
        ("shop", "stream"), 0, run=second % 7, outputs=[dataset("shop", "orders", **said)]
    )
    return {**found, "eventTime": (BEGIN + timedelta(seconds=second)).isoformat()}


@pytest.fixture
def read_again(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bodies of earlier events that are read meanwhile."""
    found: list[bytes] = []
    monkeypatch.setattr(tellings, "unpacked", lambda body: found.append(body) or unpacked(body))
    return found


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = open_store(tmp_path / "lineage.db")
    yield found
    found.close()


def test_a_late_event_reads_the_next_that_speaks_of_it_and_none_between(
    store: Store, read_again: list[bytes]
) -> None:
    events = [told(0, owner="ann"), *(told(n, note="quiet") for n in range(10, 300))]
    events += [told(300, owner="ann"), *(told(n, note="quiet") for n in range(301, 600))]
    assert not take(store, events).refused
    late = told(5, owner="bob")
    read_again.clear()
    assert not take(store, [late]).refused
    assert len(read_again) == 1
    assert dump(store) == taken([[*events, late]])


def test_a_late_event_reads_nothing_where_nobody_speaks_of_it_afterwards(
    store: Store, read_again: list[bytes]
) -> None:
    events = [told(0, owner="ann"), *(told(n, note=f"{n}") for n in range(10, 600))]
    assert not take(store, events).refused
    late = [told(400, owner="bob"), told(5, owner="cid")]
    read_again.clear()
    for one in late:
        assert not take(store, [one]).refused
    assert len(read_again) == 1  # by the second the first
    assert dump(store) == taken([[*events, *late]])


def test_late_events_at_once_read_one_each_and_not_what_lies_between(
    store: Store, read_again: list[bytes]
) -> None:
    events = [told(2 * n, owner="ann" if n < 200 else "eve") for n in range(400)]
    assert not take(store, events).refused
    late = [told(second, owner="bob") for second in (101, 301, 501, 701)]
    read_again.clear()
    assert not take(store, late).refused
    assert len(read_again) == len(late)
    assert dump(store) == taken([[*events, *late]])


def test_old_events_read_only_where_they_meet_what_was_there(
    store: Store, read_again: list[bytes]
) -> None:
    events = [told(1_000 + n, owner="ann") for n in range(300)]
    assert not take(store, events).refused
    old = [told(n, owner=f"{n // 50}") for n in range(300)]
    read_again.clear()
    assert not take(store, old).refused
    assert len(read_again) == 1
    assert dump(store) == taken([[*old, *events]])


def _without(one: dict[str, Any], gone: set[str]) -> dict[str, Any]:
    """The event, which says nothing of some facets."""
    for name in gone:
        del one["outputs"][0]["facets"][name]
    return one


_told = st.builds(
    told, st.integers(0, 12),
    owner=st.sampled_from(WORDS), **{name: st.sampled_from(WORDS) for name in ("note", "tag")},
)  # fmt: skip
_thinned = st.builds(_without, _told, st.sets(st.sampled_from(("owner", "note", "tag"))))


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(st.lists(_thinned, min_size=2, max_size=24), st.data())
def test_facets_of_one_dataset_hold_from_when_they_were_told_in_any_order(
    events: list[Any], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=8)))
    portions = [events[a:b] for a, b in zip([0, *cuts], [*cuts, len(events)], strict=True)]
    assert taken(portions) == taken([events])
    assert taken([[one] for one in reversed(events)]) == taken([events])


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(st.lists(st.one_of(any_event(), _thinned), min_size=2, max_size=16), st.integers(1, 15))
def test_a_store_of_the_first_edition_goes_on(
    tmp_path_factory: pytest.TempPathFactory, events: list[Any], cut: int
) -> None:
    path = tmp_path_factory.mktemp("edition") / "lineage.db"
    first_edition(str(path), [events[:cut]])
    store = open_store(path)
    try:
        for one in events[cut:]:
            assert not take(store, [one], lake="local").refused
        assert without_tellings(dump(store)) == without_tellings(taken([events]))
    finally:
        store.close()
