"""What a task's function gave, as files that the contract of its dataset reads: one delivery.

A frame becomes a file whose bytes follow from its rows and from the DAG run alone, so that whoever
writes it again writes the same file, which is taken once.
"""

from __future__ import annotations

import csv
import gzip
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from headgate.contracts.model import Contract
from headgate.core import clock, ids
from headgate.core import json as hjson
from headgate.core.errors import ContractError, UsageError
from headgate.core.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

_FORMS = "a Polars, Arrow, DuckDB or pandas frame, rows as dicts, or paths of files"
_ROWS_AT_ONCE = 10_000
#: File names longer than this are cut.
_LONGEST_NAME = 150
_UNUSUAL = re.compile(r"[^A-Za-z0-9_.+-]+")


@contextmanager
def delivered(settings: Settings, contract: Contract, given: object, *, by: str, run: str) -> Iterator[tuple[str, ...]]:  # fmt: skip
    """Within the block, the paths of files that hold what was ``given`` for a dataset.

    ``given`` is a Polars (also lazy), Arrow or pandas frame, a DuckDB relation, an iterable of
    dicts, or a path or several (relative ones are below the project). A frame is written to the
    lake's landing folder in the format that the contract reads, its columns named as the source's
    fields are, its rows by the contract's key; the file is removed at the end of the block. ``by``
    names who delivers and ``run`` the DAG run: both stand in the file's name, the run in its bytes
    as well, so that equal rows of another run are another delivery.

    Raises:
        UsageError: it is nothing of that kind, or a value has no form in the format.
        ContractError: the contract's format holds no frame.
    """
    paths = _paths(given, settings.root)
    if paths is not None:
        yield paths
        return
    _sweep(settings)
    folder = _landing(settings) / contract.name.path / ids.new_id()
    folder.mkdir(parents=True)
    try:
        yield (str(_write(folder, settings, contract, given, by, run)),)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _paths(given: object, root: Path) -> tuple[str, ...] | None:
    """The paths, if that is what was given; None if it is rows."""
    named = [given] if isinstance(given, str | os.PathLike) else given
    if not isinstance(named, list | tuple | set | frozenset) or not named:
        return None
    if not all(isinstance(n, str | os.PathLike) for n in named):
        return None
    return tuple(str(root / os.fspath(n)) for n in named)


def _landing(settings: Settings) -> Path:
    from headgate.lake.lake import LANDING

    return settings.lake_path / LANDING


def _sweep(settings: Settings) -> None:
    """Remove what tries left that were killed, once nobody can be at work on it any more."""
    old = clock.now() - timedelta(days=max(settings.orphan_keep_days, 1.0))
    for folder in _landing(settings).glob("*/*/*/*"):
        try:
            if datetime.fromtimestamp(folder.stat().st_mtime, old.tzinfo) < old:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # somebody else removed it


def _write(
    folder: Path, settings: Settings, contract: Contract, given: object, by: str, run: str
) -> Path:
    assert contract.source is not None
    write = _WRITERS.get(contract.source.format)
    if write is None:
        raise ContractError(
            f"{contract.id}: frames cannot be written as {contract.source.format}.",
            remedy=f"Return paths of files, or use one of {', '.join(_WRITERS)}.",
            place=f"{contract.path}#/customProperties/headgate.source",
        )
    draft = folder / "draft"
    try:
        ending = write(draft, contract, given, f"{by}.{run}", settings.compression)
    except (TypeError, ValueError, ArithmeticError) as error:  # pyarrow's own are among them
        raise UsageError(
            f"{contract.id}: what was returned cannot be written as {contract.source.format}:"
            f" {error}",
            remedy=f"Return {_FORMS}.",
        ) from error
    # A snapshot replaces the one before it under the same name; other deliveries stand beside.
    name = by if contract.delivery.snapshot else f"{by}.{run}"
    path = folder / f"{_file_name(name)}{ending}"
    draft.rename(path)
    return path


def _file_name(text: str) -> str:
    plain = _UNUSUAL.sub("-", text)
    if len(plain) <= _LONGEST_NAME and plain == text:
        return plain
    return f"{plain[:_LONGEST_NAME]}-{ids.digest(text)[:8]}"


def _parquet(path: Path, contract: Contract, given: object, run: str, compression: str) -> str:
    import pyarrow.parquet as pq

    table = _table(given, contract)
    table = table.replace_schema_metadata({"headgate.delivery": run})
    pq.write_table(table, path, compression=compression)
    return ".parquet"


def _json_lines(path: Path, contract: Contract, given: object, run: str, _: str) -> str:
    with _packed(path, run) as out:
        for row in _rows(given, contract):
            out.write(hjson.dumps(row) + "\n")
    return ".jsonl.gz"


def _json(path: Path, contract: Contract, given: object, run: str, _: str) -> str:
    assert contract.source is not None
    where = str(contract.source.options.get("records", "$"))
    field = re.fullmatch(r"\$(?:\.([A-Za-z_]\w*))?\[\*\]", where)
    if field is None or "controlTotal" in contract.source.options:
        raise ContractError(
            f"{contract.id}: a frame is no document whose records stand at {where}.",
            remedy="Return paths of files, or let the contract read jsonl or parquet.",
            place=f"{contract.path}#/customProperties/headgate.source",
        )
    before, after = (f'{{"{field[1]}":[', "]}") if field[1] else ("[", "]")
    with _packed(path, run) as out:
        out.write(before)
        for number, row in enumerate(_rows(given, contract)):
            out.write(("," if number else "") + hjson.dumps(row))
        out.write(after + "\n")
    return ".json.gz"


def _csv(path: Path, contract: Contract, given: object, run: str, _: str) -> str:
    assert contract.source is not None
    options = contract.source.options
    if options.keys() - {"delimiter", "nulls", "ignore"}:
        raise ContractError(
            f"{contract.id}: frames are written as plain CSV, with a header.",
            remedy="Return paths of files, or let the contract read parquet.",
            place=f"{contract.path}#/customProperties/headgate.source",
        )
    nothing = str(next(iter(options.get("nulls") or [""])))
    fields = [c.field for c in contract.columns]
    with _packed(path, run) as out:
        writer = csv.writer(out, delimiter=str(options.get("delimiter", ",")), lineterminator="\n")
        for number, row in enumerate(_rows(given, contract)):
            if number == 0:
                # What the contract knows comes first, and what it does not know is not lost.
                fields = [f for f in fields if f in row] + [f for f in row if f not in fields]
                writer.writerow(fields)
            elif row.keys() - set(fields):
                raise ValueError(f"row {number} has fields that the first has not")
            writer.writerow([_cell(row.get(f), nothing) for f in fields])
    return ".csv.gz"


def _cell(value: object, nothing: str) -> str:
    if value is None:
        return nothing
    return value if isinstance(value, str) else hjson.dumps(value).strip('"')


_WRITERS: Mapping[str, Callable[[Path, Contract, object, str, str], str]] = {
    "parquet": _parquet,
    "jsonl": _json_lines,
    "json": _json,
    "csv": _csv,
}


@contextmanager
def _packed(path: Path, run: str) -> Iterator[TextIO]:
    """A text file, gzipped with the run in its header and no time: the same bytes each time."""
    import io

    name = ids.digest(run)[:32]
    with (
        path.open("wb") as raw,
        gzip.GzipFile(name, "wb", compresslevel=1, fileobj=raw, mtime=0) as file,
        io.TextIOWrapper(file, encoding="utf-8", newline="") as out,
    ):
        yield out


def _rows(given: object, contract: Contract) -> Iterator[dict[str, Any]]:
    """The rows as dicts; an iterable is asked for one after the other."""
    known = _frame(given, contract)
    if known is not None:
        for batch in known.to_batches(max_chunksize=_ROWS_AT_ONCE):
            yield from map(_exact, batch.to_pylist())
        return
    yield from map(_exact, _dicts(given))


def _exact(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with times that have no zone as they are: nobody knows which zone was meant."""
    return {
        name: value.isoformat() if isinstance(value, datetime) and value.tzinfo is None else value
        for name, value in row.items()
    }


def _dicts(given: object) -> Iterator[Mapping[str, Any]]:
    if not isinstance(given, Iterable) or isinstance(given, Mapping | bytes):
        what = "nothing" if given is None else f"a {type(given).__name__}"
        raise UsageError(
            f"the function returned {what}.",
            remedy=f"Return {_FORMS}; to deliver nothing, raise AirflowSkipException.",
        )
    for number, row in enumerate(given):
        if not isinstance(row, Mapping):
            raise UsageError(
                f"element {number} of what was returned is a {type(row).__name__}, and no row.",
                remedy=f"Return {_FORMS}.",
            )
        yield row


def _table(given: object, contract: Contract) -> pa.Table:
    """The rows as an Arrow table; a column that holds nothing has the contract's type."""
    import pyarrow as pa

    from headgate.contracts import types

    table = _frame(given, contract)
    kinds = {c.field: types.arrow_type(c.type) for c in contract.columns}
    if table is None:
        rows = list(_dicts(given))
        names = list(dict.fromkeys(chain.from_iterable(rows))) or list(kinds)
        table = pa.table({n: pa.array([r.get(n) for r in rows]) for n in names})
    for index, column in enumerate(table.schema):
        if pa.types.is_null(column.type) and column.name in kinds:
            filled = table.column(index).cast(kinds[column.name])
            table = table.set_column(index, column.name, filled)
    return table


def _frame(given: object, contract: Contract) -> pa.Table | None:
    """A frame of one of the libraries as an Arrow table, its rows by the contract's key; None if
    it is none. No library is imported that did not make what was given."""
    library, kind = type(given).__module__.partition(".")[0], type(given).__name__
    frame: Any = given
    if library == "polars" and kind in ("DataFrame", "LazyFrame"):
        frame = (frame.collect() if kind == "LazyFrame" else frame).to_arrow()
    elif library == "pandas" and kind == "DataFrame":
        import pyarrow as pa

        frame = pa.Table.from_pandas(frame, preserve_index=False)
    elif library in ("duckdb", "_duckdb") and kind == "DuckDBPyRelation":
        frame = frame.to_arrow_table()
    elif library == "pyarrow" and kind in ("RecordBatch", "RecordBatchReader"):
        import pyarrow as pa

        frame = frame.read_all() if kind == "RecordBatchReader" else pa.Table.from_batches([frame])
    elif library != "pyarrow" or kind != "Table":
        return None
    return _ordered(frame, [c.field for c in contract.columns if c.name in contract.key])


def _ordered(table: pa.Table, key: Sequence[str]) -> pa.Table:
    """The rows by the key, however they were computed; in their own order where a part is missing."""
    if not key or not set(key) <= set(table.column_names):
        return table
    return table.sort_by([(name, "ascending") for name in key])
