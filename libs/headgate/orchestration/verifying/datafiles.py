"""Data files: that they are there, and are what the log says of them; and files that no log names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from headgate.contracts import types
from headgate.core import clock
from headgate.core.errors import HeadgateError
from headgate.lake import checksum, unnamed
from headgate.lake.engines.duckdb import literal, one
from headgate.orchestration.verifying.finding import WARNING, Check, Fault
from headgate.orchestration.verifying.look import Look
from headgate.orchestration.verifying.pinned import Pinned
from headgate.orchestration.verifying.tablelog import Live, State

#: What no log names and is younger may belong to a commit that is going on.
_YOUNG = timedelta(minutes=1)


def _looked_at(look: Look) -> Iterator[tuple[Pinned, State, Live]]:
    """Every file of the newest versions and of the kept releases, once a file."""
    for table in look.every():
        seen = set()
        states = sorted(table.states.values(), key=lambda s: -s.version)
        look.progress.step(table.dataset, "looking at its files")
        for state in states:
            for path, live in sorted(state.files.items()):
                if path not in seen:
                    seen.add(path)
                    yield table, state, live


def _missing(look: Look) -> Iterator[Fault]:
    for table, state, live in _looked_at(look):
        path = Path(table.uri, live.path)
        look.files_read.add(str(path))
        if not path.is_file():
            look.damaged.add(f"{table.uri}/{live.path}")
            yield Fault(f"{table.key}/{live.path}", f"the file is gone; it holds {live.rows} rows.",
                        table.dataset, state.version)  # fmt: skip


def _unlike(look: Look) -> Iterator[Fault]:
    for table, state, live in _looked_at(look):
        uri = f"{table.uri}/{live.path}"
        if uri in look.damaged:
            continue
        wrong = _wrong(look, table, state, live)
        if wrong:
            look.damaged.add(uri)
            yield Fault(f"{table.key}/{live.path}", f"the file is not what was committed: {wrong}.",
                        table.dataset, state.version)  # fmt: skip
    if look.deep:
        yield from _former(look)


def _former(look: Look) -> Iterator[Fault]:
    """Files of earlier versions that no release keeps: maintenance may have removed them, no more."""
    for table in look.every():
        now = {path for state in table.states.values() for path in state.files}
        for path, live in sorted(table.former.items()):
            file = Path(table.uri, path)
            if path in now or not file.is_file():
                continue
            told, size = live.checksum, file.stat().st_size
            if size != live.size or (told and checksum.of_file(file) != told):
                look.damaged.add(f"{table.uri}/{path}")
                yield Fault(f"{table.key}/{path}", "the file of an earlier version is not what was "
                            "committed.", table.dataset, live.since)  # fmt: skip


def _wrong(look: Look, table: Pinned, state: State, live: Live) -> str:
    path = Path(table.uri, live.path)
    size = path.stat().st_size
    if size != live.size:
        return f"it has {size} bytes, the log says {live.size}"
    known = live.checksum or table.checksums.get(live.path, "")
    if look.deep and known and checksum.of_file(path) != known:
        return "its bytes are not those that were written"
    return _footer(look, table, state, live)


def _footer(look: Look, table: Pinned, state: State, live: Live) -> str:
    """What is wrong with the file's own account of its rows and columns."""
    import duckdb

    file = literal(str(Path(table.uri, live.path)))
    try:
        rows = one(look.con, f"SELECT num_rows FROM parquet_file_metadata({file})")[0]
        found = look.con.execute(f"SELECT * FROM read_parquet({file}) LIMIT 0").description or ()
    except (duckdb.Error, UnicodeDecodeError) as error:
        return f"it is no Parquet file that can be read ({(str(error).splitlines() or [''])[0]})"
    if rows != live.rows:
        return f"it has {rows} rows, the log says {live.rows}"
    columns = {**table.columns_at.get(live.since, {}), **state.columns}
    for name, kind, *_ in found:
        wanted = columns.get(str(name))
        if wanted is None:
            return f"it has a column {name}, which the table has not"
        if _plain(str(kind)) != _plain(types.duckdb_type(wanted)):
            return f"its column {name} is {kind}, the table's is {wanted}"
    return ""


def _plain(kind: str) -> str:
    """A DuckDB type as both sides may call it."""
    return kind.upper().replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ").replace(" ", "")


def _unnamed(look: Look) -> Iterator[Fault]:
    lake = look.project.lake
    since = min((h.since for h in (look.held_before, look.held_after) if h), default=None)
    try:
        pinned = unnamed.pins(lake)
    except (HeadgateError, ValueError, KeyError, TypeError):
        return  # a release or the catalogue cannot be read, which is told by itself
    for table in look.every():
        if not table.whole:
            continue
        files = unnamed.data_files(lake, table.key)
        try:
            names = unnamed.names(lake, table.key, pinned)
        except HeadgateError:
            continue
        for found in files:
            name = Path(found.path).name
            going_on = look.running and since and found.modified >= since - _YOUNG
            if name not in names.needed | names.gone and not going_on:
                days = (clock.now() - found.modified).days
                yield Fault(found.path, f"no log names the file; it has {found.size} bytes and is "
                            f"{days} days old.", table.dataset)  # fmt: skip


_RESTORE = (
    "Restore the file from a copy. Without one: `headgate release rollback` to a release before it, "
    "or deliver its rows again; `headgate fsck` names the batches that wrote it."
)

CHECKS = (
    Check("file-missing", "Every file of the newest versions and of kept releases exists.",
          _RESTORE, _missing),
    Check("file-content", "Every file has the size, rows and columns that the log says, and (deep) "
          "the very bytes that were written.", _RESTORE, _unlike),
    Check("file-unnamed", "Every data file is named by a log.",
          "`headgate maintain` removes it once it is old enough: a commit that died left it.",
          _unnamed, severity=WARNING),
)  # fmt: skip
