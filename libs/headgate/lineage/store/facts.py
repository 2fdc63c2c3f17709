"""Facets of datasets and jobs that last, as facts: from when until when each had which value."""

from __future__ import annotations

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
from headgate.lineage.store.timelines import Key, Said, Timelines
from headgate.lineage.store.told_again import ToldAgain, Triple
from headgate.lineage.store.values import Value

DATASET, JOB = "dataset", "job"
#: When facets were told, and they themselves.
_Saying = tuple[int, LastingFacets]
#: Subject, whose, facet and value.
_Word = tuple[str, tuple[str, str], str, Value]
#: So many events that were read again are kept while one transaction lasts.
_READ_AGAIN = 5_000


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


def said(one: tolds.Told) -> Iterator[tuple[str, tuple[str, str], str, Value]]:
    """What an event says that lasts: subject, whose, facet, and its value."""
    for spoken in one.spoken:
        for facet, value in spoken.facets.values():
            yield DATASET, spoken.named[:2], facet, value
    if one.job:
        for facet, value in one.job_facets.values():
            yield JOB, one.job, facet, value


class Facts(Timelines):
    """Timelines of facets; what is said is the value. ``since`` is the first event of this batch."""

    table = tables.fact
    key = ("subject", "subject_id", "facet", "told_by")
    found_by = ("subject", "subject_id", "told_by")
    value = "value_id"

    def __init__(self, keys: Keys, revision: int, *, since: int, lake: str | None) -> None:
        super().__init__(keys, revision)
        self._since = since
        self._lake = lake
        #: What events say that were read again, by their numbers: each is asked of many facets.
        self._read: dict[int, list[_Word]] = {}

    def later(self, key: Key, at: int, known: Sequence[Said]) -> bool:
        """Whether an event before this batch, that may speak of it, is of that instant or later."""
        query = sa.select(sa.literal(1)).where(
            *_events(key), tables.event.c.at >= at, tables.event.c.id < self._since
        )
        return self.connection.execute(query.limit(1)).first() is not None

    def around(self, key: Key, first: int, last: int) -> Iterable[Said]:
        """What events said from ``first`` to ``last``, and next."""
        event = tables.event.c
        of = (tables.dataset if key[0] == DATASET else tables.job).c
        named = self.connection.execute(sa.select(of.namespace, of.name).where(of.id == key[1]))
        whose = tuple(named.one())
        query = sa.select(event.id, event.at, event.body).where(*_events(key), event.at >= first)
        end: int | None = None
        for row in self.connection.execute(query.order_by(event.at)):
            if end is not None and row.at > end:
                return
            for value in self._told(key, whose, row.id, row.body):
                found = value.digest
                self.keys.values({found: value.text})
                yield Said(row.at, found, self.keys.of(tables.fact_value)[found])
                if row.at > last:
                    end = row.at

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

    def _told(self, key: Key, whose: tuple[str, ...], number: int, body: bytes) -> Iterator[Value]:
        words = self._read.get(number)
        if words is None:
            if len(self._read) >= _READ_AGAIN:
                self._read.clear()
            words = self._read[number] = [*said(tolds.read(unpacked(body), 0, self._lake))]
        for subject, named, facet, value in words:
            if (subject, facet) == (key[0], key[2]) and named == whose:
                yield value


def _events(key: Key) -> tuple[sa.ColumnElement[bool], ...]:
    subject, number, _, told_by = key
    event = tables.event.c
    if subject == DATASET and told_by == 0:
        return event.dataset_id == number, event.job_id.is_(None)
    return (event.job_id == told_by,)


def bodies(keys: Keys, numbers: Iterable[int]) -> dict[int, bytes]:
    """Values by their numbers, packed."""
    wanted = [(number,) for number in numbers]
    value = tables.fact_value
    return dict(matching(keys.connection, value, ("id",), wanted, wanted=("id", "body")))


def write(
    keys: Keys, told: Sequence[tolds.Told], revision: int, *, since: int, lake: str | None
) -> None:
    """Take in the facts of events, which are written already; ``since`` is the first one's number."""
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
    facts = Facts(keys, revision, since=since, lake=lake)
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
    datasets, jobs = keys.of(tables.dataset), keys.of(tables.job)
    found: dict[Triple, list[_Saying]] = {}
    for one in told:
        teller = jobs[one.job] if one.job else 0
        for spoken in one.spoken:
            if spoken.facets:
                triple = DATASET, datasets[spoken.named[:2]], teller
                found.setdefault(triple, []).append((one.at, spoken.facets))
        if one.job_facets:
            found.setdefault((JOB, teller, teller), []).append((one.at, one.job_facets))
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
