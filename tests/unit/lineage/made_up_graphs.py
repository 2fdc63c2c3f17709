"""Graphs of lineage made up in a test: rows of a store without a store, and a plain account of walks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from headgate.lineage.graph_history import History, Rows

LAKE = "headgate://local"
#: Of an edge: source dataset and column, target column, type and subtype.
Told = tuple[str, str, str, tuple[str, str]]
PLAIN = ("", "")


@dataclass
class MadeUp:
    """A store's rows, written down as a store does: ids grow, statements are kept once."""

    revision: int = 0
    datasets: dict[str, int] = field(default_factory=dict)
    fields: dict[tuple[str, str], int] = field(default_factory=dict)
    ways: dict[tuple[str, str], int] = field(default_factory=dict)
    jobs: dict[str, int] = field(default_factory=dict)
    statements: dict[frozenset[tuple[int, int, int]], int] = field(default_factory=dict)
    #: By dataset and slot: job, statement, from, to.
    spans: dict[tuple[str, str], list[tuple[str, int, int, int | None]]] = field(
        default_factory=dict
    )
    canonical: dict[str, str] = field(default_factory=dict)
    transient: set[str] = field(default_factory=set)
    _given: tuple[int, int, int, int] = (0, 0, 0, 0)
    _changed: set[str] = field(default_factory=set)
    _again: set[str] = field(default_factory=set)

    def dataset(self, name: str, *columns: str) -> None:
        """Tell of a dataset and its columns."""
        if name not in self.datasets:
            self.datasets[name] = len(self.datasets) + 1
            self._changed.add(name)
        for column in ("", *columns):
            self.fields.setdefault((name, column), len(self.fields) + 1)

    def stands_for(self, name: str, other: str) -> None:
        """Have ``other`` be another name of ``name``."""
        for one in (name, other):
            self.dataset(one)
        self.canonical[other] = name
        self._changed.add(other)

    def passes(self, name: str) -> None:
        """Have a dataset be one that cannot outlive its process."""
        self.dataset(name)
        self.transient.add(name)
        self._changed.add(name)

    def say(
        self, dataset: str, edges: Iterable[Told], at: int, *, job: str = "", slot: str = "made"
    ) -> None:
        """Have a job say at an instant, the newest, what a dataset is made from."""
        job = job or f"{dataset}.build"
        rows = set()
        self.dataset(dataset)
        for source, column, target, way in edges:
            self.dataset(source, column)
            self.dataset(dataset, target)
            rows.add((
                self.fields[dataset, target], self.fields[source, column],
                self.ways.setdefault(way, len(self.ways)),
            ))  # fmt: skip
        statement = self.statements.setdefault(frozenset(rows), len(self.statements) + 1)
        self.jobs.setdefault(job, len(self.jobs) + 1)
        line = self.spans.setdefault((dataset, slot), [])
        if line and line[-1][3] is None:
            line[-1] = (*line[-1][:3], at)
        line.append((job, statement, at, None))
        self._again.add(dataset)

    def rows(self) -> Rows:
        """What is new or changed since it was last asked."""
        seen_fields, seen_statements, seen_jobs, _ = self._given
        self.revision += 1
        new = [(i, d, n) for (d, n), i in self.fields.items() if i > seen_fields]
        edges = sorted(
            (s, *e) for rows, s in self.statements.items() if s > seen_statements for e in rows
        )
        self._given = len(self.fields), len(self.statements), len(self.jobs), 0
        ids, changed, again = self.datasets, self._changed, self._again
        self._changed, self._again = set(), set()
        return Rows(
            self.revision,
            [(ids[d], LAKE, d, ids[self.canonical.get(d, d)], d in self.transient)
             for d in sorted(changed, key=ids.__getitem__)],
            (np.array([i for i, _, _ in new], np.int64),
             np.array([ids[d] for _, d, _ in new], np.int64), [n for _, _, n in new]),
            {i: (LAKE, j) for j, i in self.jobs.items() if i > seen_jobs},
            {i: w for w, i in self.ways.items()},
            np.array(edges, np.int64).reshape(-1, 4),
            [(ids[d], slot, self.jobs[j], s, a, b)
             for (d, slot), line in self.spans.items() if d in again for j, s, a, b in line],
            {ids[d] for d in again},
        )  # fmt: skip

    def history(self) -> History:
        """All of it."""
        return History.empty("local").brought_up(self.rows())


Key = tuple[str, str]


def plain_walk(
    made: MadeUp,
    start: Key,
    direction: str,
    *,
    depth: int | None = None,
    indirect: bool = True,
    at: Mapping[str, int] | None = None,
) -> set[tuple[int, Key, Key, tuple[tuple[str, str], ...], str]]:
    """A walk over dictionaries, as its meaning is told: depth, source, target, ways, job."""
    links: dict[Key, list[tuple[Key, tuple[tuple[str, str], ...], str]]] = {}
    for source, target, ways, job in plain_edges(made, at):
        is_direct = not ways or any(kind == "DIRECT" for kind, _ in ways)
        if direction == "down" and source == (target[0], "*"):
            continue
        if indirect or is_direct:
            near, far = (target, source) if direction == "up" else (source, target)
            links.setdefault(near, []).append((far, ways, job))
    found, seen, level, steps = set(), {start}, [start], 0
    while level and (depth is None or steps < depth):
        steps += 1
        following = []
        for near in level:
            for far, ways, job in links.get(near, ()):
                source, target = (far, near) if direction == "up" else (near, far)
                found.add((steps, source, target, ways, job))
                if far not in seen:
                    seen.add(far)
                    following.append(far)
        level = following
    return found


def plain_edges(
    made: MadeUp, at: Mapping[str, int] | None = None
) -> Sequence[tuple[Key, Key, tuple[tuple[str, str], ...], str]]:
    """Every edge that holds, with all its ways; each dataset as of its own instant."""
    fields = {i: (made.canonical.get(d, d), n) for (d, n), i in made.fields.items()}
    ways = {i: w for w, i in made.ways.items()}
    rows = {s: r for r, s in made.statements.items()}
    newest: dict[tuple[str, str], tuple[int, str, int]] = {}
    for (dataset, slot), line in made.spans.items():
        name = made.canonical.get(dataset, dataset)
        for job, statement, begin, end in line:
            holds = (
                end is None if at is None else begin <= at[name] and (end is None or at[name] < end)
            )
            if holds:
                newest[name, slot] = max(
                    newest.get((name, slot), (-1, "", 0)), (begin, job, statement)
                )
    found: dict[tuple[Key, Key, str, int], set[tuple[str, str]]] = {}
    for _, job, statement in newest.values():
        for target, source, way in rows[statement]:
            one, other = fields[source], fields[target]
            if one != other:
                found.setdefault((one, other, job, statement), set()).add(ways[way])
    read = {(s, t) for (s, t, _, _), w in found.items() if w == {PLAIN}}
    return [
        (s, t, tuple(sorted(w - {PLAIN})), job)
        for (s, t, job, _), w in found.items()
        if not (w == {("INDIRECT", "LOOKUP")} and (s, t) in read)
    ]
