"""Hands that tamper with a lake: log entries, data files and stored rows, sealed again or not."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from headgate.lake import entry as entries
from headgate.lake.stage import log_statistics
from headgate.orchestration.project import Project
from headgate.orchestration.verifying.tablelog import columns_of

Action = dict[str, Any]


def log_of(project: Project, key: str) -> Path:
    """The folder of a table's log."""
    return project.lake.root / key / "_delta_log"


def versions(project: Project, key: str) -> list[Path]:
    """The entries of a table's log, oldest first."""
    return sorted(p for p in log_of(project, key).iterdir() if p.suffix == ".json")


def actions(path: Path) -> list[Action]:
    """What an entry holds."""
    return [json.loads(one) for one in path.read_text().splitlines()]


def seal(path: Path, told: list[Action]) -> None:
    """Write an entry with the digest that belongs to it, as one who knows how would."""
    info = next(a["commitInfo"] for a in told if "commitInfo" in a)
    info.pop(entries.CHECKSUM, None)
    path.write_bytes(entries._sealed(info, [a for a in told if "commitInfo" not in a]))


def change(path: Path, edit: Callable[[list[Action]], None], *, sealed: bool = True) -> None:
    """Change an entry; if not ``sealed``, its digest stays what it was."""
    told = actions(path)
    edit(told)
    if sealed:
        seal(path, told)
    else:
        path.write_text("".join(json.dumps(a) + "\n" for a in told))


def say(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """Change what a commit says of itself."""

    def edited(told: list[Action]) -> None:
        info = told[0]["commitInfo"]
        meta = json.loads(info["headgate"])
        edit(meta)
        info["headgate"] = json.dumps(meta)

    change(path, edited)


def live(project: Project, key: str) -> list[str]:
    """The table's live files, by name."""
    found: dict[str, None] = {}
    for path in versions(project, key):
        for action in actions(path):
            if "remove" in action:
                found.pop(action["remove"]["path"], None)
            if "add" in action:
                found[action["add"]["path"]] = None
    return list(found)


def biggest(project: Project, key: str) -> Path:
    """The largest of the table's live files."""
    files = [project.lake.root / key / name for name in live(project, key)]
    return max(files, key=lambda p: p.stat().st_size)


def rewrite(
    project: Project, key: str, query: str, *, where: str = "TRUE", account: bool = False
) -> Path:
    """Put other rows into the live file that holds a row satisfying ``where``, and make the log agree:
    size, statistics, checksum and digest. ``query`` reads ``rows``. With ``account``, what the commit
    says that it published is made to agree as well."""
    for name in live(project, key):
        path = project.lake.root / key / name
        with duckdb.connect() as con:
            con.execute("SET TimeZone = 'UTC'")
            con.execute(f"CREATE TABLE rows AS FROM read_parquet('{path}')")
            if not con.execute(f"SELECT count(*) FROM rows WHERE {where}").fetchall()[0][0]:
                continue
            draft = path.with_suffix(".new")
            rows, stats = con.execute(
                f"COPY ({query}) TO '{draft}' (FORMAT parquet, COMPRESSION zstd, RETURN_STATS)"
            ).fetchall()[0][1:5:3]
        os.replace(draft, path)
        agree(project, key, path, rows, stats, account=account)
        return path
    raise AssertionError(f"no row of {key} where {where}")


def agree(project: Project, key: str, path: Path, rows: int, stats: Any, *, account: bool) -> None:
    """Make the log say of a file what it holds by now."""
    columns: dict[str, str] = {}
    for entry in versions(project, key):
        told = actions(entry)
        for action in told:
            if "metaData" in action:
                columns = columns_of(action["metaData"])
            if "add" in action and action["add"]["path"] == path.name:
                known = json.loads(action["add"]["stats"])["nullCount"]
                held = {c: t for c, t in columns.items() if c in known}
                action["add"] |= {
                    "size": path.stat().st_size,
                    "stats": log_statistics(rows, stats, held)[0],
                    "tags": {entries.CHECKSUM: hashlib.sha256(path.read_bytes()).hexdigest()},
                }
                seal(entry, told)
                if account:
                    say(entry, lambda meta: meta.update(read=rows, published=rows))
                break


def flip(path: Path, place: int, bit: int = 0) -> None:
    """Flip one bit of a file."""
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.write_bytes(bytes(data))
