"""The way between two versions, held against what each version is made up of, for any history."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from hypothesis import given
from hypothesis import strategies as st

from headgate.lineage.change import COMPACTION, RESTORE, Change
from headgate.lineage.questions.why_history import Write
from headgate.lineage.questions.why_path import Ways

NAME = "bronze.shop.orders"


@dataclass
class Told:
    """A history that knows these versions, and counts how often it was asked."""

    writes: dict[int, Write]
    asked: int = 0

    def look_up(self, dataset: str, versions: range) -> None:
        """Nothing is to be looked up here."""

    def write(self, dataset: str, version: int, until: int) -> Write | None:
        self.asked += 1
        found = self.writes.get(version)
        return found if found is not None and found.at <= until else None


@st.composite
def histories(draw: st.DrawFn) -> tuple[Told, list[tuple[int, ...]]]:
    """A history, and of each version the batches whose rows it has, in order."""
    writes: dict[int, Write] = {}
    contents: list[tuple[int, ...]] = []
    content_of = 0  # the version whose rows the newest has, whatever was put together since
    for version in range(draw(st.integers(1, 12))):
        kind = (
            draw(st.sampled_from(("ingest", "ingest", RESTORE, COMPACTION)))
            if version
            else "ingest"
        )
        if kind == "ingest":
            change = Change("ingest", after=content_of if version else None)
            contents.append((*(contents[content_of] if version else ()), version))
            content_of = version
        elif kind == COMPACTION:
            change = Change(COMPACTION, same_as=content_of)
            contents.append(contents[content_of])
        else:
            back = draw(st.integers(0, version - 1))
            change = Change(RESTORE, same_as=back)
            contents.append(contents[back])
            content_of = version
        writes[version] = Write(NAME, version, version, "run", change)
    return Told(writes), contents


@given(histories(), st.data())
def test_what_was_done_and_undone_leads_from_one_to_the_other(
    history: tuple[Told, list[tuple[int, ...]]], data: st.DataObject
) -> None:
    told, contents = history
    versions = st.integers(0, len(contents) - 1)
    before, after = data.draw(versions), data.draw(versions)
    way = Ways(told).between(NAME, before, after, 99, 99)  # type: ignore[arg-type]
    old, new = contents[before], contents[after]
    shared = len([*takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))])

    assert tuple(w.version for w in way.done if w.change.kind == "ingest") == new[shared:]
    assert tuple(w.version for w in way.undone if w.change.kind == "ingest") == old[shared:]
    assert way.gaps == ()
    # It goes no farther back than where they meet.
    assert told.asked <= 2 * (len(contents) + 4)
    if before == after:
        assert (way.done, way.undone) == ((), ())


@given(histories(), st.sets(st.integers(0, 11)))
def test_what_no_event_tells_of_is_told_as_that(
    history: tuple[Told, list[tuple[int, ...]]], lost: set[int]
) -> None:
    told, contents = history
    for version in lost:
        told.writes.pop(version, None)
    way = Ways(told).between(NAME, None, len(contents) - 1, 99, 99)  # type: ignore[arg-type]

    assert {g.version for g in way.gaps} <= lost
    assert {w.version for w in way.done}.isdisjoint(lost)
    assert way.last is None or way.last.version not in lost
    if len(contents) - 1 in lost:
        assert way.gaps[0].version == len(contents) - 1


def test_a_lake_that_began_anew_is_not_mixed_with_the_one_before() -> None:
    """Version 0 was written again under the same name, later than what is asked for."""
    old = Write(NAME, 0, 10, "first", Change("ingest", inserted=1))
    told = Told({0: old, 1: Write(NAME, 1, 20, "first", Change("ingest", after=0))})
    way = Ways(told).between(NAME, 0, 1, 15, 25)  # type: ignore[arg-type]
    assert [w.version for w in way.done] == [1]
    assert way.first is old
    early = Ways(told).between(NAME, 0, 1, 15, 18)  # type: ignore[arg-type]
    assert [g.version for g in early.gaps] == [1]
