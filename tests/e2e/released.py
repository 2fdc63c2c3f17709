"""What readers of the newest release see, beside what an independent account says."""

from __future__ import annotations

from itertools import zip_longest

from headgate.lake.content import content_hash
from headgate.lake.engines.duckdb import connect, identifiers
from headgate.orchestration.project import Project
from tests.e2e import oracle


def hashes(project: Project) -> dict[str, str]:
    """Content hash of every table of the newest release."""
    newest = project.releases.newest()
    assert newest is not None
    found = {}
    with connect(project.settings) as con:
        for dataset, version in newest.versions.items():
            snapshot = project.lake.snapshot(dataset, version)
            assert snapshot is not None
            found[dataset] = content_hash(con, snapshot)
    return found


def agrees(project: Project, account: dict[str, oracle.Table]) -> None:
    """Every curated table was released as the account has it, row for row.

    Raises:
        AssertionError: it was not; with the first row that differs, for tables may be large.
    """
    newest = project.releases.newest()
    assert newest is not None
    assert set(account) == {c.id for c in project.contracts.curated} - oracle.STREAMED
    with connect(project.settings) as con:
        for dataset, (names, *expected) in account.items():
            snapshot = project.lake.snapshot(dataset, newest.versions[dataset])
            assert snapshot is not None
            key = identifiers(names[: oracle.KEYS[dataset]])
            found = con.execute(
                f"SELECT {identifiers(names)} FROM {snapshot.relation()} ORDER BY {key}"
            ).fetchall()
            for row, other in zip_longest(found, expected):
                assert row == other, (dataset, names)
            assert set(names) == {c.name for c in project.contracts[dataset].columns}
