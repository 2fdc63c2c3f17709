"""Facets that are told again word for word: passed over, and never more than that."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from headgate.lineage.store import told_again
from headgate.lineage.store.lasting_facets import LastingFacets
from headgate.lineage.store.told_again import ToldAgain
from tests.unit.lineage.store.small_events import OURS, dataset, event, facet
from tests.unit.lineage.store.test_any_order import taken

JOB = ("spark", "app")
OF: told_again.Triple = ("dataset", 1, 2)


def told(second: int, run: int, *columns: str) -> dict[str, Any]:
    """A run that tells of the columns of one dataset."""
    schema = facet(fields=[{"name": c} for c in columns])
    return event(JOB, second, run=run, outputs=[dataset(*OURS[0], schema=schema)])


def test_what_is_told_again_is_passed_over_whatever_comes_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passed: list[bool] = []
    asked = ToldAgain.is_known

    def noted(self: ToldAgain, *given: Any) -> bool:
        passed.append(asked(self, *given))
        return passed[-1]

    monkeypatch.setattr(ToldAgain, "is_known", noted)
    # At one instant two things are told, of which the same one must count in any order.
    events = [told(1, 1, "a"), told(4, 2, "a"), told(4, 3, "b"), told(6, 4, "a")]
    whole = taken([events])
    for order in itertools.permutations(events):
        assert taken([[one] for one in order])["fact"] == whole["fact"], order
    assert True in passed and False in passed


def test_only_what_holds_since_then_or_before_is_known() -> None:
    again = ToldAgain({})
    assert not again.is_known(OF, [(5, b"x")])
    again.note(OF, {b"x": 3, b"y": None}, changed=True)
    assert again.is_known(OF, [(3, b"x"), (9, b"x")])
    assert not again.is_known(OF, [(2, b"x")])
    assert not again.is_known(OF, [(9, b"x"), (9, b"y")])
    again.note(OF, {b"z": 3}, changed=False)
    assert again.is_known(OF, [(9, b"x"), (9, b"z")])
    again.note(OF, {b"z": 10}, changed=True)
    assert not again.is_known(OF, [(11, b"x")])


def test_what_has_no_mark_is_never_known() -> None:
    assert LastingFacets.of({"a": object()}).mark == b""
    assert LastingFacets.of({"a": 1}).mark != LastingFacets.of({"a": 1.0}).mark
    again = ToldAgain({})
    again.note(OF, {b"": 3}, changed=True)
    assert not again.is_known(OF, [(9, b"")])
