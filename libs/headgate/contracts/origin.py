"""Where a dataset's rows come from and how they are delivered, as its custom properties say."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from headgate.contracts.model import DATE, ENGINES, Column, Delivery, SourceSpec, StreamSpec
from headgate.contracts.names import DatasetName
from headgate.core.errors import ContractError


def source_of(props: Mapping[str, Any], place: str) -> SourceSpec | None:
    """The source that rows are taken from, if any.

    Raises:
        ContractError: it has no format, or its path leaves the project.
    """
    given = props.get("source")
    if given is None and "stream" not in props:
        return None
    if "stream" in props:
        return _streamed(given, stream_of(props, place), place)
    if not isinstance(given, Mapping) or "format" not in given:
        raise ContractError(
            "headgate.source needs a format.", remedy="Write {format: jsonl, path: …}.", place=place
        )
    options = {k: v for k, v in given.items() if k not in ("format", "path")}
    return SourceSpec(str(given["format"]), _path(given.get("path"), place), options)


#: How values of messages may be written.
CODECS = ("json", "avro", "protobuf")


def stream_of(props: Mapping[str, Any], place: str) -> StreamSpec | None:
    """The stream that rows are taken from, if any.

    Raises:
        ContractError: it names no topic, or says what is not known.
    """
    given = props.get("stream")
    if given is None:
        return None
    where = f"{place}#/customProperties/headgate.stream"
    known = isinstance(given, Mapping) and given.keys() <= {"topic", "codec", "envelope"}
    if not known or not given.get("topic"):
        raise ContractError(
            f"headgate.stream {given!r} is not known.",
            remedy="Write {topic: NAME, codec: json|avro|protobuf, envelope: true|false}.",
            place=where,
        )
    found = StreamSpec(
        str(given["topic"]), str(given.get("codec", "json")), bool(given.get("envelope", False))
    )
    if found.codec not in CODECS:
        raise ContractError(
            f"no codec {found.codec!r}.", remedy=f"Use one of {', '.join(CODECS)}.", place=where
        )
    if props.keys() & {"delivery", "lastStays", "model", "transform"}:
        raise ContractError(
            "a stream appends: it has no snapshots or tombstones, and nothing else makes its rows.",
            remedy="Leave headgate.delivery, lastStays, model and transform out, and fold what belongs"
            " together in a model downstream.",
            place=where,
        )
    return found


def _streamed(given: object, stream: StreamSpec | None, place: str) -> SourceSpec:
    """How messages of a stream are read: each is a line of JSON, whatever its codec."""
    assert stream is not None
    options = dict(given) if isinstance(given, Mapping) else {}
    form, path = options.pop("format", "jsonl"), options.pop("path", None)
    if form != "jsonl" or path is not None:
        raise ContractError(
            "a stream is read as JSON lines, and has no path.",
            remedy="Write headgate.stream, and of headgate.source only records or ignore.",
            place=f"{place}#/customProperties/headgate.source",
        )
    return SourceSpec("jsonl", None, ({"records": "$.value"} if stream.envelope else {}) | options)


def _path(given: object, place: str) -> str | None:
    """A source's path: absolute as it is, on purpose, or below the project's root."""
    if given is None:
        return None
    where = f"{place}#/customProperties/headgate.source/path"
    if not isinstance(given, str) or not given or "\0" in given:
        raise ContractError(
            f"headgate.source.path {given!r} is no path.",
            remedy="Write a file, a folder or a glob.",
            place=where,
        )
    if not os.path.isabs(given) and os.path.normpath(given).split(os.sep)[0] == os.pardir:
        raise ContractError(
            f"headgate.source.path {given!r} leaves the project.",
            remedy="Name a place below the project's root, or an absolute path if it is meant.",
            place=where,
        )
    if set("{}") & set(given.replace(DATE, "")):
        raise ContractError(
            f"headgate.source.path {given!r} has braces that mean nothing.",
            remedy=f"Only {DATE} stands for something: a day, as 2024-05-31.",
            place=where,
        )
    return given


def delivery_of(props: Mapping[str, Any], columns: tuple[Column, ...], place: str) -> Delivery:
    """What a delivery of the source is: rows, a snapshot, or rows with tombstones.

    Raises:
        ContractError: it says what is not known, or of columns that are not there.
    """
    given = props.get("delivery")
    if given is None:
        return Delivery()
    where = f"{place}#/customProperties/headgate.delivery"
    if not isinstance(given, Mapping) or not given.keys() <= {"snapshot", "scope", "tombstone"}:
        raise ContractError(
            f"headgate.delivery {given!r} is not known.",
            remedy="Write {snapshot: true, scope: [column]} or {tombstone: <SQL condition>}.",
            place=where,
        )
    if "source" not in props:
        raise ContractError(
            "headgate.delivery is for datasets that are ingested.",
            remedy="Leave it out, or add headgate.source.",
            place=where,
        )
    scope = tuple(str(c) for c in given.get("scope") or ())
    unknown = set(scope) - {c.name for c in columns}
    if unknown or (scope and not given.get("snapshot")):
        raise ContractError(
            f"scope names no column: {', '.join(sorted(unknown))}."
            if unknown
            else "scope is for snapshots.",
            remedy="Name columns whose values a delivery holds in full, and say snapshot: true.",
            place=f"{where}/scope",
        )
    tombstone = given.get("tombstone")
    return Delivery(
        bool(given.get("snapshot")), scope, None if tombstone is None else str(tombstone)
    )


def engine_of(props: Mapping[str, Any], name: DatasetName, place: str) -> str:
    """The engine that judges and writes the rows; empty if the setting ``engine`` is to say.

    Raises:
        ContractError: there is no such engine, or the table is one of our own ledgers.
    """
    given = props.get("engine", "")
    if given not in ("", *ENGINES) or (given and name.layer == "system"):
        raise ContractError(
            f"headgate.engine {given!r} is no engine that writes {name.id}.",
            remedy="Ledgers are written by duckdb alone: leave it out."
            if name.layer == "system"
            else f"Use one of {', '.join(ENGINES)}.",
            place=f"{place}#/customProperties/headgate.engine",
        )
    return str(given)


def model_of(props: Mapping[str, Any], name: DatasetName) -> str | None:
    """The dbt model that makes the rows: the named one, or where nothing else does, the usual one."""
    if "model" in props:
        return str(props["model"])
    made_otherwise = props.keys() & {"source", "transform"}
    return name.model if name.layer in ("silver", "gold") and not made_otherwise else None


def transform_of(props: Mapping[str, Any], place: str) -> str | None:
    """The transform that makes the rows, as ``<domain>.<module>``, if any.

    Raises:
        ContractError: it is no module, has no inputs, or is not alone.
    """
    given = props.get("transform")
    if given is None:
        return None
    others = props.keys() & {"source", "model"}
    if others:
        raise ContractError(
            f"headgate.transform and headgate.{min(others)} exclude each other.",
            remedy="Say one thing that the rows come from.",
            place=place,
        )
    if not re.fullmatch(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*", str(given)):
        raise ContractError(
            f"headgate.transform {given!r} names no module.",
            remedy="Write <domain>.<module>, as chat.conversations.",
            place=place,
        )
    if not props.get("inputs"):
        raise ContractError(
            "a transform needs to know what it is given.",
            remedy="List the datasets in headgate.inputs, in the order of its arguments.",
            place=place,
        )
    return str(given)


def group_of(props: Mapping[str, Any], name: DatasetName, place: str) -> str:
    """The release group: the one that is said, or the domain; of a stream, one of its own.

    Raises:
        ContractError: it is no name.
    """
    # What advances every few seconds must hold nothing back, and be held by nothing.
    usual = f"stream.{name.id}" if "stream" in props else name.domain
    given = props.get("releaseGroup", usual)
    if not isinstance(given, str) or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", given):
        raise ContractError(
            f"headgate.releaseGroup {given!r} is no name of a release group.",
            remedy="Write at most 100 letters, digits, _, - and dots.",
            place=f"{place}#/customProperties/headgate.releaseGroup",
        )
    return given


def share_of(props: Mapping[str, Any], place: str) -> float | None:
    """The share of a batch that may be set aside, if the contract has a limit of its own.

    Raises:
        ContractError: it is no number from 0 to 1.
    """
    if "maxQuarantineShare" not in props:
        return None
    try:
        share = float(props["maxQuarantineShare"])
    except (TypeError, ValueError):
        share = -1.0
    if not 0 <= share <= 1:
        raise ContractError(
            f"headgate.maxQuarantineShare {props['maxQuarantineShare']!r} is no share.",
            remedy="Write a number from 0 to 1.",
            place=place,
        )
    return share
