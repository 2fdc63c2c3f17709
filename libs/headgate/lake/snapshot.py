"""One version of one table: its files with their statistics, read from the Delta log once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from headgate.lake import foreign
from headgate.lake.engines.duckdb import identifier, identifiers, path_list
from headgate.lake.meta import CommitMeta


@dataclass(frozen=True)
class DataFile:
    """A live data file: ``path`` as the log has it, ``uri`` as engines open it.

    ``minimum`` and ``maximum`` hold a column only where the log has its statistics, which may
    be wider than the data but never narrower; ``nulls`` has every column that the file holds.
    ``partition`` are the columns that the file does not hold because they are the same in all of
    its rows; tables of ours have none.
    """

    path: str
    uri: str
    size: int
    rows: int
    minimum: Mapping[str, Any] = field(default_factory=dict)
    maximum: Mapping[str, Any] = field(default_factory=dict)
    nulls: Mapping[str, int] = field(default_factory=dict)
    partition: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """A table at one version. ``columns`` maps each column to its type, in order; ``partitions``
    are those of them that its files do not hold, which only tables of others have."""

    dataset: str
    version: int
    columns: Mapping[str, str]
    files: tuple[DataFile, ...]
    meta: CommitMeta | None
    app_version: int
    protocol: str = ""
    partitions: tuple[str, ...] = ()

    @cached_property
    def rows(self) -> int:
        """Rows in the table, from the log."""
        return sum(f.rows for f in self.files)

    @property
    def content_version(self) -> int:
        """The version that first had these rows: compaction makes new ones of the same rows."""
        same_as = self.meta.same_as if self.meta else None
        return self.version if same_as is None else same_as

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

    @property
    def partitions(self) -> tuple[str, ...]:
        """The partition columns."""
        return self._rest.partitions


_READ_LATE = frozenset({"columns", "files", "app_version"})


def relation(
    files: Sequence[DataFile], columns: Mapping[str, str], *, with_file: bool = False
) -> str:
    """A DuckDB table expression over data files; columns that a file lacks are NULL in it.

    ``with_file`` adds ``_file``, the file's uri.
    """
    extra = ", filename AS _file" if with_file else ""
    kinds = {c: foreign.sql_type(t) for c, t in columns.items()}
    nothing = ", ".join(f"NULL::{t} AS {identifier(c)}" for c, t in kinds.items())
    if not files:
        gone = ", NULL::VARCHAR AS _file" if with_file else ""
        return f"(SELECT {nothing}{gone} WHERE FALSE)"
    # A folder called x=5, somewhere above the lake, is no column of it.
    options = ", hive_partitioning=false" + (", filename=true" if with_file else "")
    if all(columns.keys() <= f.nulls.keys() for f in files):
        uris = path_list(f.uri for f in files)
        return f"(SELECT {identifiers(columns)}{extra} FROM read_parquet({uris}{options}))"
    # Files of different ages differ in columns: bind them by name, and let an empty arm bring
    # the columns that no file holds yet, and the types.
    arms = [
        f"SELECT *{given} FROM read_parquet({path_list(uris)}, union_by_name=true{options})"
        for given, uris in _alike(files, columns).items()
    ]
    union = " UNION ALL BY NAME ".join([*arms, f"SELECT {nothing} WHERE FALSE"])
    return f"(SELECT {identifiers(columns)}{extra} FROM ({union}))"


def _alike(files: Sequence[DataFile], columns: Mapping[str, str]) -> dict[str, list[str]]:
    """The files by what SQL gives each of its rows besides what the file holds."""
    found: dict[str, list[str]] = {}
    for file in files:
        given = "".join(
            f", {foreign.partition_literal(v, columns[c])} AS {identifier(c)}"
            for c, v in file.partition.items()
            if c in columns
        )
        found.setdefault(given, []).append(file.uri)
    return found


def load(table: Any, uri: str, dataset: str, read_log: Any) -> Snapshot:
    """The snapshot that an open ``deltalake.DeltaTable`` at ``uri`` is at.

    ``read_log`` gives the bytes of the log entry of a version, or None.

    Raises:
        LakeError: the table has what nothing here reads, or lacks a file.
    """
    found = table.version()
    columns = foreign.columns(table, dataset, uri)
    protocol, meta = table.protocol(), _newest_meta(found, read_log)
    return Snapshot(
        dataset=dataset,
        version=found,
        columns=columns,
        files=_files(table, uri, ours=meta is not None),
        meta=meta,
        app_version=table.transaction_version(app_id(dataset)) or 0,
        protocol=f"{protocol.min_reader_version}.{protocol.min_writer_version}",
        partitions=tuple(table.metadata().partition_columns),
    )


def app_id(dataset: str, place: str = "") -> str:
    """The application id under which a dataset's commits are numbered; or under which the next
    position is kept of a ``place`` that messages are taken from (``<topic>/<partition>``)."""
    return f"headgate:{dataset}:{place}" if place else f"headgate:{dataset}"


def _files(table: Any, uri: str, *, ours: bool) -> tuple[DataFile, ...]:
    parted = table.metadata().partition_columns
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
        file, rows = foreign.uri_of(action["path"], uri), action["num_records"]
        files.append(
            DataFile(
                path=action["path"],
                uri=file,
                size=action["size_bytes"],
                rows=rows if ours and rows is not None else foreign.rows_of(file, rows, uri),
                minimum=stats["min"],
                maximum=stats["max"],
                nulls=stats["null_count"] if ours else {},
                partition=foreign.partitions(parted, action),
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
            return meta.content
    return None


def type_of(delta: Any) -> str:
    """The column type that a type of the Delta log's schema is (see :mod:`headgate.lake.foreign`)."""
    return foreign.column_type(delta)
