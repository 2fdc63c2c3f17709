"""Why a number changed between two releases: what moved, all the way up, by which runs, and for what reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from headgate.core.errors import NotFoundError, UsageError
from headgate.lineage.questions import why_history
from headgate.lineage.questions.why_causes import KINDS, Cause, beside, causes
from headgate.lineage.questions.why_history import History, Shown, Write
from headgate.lineage.questions.why_path import Way, Ways
from headgate.lineage.store.instants import micros, moment, parse

if TYPE_CHECKING:
    from headgate.lineage.store.opening import Store

__all__ = ["KINDS", "Cause", "End", "Held", "Moved", "Why", "why"]

_NUMBER = re.compile(r"[0-9]{1,9}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class End:
    """One end of what is compared: ``asked`` as it was given, the release that readers saw then, and
    the instant. ``number`` is None before the first release."""

    asked: str
    number: int | None
    at: datetime
    kind: str = ""
    run: str | None = None


@dataclass(frozen=True)
class Moved:
    """A dataset that is at another version: for the one that was asked for, as the releases have it,
    for others as they were read to build it. ``distance`` is how many builds lie between.

    ``causes`` are why its rows differ; ``read_by`` which datasets were built from it; ``rows_before``
    and ``rows_after`` how many it had, where that is known.
    """

    dataset: str
    before: int | None
    after: int | None
    distance: int
    causes: tuple[Cause, ...]
    read_by: tuple[str, ...] = ()
    rows_before: int | None = None
    rows_after: int | None = None

    @property
    def changes_rows(self) -> bool:
        """Whether anything happened to it that may have changed a row."""
        return any(cause.changes_rows for cause in self.causes)


@dataclass(frozen=True)
class Held:
    """A dataset that the later release still shows at an earlier version, and why: ``behind`` is the
    version that is committed and not shown, None if there is none."""

    dataset: str
    version: int | None
    group: str
    behind: int | None
    why: tuple[str, ...]


@dataclass(frozen=True)
class Why:
    """The answer. ``moved`` has the dataset itself first, then what it is made from, the nearest
    first; what did not change is not in it. ``beside`` is what happened to the dataset and made no
    version of it. ``left_out`` are inputs that moved and that the column does not follow from.
    """

    dataset: str
    namespace: str
    column: str | None
    before: End
    after: End
    moved: tuple[Moved, ...] = ()
    held: tuple[Held, ...] = ()
    beside: tuple[Cause, ...] = ()
    left_out: tuple[str, ...] = ()
    untraced: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether nothing happened, near or far, that may have changed a row; that it was built from
        other versions is nothing where those have the same rows."""
        return not self.roots

    @property
    def roots(self) -> tuple[Moved, ...]:
        """Where it comes from: what moved for reasons of its own, not only because its inputs did."""
        own = (
            m for m in self.moved if any(c.changes_rows and c.kind != "inputs" for c in m.causes)
        )
        return tuple(own)


def why(
    store: Store,
    dataset: str,
    before: str | int,
    after: str | int,
    *,
    column: str | None = None,
    namespace: str | None = None,
) -> Why:
    """Why a dataset's rows are other than they were, from the events of runs alone.

    Args:
        store: where the events are.
        dataset: a dataset id of a lake.
        before: a release's number, an instant (RFC 3339: what readers saw then) or a run's id (what
            readers saw when it had ended), also as ``release:12`` and ``run:<id>``; the earlier of
            both is where it begins.
        after: another.
        column: only what this column follows from, directly or by what decides its rows.
        namespace: the lake's, ``headgate://<name>``, if several lakes have a dataset of that name.

    Raises:
        NotFoundError: there is no such dataset, column, release or run, or nothing was released.
        UsageError: an end is none of those, or the dataset is in several lakes.
    """
    with store.reading() as connection:
        found = why_history.namespace_of(connection, dataset, namespace)
        history = History(connection, found)
        ends = sorted(
            (_end(history, str(e)) for e in (before, after)), key=lambda e: (e.at, e.number or 0)
        )
        return _Work(history, dataset, column, ends[0], ends[1]).answer()


def _end(history: History, asked: str) -> End:
    kind, _, name = asked.strip().rpartition(":")
    text = name if kind in ("release", "run") else asked.strip()
    if _NUMBER.fullmatch(text) and kind != "run":
        return _of(history.release(int(text)), asked)
    if _UUID.fullmatch(text) and kind != "release":
        at = history.run_ended(text.lower())
    else:
        try:
            at = parse(text if len(text) > 10 else f"{text}T00:00:00Z")
        except ValueError:
            raise UsageError(
                f"{asked!r} is no release, time or run.",
                remedy="Give a release's number, a time such as 2026-03-01T12:00:00Z, or a run's id.",
            ) from None
    shown = history.newest_release(at)
    return End(asked, None, moment(at)) if shown is None else _of(shown, asked, at)


def _of(shown: Shown, asked: str, at: int | None = None) -> End:
    return End(asked, shown.number, moment(shown.at if at is None else at), shown.kind, shown.run)


@dataclass
class _Todo:
    """A dataset to look at, between two versions; ``columns`` are those that matter, None: all."""

    dataset: str
    before: int | None
    after: int | None
    since: int
    until: int
    distance: int
    columns: frozenset[str] | None
    read_by: list[str] = field(default_factory=list)


@dataclass
class _Work:
    history: History
    dataset: str
    column: str | None
    before: End
    after: End

    def __post_init__(self) -> None:
        self.ways = Ways(self.history)
        self.todo: list[_Todo] = []
        self.known: dict[tuple[str, int | None, int | None], _Todo] = {}
        self.upstream: dict[str, None] = {self.dataset: None}
        self.left_out: dict[str, None] = {}
        self.untraced: dict[str, None] = {}
        self.stands = False

    def answer(self) -> Why:
        """Look at the dataset, then at what it was built from, and so on."""
        since, until = micros(self.before.at), micros(self.after.at)
        ends = [self._version(end) for end in (self.before, self.after)]
        if ends == [None, None]:
            raise NotFoundError(
                f"{self.dataset} is in neither of both releases.",
                remedy="headgate release list shows those that there are.",
            )
        columns = None if self.column is None else frozenset((self.column,))
        if columns is not None:
            self._demand_column(ends[1] if ends[1] is not None else ends[0], until)
        moved = []
        # Where the dataset stands as it was, what may hold it back is looked for all the way up.
        self.stands = ends[0] == ends[1]
        self._add(_Todo(self.dataset, ends[0], ends[1], since, until, 0, columns))
        for todo in self.todo:  # which grows meanwhile
            found = self._look(todo)
            moved += [found] if found else []
        moved.sort(key=lambda m: (m.distance, m.dataset))
        return Why(
            self.dataset, self.history.namespace, self.column, self.before, self.after,
            tuple(moved), tuple(self._held(until)), self._beside(moved, since, until),
            tuple(sorted(self.left_out)), tuple(sorted(self.untraced)),
        )  # fmt: skip

    def _version(self, end: End) -> int | None:
        return None if end.number is None else self.history.released(self.dataset, end.number)

    def _demand_column(self, version: int | None, until: int) -> None:
        made = self.ways.made(self.ways.rows_of(self.dataset, version, until))
        known = why_history.columns_of(made.told if made else None, self.dataset)
        if known and self.column not in known:
            raise NotFoundError(
                f"{self.dataset} has no column {self.column}.", remedy=f"It has {', '.join(known)}."
            )

    def _add(self, todo: _Todo) -> None:
        key = todo.dataset, todo.before, todo.after
        if key in self.known:
            known = self.known[key]
            known.read_by += [d for d in todo.read_by if d not in known.read_by]
            return
        self.known[key] = todo
        self.todo.append(todo)

    def _look(self, todo: _Todo) -> Moved | None:
        """Why it moved; and enters what it was built from, which is to be looked at next."""
        way = self.ways.between(todo.dataset, todo.before, todo.after, todo.since, todo.until)
        self._inputs(todo, way)
        if todo.before == todo.after:
            return None
        found = causes(self.ways, way, todo.dataset, todo.since, todo.until)
        return Moved(
            todo.dataset, todo.before, todo.after, todo.distance, found, tuple(todo.read_by),
            self._rows(way.first), self._rows(way.last),
        )  # fmt: skip

    def _rows(self, write: Write | None) -> int | None:
        made = self.ways.made(write)
        return None if made is None else made.rows

    def _inputs(self, todo: _Todo, way: Way) -> None:
        """Enter the inputs; of one that did not move only that it is one."""
        if todo.before is None:
            return  # it is new: what it was made from did not change it
        first, last = self.ways.inputs(way.first), self.ways.inputs(way.last)
        read = self._columns_read(todo, way)
        for dataset in sorted({*first, *last}):
            columns = None if read is None else read.get(dataset)
            before, after = first.get(dataset), last.get(dataset)
            if read is not None and not columns:
                if before != after:
                    self.left_out.setdefault(dataset)
                continue
            self.upstream.setdefault(dataset)
            if before == after and not self.stands:
                continue
            since = way.first.at if way.first else todo.since
            until = way.last.at if way.last else todo.until
            self._add(_Todo(dataset, before, after, since, until, todo.distance + 1, columns,
                            [todo.dataset]))  # fmt: skip

    def _columns_read(self, todo: _Todo, way: Way) -> Mapping[str, frozenset[str]] | None:
        """The columns of each input that matter; None if all do, or nobody can tell."""
        if todo.columns is None:
            return None
        found: dict[str, frozenset[str]] = {}
        for write in (way.first, way.last):
            made = self.ways.made(write)
            if made is None or made.change.kind != "model":
                continue
            build = self.history.build(made)
            read = build and why_history.columns_read(
                build, todo.dataset, todo.columns, self.history.namespace
            )
            if read is None:
                self.untraced.setdefault(todo.dataset)
                return None
            for dataset, columns in (read or {}).items():
                found[dataset] = found.get(dataset, frozenset()) | columns
        return found

    def _held(self, until: int) -> list[Held]:
        """What of it, near or far, the later release held back."""
        if self.after.number is None or self.after.number == self.before.number:
            return []
        found = []
        for one in self.history.release(self.after.number).held:
            mine = [d for d in self.upstream if d in one.datasets or d in one.behind]
            for dataset in mine:
                version = self.history.released(dataset, self.after.number)
                behind = one.behind.get(dataset)
                found.append(Held(dataset, version, one.group, behind, one.why))
        return found

    def _beside(self, moved: list[Moved], since: int, until: int) -> tuple[Cause, ...]:
        """What happened to the dataset without making a version, if it did not move at all."""
        if any(one.dataset == self.dataset for one in moved):
            return ()
        return tuple(beside(self.history, self.dataset, since, until))
