"""A condition that was found good is not parsed again, and one that was refused is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.contracts.model import Rule
from headgate.core.cache import Cache
from headgate.core.errors import ContractError
from headgate.quality import accepted, conditions, queries

COLUMNS = {"n": "long", "t": "string"}


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    """A cache of one's own."""
    found = Cache(tmp_path / "cache.sqlite")
    accepted.keep_in(found)
    yield found
    accepted.keep_in(None)
    conditions._refusal.cache_clear()


def rule(**arguments: str) -> Rule:
    return Rule("r", "predicate", "row", "fail", None, arguments)


def test_what_was_good_is_not_looked_at_again(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = rule(query="SELECT count(*) FROM ${table}")
    conditions._refusal.cache_clear()
    first = conditions.checked("n > 1", rule(), COLUMNS), queries.checked(query)
    conditions._refusal.cache_clear()
    monkeypatch.setattr(conditions, "_looked_at", None)
    monkeypatch.setattr(queries, "_looked_at", None)
    assert (conditions.checked("n > 1", rule(), COLUMNS), queries.checked(query)) == first
    with pytest.raises(TypeError):
        conditions.checked("n > 1", rule(), {**COLUMNS, "n": "string"})
    monkeypatch.setattr(accepted, "_checks", lambda: "other code")
    conditions._refusal.cache_clear()
    with pytest.raises(TypeError):
        conditions.checked("n > 1", rule(), COLUMNS)


def test_what_was_refused_is_told_again(cache: Cache) -> None:
    for _ in range(2):
        conditions._refusal.cache_clear()
        with pytest.raises(ContractError, match="no column 'nowhere'"):
            conditions.checked("nowhere > 1", rule(), COLUMNS)
        with pytest.raises(ContractError, match="not one SELECT"):
            queries.checked(rule(query="SELECT 1; SELECT 2"))
