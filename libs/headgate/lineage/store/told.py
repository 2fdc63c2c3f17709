"""What one event says, in plain values: of which run, job and datasets, when, and what is made from what."""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from headgate.core import ids
from headgate.core import json as hjson
from headgate.lineage import callers
from headgate.lineage.graph_node import ROWS
from headgate.lineage.store import instants, valid
from headgate.lineage.store.lasting_facets import NONE, LastingFacets
from headgate.lineage.store.naming import Named, Names
from headgate.lineage.store.packing import packed, read_text, unpacked
from headgate.lineage.store.plain_text import plain
from headgate.lineage.store.values import digest

_LONGEST_VERSION = 500
_LONGEST_TEXT = 100_000
_LARGEST = 2**63 - 1
#: Facets of a run that are asked for later; what they say is small.
_OF_RUNS = ("parent", "tags", "errorMessage", "headgate_release")
#: Most runs say of an output's columns what the one before said: found by the facets' values, written
#: down fast, in a form of marshal's that says nothing of which objects are one and the same.
_pieces: dict[tuple[Names, bytes], Pieces] = {}
_FORM, _REMEMBERED = 2, 4_000

#: What a column (``*``: the rows) follows from, and how: column, namespace, name, field, type,
#: subtype. One without a namespace says only that the column was told.
Piece = tuple[str, str, str, str, str, str]
#: Stands for: what the output is made from is told in full, and the run's inputs add nothing.
IN_FULL: Piece = ("", "", "", "", "!", "")


class Pieces:
    """What was told of an output's columns: its canonical JSON, and a digest of that."""

    __slots__ = ("_all", "digest", "text")

    def __init__(self, text: bytes, found: frozenset[Piece] | None = None) -> None:
        self.text, self.digest, self._all = text, digest(text), found

    @classmethod
    def of(cls, pieces: Iterable[Piece]) -> Pieces:
        """These pieces."""
        found = frozenset(pieces)
        return cls(hjson.packed({"pieces": sorted(found)}), found)

    @classmethod
    def kept(cls, body: bytes) -> Pieces:
        """The pieces whose text was packed."""
        return cls.of(tuple(piece) for piece in unpacked(body)["pieces"])

    @property
    def all(self) -> frozenset[Piece]:
        """They themselves; what came from another process is read when it is first asked for."""
        if self._all is None:
            self._all = frozenset(tuple(piece) for piece in read_text(self.text)["pieces"])
        return self._all

    def __reduce__(self) -> tuple[Any, ...]:
        return Pieces, (self.text,)

    def __or__(self, other: Pieces | None) -> Pieces:
        """All that was told by both."""
        if other is None or other.all <= self.all:
            return self
        return other if self.all <= other.all else Pieces.of(self.all | other.all)


class Spoken(NamedTuple):
    """A dataset in an event: its facets, and of an output what it is made from, as far as told."""

    named: Named
    role: str  # in, out
    facets: LastingFacets = NONE
    #: As its facet says.
    version: str | None = None
    #: Rows, bytes and files that were read or written, as far as told.
    statistics: tuple[int | None, int | None, int | None] = (None, None, None)
    #: What was asserted of its data, None if nothing was.
    assertions: list[Any] | None = None
    symlinks: tuple[Named, ...] = ()
    pieces: Pieces | None = None

    @property
    def columns(self) -> Iterator[str]:
        """The columns that its schema lists."""
        for one in (self.facets.all.get("schema") or {}).get("fields") or ():
            yield one["name"]


class Told(NamedTuple):
    """One event, without what is of no further use; it is made to go from process to process.

    ``body`` is its canonical JSON, packed; ``order`` its place among those given; ``whole`` the run of a
    lake that its run is a part of.
    """

    order: int
    digest: bytes
    body: bytes
    at: int
    kind: str  # run, job, dataset
    state: str | None
    run: str | None
    whole: str | None
    job: tuple[str, str] | None
    producer: str
    spoken: tuple[Spoken, ...]
    run_facets: Mapping[str, Any]
    job_facets: LastingFacets
    #: What the job is: how it processes, and whose integration tells of it.
    processing: Any
    integration: Any


class Caller(NamedTuple):
    """Who called for a run, and for all of it: UUIDs and names of jobs."""

    parent: str
    parent_job: str
    root: str
    root_job: str


def read(event: Mapping[str, Any], order: int, lake: str | None) -> Told:
    """What an event says that :func:`headgate.lineage.store.valid.check` let through.

    Raises:
        NotAnEvent: it has a name that cannot be kept, or is nested too deep.
        ValueError: it has a number that JSON has not.
    """
    text = hjson.packed(event)
    valid.check_text(event, text)
    run, job = event.get("run"), event.get("job")
    kind = "dataset" if job is None else "job" if run is None else "run"
    of_run = (run or {}).get("facets") or {} if kind == "run" else {}
    of_job = (job or {}).get("facets") or {}
    told = of_job.get("jobType") or {}
    return Told(
        order=order,
        digest=bytes.fromhex(ids.digest(text)),
        body=packed(text),
        at=instants.parse(event["eventTime"]),
        kind=kind,
        state=event.get("eventType") if kind == "run" else None,
        run=run["runId"].lower() if kind == "run" and run else None,
        whole=_whole_of(event) if kind == "run" else None,
        job=(job["namespace"], job["name"]) if job else None,
        producer=plain(event["producer"]),
        spoken=tuple(_spoken(event, Names.of(event, lake))),
        run_facets={name: of_run[name] for name in _OF_RUNS if name in of_run},
        job_facets=LastingFacets.of(of_job),
        processing=told.get("processingType"),
        integration=told.get("integration"),
    )


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


def error_of(told: Told) -> str | None:
    """The error that the run ended with."""
    message = (told.run_facets.get("errorMessage") or {}).get("message")
    return plain(message)[:_LONGEST_TEXT] if isinstance(message, str) else None


def _whole_of(event: Mapping[str, Any]) -> str | None:
    found = callers.run_of(event)
    try:
        ids.demand_uuid(found or "")
    except ValueError:
        return None
    return found.lower() if found else None


class _Side(NamedTuple):
    """A dataset on one side of an event, as it is told: its facets, and those of its being read or
    written."""

    facets: Mapping[str, Any]
    own: Mapping[str, Any]
    symlinks: tuple[Named, ...] = ()
    pieces: Pieces | None = None

    def __or__(self, other: _Side) -> _Side:
        """The same dataset, told again on that side."""
        return _Side(
            {**self.facets, **other.facets}, {**self.own, **other.own},
            tuple(dict.fromkeys((*self.symlinks, *other.symlinks))),
            self.pieces | other.pieces if self.pieces else other.pieces,
        )  # fmt: skip

    def spoken(self, named: Named, role: str) -> Spoken:
        """What it comes to."""
        told = (self.facets.get("version") or {}).get("datasetVersion")
        counts = self.own.get("inputStatistics" if role == "in" else "outputStatistics") or {}
        return Spoken(
            named, role, LastingFacets.of(self.facets),
            plain(told)[:_LONGEST_VERSION] if isinstance(told, str) else None,
            (_count(counts, "rowCount"), _count(counts, "size"), _count(counts, "fileCount")),
            self._assertions(), self.symlinks, self.pieces,
        )  # fmt: skip

    def _assertions(self) -> list[Any] | None:
        for facets in (self.own, self.facets):
            if "dataQualityAssertions" in facets:
                return list(facets["dataQualityAssertions"]["assertions"])
        return None


def _count(told: Mapping[str, Any], name: str) -> int | None:
    value = told.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _LARGEST:
        return None
    return int(value)


def _spoken(event: Mapping[str, Any], meant: Names) -> Iterator[Spoken]:
    found: dict[tuple[Named, str], _Side] = {}
    for role, side, own in (("in", "inputs", "inputFacets"), ("out", "outputs", "outputFacets")):
        for told in event.get(side) or ():
            _add(found, *_dataset(told, role, told.get(own) or {}, meant))
    if "dataset" in event and "job" not in event:
        key, one = _dataset(event["dataset"], "out", {}, meant)
        found[key] = one
    job = event.get("job") or {}
    for entry in ((job.get("facets") or {}).get("lineage") or {}).get("entries") or ():
        for key, one in _entry(entry, meant):
            _add(found, key, one)
    for (named, role), side_of in found.items():
        yield side_of.spoken(named, role)


def _add(found: dict[tuple[Named, str], _Side], key: tuple[Named, str], one: _Side) -> None:
    known = found.get(key)
    found[key] = known | one if known else one


def _dataset(
    told: Mapping[str, Any], role: str, own: Mapping[str, Any], meant: Names
) -> tuple[tuple[Named, str], _Side]:
    facets = told.get("facets") or {}
    pieces = None
    if role == "out" and ("columnLineage" in facets or "lineage" in facets):
        pieces = _told(facets.get("columnLineage") or {}, facets.get("lineage"), meant)
    symlinks = meant.symlinks(told) if "symlinks" in facets else ()
    named = meant.node(told["namespace"], told["name"])
    return (named, role), _Side(facets, own, symlinks, pieces)


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


def _entry(entry: Mapping[str, Any], meant: Names) -> Iterator[tuple[tuple[Named, str], _Side]]:
    """The datasets that an entry of a job's lineage facet speaks of."""
    if entry["type"] == "DATASET":
        named = meant.node(entry["namespace"], entry["name"])
        yield (named, "out"), _Side({}, {}, (), Pieces.of(_explicit(entry, meant)))
    elif "name" not in entry:  # the event's own job
        for one in entry.get("inputs") or ():
            if one["type"] == "DATASET":
                yield (meant.node(one["namespace"], one["name"]), "in"), _Side({}, {})


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
