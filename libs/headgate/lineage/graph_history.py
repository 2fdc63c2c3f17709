"""What was said of datasets and when, as arrays: statements, who says them, and from when until when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from headgate.core import json as hjson
from headgate.lineage.graph_arrays import Edges, Flags, Ints, Ways, ranges
from headgate.lineage.graph_names import DatasetRow, NodeNames

#: The end of a span that still holds.
STILL = np.iinfo(np.int64).max
_EMPTY: Ints = np.zeros(0, np.int64)
#: A span's row: ids of dataset, then the slot, ids of job and statement, from when until when.
SpanRow = tuple[int, str, int, int, int, int | None]


@dataclass(frozen=True, eq=False)
class Statements:
    """Edges of statements by place of field. ``begins[i]`` is where those of ``ids[i]`` begin.

    ``tells`` says of each statement whether it tells of columns, ``reads`` whether of datasets that
    something is made from.
    """

    ids: Ints
    begins: Ints
    target: Ints
    source: Ints
    ways: Ints
    tells: Flags
    reads: Flags

    @classmethod
    def of(cls, rows: Ints, names: NodeNames, ways: Ways, way_numbers: dict[int, tuple[str, str]]) -> Statements:  # fmt: skip
        """Statements of rows of statement, target, source and way, sorted by these.

        An edge of a column onto itself in no way says that the column is told of.
        """
        statement = rows[:, 0]
        new = np.ones(len(rows), np.bool_)
        new[1:] = (rows[1:, :3] != rows[:-1, :3]).any(axis=1)
        first = np.flatnonzero(new)
        numbers = _way_sets(rows[:, 3], first, ways, way_numbers)
        target = np.searchsorted(names.field_ids, rows[first, 1])
        source = np.searchsorted(names.field_ids, rows[first, 2])
        ids, begins = np.unique(statement[first], return_index=True)
        of_column = ~(names.is_whole[target] | names.is_rows[target])
        reads = names.is_whole[target] & (numbers == Ways.PLAIN) & (target != source)
        return cls(
            ids, np.append(begins, len(first)), target, source, numbers,
            _any(of_column, begins), _any(reads, begins),
        )  # fmt: skip

    @classmethod
    def none(cls) -> Statements:
        """The one that says nothing alone; it has place 0 among all others, too."""
        said = np.zeros(1, np.bool_)
        begins = np.zeros(2, np.int64)
        return cls(np.zeros(1, np.int64), begins, _EMPTY, _EMPTY, _EMPTY, said, said)

    def places(self, ids: Ints) -> Ints:
        """The places of statements; those without an edge say nothing."""
        found = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[found] == ids, found, 0)

    def extended(self, more: Statements) -> Statements:
        """These and more, whose ids are greater."""
        if not len(more.ids):
            return self
        return Statements(
            np.append(self.ids, more.ids),
            np.append(self.begins[:-1], more.begins + len(self.target)),
            np.append(self.target, more.target), np.append(self.source, more.source),
            np.append(self.ways, more.ways), np.append(self.tells, more.tells),
            np.append(self.reads, more.reads),
        )  # fmt: skip


def _any(flags: Flags, begins: Ints) -> Flags:
    found: Flags = np.logical_or.reduceat(flags, begins) if len(begins) else flags[:0]
    return found


def _way_sets(way: Ints, first: Ints, ways: Ways, known: dict[int, tuple[str, str]]) -> Ints:
    """The number of the set of ways of each edge; its ways stand side by side."""
    ends = np.append(first[1:], len(way))
    alone = {w: ways.of([pair]) for w, pair in known.items()}
    table = np.zeros(max(alone, default=0) + 1, np.int64)
    table[list(alone)] = list(alone.values())
    found: Ints = table[way[first]]
    for place in np.flatnonzero(ends - first > 1).tolist():
        several = way[first[place] : ends[place]].tolist()
        found[place] = ways.of(known[w] for w in several)
    return found


@dataclass(frozen=True, eq=False)
class Spans:
    """When which saying held. A saying is a statement of one job in one slot of a dataset.

    Of spans: ``saying``, ``begin`` and ``end``. Of sayings: ``dataset`` (its place), ``slot``,
    ``job`` (the job's id) and ``statement`` (its place).
    """

    saying: Ints
    begin: Ints
    end: Ints
    dataset: Ints
    slot: Ints
    job: Ints
    statement: Ints
    numbers: dict[tuple[int, int, int, int], int]
    slots: dict[str, int]

    @classmethod
    def none(cls) -> Spans:
        """Of nothing."""
        return cls(*(_EMPTY,) * 7, {}, {})

    def replaced(
        self, datasets: Iterable[int], rows: Sequence[SpanRow], names: NodeNames, statements: Statements
    ) -> Spans:  # fmt: skip
        """These, but of those datasets (ids) the rows alone."""
        gone = np.searchsorted(names.ids, np.array(sorted(datasets), np.int64))
        keep = ~np.isin(self.dataset[self.saying], gone) if len(self.saying) else self.saying == 0
        numbers, slots = dict(self.numbers), dict(self.slots)
        known = len(numbers)
        dataset = np.searchsorted(names.ids, np.array([r[0] for r in rows], np.int64)).tolist()
        statement = statements.places(np.array([r[3] for r in rows], np.int64)).tolist()
        saying = []
        for row, of, said in zip(rows, dataset, statement, strict=True):
            key = (of, slots.setdefault(row[1], len(slots)), row[2], said)
            saying.append(numbers.setdefault(key, len(numbers)))
        fresh = np.array([*numbers][known:], np.int64).reshape(-1, 4)
        return Spans(
            np.append(self.saying[keep], np.array(saying, np.int64)),
            np.append(self.begin[keep], np.array([r[4] for r in rows], np.int64)),
            np.append(
                self.end[keep], np.array([STILL if r[5] is None else r[5] for r in rows], np.int64)
            ),
            np.append(self.dataset, fresh[:, 0]), np.append(self.slot, fresh[:, 1]),
            np.append(self.job, fresh[:, 2]), np.append(self.statement, fresh[:, 3]),
            numbers, slots,
        )  # fmt: skip

    def holding(self, names: NodeNames, at: Ints | None = None) -> Flags:
        """Which sayings hold: now, or of each dataset (by place) at an instant of its own."""
        of = names.canonical[self.dataset[self.saying]] if len(self.saying) else self.saying
        # What begins and ends at once was taken back.
        holds = (
            (self.begin <= at[of]) & (at[of] < self.end) if at is not None else self.end == STILL
        )
        chosen = np.flatnonzero(holds)
        if names.has_aliases and len(chosen):
            # Of several names of one dataset each has spans of its own; the newest counts.
            slot = of[chosen] * (len(self.slots) + 1) + self.slot[self.saying[chosen]]
            order = np.lexsort((self.begin[chosen], slot))
            last = np.append(slot[order][1:] != slot[order][:-1], True)
            chosen = chosen[order[last]]
        found = np.zeros(len(self.dataset), np.bool_)
        found[self.saying[chosen]] = True
        return found


def _edges_of(
    flags: Flags, spans: Spans, statements: Statements, names: NodeNames, ways: Ways
) -> Edges:
    """The edges of those sayings, between nodes."""
    sayings = np.flatnonzero(flags)
    place = spans.statement[sayings]
    counts = statements.begins[place + 1] - statements.begins[place]
    rows = ranges(statements.begins[place], counts)
    target = names.node_of[statements.target[rows]]
    source = names.node_of[statements.source[rows]]
    real = target != source
    target, source = target[real], source[real]
    saying, way = np.repeat(sayings, counts)[real], statements.ways[rows][real]
    if names.has_aliases:
        target, source, saying, way = _once(target, source, saying, way, ways)
    own = names.is_rows[source] & (names.dataset_of[source] == names.dataset_of[target])
    return Edges.of(target, source, way, saying, own)


def _once(target: Ints, source: Ints, saying: Ints, way: Ints, ways: Ways) -> tuple[Ints, ...]:
    """Each edge of a saying once, in all its ways: it may be told of several names of one dataset."""
    order = np.lexsort((source, target, saying))
    new = np.ones(len(order), np.bool_)
    new[1:] = False
    for one in (target[order], source[order], saying[order]):
        new[1:] |= one[1:] != one[:-1]
    begins = np.append(np.flatnonzero(new), len(order))
    if len(begins) > len(order):
        return target, source, saying, way
    first, way = order[begins[:-1]], way.copy()
    for place in np.flatnonzero(np.diff(begins) > 1).tolist():
        several = way[order[begins[place] : begins[place + 1]]].tolist()
        way[first[place]] = ways.of(pair for number in several for pair in ways.sets[number])
    first.sort()
    return target[first], source[first], saying[first], way[first]


class Layers:
    """Edges of a growing number of sayings: many sorted once, and the few that came since."""

    def __init__(self) -> None:
        self._layers: list[tuple[Flags, Edges]] = []

    def of(
        self, wanted: Flags, spans: Spans, statements: Statements, names: NodeNames, ways: Ways
    ) -> tuple[Edges, ...]:
        """Edges that are those of all wanted sayings, and perhaps of others."""
        known = np.zeros(len(wanted), np.bool_)
        for flags, _ in self._layers:
            known[: len(flags)] |= flags
        missing = wanted & ~known
        if missing.any():
            base = self._layers[:1]
            late = (known | missing) & ~_long(base[0][0], len(wanted)) if base else wanted
            if not base or _size(late, spans, statements) > 2000 + len(base[0][1].up.links) // 10:
                self._layers = [(wanted, _edges_of(wanted, spans, statements, names, ways))]
            else:
                self._layers = [*base, (late, _edges_of(late, spans, statements, names, ways))]
        return tuple(e for _, e in self._layers)

    def copy(self) -> Layers:
        """One that grows by itself from here."""
        found = Layers()
        found._layers = list(self._layers)
        return found


def _long(flags: Flags, size: int) -> Flags:
    found = np.zeros(size, np.bool_)
    found[: len(flags)] = flags
    return found


def _size(flags: Flags, spans: Spans, statements: Statements) -> int:
    place = spans.statement[np.flatnonzero(flags)]
    return int((statements.begins[place + 1] - statements.begins[place]).sum())


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a store: all, or those that are new or changed since some revision.

    ``fields`` are new ones: ids, ids of datasets, names. ``ways`` are all, by id; ``edges`` are of
    new statements: their ids, and those of target, source and way, sorted. ``spans`` are all of
    the datasets ``again``.
    """

    revision: int
    datasets: Sequence[DatasetRow]
    fields: tuple[Ints, Ints, list[str]]
    jobs: dict[int, tuple[str, str]]
    ways: dict[int, tuple[str, str]]
    edges: Ints
    spans: Sequence[SpanRow]
    again: Iterable[int]


@dataclass(frozen=True, eq=False)
class History:
    """All of it at one revision of the store; nothing here ever changes, but for what is worked out.

    ``jobs`` are namespace and name by id.
    """

    revision: int
    names: NodeNames
    ways: Ways
    statements: Statements
    spans: Spans
    jobs: dict[int, tuple[str, str]]
    #: Layers of edges that are true of what holds now, and of all that ever held.
    now: Layers = field(default_factory=Layers)
    ever: Layers = field(default_factory=Layers)
    _told: dict[int, str] = field(default_factory=dict)

    def jobs_json(self, jobs: Sequence[int]) -> list[str]:
        """Namespace and name of each of the jobs as JSON, written once and kept."""
        told = self._told
        for job in [j for j in jobs if j not in told]:
            namespace, name = self.jobs[job]
            told[job] = hjson.dumps({"namespace": namespace, "name": name})
        return list(map(told.__getitem__, jobs))

    @classmethod
    def empty(cls, home: str | None = None) -> History:
        """Nothing; ``home`` is the lake whose datasets go by their ids."""
        names = NodeNames([], _EMPTY, _EMPTY, [], home)
        return cls(0, names, Ways(), Statements.none(), Spans.none(), {})

    def brought_up(self, rows: Rows) -> History:
        """With rows that are new or changed."""
        datasets, renamed = _datasets(self.names.datasets, rows.datasets)
        names = self.names.extended(datasets, *rows.fields)
        statements = self.statements.extended(
            Statements.of(rows.edges, names, self.ways, rows.ways)
        )
        spans = self.spans
        again = set(rows.again)
        if again or rows.spans:
            spans = spans.replaced(again, rows.spans, names, statements)
        return History(
            rows.revision, names, self.ways, statements, spans, {**self.jobs, **rows.jobs},
            Layers() if renamed else self.now.copy(), Layers() if renamed else self.ever.copy(),
            self._told,
        )  # fmt: skip


def _datasets(
    known: Sequence[DatasetRow], rows: Sequence[DatasetRow]
) -> tuple[Sequence[DatasetRow], bool]:
    """The known datasets with the rows' ones, and whether a known one is now another name of another."""
    if not rows:
        return known, False
    found = {row[0]: row for row in known}
    renamed = any(row[0] in found and found[row[0]][3] != row[3] for row in rows)
    found |= {row[0]: row for row in rows}
    return [found[i] for i in sorted(found)], renamed
