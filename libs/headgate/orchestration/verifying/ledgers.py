"""Ledgers: their rows are what the logs and the release files say, no more, no fewer, no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headgate.core import json as hjson
from headgate.lake import ledger
from headgate.lake.meta import CommitMeta
from headgate.orchestration.verifying.finding import WARNING, Check, Fault
from headgate.orchestration.verifying.look import Look

ENTER = "enters what is missing"
#: What the ledger is told a moment before the commit, or after.
_MOMENTS = frozenset({"committed_at", "judged_at"})


def _key(name: str) -> str:
    return name.replace(".", "/")


def commits(look: Look) -> Iterator[tuple[int, CommitMeta]]:
    """Every commit that the ledger has to know, with its version."""
    for table in look.data():
        for version, meta in table.metas():
            # What a private lake began as is its base's affair.
            if not (look.base is not None and version == 0):
                yield version, meta


def _batches(look: Look) -> Iterator[Fault]:
    rows = look.ledger(ledger.BATCHES)
    if rows is None:
        return
    place = _key(ledger.BATCHES)
    known = {(str(r["dataset"]), str(r["batch_id"])): r for r in rows}
    last = _last(rows)
    for version, meta in commits(look):
        row = known.pop((meta.dataset, meta.batch_id), None)
        if row is None:
            yield from _unentered(look, meta, version, late=version > last.get(meta.dataset, -1))
        else:
            wrong = _unlike(row, ledger.batch_row(meta, version))
            if wrong:
                yield Fault(place, f"batch {meta.batch_id} has another {wrong} than its log entry.",
                            meta.dataset, version, wrong, repair="")  # fmt: skip
    for row in known.values():
        yield from _unfounded(look, row)


def _last(rows: list[dict[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        if row["version"] is not None:
            dataset = str(row["dataset"])
            found[dataset] = max(found.get(dataset, -1), int(row["version"]))
    return found


def _unentered(look: Look, meta: CommitMeta, version: int, *, late: bool) -> Iterator[Fault]:
    if meta.run_id in look.running:
        return
    why = "its run died before it was entered" if late else "it was entered once, or overlooked"
    yield Fault(
        _key(ledger.BATCHES), f"the batch {meta.batch_id} is committed and not in the ledger: {why}.",
        meta.dataset, version, severity=WARNING if late else None,
    )  # fmt: skip


def _unfounded(look: Look, row: Mapping[str, Any]) -> Iterator[Fault]:
    """A row of the ledger that no log entry of today gives: of a refused batch, or cleaned away."""
    dataset, version, place = str(row["dataset"]), row["version"], _key(ledger.BATCHES)
    if not look.asked(dataset):
        return
    terms = [int(row[n]) for n in ("read", "published", "quarantined", "deduplicated", "refused")]
    if terms[0] != sum(terms[1:]) or min(terms) < 0:
        yield Fault(
            place, f"the account of batch {row['batch_id']} does not balance.", dataset, version
        )
    if version is None:
        if row["outcome"] != "refused":
            yield Fault(place, f"batch {row['batch_id']} is {row['outcome']}, and no version is told.", dataset)  # fmt: skip
        return
    table = look.tables.get(dataset)
    kept = sorted(table.entries) if table else []
    if look.base is not None and version == 0:
        return
    if table is None or (kept and kept[0] <= version <= kept[-1] and version not in table.missing
                         and not table.entries[version].problem):  # fmt: skip
        yield Fault(place, f"batch {row['batch_id']} is in the ledger at version {version}, whose log "
                    "entry is another's.", dataset, version, repair="")  # fmt: skip
    elif version > kept[-1] and str(row["run_id"]) not in look.running:
        yield Fault(place, f"batch {row['batch_id']} is in the ledger at version {version}, which the "
                    f"table has not: its newest is {kept[-1]}.", dataset, version, repair="")  # fmt: skip


def _unlike(row: Mapping[str, Any], made: Mapping[str, Any]) -> str:
    """The first column in which a row of a ledger is not what it was made from."""
    for name, value in made.items():
        if name in row and name not in _MOMENTS and not _same(row[name], value):
            return name
    return ""


def _same(stored: Any, made: Any) -> bool:
    if stored == made:
        return True
    if isinstance(stored, str) and isinstance(made, str) and stored[:1] in "{[":
        try:
            return bool(hjson.loads(stored) == hjson.loads(made))
        except ValueError:
            return False
    return False


def _verdicts(look: Look) -> Iterator[Fault]:
    rows = look.ledger(ledger.VERDICTS)
    batches = look.ledger(ledger.BATCHES)
    if rows is None or batches is None:
        return
    entered = {str(r["batch_id"]) for r in batches}
    known: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        known.setdefault(str(row["batch_id"]), {})[str(row["rule_id"])] = row
    place = _key(ledger.VERDICTS)
    for version, meta in commits(look):
        found = known.pop(meta.batch_id, {})
        if meta.batch_id not in entered:
            continue  # the batch is told of
        for row in ledger.verdict_rows(meta):
            mine = found.pop(row["rule_id"], None)
            told = "is missing" if mine is None else ""
            if mine is not None and (wrong := _unlike(mine, row)):
                told = f"has another {wrong} than its log entry"
            if told:
                yield Fault(place, f"the verdict of {row['rule_id']} on batch {meta.batch_id} {told}.",
                            meta.dataset, version, repair=None if mine is None else "")  # fmt: skip
        for rule in found:
            yield Fault(place, f"the verdict of {rule} on batch {meta.batch_id} is not in its log entry.",
                        meta.dataset, version, repair="")  # fmt: skip
    for batch, found in known.items():
        dataset = str(next(iter(found.values()))["dataset"])
        if batch not in entered and not look.running and look.asked(dataset):
            yield Fault(place, f"there are verdicts on the batch {batch}, which no ledger knows.",
                        dataset, severity=WARNING, repair="")  # fmt: skip


def _releases(look: Look) -> Iterator[Fault]:
    rows = look.ledger(ledger.RELEASES)
    if rows is None:
        return
    place = _key(ledger.RELEASES)
    known = {(int(r["release_id"]), str(r["dataset"])): r for r in rows}
    kept = look.kept_releases
    entered = {number for number, _ in known}
    for number, release in sorted(kept.items()):
        if number not in entered and look.just_begun:
            continue
        if number not in entered and number == max(look.releases) and look.dead is not None:
            yield Fault(place, f"release {number} is not in the ledger: its run died before.",
                        severity=WARNING)  # fmt: skip
            continue
        for row in ledger.release_rows(release):
            mine = known.pop((number, row["dataset"]), None)
            if mine is None and release.run_id in look.running:
                continue
            told = "is missing" if mine is None else ""
            if mine is not None and (wrong := _unlike(mine, row) or _moved(mine, row)):
                told = f"has another {wrong} than the release"
            if told:
                yield Fault(place, f"the row of release {number} {told}.", row["dataset"], row["version"],
                            repair=None if mine is None else "")  # fmt: skip
    for number, dataset in sorted(known):
        # What the ledger has of releases that are gone is lawful, or told with the chain.
        if number in kept:
            yield Fault(place, f"the ledger has {dataset} in release {number}, which has it not.", dataset,
                        repair="")  # fmt: skip


def _moved(row: Mapping[str, Any], made: Mapping[str, Any]) -> str:
    return "" if row["published_at"] == made["published_at"] else "published_at"


def _runs(look: Look) -> Iterator[Fault]:
    rows = look.ledger(ledger.RUNS)
    batches = look.ledger(ledger.BATCHES)
    if rows is None or batches is None:
        return
    place, known = _key(ledger.RUNS), {str(r["run_id"]): r for r in rows}
    entered = look.ledger(ledger.RELEASES) or []
    last = max([*look.releases, *(int(r["release_id"]) for r in entered)], default=0)
    for row in rows:
        told = ""
        if row["started_at"] and row["ended_at"] and row["ended_at"] < row["started_at"]:
            told = "ended before it started"
        elif row["outcome"] not in ("published", "refused", "unchanged", "failed"):
            told = f"ended as {row['outcome']!r}, which is no outcome"
        number = row["release_id"] or 0
        release = look.kept_releases.get(number)
        if not told and number > last:
            told = f"names release {number}, which neither the lake nor the ledger of releases has"
        if not told and release is not None and release.run_id != row["run_id"]:
            told = f"names release {release.id}, which the run {release.run_id} published"
        if told and not look.running:
            yield Fault(place, f"the run {row['run_id']} {told}.")
    from headgate.orchestration.verifying.events import completed_runs

    worked = {str(b["run_id"]) for b in batches}
    for run in sorted(completed_runs(look) & worked - known.keys() - look.running):
        yield Fault(
            place, f"the run {run} committed batches and ended well, and is not in the ledger."
        )


_ENTER = "`headgate fsck --repair` enters what is missing, from the logs. What differs from them: "\
    "the logs count; keep a copy, and report how it came about."  # fmt: skip

CHECKS = (
    Check("ledger-batches", "The ledger of batches has every commit once, as its log entry says, and "
          "every refused batch balanced.", _ENTER, _batches, repair=ENTER),
    Check("ledger-verdicts", "The ledger of verdicts has what each log entry says.", _ENTER, _verdicts,
          repair=ENTER),
    Check("ledger-releases", "The ledger of releases has every table of every kept release.", _ENTER,
          _releases, repair=ENTER),
    Check("ledger-runs", "The ledger of runs has every run that committed and ended well, and names "
          "releases that are there.", "Nothing depends on it but reports; report how it came about.",
          _runs),
)  # fmt: skip
