"""How values are written on pages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from headgate.core import clock
from headgate.portal import wording

NOW = datetime(2026, 5, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (1_234_567, "1 234 567"), (-1_000, "-1 000"), (2.0, "2"), (2.345, "2.35")],
)  # fmt: skip
def test_numbers_have_thin_groups(value: float, text: str) -> None:
    assert str(wording.number(value)).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "100 %"), (0.9999, "> 99.9 %"), (0.5, "50 %"), (0.123, "12.3 %"), (0.0004, "< 0.1 %"), (0, "0 %")],
)  # fmt: skip
def test_what_is_not_quite_all_is_not_written_as_all(value: float, text: str) -> None:
    assert str(wording.share(value)).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_500, "1.5 kB"), (999_600, "1.0 MB"), (2.5e12, "2.5 TB"), (9e15, "9000 TB")],
)  # fmt: skip
def test_sizes_have_the_unit_that_suits_them(value: float, text: str) -> None:
    assert str(wording.size(value)).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.001, "less than a minute"), (0.5, "30 minutes"), (1, "1 hour"), (1.5, "1 hour 30 minutes"),
     (24, "1 day"), (49.9, "2 days 1 hour")],
)  # fmt: skip
def test_spans_are_told_by_their_two_largest_units(value: float, text: str) -> None:
    assert str(wording.hours(value)).replace("\u00a0", " ") == text


def test_a_moment_is_written_in_utc_for_people_and_programs() -> None:
    found = wording.time(datetime.fromisoformat("2026-05-02T14:30:10+02:00"))
    assert found == '<time datetime="2026-05-02T12:30:10Z">2026-05-02\u00a012:30 UTC</time>'
    assert ">2026-05-02<" in wording.time(date(2026, 5, 2))


def test_an_age_is_told_and_a_moment_to_come() -> None:
    with clock.frozen(NOW):
        assert "3\u00a0hours ago" in wording.ago(NOW - timedelta(hours=3, minutes=20))
        assert "just now" in wording.ago(NOW - timedelta(seconds=20))
        assert "in 2\u00a0days" in wording.ago(NOW + timedelta(days=2, hours=1))
        assert 'title="2026-05-02 12:00 UTC"' in wording.ago(NOW)


def test_nothing_is_said_to_be_nothing() -> None:
    for write in (wording.number, wording.share, wording.size, wording.hours):
        assert "none" in write(None)
    assert "never" in wording.time(None) and "never" in wording.ago(None)


def test_names_that_are_hostile_stay_names() -> None:
    found = wording.dataset('a.b"><script>')
    assert "<script>" not in found and 'href="/datasets/a.b%22%3E%3Cscript%3E"' in found
    assert "<b>" not in wording.run("<b>")
