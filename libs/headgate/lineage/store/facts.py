"""Facets of datasets and jobs that last, as facts: from when until when each had which value."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from headgate.lineage.store import driver, tables
from headgate.lineage.store import told as tolds
from headgate.lineage.store.keys import Keys
from headgate.lineage.store.lasting_facets import LastingFacets
from headgate.lineage.store.matching import matching
from headgate.lineage.store.packing import unpacked
from headgate.lineage.store.plain_text import plain
from headgate.lineage.store.tellings import JOB, Tellings, by_triple
from headgate.lineage.store.timelines import Key, Said, Timelines
from headgate.lineage.store.told_again import ToldAgain, Triple
from headgate.lineage.store.values import Value

#: When facets were told, and they themselves.
_Saying = tuple[int, LastingFacets]


def current(
    connection: sa.Connection,
    subject: str,
    numbers: Iterable[int],
    facets: Iterable[str] | None = None,
    at: int | None = None,
) -> dict[int, dict[str, Any]]:
    """The facets of datasets or jobs, by number and facet's name; the newest word of anybody counts.

    Args:
        connection: to the store.
        subject: ``dataset`` or ``job``.
        numbers: of datasets (as events name them: those of all aliases, where that is meant) or jobs.
        facets: only these.
        at: as of that instant (microseconds); now, if not given.
    """
    wanted, fact = sorted(set(numbers)), tables.fact.c
    found: dict[int, dict[str, tuple[tuple[int, bytes], bytes]]] = {}
    for start in range(0, len(wanted), 500):
        query = (
            sa.select(fact.subject_id, fact.facet, fact.from_at, tables.fact_value.c.digest,
                      tables.fact_value.c.body)
            .join(tables.fact_value, fact.value_id == tables.fact_value.c.id)
            .where(fact.subject == subject, fact.subject_id.in_(wanted[start : start + 500]))
        )  # fmt: skip
        if facets is not None:
            query = query.where(fact.facet.in_(list(facets)))
        if at is None:
            query = query.where(fact.to_at.is_(None))
        else:
            query = query.where(fact.from_at <= at, sa.or_(fact.to_at.is_(None), fact.to_at > at))
        for row in connection.execute(query):
            mine = found.setdefault(row.subject_id, {})
            rank = row.from_at, row.digest
            if row.facet not in mine or rank > mine[row.facet][0]:
                mine[row.facet] = rank, row.body
    values: dict[bytes, Any] = {}
    told: dict[int, dict[str, Any]] = {}
    for number, mine in found.items():
        for facet, (_, body) in mine.items():
            if body not in values:
                values[body] = unpacked(body)
            if not values[body].get("_deleted"):
                told.setdefault(number, {})[facet] = values[body]
    return told


class Facts(Timelines):
    """Timelines of facets; what is said is the value."""

    table = tables.fact
    key = ("subject", "subject_id", "facet", "told_by")
    found_by = ("subject", "subject_id", "told_by")
    value = "value_id"

    def __init__(self, keys: Keys, revision: int, tellings: Tellings) -> None:
        super().__init__(keys, revision)
        self._tellings = tellings

    def later(self, key: Key, at: int, known: Sequence[Said]) -> bool:
        """Whether an event before this batch, that may speak of it, is of that instant or later."""
        return self._tellings.next_before(key, at - 1) is not None

    def ranges(self, key: Key, instants: Sequence[int]) -> Iterator[tuple[int, int]]:
        """The instants, together where nobody spoke of the key in between."""
        wanted = sorted(set(instants))
        start = 0
        while start < len(wanted):
            other = self._tellings.next_before(key, wanted[start])
            end = len(wanted) if other is None else bisect_left(wanted, other)
            yield wanted[start], wanted[end - 1]
            start = end

    def around(self, key: Key, first: int, last: int) -> Iterable[Said]:
        """What events said from ``first`` to ``last``, and next."""
        within = self._tellings.within(key, first, last)
        for at, value in (*within, *self._tellings.next(key, last)):
            found = value.digest
            self.keys.values({found: value.text})
            yield Said(at, found, self.keys.of(tables.fact_value)[found])

    def removed(self, key: Key) -> None:
        """Nobody keeps facts."""

    def holds_since(self, said: Iterable[tuple[Key, Value]]) -> int | None:
        """Since when the newest word of each key is this value; None if one's is another."""
        values = self.keys.of(tables.fact_value)
        newest = -(2**63)
        for key, value in said:
            last = self._known.get(key)
            if last is None or last.value != values[value.digest]:
                return None
            newest = max(newest, last.at)
        return newest


def bodies(keys: Keys, numbers: Iterable[int]) -> dict[int, bytes]:
    """Values by their numbers, packed."""
    wanted = [(number,) for number in numbers]
    value = tables.fact_value
    return dict(matching(keys.connection, value, ("id",), wanted, wanted=("id", "body")))


def write(
    keys: Keys, told: Sequence[tolds.Told], revision: int, *, since: int, lake: str | None
) -> None:
    """Take in the facts of events, which are written already, numbered from ``since`` on."""
    again = ToldAgain(keys.memory.last.setdefault("told again", {}))
    fresh = {
        triple: [(at, facets.mark, _words(triple, facets)) for at, facets in said]
        for triple, said in _by_teller(keys, told).items()
        if not again.is_known(triple, [(at, facets.mark) for at, facets in said])
    }
    words = [(at, *word) for said in fresh.values() for at, _, here in said for word in here]
    known = keys.of(tables.fact_value)
    unknown = {value.digest: value for _, _, value in words if value.digest not in known}
    keys.values({digest: value.text for digest, value in unknown.items()})
    news: dict[Key, list[Said]] = {}
    for at, key, value in words:
        news.setdefault(key, []).append(Said(at, value.digest, known[value.digest]))
    facts = Facts(keys, revision, Tellings(keys, told, since=since, lake=lake))
    facts.settle(news, {})
    changed = {(key[0], key[1], key[3]) for key in facts.changed}
    for triple, said in fresh.items():
        holds = {mark: facts.holds_since(here) for _, mark, here in said}
        again.note(triple, holds, changed=triple in changed)
    _name_integrations(keys, [key for key in facts.changed if (key[0], key[2]) == (JOB, "jobType")])


def _words(triple: Triple, facets: LastingFacets) -> list[tuple[Key, Value]]:
    """What facets say: of each key the value."""
    subject, number, teller = triple
    return [((subject, number, name, teller), value) for name, value in facets.values()]


def _by_teller(keys: Keys, told: Iterable[tolds.Told]) -> dict[Triple, list[_Saying]]:
    """What events say that lasts: of whom and told by whom."""
    found: dict[Triple, list[_Saying]] = {}
    for one in told:
        for triple, facets in by_triple(keys, one):
            found.setdefault(triple, []).append((one.at, facets))
    return found


def _name_integrations(keys: Keys, changed: Sequence[Key]) -> None:
    """Have jobs say whose they are, as the newest facet of their type does."""
    last = keys.memory.last[tables.fact.name]
    due = {key[1]: last[key].value for key in changed if last.get(key)}
    if not due:
        return
    told = bodies(keys, set(due.values()))
    rows = [
        (plain(str(unpacked(told[value]).get("integration") or "")) or None, job)
        for job, value in due.items()
    ]
    driver.tell(keys.connection, "UPDATE job SET integration = ? WHERE id = ?", rows)
