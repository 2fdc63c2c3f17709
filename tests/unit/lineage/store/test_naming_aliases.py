"""Names of one dataset add up to one, in whatever order events tell them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.lineage.store import aliases, tables
from headgate.lineage.store.naming import CATALOGUE, QUARANTINE, SYMLINK, Named

OURS, THEIRS = Named("headgate://local", "gold.x.a"), Named("headgate://local", "gold.x.b")
PATH, TABLE = Named("file", "/lake/gold/x/a"), Named("hive://h:9083", "default.a")
REFUSED = Named("file", "/lake/gold/x/a__quarantine")
MEMORY = Named("duckdb://:memory:?job=j", "memory.main.a", True)
ALL = (OURS, THEIRS, PATH, TABLE, REFUSED, MEMORY, Named("headgate://other", "gold.x.a"),
       Named("s3://b", "k"), Named("bigquery", "p.d.t"))  # fmt: skip

Told = tuple[Named, Named, str]


class Rows:
    """A store's rows of names, filled as events come."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection, self.ids, self.revision = connection, dict[Named, int](), 0

    def tell(self, *told: Told, alone: Sequence[Named] = ()) -> frozenset[Named]:
        """Take what one batch tells; gives whose standing changed."""
        self.revision += 1
        named = [n for one, other, _ in told for n in (one, other)] + list(alone)
        fresh = [n for n in dict.fromkeys(named) if n not in self.ids]
        for one in fresh:
            self.ids[one] = len(self.ids) + 1
            self.connection.execute(
                tables.dataset.insert(),
                {"id": self.ids[one], "namespace": one.namespace, "name": one.name,
                 "transient": one.transient, "revision": self.revision},
            )  # fmt: skip
        pairs = [(self.ids[one], self.ids[other], why) for one, other, why in told]
        changed = aliases.record(
            self.connection, pairs, [self.ids[n] for n in fresh], self.revision
        )
        back = {number: one for one, number in self.ids.items()}
        return frozenset(back[one] for one in changed)

    def standing(self) -> dict[Named, Named]:
        rows = list(self.connection.execute(sa.select(tables.dataset)))
        found = {r.id: Named(r.namespace, r.name, r.transient) for r in rows}
        return {found[r.id]: found[r.canonical_id] for r in rows}

    def known(self) -> set[Told]:
        back = {number: one for one, number in self.ids.items()}
        rows = self.connection.execute(sa.select(tables.alias))
        return {(back[r.dataset_id], back[r.other_id], r.source) for r in rows}


@pytest.fixture(scope="module")
def engine() -> sa.Engine:
    made = sa.create_engine("sqlite://")
    tables.metadata.create_all(made, [tables.dataset, tables.alias])
    return made


@pytest.fixture
def rows(engine: sa.Engine) -> Iterator[Rows]:
    with engine.connect() as connection:
        yield Rows(connection)  # never committed


def test_a_dataset_of_a_lake_stands_for_its_path_and_what_leads_there(rows: Rows) -> None:
    rows.tell((PATH, TABLE, SYMLINK))
    assert rows.standing()[TABLE] == PATH, "the name that events told it by"
    changed = rows.tell((OURS, PATH, SYMLINK))
    assert changed == {OURS, PATH, TABLE}
    assert set(rows.standing().values()) == {OURS}


def test_who_is_alone_stands_for_itself(rows: Rows) -> None:
    assert rows.tell(alone=[OURS, TABLE]) == frozenset()
    assert rows.standing() == {OURS: OURS, TABLE: TABLE}


def test_what_is_known_already_changes_nothing(rows: Rows) -> None:
    rows.tell((OURS, PATH, SYMLINK))
    assert rows.tell((OURS, PATH, SYMLINK)) == frozenset()
    marks = set(rows.connection.scalars(sa.select(tables.dataset.c.revision)))
    assert marks == {1}


def test_what_is_implied_holds_of_a_lake_only(rows: Rows) -> None:
    rows.tell((REFUSED, PATH, QUARANTINE))
    assert rows.standing() == {REFUSED: REFUSED, PATH: PATH}, "a table of somebody else's"
    assert rows.tell((OURS, PATH, SYMLINK)) == {OURS, PATH, REFUSED}
    assert rows.standing()[REFUSED] == OURS


def test_what_is_implied_leads_one_way(rows: Rows) -> None:
    """A dataset of a lake is no quarantine because a path says so."""
    rows.tell((OURS, PATH, QUARANTINE))
    assert rows.standing()[PATH] == PATH


def test_a_symlink_says_more_than_what_is_implied(rows: Rows) -> None:
    rows.tell((REFUSED, PATH, QUARANTINE), (REFUSED, PATH, SYMLINK))
    assert rows.standing()[PATH] == REFUSED
    rows.tell((PATH, TABLE, CATALOGUE))
    rows.tell((PATH, TABLE, SYMLINK))
    assert {source for _, _, source in rows.known()} == {SYMLINK}
    assert rows.standing()[TABLE] == PATH


def test_two_datasets_of_lakes_are_never_one(rows: Rows) -> None:
    rows.tell((THEIRS, TABLE, SYMLINK), (OURS, TABLE, SYMLINK), (OURS, PATH, SYMLINK))
    assert rows.standing() == {OURS: OURS, THEIRS: THEIRS, PATH: OURS, TABLE: OURS}
    assert aliases.contested(rows.connection) == (aliases.Contested(TABLE, OURS, (OURS, THEIRS)),)


def test_the_nearest_dataset_has_the_name(rows: Rows) -> None:
    rows.tell((OURS, PATH, SYMLINK), (PATH, TABLE, SYMLINK), (THEIRS, TABLE, SYMLINK))
    assert rows.standing()[TABLE] == THEIRS
    assert rows.standing()[PATH] == OURS


def test_what_is_in_memory_stands_for_nothing_that_lasts(rows: Rows) -> None:
    rows.tell((MEMORY, TABLE, SYMLINK))
    assert rows.standing()[MEMORY] == TABLE


def test_a_long_chain_of_names_is_one(rows: Rows) -> None:
    chain = [Named("postgres://h:5432", f"d.s.t{n:04}") for n in range(2_000)]
    rows.tell(*((one, other, SYMLINK) for one, other in pairwise(chain)))
    assert set(rows.standing().values()) == {chain[0]}
    rows.tell((OURS, chain[-1], SYMLINK))
    assert set(rows.standing().values()) == {OURS}


_TOLD = st.tuples(
    st.sampled_from(ALL), st.sampled_from(ALL), st.sampled_from((SYMLINK, CATALOGUE, QUARANTINE))
).filter(lambda told: told[0] != told[1])


@given(st.data(), st.lists(_TOLD, max_size=14))
@settings(max_examples=60, deadline=None)
def test_order_and_repetition_change_nothing(
    engine: sa.Engine, data: st.DataObject, told: list[Told]
) -> None:
    shuffled = data.draw(st.permutations(told + told[:3]))
    cut = data.draw(st.integers(0, len(shuffled)))
    outcomes = []
    for batches in ([told], [shuffled[:cut], shuffled[cut:]]):
        with engine.connect() as connection:
            rows = Rows(connection)
            for batch in batches:
                rows.tell(*batch)
            rows.tell(alone=[n for n in ALL if n not in rows.ids])
            outcomes.append((rows.standing(), rows.known(), aliases.contested(connection)))
    assert outcomes[0] == outcomes[1]


@given(st.lists(_TOLD, max_size=14))
@settings(max_examples=60, deadline=None)
def test_standing_is_settled(engine: sa.Engine, told: list[Told]) -> None:
    """Who stands for others stands for itself, and a dataset of a lake for nobody else than it."""
    with engine.connect() as connection:
        rows = Rows(connection)
        rows.tell(*told, alone=ALL)
        standing = rows.standing()
    for one, stands in standing.items():
        assert standing[stands] == stands
        if one.namespace.startswith("headgate://"):
            assert stands == one
