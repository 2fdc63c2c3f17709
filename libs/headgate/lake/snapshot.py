"""One version of one table: its files with their statistics, read from the Delta log once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from headgate.contracts import types
from headgate.core import json as hjson
from headgate.lake.engines.duckdb import identifier, identifiers, path_list
from headgate.lake.meta import CommitMeta


@dataclass(frozen=True)
class DataFile:
    """A live data file: ``path`` as the log has it, ``uri`` as engines open it.

    ``minimum`` and ``maximum`` hold a column only where the log has its statistics, which may
    be wider than the data but never narrower; ``nulls`` has every column that the file holds.
    """

    path: str
    uri: str
    size: int
    rows: int
    minimum: Mapping[str, Any] = field(default_factory=dict)
    maximum: Mapping[str, Any] = field(default_factory=dict)
    nulls: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """A table at one version. ``columns`` maps each column to its type, in order."""

    dataset: str
    version: int
    columns: Mapping[str, str]
    files: tuple[DataFile, ...]
    meta: CommitMeta | None
    app_version: int
    protocol: str = ""

    @cached_property
    def rows(self) -> int:
        """Rows in the table, from the log."""
        return sum(f.rows for f in self.files)

    @property
    def bytes(self) -> int:
        """Bytes of the live files."""
        return sum(f.size for f in self.files)

    def relation(self, columns: Sequence[str] | None = None) -> str:
        """A DuckDB table expression of the table, or of some of its columns."""
        return relation(self.files, {c: self.columns[c] for c in columns or self.columns})


class NewestSnapshot(Snapshot):
    """A table at its newest version, known by its last log entry alone until somebody asks for more.

    What a run decides by, version and commit, stands there; reading the whole log takes thirty
    times as long.
    """

    def __init__(
        self, dataset: str, version: int, meta: CommitMeta, whole: Callable[[], Snapshot]
    ) -> None:
        vars(self).update(dataset=dataset, version=version, meta=meta, _whole=whole)

    def __getattr__(self, name: str) -> Any:
        if name not in _READ_LATE:
            raise AttributeError(name)
        value = vars(self)[name] = getattr(self._rest, name)
        return value

    @cached_property
    def _rest(self) -> Snapshot:
        whole: Callable[[], Snapshot] = vars(self)["_whole"]
        return whole()

    @property
    def protocol(self) -> str:
        """The protocol's reader and writer versions."""
        return str(self._rest.protocol)


_READ_LATE = frozenset({"columns", "files", "app_version"})


def relation(
    files: Sequence[DataFile], columns: Mapping[str, str], *, with_file: bool = False
) -> str:
    """A DuckDB table expression over data files; columns that a file lacks are NULL in it.

    ``with_file`` adds ``_file``, the file's uri.
    """
    extra = ", filename AS _file" if with_file else ""
    nothing = ", ".join(
        f"NULL::{types.duckdb_type(t)} AS {identifier(c)}" for c, t in columns.items()
    )
    if not files:
        gone = ", NULL::VARCHAR AS _file" if with_file else ""
        return f"(SELECT {nothing}{gone} WHERE FALSE)"
    options = ", filename=true" if with_file else ""
    uris = path_list(f.uri for f in files)
    if all(columns.keys() <= f.nulls.keys() for f in files):
        return f"(SELECT {identifiers(columns)}{extra} FROM read_parquet({uris}{options}))"
    # Files of different ages differ in columns: bind them by name, and let an empty arm bring
    # the columns that no file holds yet.
    every = f"SELECT * FROM read_parquet({uris}, union_by_name=true{options})"
    union = f"({every} UNION ALL BY NAME SELECT {nothing} WHERE FALSE)"
    return f"(SELECT {identifiers(columns)}{extra} FROM {union})"


def load(table: Any, uri: str, dataset: str, read_log: Any) -> Snapshot:
    """The snapshot that an open ``deltalake.DeltaTable`` at ``uri`` is at.

    ``read_log`` gives the bytes of the log entry of a version, or None.
    """
    found = table.version()
    schema = hjson.loads(table.schema().to_json())
    columns = {f["name"]: type_of(f["type"]) for f in schema["fields"]}
    protocol = table.protocol()
    return Snapshot(
        dataset=dataset,
        version=found,
        columns=columns,
        files=_files(table, uri),
        meta=_newest_meta(found, read_log),
        app_version=table.transaction_version(app_id(dataset)) or 0,
        protocol=f"{protocol.min_reader_version}.{protocol.min_writer_version}",
    )


def app_id(dataset: str) -> str:
    """The application id under which a dataset's commits are numbered."""
    return f"headgate:{dataset}"


def _files(table: Any, uri: str) -> tuple[DataFile, ...]:
    # delta-rs' own Arrow table is read as it is: pyarrow would first import pandas, if it is there.
    found = table.get_add_actions(flatten=True)
    values = {name: [v.as_py() for v in found.column(name)] for name in found.column_names}
    actions = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    files = []
    for action in sorted(actions, key=lambda a: str(a["path"])):
        stats: dict[str, dict[str, Any]] = {"min": {}, "max": {}, "null_count": {}}
        for key, value in action.items():
            kind, dot, column = key.partition(".")
            if dot and kind in stats and value is not None:
                stats[kind][column] = value
        files.append(
            DataFile(
                path=action["path"],
                uri=f"{uri}/{action['path']}",
                size=action["size_bytes"],
                rows=action["num_records"],
                minimum=stats["min"],
                maximum=stats["max"],
                nulls=stats["null_count"],
            )
        )
    return tuple(files)


def _newest_meta(version: int, read_log: Any) -> CommitMeta | None:
    """What the newest commit of ours at or below ``version`` said of itself."""
    for at in range(version, -1, -1):
        entry = read_log(at)
        if entry is None:
            return None
        meta = CommitMeta.from_log(entry)
        if meta is not None:
            return meta
    return None


def type_of(delta: Any) -> str:
    """The column type that a type of the Delta log's schema is."""
    if isinstance(delta, dict):
        if delta.get("type") == "array":
            return f"array<{type_of(delta['elementType'])}>"
        return "json"
    return str(delta)
