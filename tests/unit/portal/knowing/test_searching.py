"""Searching finds what is there, in an order that helps, and no text is an error."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.orchestration.project import Project
from headgate.portal.knowing.known import Known
from headgate.portal.knowing.searching import FILTERS
from headgate.portal.knowing.spelling import distance
from headgate.portal.knowing.watching import Watcher


@pytest.fixture(scope="module")
def known(shown: Project) -> Known:
    return Watcher(shown).now()


def _ids(known: Known, text: str, **filters: str) -> list[str]:
    return [s.id for s in known.search(text, limit=200, **filters).found]


def test_the_id_comes_first_then_names_then_columns(known: Known) -> None:
    assert _ids(known, "silver.chat.messages")[0] == "silver.chat.messages"
    found = _ids(known, "messages")
    named = [i for i, d in enumerate(found) if d.endswith(".messages")]
    assert named == list(range(len(named))) and len(named) > 1
    assert len(found) > len(named)
    author = known.search("author_id").found
    assert author and "author_id" in author[0].columns


@pytest.mark.parametrize("text", ["CHANNÉL", "chan", "channel silver", "silver_channel"])
def test_case_accents_beginnings_and_order_do_not_matter(known: Known, text: str) -> None:
    assert _ids(known, text)


def test_words_of_tags_owners_and_descriptions_are_found(known: Known) -> None:
    for dataset, summary in known.datasets.items():
        for text in (summary.owner, *summary.tags, *summary.columns[:2], summary.description[:60]):
            assert dataset in _ids(known, text), (dataset, text)


def test_every_word_has_to_occur(known: Known) -> None:
    assert _ids(known, "messages irc") == [
        d for d in _ids(known, "messages") if d in set(_ids(known, "irc"))
    ] or set(_ids(known, "messages irc")) == set(_ids(known, "messages")) & set(_ids(known, "irc"))
    assert not _ids(known, "messages xyzzy")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("mesages", "messages"), ("mesasges irc", "messages irc"), ("conversatoin", "conversation")],
)
def test_a_typo_is_told(known: Known, wrong: str, right: str) -> None:
    page = known.search(wrong)
    assert page.total == 0 and page.meant is not None
    # Words are looked for by their beginnings: either form of one helps as much.
    assert page.meant.rstrip("s") == right.rstrip("s") or known.search(page.meant).total


def test_what_is_near_nothing_is_not_guessed(known: Known) -> None:
    assert known.search("qqqqqqqqqq").meant is None
    assert known.search("!!!").meant is None


@given(st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_no_text_is_an_error(known: Known, text: str) -> None:
    page = known.search(text, after=text, sort=text, layer=text, limit=3)
    assert len(page.found) <= 3


@pytest.mark.parametrize(
    "text", ['"', '" OR "', "NEAR(a b)", "id : x", "a*", "-a", "\x00", "\ud800", "a" * 10_000]
)
def test_the_engine_s_own_words_mean_nothing(known: Known, text: str) -> None:
    known.search(text)


def test_filters_and_counts_agree_with_the_datasets(known: Known) -> None:
    for text in ("", "messages"):
        hits = known.search(text, limit=200).found
        values = known.search(text).values
        for name, values_of in FILTERS.items():
            assert values[name]
            for one in values[name]:
                expected = {s.id for s in hits if one.value in values_of(s)}
                assert one.count == len(expected)
                assert set(_ids(known, text, **{name: one.value})) == expected


def test_counts_of_a_filter_are_those_one_would_find(known: Known) -> None:
    page = known.search("", layer="gold", owner="community-insights")
    for one in page.values["layer"]:
        assert known.search("", layer=one.value, owner="community-insights").total == one.count
    for one in page.values["owner"]:
        assert known.search("", layer="gold", owner=one.value).total == one.count
    assert known.search("", layer="platinum").total == 0


@pytest.mark.parametrize("text", ["", "messages"])
@pytest.mark.parametrize("sort", ["", "name", "health", "-rows", "published", "-quarantine"])
def test_pages_show_each_dataset_once(known: Known, text: str, sort: str) -> None:
    whole = [s.id for s in known.search(text, limit=200, sort=sort).found]
    pages: list[str] = []
    after = None
    while True:
        page = known.search(text, after=after, limit=4, sort=sort)
        assert page.first == len(pages) + 1 and page.total == len(whole)
        pages += [s.id for s in page.found]
        after = page.after
        if after is None:
            break
    assert pages == whole and len(set(whole)) == len(whole)


def test_sorting_puts_what_matters_first(known: Known) -> None:
    rows = [s.rows for s in known.search(sort="-rows", limit=200).found]
    assert rows == sorted(rows, reverse=True) and rows[0]
    waiting = [s.open_quarantine for s in known.search(sort="-quarantine").found]
    assert waiting[0] == max(waiting) > 0
    assert [s.rows for s in known.search(sort="rows", limit=200).found] == rows[::-1]


@given(st.text("abc", max_size=5), st.text("abc", max_size=5), st.integers(0, 3))
@settings(max_examples=300, deadline=None)
def test_distances_are_those_of_the_definition(one: str, other: str, most: int) -> None:
    assert distance(one, other, most) == min(_distance(one, other), most + 1)


def _distance(a: str, b: str) -> int:
    if not a or not b:
        return len(a) + len(b)
    found = min(
        _distance(a[:-1], b) + 1,
        _distance(a, b[:-1]) + 1,
        _distance(a[:-1], b[:-1]) + (a[-1] != b[-1]),
    )
    if len(a) > 1 and len(b) > 1 and a[-1] == b[-2] and a[-2] == b[-1]:
        found = min(found, _distance(a[:-2], b[:-2]) + 1)
    return found
