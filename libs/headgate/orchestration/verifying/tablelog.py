"""A table's log as its bytes have it: entries parsed and replayed here, apart from any Delta library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from headgate.core import json as hjson
from headgate.lake.entry import CHECKSUM
from headgate.lake.meta import CommitMeta
from headgate.lake.snapshot import type_of

ACTIONS = frozenset(
    ("commitInfo", "protocol", "metaData", "add", "remove", "txn", "cdc", "domainMetadata",
     "sidecar", "checkpointMetadata")
)  # fmt: skip

#: The field without which an action says nothing, of those that a checkpoint is read for.
_NAMED_BY = {"add": "path", "metaData": "id", "protocol": "minReaderVersion", "txn": "appId"}


@dataclass(frozen=True)
class Entry:
    """One log entry; ``problem`` says why it cannot be read, if it cannot."""

    version: int
    data: bytes
    actions: tuple[Mapping[str, Any], ...] = ()
    meta: CommitMeta | None = None
    problem: str = ""

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        """The actions of one kind."""
        return [a[kind] for a in self.actions if kind in a]


def parse(version: int, data: bytes | None) -> Entry:
    """The entry in ``data``, or what is wrong with it."""
    if not data:
        return Entry(version, b"", problem="it is empty" if data == b"" else "it is gone")
    try:
        actions = [hjson.loads(line) for line in data.splitlines() if line.strip()]
    except ValueError:
        why = "it is cut off" if not data.endswith(b"\n") else "it is not JSON"
        return Entry(version, data, problem=why)
    for action in actions:
        if not isinstance(action, dict) or len(action) != 1 or not action.keys() <= ACTIONS:
            return Entry(version, data, problem="it holds what is no action of a Delta log")
        if not isinstance(next(iter(action.values())), dict):
            return Entry(version, data, problem="it holds what is no action of a Delta log")
    if not any("commitInfo" in a for a in actions):
        return Entry(version, data, problem="it does not say what it commits")
    try:
        meta = CommitMeta.from_log(data)
        _demand(actions)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return Entry(version, data, problem=f"what it says of itself cannot be read ({error})")
    return Entry(version, data, tuple(actions), meta)


def _demand(actions: Iterable[Mapping[str, Any]]) -> None:
    """Let only actions through that have what a replay needs.

    Raises:
        ValueError, KeyError, TypeError: one has not.
    """
    for action in actions:
        if "add" in action:
            Live.of(action["add"], 0)
        elif "remove" in action:
            _ = str(action["remove"]["path"])
        elif "metaData" in action:
            columns_of(action["metaData"])
        elif "txn" in action:
            _ = str(action["txn"]["appId"]), int(action["txn"]["version"])
        elif "protocol" in action:
            _ = int(action["protocol"]["minReaderVersion"])


@dataclass(frozen=True)
class Live:
    """A data file that a version has, as the log adds it; ``since`` is the version that added it,
    ``more`` what else is said of it that a checkpoint has to repeat."""

    path: str
    size: int
    rows: int | None
    stats: Mapping[str, Any]
    checksum: str
    since: int
    more: tuple[object, ...] = ()

    @classmethod
    def of(cls, add: Mapping[str, Any], since: int) -> Live:
        """The file of an ``add`` action."""
        stats = hjson.loads(add["stats"]) if add.get("stats") else {}
        rows = stats.get("numRecords")
        return cls(
            str(add["path"]), int(add["size"]), None if rows is None else int(rows), stats,
            str((add.get("tags") or {}).get(CHECKSUM) or ""), since,
            (add.get("modificationTime"), _present(add.get("partitionValues")),
             _present(add.get("tags"))),
        )  # fmt: skip


def _present(values: Mapping[str, Any] | None) -> dict[str, Any]:
    return {k: v for k, v in (values or {}).items() if v is not None}


def columns_of(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Column to type of a ``metaData`` action."""
    return dict(_columns(str(metadata["schemaString"])))


@lru_cache(maxsize=256)
def _columns(schema: str) -> Mapping[str, str]:
    return {str(f["name"]): type_of(f["type"]) for f in hjson.loads(schema)["fields"]}


@dataclass
class State:
    """A table at one version, as replaying its log makes it."""

    version: int = -1
    files: dict[str, Live] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)
    transactions: dict[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of the live files, as the log has them."""
        return sum(f.rows or 0 for f in self.files.values())

    @property
    def columns(self) -> dict[str, str]:
        """Column to type."""
        return columns_of(self.metadata) if self.metadata else {}

    def copy(self) -> State:
        """The state as it is now."""
        return State(self.version, dict(self.files), self.metadata, self.protocol,
                     dict(self.transactions))  # fmt: skip

    def apply(self, entry: Entry) -> list[str]:
        """Go on to the version of ``entry``; tells what in it does not fit what was there."""
        wrong = []
        self.version = entry.version
        for action in entry.of("remove"):
            if self.files.pop(str(action["path"]), None) is None:
                wrong.append(f"it removes {action['path']}, which the table did not have")
        for action in entry.of("add"):
            live = Live.of(action, entry.version)
            if live.path in self.files and self.files[live.path].stats != live.stats:
                wrong.append(f"it adds {live.path}, which the table has already")
            self.files[live.path] = live
        for metadata in entry.of("metaData"):
            self.metadata = metadata
        for protocol in entry.of("protocol"):
            self.protocol = protocol
        for transaction in entry.of("txn"):
            self.transactions[str(transaction["appId"])] = int(transaction["version"])
        return wrong


def from_checkpoint(version: int, rows: Sequence[Mapping[str, Any]]) -> State:
    """The state that a checkpoint's rows hold.

    Raises:
        ValueError, KeyError, TypeError: they hold none.
    """
    state = State(version)
    for row in rows:
        kind, said = _action(row)
        if kind == "add":
            live = Live.of(said, version)
            state.files[live.path] = live
        elif kind == "metaData":
            state.metadata = said
        elif kind == "protocol":
            state.protocol = said
        elif kind == "txn":
            state.transactions[str(said["appId"])] = int(said["version"])
    if not state.metadata or not state.protocol:
        raise ValueError("it lacks the table's schema or protocol")
    return state


def _action(row: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The one action that a checkpoint's row is: readers differ in what they make of half a one."""
    said = [(kind, value) for kind, value in row.items() if value is not None]
    if len(said) != 1:
        told = " and ".join(kind for kind, _ in said) or "nothing"
        raise ValueError(f"a row of it says {told}, where each says one thing")
    kind, value = said[0]
    if kind in _NAMED_BY and value.get(_NAMED_BY[kind]) is None:
        raise ValueError(f"a row of it says {kind} without {_NAMED_BY[kind]}")
    return kind, value
