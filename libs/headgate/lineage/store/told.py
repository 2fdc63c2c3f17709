"""What one event says, in plain values: of which run, job and datasets, when, and what is made from what."""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from headgate.core import ids
from headgate.core import json as hjson
from headgate.lineage import callers
from headgate.lineage.graph_node import ROWS
from headgate.lineage.store import instants, valid
from headgate.lineage.store.naming import Named, Names
from headgate.lineage.store.packing import packed, unpacked
from headgate.lineage.store.told_again import mark
from headgate.lineage.store.values import Value, digest

#: Facets of datasets that are of one run or have a table of their own, and no fact that lasts.
OF_ONE_RUN = frozenset(
    ("version", "columnLineage", "lineage", "symlinks", "lifecycleStateChange", "dataQualityMetrics",
     "dataQualityAssertions")
)  # fmt: skip
#: Facet names beyond so many characters are kept in the event alone.
_LONGEST_FACET = 200
_LONGEST_VERSION = 500
_LONGEST_TEXT = 100_000
_LARGEST = 2**63 - 1
#: Most runs say of an output's columns what the one before said: found by the facets' values, written
#: down fast, in a form of marshal's that says nothing of which objects are one and the same.
_pieces: dict[tuple[Names, bytes], Pieces] = {}
_FORM, _REMEMBERED = 2, 4_000

#: What a column (``*``: the rows) follows from, and how: column, namespace, name, field, type,
#: subtype. One without a namespace says only that the column was told.
Piece = tuple[str, str, str, str, str, str]
#: Stands for: what the output is made from is told in full, and the run's inputs add nothing.
IN_FULL: Piece = ("", "", "", "", "!", "")


@dataclass(frozen=True, slots=True)
class Pieces:
    """What was told of an output's columns, as canonical JSON too, and a digest of that."""

    all: frozenset[Piece]
    digest: bytes
    text: bytes

    @classmethod
    def of(cls, pieces: Iterable[Piece]) -> Pieces:
        """These pieces."""
        found = frozenset(pieces)
        text = hjson.packed({"pieces": sorted(found)})
        return cls(found, digest(text), text)

    @classmethod
    def kept(cls, body: bytes) -> Pieces:
        """The pieces whose text was packed."""
        return cls.of(tuple(piece) for piece in unpacked(body)["pieces"])

    def __or__(self, other: Pieces | None) -> Pieces:
        """All that was told by both."""
        if other is None or other.all <= self.all:
            return self
        return other if self.all <= other.all else Pieces.of(self.all | other.all)


@dataclass(frozen=True, slots=True)
class Spoken:
    """A dataset in an event: its facets, and of an output what it is made from, as far as told."""

    named: Named
    role: str  # in, out
    facets: Mapping[str, Any]
    own: Mapping[str, Any]
    symlinks: tuple[Named, ...] = ()
    pieces: Pieces | None = None
    #: Of the facets that are facts; see :func:`told_again.mark`.
    mark: bytes = b""

    @property
    def version(self) -> str | None:
        """The dataset's version, as its facet says."""
        told = (self.facets.get("version") or {}).get("datasetVersion")
        return plain(told)[:_LONGEST_VERSION] if isinstance(told, str) else None

    @property
    def statistics(self) -> tuple[int | None, int | None, int | None]:
        """Rows, bytes and files that were read or written, as far as told."""
        told = self.own.get("inputStatistics" if self.role == "in" else "outputStatistics") or {}
        return _count(told, "rowCount"), _count(told, "size"), _count(told, "fileCount")

    @property
    def columns(self) -> Iterator[str]:
        """The columns that its schema lists."""
        for one in (self.facets.get("schema") or {}).get("fields") or ():
            yield one["name"]

    @property
    def assertions(self) -> list[Any] | None:
        """What was asserted of its data, None if nothing was."""
        for facets in (self.own, self.facets):
            if "dataQualityAssertions" in facets:
                return list(facets["dataQualityAssertions"]["assertions"])
        return None

    def facts(self) -> Iterator[tuple[str, Value]]:
        """Facets that last, each as name and what it says."""
        return lasting(self.facets)


@dataclass(frozen=True, slots=True)
class Told:
    """One event. ``body`` is its canonical JSON, packed; ``index`` its place among those given."""

    index: int
    event: Mapping[str, Any]
    digest: bytes
    body: bytes
    at: int
    kind: str  # run, job, dataset
    state: str | None
    run: str | None
    job: tuple[str, str] | None
    producer: str
    spoken: tuple[Spoken, ...]
    run_facets: Mapping[str, Any] = field(default_factory=dict)
    job_facets: Mapping[str, Any] = field(default_factory=dict)
    job_mark: bytes = b""


class Caller(NamedTuple):
    """Who called for a run, and for all of it: UUIDs and names of jobs."""

    parent: str
    parent_job: str
    root: str
    root_job: str


def read(event: Mapping[str, Any], index: int, lake: str | None) -> Told:
    """What an event says that :func:`headgate.lineage.store.valid.check` let through.

    Raises:
        NotAnEvent: it has a name that cannot be kept, or is nested too deep.
        ValueError: it has a number that JSON has not.
    """
    text = hjson.packed(event)
    valid.check_text(event, text)
    run, job = event.get("run"), event.get("job")
    job_facets = (job or {}).get("facets") or {}
    kind = "dataset" if job is None else "job" if run is None else "run"
    return Told(
        index=index,
        event=event,
        digest=bytes.fromhex(ids.digest(text)),
        body=packed(text),
        at=instants.parse(event["eventTime"]),
        kind=kind,
        state=event.get("eventType") if kind == "run" else None,
        run=run["runId"].lower() if kind == "run" and run else None,
        job=(job["namespace"], job["name"]) if job else None,
        producer=plain(event["producer"]),
        spoken=tuple(_spoken(event, Names.of(event, lake))),
        run_facets=(run or {}).get("facets") or {} if kind == "run" else {},
        job_facets=job_facets,
        job_mark=_mark(job_facets),
    )


def lasting(facets: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    """The facets that are facts, each as name and what it says."""
    for name, value in facets.items():
        if name not in OF_ONE_RUN and len(name) <= _LONGEST_FACET and name == plain(name):
            yield name, Value(value)


def caller_of(told: Told) -> Caller | None:
    """Who called for the event's run, as its parent facet says."""
    parent = told.run_facets.get("parent")
    if not parent:
        return None
    root = parent.get("root") or parent
    return Caller(
        parent["run"]["runId"].lower(), plain(parent["job"]["name"]),
        root["run"]["runId"].lower(), plain(root["job"]["name"]),
    )  # fmt: skip


def whole_of(told: Told) -> str | None:
    """The run of a lake that the event's run is a part of."""
    found = callers.run_of(told.event)
    try:
        ids.demand_uuid(found or "")
    except ValueError:
        return None
    return found.lower() if found else None


def error_of(told: Told) -> str | None:
    """The error that the run ended with."""
    message = (told.run_facets.get("errorMessage") or {}).get("message")
    return plain(message)[:_LONGEST_TEXT] if isinstance(message, str) else None


def plain(text: str) -> str:
    """The text as every database can keep it: without NUL and halves of characters."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode()


def _count(told: Mapping[str, Any], name: str) -> int | None:
    value = told.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _LARGEST:
        return None
    return int(value)


def _spoken(event: Mapping[str, Any], meant: Names) -> Iterator[Spoken]:
    found: dict[tuple[Named, str], Spoken] = {}
    for role, side, own in (("in", "inputs", "inputFacets"), ("out", "outputs", "outputFacets")):
        for told in event.get(side) or ():
            one = _dataset(told, role, told.get(own) or {}, meant)
            known = found.get((one.named, role))
            found[one.named, role] = _both(known, one) if known else one
    if "dataset" in event and "job" not in event:
        one = _dataset(event["dataset"], "out", {}, meant)
        found[one.named, "out"] = one
    job = event.get("job") or {}
    for entry in ((job.get("facets") or {}).get("lineage") or {}).get("entries") or ():
        for one in _entry(entry, meant):
            known = found.get((one.named, one.role))
            found[one.named, one.role] = _both(known, one) if known else one
    yield from found.values()


def _dataset(told: Mapping[str, Any], role: str, own: Mapping[str, Any], meant: Names) -> Spoken:
    facets = told.get("facets") or {}
    pieces = None
    if role == "out" and ("columnLineage" in facets or "lineage" in facets):
        pieces = _told(facets.get("columnLineage") or {}, facets.get("lineage"), meant)
    symlinks = meant.symlinks(told) if "symlinks" in facets else ()
    named = meant.node(told["namespace"], told["name"])
    return Spoken(named, role, facets, own, symlinks, pieces, _mark(facets))


def _mark(facets: Mapping[str, Any]) -> bytes:
    return mark({k: v for k, v in facets.items() if k not in OF_ONE_RUN}) if facets else b""


def _both(one: Spoken, other: Spoken) -> Spoken:
    """The same dataset told twice on one side of an event."""
    facets = {**one.facets, **other.facets}
    return Spoken(
        one.named, one.role, facets, {**one.own, **other.own},
        tuple(dict.fromkeys((*one.symlinks, *other.symlinks))),
        one.pieces | other.pieces if one.pieces else other.pieces, _mark(facets),
    )  # fmt: skip


def _told(columns: Mapping[str, Any], explicit: Mapping[str, Any] | None, meant: Names) -> Pieces:
    """What is told of an output's columns."""
    key = meant, marshal.dumps((dict(columns), dict(explicit or {})), _FORM)
    found = _pieces.get(key)
    if found is None:
        if len(_pieces) >= _REMEMBERED:
            _pieces.clear()
        found = Pieces.of((*_columns(columns, meant), *_explicit(explicit, meant)))
        _pieces[key] = found
    return found


def _columns(facet: Mapping[str, Any], meant: Names) -> Iterator[Piece]:
    """OpenLineage's columnLineage."""
    memo: dict[tuple[str, str], Named] = {}
    for column, told in (facet.get("fields") or {}).items():
        yield (column, "", "", "", "", "")
        # What older producers say once for the column, and not of each input.
        way = "IDENTITY" if told.get("transformationType") == "IDENTITY" else "TRANSFORMATION"
        yield from _inputs(column, told.get("inputFields") or (), meant, memo, way)
    yield from _inputs(ROWS, facet.get("dataset") or (), meant, memo, "TRANSFORMATION")


def _explicit(facet: Mapping[str, Any] | None, meant: Names) -> Iterator[Piece]:
    """OpenLineage's lineage facet, of a dataset or one entry of a job's."""
    if facet is None:
        return
    yield IN_FULL
    memo: dict[tuple[str, str], Named] = {}
    given = [i for i in facet.get("inputs") or () if i["type"] == "DATASET"]
    for one in given:
        namespace, name, _ = meant.node(one["namespace"], one["name"])
        yield ("", namespace, name, "", "", "")
    yield from _inputs(ROWS, (i for i in given if "field" in i), meant, memo, "TRANSFORMATION")
    for column, told in (facet.get("fields") or {}).items():
        yield (column, "", "", "", "", "")
        sources = [i for i in told["inputs"] if i["type"] == "DATASET"]
        for one in sources:
            namespace, name, _ = meant.node(one["namespace"], one["name"])
            yield ("", namespace, name, "", "", "")
        fields = ({"field": ROWS, **i} for i in sources)
        yield from _inputs(column, fields, meant, memo, "TRANSFORMATION")


def _entry(entry: Mapping[str, Any], meant: Names) -> Iterator[Spoken]:
    """The datasets that an entry of a job's lineage facet speaks of."""
    if entry["type"] == "DATASET":
        named = meant.node(entry["namespace"], entry["name"])
        yield Spoken(named, "out", {}, {}, (), Pieces.of(_explicit(entry, meant)))
    elif "name" not in entry:  # the event's own job
        for one in entry.get("inputs") or ():
            if one["type"] == "DATASET":
                yield Spoken(meant.node(one["namespace"], one["name"]), "in", {}, {})


def _inputs(
    column: str,
    fields: Iterable[Mapping[str, Any]],
    meant: Names,
    memo: dict[tuple[str, str], Named],
    otherwise: str,
) -> Iterator[Piece]:
    for told in fields:
        key = told["namespace"], told["name"]
        named = memo.get(key)
        if named is None:
            named = memo[key] = meant.node(*key)
        # Who says no way means that the value is made of it somehow.
        ways: Iterable[Mapping[str, Any]] = told.get("transformations") or ({},)
        for way in ways:
            kind = "INDIRECT" if way.get("type") == "INDIRECT" else "DIRECT"
            subtype = plain(str(way.get("subtype") or otherwise))[:64]
            yield (column, named[0], named[1], told["field"], kind, subtype)
