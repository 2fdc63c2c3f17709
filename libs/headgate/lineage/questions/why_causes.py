"""Causes: what happened to one dataset on its way from one version to another, in words and figures."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headgate.lineage.change import COMPACTION, RESTORE
from headgate.lineage.questions import why_contracts
from headgate.lineage.questions.why_history import History, Write
from headgate.lineage.questions.why_path import Way, Ways

#: Every kind of cause, in the order in which they are told.
KINDS = (
    "first", "inputs", "code", "contract", "new_rows", "late_rows", "edits", "deletions", "set_aside",
    "replayed", "rebuild", "rollback", "refused", "waived", "verdicts", "compaction", "unknown",
)  # fmt: skip
_MOST_LINES = 200
_BATCHES = ("ingest",)


@dataclass(frozen=True)
class Cause:
    """One reason why rows of a dataset are other than they were, or might be thought to be.

    ``kind`` is one of :data:`KINDS`, ``what`` a sentence; ``rows`` how many, where that is known.
    ``changes_rows`` is False for what is worth knowing and changed no row. ``detail`` depends on the
    kind: ``inputs`` (name to the versions before and after), ``diff`` of code, ``changes`` of a
    contract, ``rules``, ``sources``, ``takes_back``. ``runs`` are the runs of the lake that did it.
    """

    kind: str
    what: str
    rows: int | None = None
    changes_rows: bool = True
    detail: Mapping[str, Any] = field(default_factory=dict)
    runs: tuple[str, ...] = ()


def causes(ways: Ways, way: Way, dataset: str, since: int, until: int) -> tuple[Cause, ...]:
    """Why the dataset's rows differ between the two ends of a way, which were there at two instants."""
    if way.before is None and way.after is not None:
        told = f"it has been there since version {_first(way)}"
        return (Cause("first", told, way.last.rows if way.last else None, runs=_runs(way.done)),)
    if way.after is None:
        return (Cause("unknown", "it is in no version any more"),)
    work = _Causes(ways, way, dataset)
    found = [
        *work.of_rows(), *work.of_building(), *work.of_rollback(), *work.of_verdicts(),
        *work.of_compaction(), *work.of_gaps(),
        *beside(ways.history, dataset, since, until, built=work.builds),
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda c: KINDS.index(c.kind)))


def beside(
    history: History, dataset: str, since: int, until: int, *, built: Sequence[Write] = ()
) -> Iterator[Cause]:
    """What happened to a dataset between two instants that made no version of it."""
    waived = history.waivers(dataset, since, until)
    if waived:
        people = ", ".join(dict.fromkeys(w.by for _, w in waived))
        reasons = "; ".join(dict.fromkeys(w.why for _, w in waived))
        rows = sum(w.rows for _, w in waived)
        yield Cause("waived", f"{_rows(rows)} set aside before may stay out, says {people}: {reasons}",
                    rows, changes_rows=False)  # fmt: skip
    failed = history.failures(dataset, since, until)
    # What was built later made up for it.
    newest = max((w.at for w in built), default=None)
    failed = [f for f in failed if newest is None or f[0] > newest]
    if failed:
        errors = list(dict.fromkeys(error for _, _, error in failed))
        yield Cause("refused", f"refused or failed: {' '.join(errors)}", changes_rows=False,
                    detail={"errors": errors})  # fmt: skip


@dataclass
class _Causes:
    ways: Ways
    way: Way
    dataset: str

    def __post_init__(self) -> None:
        self.batches = [w for w in self.way.done if w.change.kind in _BATCHES]
        self.builds = [w for w in self.way.done if w.change.kind == "model"]

    def of_rows(self) -> Iterator[Cause]:
        """What batches brought, took and set aside."""
        batches = self.batches
        late = [w for w in batches if w.change.late]
        counted = sum(w.change.late.rows for w in late if w.change.late)
        new = sum(w.change.inserted for w in batches) - counted
        if new > 0:
            yield _counted("new_rows", f"{_rows(new)} came", new,
                           [w for w in batches if w.change.inserted])  # fmt: skip
        if counted:
            days = _days(late)
            yield _counted(
                "late_rows", f"{_rows(counted)} came late, for days that it held already, within {days}",
                counted, late, days=days,
            )  # fmt: skip
        for kind, verb, name in (
            ("edits", "edited", "updated"), ("deletions", "deleted", "deleted"),
        ):  # fmt: skip
            mine = [w for w in batches if getattr(w.change, name)]
            rows = sum(getattr(w.change, name) for w in mine)
            if rows:
                yield _counted(kind, f"{_rows(rows)} {_was(rows)} {verb}", rows, mine)
        yield from self._set_aside()
        replays = [w for w in self.way.done if w.change.kind == "replay"]
        back = sum(w.change.inserted + w.change.updated for w in replays)
        if back:
            yield _counted("replayed", f"{_rows(back)} came back from quarantine", back, replays)

    def _set_aside(self) -> Iterator[Cause]:
        mine = [w for w in self.way.done if w.change.kind in ("ingest", "audit", "rebuild")]
        rows = sum(w.change.quarantined for w in mine)
        if self.builds:
            # A build says anew what it sets aside: in full, or of the part that it builds.
            whole = [n for n, w in enumerate(self.builds) if w.change.mode != "merge"]
            mine = self.builds[whole[-1] :] if whole else self.builds
            rows = sum(w.change.quarantined for w in mine)
            first = self.way.first
            if whole and first is not None and first.change.quarantined == rows:
                return
            mine = mine if rows or (whole and first is not None) else []
        by = [w for w in mine if w.change.quarantined]
        if by:
            rules = _breaches(by)
            told = f" ({', '.join(f'{n}: {r}' for n, r in rules.items())})" if rules else ""
            yield _counted(
                "set_aside", f"{_rows(rows)} {_was(rows)} set aside{told}", rows, by, rules=rules
            )
        elif self.builds and mine:
            yield _counted("set_aside", "no row is set aside any more", 0, mine)

    def of_building(self) -> Iterator[Cause]:
        """What models and transforms are made of, and the contract of anything."""
        first, last = self.way.first, self.way.last
        if first is None or last is None:
            return
        found: list[Cause] = []
        rebuilt = [w for w in self.way.done if w.change.kind in ("rebuild", "audit")]
        if self.builds:
            found += [*self._inputs(first, last), *self._code(first, last)]
        if any(w.change.kind not in (RESTORE, COMPACTION) for w in self.way.done):
            found += self._contract(first, last)
        yield from found
        same = self.builds and not any(c.changes_rows for c in found)
        for write in [w for w in rebuilt if w.change.kind == "rebuild"]:
            yield Cause("rebuild", "its table was made anew from its own rows",
                        changes_rows=bool(write.change.quarantined or found),
                        runs=_runs([write]))  # fmt: skip
        if same:
            yield Cause("rebuild", "it was built anew of the same by the same code: the rows are the same",
                        changes_rows=False, runs=_runs(self.builds))  # fmt: skip

    def _inputs(self, first: Write, last: Write) -> Iterator[Cause]:
        before, after = dict(self.ways.inputs(first)), dict(self.ways.inputs(last))
        moved = {
            d: (before.get(d), after.get(d))
            for d in sorted({*before, *after})
            if before.get(d) != after.get(d)
        }
        if moved:
            told = ", ".join(f"{d} {_version(a)} -> {_version(b)}" for d, (a, b) in moved.items())
            inputs = {d: {"before": a, "after": b} for d, (a, b) in moved.items()}
            yield Cause("inputs", f"built from other versions: {told}", detail={"inputs": inputs},
                        runs=_runs(self.builds))  # fmt: skip

    def _code(self, first: Write, last: Write) -> Iterator[Cause]:
        before, after = self.ways.made(first) or first, self.ways.made(last) or last
        hashes = before.change.code_hash, after.change.code_hash
        if all(hashes) and hashes[0] == hashes[1]:
            return
        old, new = _code(self.ways.history.build(before)), _code(self.ways.history.build(after))
        if old and new and old != new:
            diff = difflib.unified_diff(
                old.splitlines(), new.splitlines(), f"version {before.version}",
                f"version {after.version}", lineterm="",
            )  # fmt: skip
            lines = list(diff)
            added = sum(line.startswith("+") for line in lines[2:])
            removed = sum(line.startswith("-") for line in lines[2:])
            yield Cause("code", f"its code changed: lines added {added}, removed {removed}",
                        detail={"diff": lines[:_MOST_LINES]}, runs=_runs(self.builds))  # fmt: skip
        elif all(hashes) and hashes[0] != hashes[1] and not self._contract_moved(before, after):
            told = "its code changed; no event tells how it read before"
            if old and new:
                told = (
                    "it is built otherwise, though its code reads the same: incrementally, or by"
                    " another version of what runs it"
                )
            yield Cause("code", told, runs=_runs(self.builds))

    def _contract_moved(self, first: Write, last: Write) -> bool:
        return first.change.contract_hash != last.change.contract_hash

    def _contract(self, first: Write, last: Write) -> Iterator[Cause]:
        if not self._contract_moved(first, last):
            return
        old, new = first.change, last.change
        real, talk = self._terms(first, last)
        name = "its contract changed"
        if old.contract_version != new.contract_version:
            name += f" from {old.contract_version or 'unknown'} to {new.contract_version}"
        told = f"{name}: {'; '.join([*real, *talk])}" if real or talk else name
        yield Cause(
            "contract", told, changes_rows=bool(real) or not talk,
            detail={"changes": real, "also": talk,
                    "before": {"version": old.contract_version, "hash": old.contract_hash},
                    "after": {"version": new.contract_version, "hash": new.contract_hash}},
            runs=_runs([last]),
        )  # fmt: skip

    def _terms(self, first: Write, last: Write) -> tuple[list[str], list[str]]:
        before, after = self.ways.made(first), self.ways.made(last)
        if before is None or after is None or before.told is None or after.told is None:
            return [], []
        return why_contracts.changes(
            why_contracts.terms(before.told, self.dataset),
            why_contracts.terms(after.told, self.dataset),
        )

    def of_rollback(self) -> Iterator[Cause]:
        """Restores, and what they take back."""
        restores = [w for w in self.way.done if w.change.kind == RESTORE]
        undone = [w for w in self.way.undone if w.change.kind not in (RESTORE, COMPACTION)]
        if not restores and not undone:
            return
        to = restores[-1].change.source.replace(":", " ") if restores else "an earlier version"
        back = list(_taken_back(undone))
        told = f"rolled back to {to}"
        if back:
            told += f", which takes back: {', '.join(back)}"
        elif not undone:
            told += ", whose rows it had before as well"
        yield Cause("rollback", told, changes_rows=bool(undone),
                    detail={"takes_back": back}, runs=_runs(restores))  # fmt: skip

    def of_verdicts(self) -> Iterator[Cause]:
        """Rules that set nothing aside, and found otherwise than before."""
        first, last = self.ways.made(self.way.first), self.ways.made(self.way.last)
        if first is None or last is None or first.told is None or last.told is None:
            return
        old, new = (why_contracts.terms(w.told or {}, self.dataset) for w in (first, last))
        turned = [r for r in why_contracts.turned(old, new) if r.severity != "quarantine"]
        if turned:
            told = "; ".join(
                f"{r.id} {'holds again' if r.passed else f'is broken ({r.observed})'}"
                for r in turned
            )
            rules = {r.id: {"passed": r.passed, "breaches": r.breaches} for r in turned}
            yield Cause("verdicts", f"its rules found otherwise: {told}", changes_rows=False,
                        detail={"rules": rules})  # fmt: skip

    def of_compaction(self) -> Iterator[Cause]:
        """Files that were put together."""
        found = [w for w in (*self.way.done, *self.way.undone) if w.change.kind == COMPACTION]
        if found:
            yield Cause("compaction", "its files were put together, which changes no row",
                        changes_rows=False, runs=_runs(found))  # fmt: skip

    def of_gaps(self) -> Iterator[Cause]:
        """Versions of which nobody knows anything."""
        gaps = [str(gap.version) for gap in self.way.gaps]
        if gaps:
            yield Cause(
                "unknown", f"no event tells what made version {', '.join(sorted(gaps, key=int))}",
                changes_rows=True,
            )  # fmt: skip


def _counted(kind: str, what: str, rows: int, writes: Iterable[Write], **detail: Any) -> Cause:
    mine = list(writes)
    sources = list(dict.fromkeys(w.change.source for w in mine if w.change.source))
    if kind in ("new_rows", "late_rows", "edits", "deletions") and sources:
        more = f" and {len(sources) - 3} more" if len(sources) > 3 else ""
        what += f" (by {', '.join(sources[:3])}{more})"
    return Cause(kind, what, rows, detail={"sources": sources, **detail}, runs=_runs(mine))


def _taken_back(undone: Sequence[Write]) -> Iterator[str]:
    """In a few words, what each kind of step had brought."""
    new = sum(w.change.inserted for w in undone if w.change.kind in ("ingest", "replay"))
    for rows, what in (
        (new, "new"),
        (sum(w.change.updated for w in undone if w.change.kind in ("ingest", "replay")), "edited"),
        (sum(w.change.deleted for w in undone if w.change.kind == "ingest"), "deleted"),
    ):
        if rows:
            yield f"{_rows(rows)} {what}"
    builds = [w for w in undone if w.change.kind == "model"]
    if builds:
        yield f"{len(builds)} {'build' if len(builds) == 1 else 'builds'}"
    others = [w for w in undone if w.change.kind in ("audit", "rebuild")]
    if others:
        yield ", ".join(dict.fromkeys(w.change.kind for w in others))


def _breaches(writes: Iterable[Write]) -> dict[str, int]:
    """Rows that each rule set aside, most first."""
    found: dict[str, int] = {}
    for write in writes:
        if write.told is None:
            continue
        for rule in why_contracts.terms(write.told, write.dataset).rules.values():
            if rule.severity == "quarantine" and rule.breaches and not rule.passed:
                found[rule.id] = found.get(rule.id, 0) + rule.breaches
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _code(build: Mapping[str, Any] | None) -> str:
    facets = ((build or {}).get("job") or {}).get("facets") or {}
    told = (facets.get("sql") or {}).get("query")
    return str(told or (facets.get("sourceCode") or {}).get("sourceCode") or "")


def _days(late: Iterable[Write]) -> str:
    found = [w.change.late for w in late if w.change.late]
    first, last = min(one.first for one in found), max(one.last for one in found)
    return first if first == last else f"{first} to {last}"


def _runs(writes: Iterable[Write]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(w.run for w in writes if w.run))


def _first(way: Way) -> int | None:
    return way.done[0].version if way.done else way.after


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _version(version: int | None) -> str:
    return "none" if version is None else str(version)
