"""Many writers of one dataset: what they committed is what they would have, one after the other.

Each keeps an account of what it did; the log's order is that of one after the other, and a table of
plain Python that follows the accounts in that order must hold, at every version that can still be
read, the rows that the lake holds there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headgate.lake import ledger
from headgate.lake.content import content_hash
from headgate.lake.engines.duckdb import Connection, connect
from headgate.lake.lake import Lake, log_key
from headgate.lake.maintenance import history
from headgate.lake.meta import CommitMeta
from headgate.lake.release import ReleaseStore
from tests.conftest import REPOSITORY
from tests.reliability.figures import record
from tests.reliability.seeds import replayable, seeds
from tests.reliability.writers import COMMITS, DATASET, KEPT_RELEASES, digest, lake_at

Account = dict[str, Any]
Table = dict[tuple[int, int], str]


def race(folder: Path, seed: int, processes: int, count: int) -> list[Account]:
    """The accounts of that many processes that each did that many pieces of work."""
    (folder / "headgate.toml").write_text("")
    lake = lake_at(folder)
    lake.make()
    with lake.run_lock("test", "begin"):
        pass
    command = [sys.executable, "-m", "tests.reliability.writers", str(folder), str(seed)]
    running = [
        subprocess.Popen(
            [*command, str(number), str(count)], cwd=REPOSITORY, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for number in range(processes)
    ]  # fmt: skip
    try:
        for process in running:
            assert process.stdout is not None
            process.stdout.readline()
        told = [(p, *p.communicate(timeout=3_600)) for p in _begun(running)]
    finally:
        for process in running:
            process.kill()
    for process, _, errors in told:
        assert process.returncode == 0, errors
    texts = [(folder / f"{number}.jsonl").read_text() for number in range(processes)]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def _begun(running: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    """The processes, told to begin as close together as can be."""
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return running


def follow(table: Table, account: Account) -> tuple[int, int, int]:
    """Do to the table what the account says; rows inserted, updated, deleted."""
    rows: Table = {(p, i): v for p, i, v in account["rows"]}
    before = len(table)
    match account["what"]:
        case "scope":
            for key in [k for k in table if k[0] == account["part"]]:
                del table[key]
        case "whole":
            table.clear()
    deleted = before - len(table)
    updated = len(rows.keys() & table.keys())
    table |= rows
    return len(rows) - updated, updated, deleted


def serial(accounts: list[Account]) -> Iterator[tuple[int, Table]]:
    """Each version and the table that the accounts, one after the other, give for it."""
    table: Table = {}
    commits = {a["version"]: a for a in accounts if a.get("version") is not None}
    for version in sorted(commits):
        account = commits[version]
        if account["what"] != "compaction":
            counts = follow(table, account)
            told = tuple(account[k] for k in ("inserted", "updated", "deleted"))
            assert told == counts, f"version {version}: {account} does not follow what was before"
        yield version, table


def check_log(lake: Lake, accounts: list[Account]) -> None:
    """Every version is acknowledged by one writer, once, and the log says the same."""
    commits = [a for a in accounts if a.get("version") is not None]
    versions = sorted(a["version"] for a in commits)
    assert versions == list(range(len(versions)))
    assert len({a["batch"] for a in commits}) == len(commits)
    by_version = {a["version"]: a["batch"] for a in commits}
    entries = history.read(lake, lake.key(DATASET)).entries
    assert entries == tuple(range(entries[0], len(versions)))
    for version in entries:
        data = lake.storage.read(log_key(lake.key(DATASET), version)) or b""
        meta = CommitMeta.from_log(data)
        assert meta is not None and meta.batch_id == by_version[version]


def check_contents(lake: Lake, con: Connection, accounts: list[Account]) -> tuple[int, int]:
    """Every version that was released held what it must when it was, and does still if its release
    or the log is kept; how many were compared, and how many of those once more at the end."""
    store = ReleaseStore(lake)
    released = {r.versions[DATASET] for r in store.list()}
    wanted = released | set(history.read(lake, lake.key(DATASET)).entries[-20:])
    held = {a["released"]: a["held"] for a in accounts if "release" in a}
    for version, table in serial(accounts):
        wanted_rows = sorted((p, i, v) for (p, i), v in table.items())
        assert held.get(version) in (None, digest(wanted_rows)), f"version {version} as released"
        if version not in wanted:
            continue
        snapshot = lake.snapshot(DATASET, version)
        assert snapshot is not None
        query = f"SELECT part, id, value FROM {snapshot.relation(['part', 'id', 'value'])}"
        rows = sorted(con.execute(query).fetchall())
        assert rows == wanted_rows, f"version {version}"
        assert snapshot.rows == len(table)
    numbers = store.ids()
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    told = {a["release"]: a["released"] for a in accounts if "release" in a}
    assert {r.id: r.versions[DATASET] for r in store.list()}.items() <= told.items()
    return len(wanted | held.keys()), len(wanted)


def check_quarantine(lake: Lake, con: Connection, accounts: list[Account]) -> int:
    """Every refused row is there once, in the state that the log's order gives it."""
    key, batches = (
        lake.key(DATASET, quarantine=True),
        {a["batch"]: a for a in accounts if "rows" in a},
    )
    states: dict[str, tuple[str, str, str]] = {}
    for version in history.read(lake, key).entries:
        meta = CommitMeta.from_log(lake.storage.read(log_key(key, version)) or b"")
        assert meta is not None
        if meta.kind == "compaction":
            continue
        if meta.source == "superseded":
            by = batches[str(meta.detail["why"]).split()[-1]]
            for row, (source, content, state) in states.items():
                if source == by["source"] and content != by["content"] and state == "open":
                    states[row] = (source, content, "superseded")
        else:
            batch = batches[meta.batch_id]
            assert not states.keys() & set(batch["set_aside"])
            states |= dict.fromkeys(batch["set_aside"], (batch["source"], batch["content"], "open"))
    base = lake.snapshot(DATASET, quarantine=True)
    found = base and con.execute(f"SELECT row_id, state FROM {base.relation()}").fetchall()
    assert sorted(found or []) == sorted((row, s) for row, (_, _, s) in states.items())
    assert set(states) == {row for a in batches.values() for row in a["set_aside"]}
    return len(states)


def check_ledger(lake: Lake, con: Connection, accounts: list[Account]) -> None:
    """Each row that was entered is there once, however many entered it."""
    entered = {name for a in accounts for name in a.get("entered", ())}
    rows = ledger.rows(lake, con, ledger.RUNS, limit=1_000_000)
    assert sorted(r["run_id"] for r in rows) == sorted(entered)


def try_seed(folder: Path, seed: int, processes: int, count: int) -> dict[str, int]:
    """One race, checked; its figures."""
    accounts = race(folder, seed, processes, count)
    lake = lake_at(folder)
    lost = [a for a in accounts if "lost" in a]
    assert not lost, lost
    commits = sum(1 for a in accounts if any(a.get(k) is not None for k in COMMITS))
    assert commits == processes * count
    check_log(lake, accounts)
    with connect(lake.settings) as con:
        versions, again = check_contents(lake, con, accounts)
        refused = check_quarantine(lake, con, accounts)
        check_ledger(lake, con, accounts)
        head = lake.snapshot(DATASET)
        assert head is not None
        content_hash(con, head)
    tries = [a["tries"] for a in accounts if a["tries"]]
    return {
        "commits": commits,
        "versions_compared": versions, "again_at_the_end": again, "refused_rows": refused,
        "lost_races": sum(tries) - len(tries), "most_tries": max(tries),
        "compactions": sum(1 for a in accounts if a["what"] == "compaction" and a.get("version")),
        "logs_cut": sum(1 for a in accounts if a.get("cut")),
        "files_vacuumed": sum(a.get("swept", 0) for a in accounts),
    }  # fmt: skip


def test_four_writers_end_as_if_one_after_the_other(tmp_path: Path) -> None:
    (seed,) = seeds(1, first=7)
    with replayable(seed):
        found = try_seed(tmp_path, seed, 4, 12)
    record("writers", short=True, seeds=1, processes=4, each=12, **found)


@pytest.mark.long
def test_eight_writers_of_a_hundred_commits_each(tmp_path: Path) -> None:
    total: dict[str, int] = {}
    for seed in seeds(20):
        folder = tmp_path / str(seed)
        folder.mkdir()
        with replayable(seed):
            found = try_seed(folder, seed, 8, 100)
            assert found["versions_compared"] >= 200
            assert found["files_vacuumed"] and found["logs_cut"] and found["compactions"]
        most = max(total.get("most_tries", 0), found["most_tries"])
        total = {k: total.get(k, 0) + v for k, v in found.items()} | {"most_tries": most}
    record("writers", seeds=20, processes=8, each=100, lost_commits=0, **total)


@pytest.mark.long
def test_eight_writers_of_a_thousand_commits_each(tmp_path: Path) -> None:
    (seed,) = seeds(1, first=1_000)
    with replayable(seed):
        found = try_seed(tmp_path, seed, 8, 1_000)
        assert found["versions_compared"] >= 200 and found["again_at_the_end"] >= KEPT_RELEASES
    record("writers_long", seeds=1, processes=8, each=1_000, lost_commits=0, **found)
