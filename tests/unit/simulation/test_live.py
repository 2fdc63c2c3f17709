"""Chat as it happens: the same events every time, numbered without a gap, as late as was asked."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from itertools import islice
from typing import Any

import pytest

from headgate.core.errors import UsageError
from headgate.simulation.live import LiveWanted, by_days, by_the_clock, events


def told(wanted: LiveWanted) -> list[dict[str, Any]]:
    """The events in the order in which they are sent."""
    return [json.loads(e.value) for those in events(wanted, by_days(wanted.seed)) for e in those]


def test_the_same_seed_sends_the_same() -> None:
    wanted = LiveWanted(6_000, seed=3, duplicates=0.02, disorder=4)
    assert told(wanted) == told(wanted)
    assert told(wanted) != told(LiveWanted(6_000, seed=4, duplicates=0.02, disorder=4))


def test_numbers_have_no_gap_and_repeats_are_the_same_event() -> None:
    found = told(LiveWanted(20_000, seed=1, duplicates=0.05, disorder=5))
    assert len(found) == 20_000
    times = Counter(e["sequence"] for e in found)
    assert set(times) == set(range(len(times))), "counted from 0, without a gap"
    assert set(times.values()) == {1, 2}
    assert 0.03 < sum(n == 2 for n in times.values()) / len(times) < 0.07
    by_number: dict[int, Any] = {}
    for event in found:
        assert by_number.setdefault(event["sequence"], event) == event
    assert not set(Counter(e["sequence"] for e in told(LiveWanted(5_000))).values()) - {1}


def test_edits_follow_their_messages_and_disorder_has_its_bound() -> None:
    def sent(event: dict[str, Any]) -> float:
        return datetime.fromisoformat(event["sent_at"]).timestamp()

    ordered = [sent(e) for e in told(LiveWanted(5_000)) if e["edited_at"] is None]
    assert ordered == sorted(ordered)
    found = told(LiveWanted(20_000, disorder=10))
    newest, behind = 0.0, 0.0
    for event in found:
        if event["edited_at"] is None:
            newest = max(newest, sent(event))
            behind = max(behind, newest - sent(event))
    assert 1 < behind <= 10
    edits = [e for e in found if e["edited_at"] is not None]
    assert edits and all(e["edited_at"] > e["sent_at"] for e in edits)
    first = {e["message_id"]: e for e in found if e["edited_at"] is None}
    known = [e for e in edits if e["message_id"] in first]
    assert known and all(e["text"] != first[e["message_id"]]["text"] for e in known)
    answers = [e for e in found if e["reply_to_message_id"]]
    assert 0.2 < len(answers) / len(found) < 0.5
    assert all(e["reply_to_message_id"] != e["message_id"] for e in answers)


def test_by_the_clock_they_come_at_a_rate() -> None:
    steps = list(islice(by_the_clock(2_000, steady=True, step=0.02), 10))
    assert [len(s) for s in steps] == [40] * 10
    times = [t for s in steps for t in s.tolist()]
    assert times == sorted(times) and 150 <= times[-1] - times[0] <= 250


@pytest.mark.parametrize(
    "wrong", [{"events": 0}, {"duplicates": 0.6}, {"disorder": -1}, {"channels": 0}]
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        LiveWanted(**{"events": 1, **wrong})
