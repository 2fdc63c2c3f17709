"""Releases: an unbroken chain, each of exactly the versions and files that the logs have."""

from __future__ import annotations

from collections.abc import Iterator

from headgate.core.errors import HeadgateError
from headgate.lake import release as releases
from headgate.lake.meta import CommitMeta
from headgate.lake.release import Release, ReleasedTable
from headgate.orchestration.verifying.finding import Check, Fault
from headgate.orchestration.verifying.look import Look


def place(number: int) -> str:
    """Where the release lies."""
    return f"{releases.FOLDER}/{number:020d}.json"


def _chain(look: Look) -> Iterator[Fault]:
    numbers = sorted(look.releases)
    for number, found in sorted(look.releases.items()):
        if isinstance(found, str):
            yield Fault(place(number), f"the release cannot be read: {found}.")
            continue
        wrong = []
        if found.id != number:
            wrong.append(f"it says that it is release {found.id}")
        parent = number - 1 if number > 1 else None
        if found.parent != parent:
            wrong.append(f"it follows {found.parent}, not {parent}")
        if found.kind not in ("publish", "rollback", releases.STREAM):
            wrong.append(f"it is of the kind {found.kind!r}")
        before = look.kept_releases.get(number - 1)
        if before is not None and before.tables.keys() - found.tables.keys():
            gone = ", ".join(sorted(before.tables.keys() - found.tables.keys()))
            wrong.append(f"it lacks {gone}, which release {number - 1} has")
        for told in wrong:
            yield Fault(place(number), f"release {number} does not follow: {told}.")
    # Of those that streams publish maintenance keeps one an hour; the ledger knows which they were.
    thinned = {
        int(r["release_id"])
        for r in look.ledger("system.ledger.releases") or ()
        if r["kind"] == releases.STREAM
    }
    for number in range(numbers[0] if numbers else 1, numbers[-1] if numbers else 0):
        if number not in look.releases and number not in thinned:
            yield Fault(place(number), f"release {number} is missing between others.")
    known = [int(r["release_id"]) for r in look.ledger("system.ledger.releases") or ()]
    last = max(known, default=0)
    if last > max(numbers, default=0) and not look.running:
        yield Fault(
            place(last), f"release {last} is missing: it was the newest, and is in the ledger."
        )


def _tables(look: Look) -> Iterator[Fault]:
    for number, release in sorted(look.kept_releases.items()):
        look.progress.step("releases", f"checking release {number}")
        for dataset, table in sorted(release.tables.items()):
            if look.asked(dataset):
                for told in _wrong(look, dataset, table):
                    yield Fault(place(number), f"release {number} {told}.", dataset, table.version)


def _wrong(look: Look, dataset: str, table: ReleasedTable) -> Iterator[str]:
    pinned = look.tables.get(dataset)
    if pinned is None:
        yield f"has {dataset}, which has no table"
        return
    state = pinned.states.get(table.version)
    if state is None:
        broken = [v for v, e in pinned.entries.items() if e.problem and v <= table.version]
        if not (broken or any(v <= table.version for v in pinned.missing)):
            yield f"names version {table.version}, which cannot be opened"
        return
    mine, theirs = set(table.files), set(state.files)
    if mine != theirs:
        odd = sorted(mine ^ theirs)
        yield f"names other files than version {table.version} has: {', '.join(odd[:3])}"
    elif table.rows != state.rows:
        yield f"says {table.rows} rows, version {table.version} has {state.rows}"
    elif (
        table.protocol
        != f"{state.protocol.get('minReaderVersion')}.{state.protocol.get('minWriterVersion')}"
    ):
        yield f"says protocol {table.protocol} of {dataset}, which has another"
    elif (meta := _meta(look, dataset, table.version)) and meta.outcome != "published":
        yield f"shows version {table.version}, which was never published"


def _meta(look: Look, dataset: str, version: int) -> CommitMeta | None:
    metas = look.tables[dataset].metas()
    return next((m for v, m in reversed(metas) if v <= version), None)


def _mixed(look: Look) -> Iterator[Fault]:
    for number, release in sorted(look.kept_releases.items()):
        for dataset, table in sorted(release.tables.items()):
            meta = _meta(look, dataset, table.version) if dataset in look.tables else None
            for name, read in (meta.inputs if meta else {}).items():
                shown = release.tables.get(name)
                if shown is not None and shown.group == table.group and read > shown.version:
                    yield Fault(place(number), f"release {number} shows {dataset} made from version "
                                f"{read} of {name}, and {name} at {shown.version}.", dataset, table.version)  # fmt: skip


def _opens(look: Look) -> Iterator[Fault]:
    newest = look.newest_release
    for table in look.data():
        wanted = {newest.versions.get(table.dataset)} if newest else set()
        versions = set(table.states) if look.deep else wanted | {table.last}
        for version in sorted(v for v in versions if v in table.states):
            if not table.whole and version > table.last:
                continue
            told = _opened(look, table.dataset, version, set(table.states[version].files))
            if told:
                yield Fault(
                    table.place(version), f"version {version} {told}.", table.dataset, version
                )


def _opened(look: Look, dataset: str, version: int, files: set[str]) -> str:
    try:
        found = look.project.lake.snapshot(dataset, version)
    except HeadgateError as error:
        return f"cannot be opened: {error.message}"
    if found is None or {f.path for f in found.files} != files:
        return "has other files to a reader than its log has"
    return ""


def groups(release: Release) -> set[str]:
    """The groups that a release has tables of."""
    return {t.group for t in release.tables.values()}


_CHOOSE = "Restore the release file from a copy. `headgate release rollback` to a whole release gives "\
    "readers a newest one that is right."  # fmt: skip

CHECKS = (
    Check("release-chain", "Releases follow one another without gaps, and can be read.", _CHOOSE, _chain),
    Check("release-tables", "Every kept release has exactly the rows and files of the versions that it "
          "names.", _CHOOSE, _tables),
    Check("release-mixed", "No release shows a table beside an older version of what it was made from.",
          _CHOOSE, _mixed),
    Check("table-opens", "Every version that is kept opens, with the files that its log entries give.",
          "Where a checkpoint is wrong, `headgate fsck --repair` sets it aside. Else restore the log "
          "from a copy.", _opens),
)  # fmt: skip
