"""Whether a JSON value is an event of OpenLineage's; if not, where and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from headgate.core import json as hjson
from headgate.core.errors import UsageError
from headgate.lineage.store import event_schema, instants

#: Namespace and name tell rows apart, which takes room in an index of the database's.
_MOST_BYTES = 2_600
_DEEPEST = 200


class NotAnEvent(UsageError):
    """What came is no event of OpenLineage's; ``place`` is a JSON pointer into it."""


def check(event: Any) -> None:
    """Let only an event of OpenLineage's through, of any of its three kinds.

    Raises:
        NotAnEvent: it is none, or cannot be kept; see :mod:`.event_schema`.
    """
    if not isinstance(event, dict):
        raise NotAnEvent("an event is a JSON object.", place="")
    kind = _kind(event)
    validator = _validators()[kind]
    try:
        if not validator.is_valid(event):
            error = next(iter(validator.iter_errors(event)))
            raise NotAnEvent(_why(error), place=pointer(error.instance_path))
    except (ValueError, OverflowError, TypeError) as error:
        if isinstance(error, NotAnEvent):
            raise
        raise NotAnEvent(f"this is no JSON value that can be kept: {error}.", place="") from None
    try:
        instants.parse(event["eventTime"])
    except (ValueError, OverflowError):
        raise NotAnEvent(
            f"eventTime is no time as RFC 3339 has it: {event['eventTime'][:60]!r}.",
            place="/eventTime",
        ) from None


def check_text(event: Mapping[str, Any], text: bytes) -> None:
    """Let only an event through that every database keeps as it is, and every reader can read.

    Args:
        event: one that :func:`check` let through.
        text: its JSON.

    Raises:
        NotAnEvent: a name has NUL or half a character, or is too long; or it is nested too deep.
    """
    # Most events can be told to be well without looking into them.
    if not text.isascii() or b"\\u0000" in text:
        _check_names(event)
    if hjson.deeper(text, _DEEPEST):
        raise NotAnEvent(f"values are nested deeper than {_DEEPEST}.", place="")


def _check_names(event: Mapping[str, Any]) -> None:
    for place, namespace, name in _names(event):
        try:
            size = len((namespace + name).encode())
        except UnicodeEncodeError:
            told = "a name has half a character (a lone surrogate)."
            raise NotAnEvent(told, place=place) from None
        if "\x00" in namespace or "\x00" in name:
            raise NotAnEvent("a name has a NUL character.", place=place)
        if size > _MOST_BYTES:
            told = f"namespace and name are longer than {_MOST_BYTES:,} bytes."
            raise NotAnEvent(told, place=place)


def pointer(path: Sequence[str | int]) -> str:
    """The JSON pointer of RFC 6901."""
    return "".join(f"/{str(one).replace('~', '~0').replace('/', '~1')}" for one in path)


def _kind(event: Mapping[str, Any]) -> str:
    if "job" not in event:
        if "dataset" in event:
            return "dataset"
        raise NotAnEvent(
            "an event has `run` and `job`, or `job`, or `dataset`.",
            remedy="OpenLineage's RunEvent, JobEvent and DatasetEvent.", place="",
        )  # fmt: skip
    if "run" in event:
        return "run"
    if "dataset" in event:
        raise NotAnEvent("an event without `run` is of a job or of a dataset, not both.", place="")
    return "job"


@cache
def _validators() -> Mapping[str, Any]:
    import jsonschema_rs

    kinds = {
        "run": event_schema.RUN_EVENT,
        "job": event_schema.JOB_EVENT,
        "dataset": event_schema.DATASET_EVENT,
    }
    return {
        kind: jsonschema_rs.validator_for(
            {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
        )
        for kind, schema in kinds.items()
    }


def _why(error: Any) -> str:
    """What was expected, without all that came."""
    told = str(error.message)
    if len(told) > 300:
        told = f"{told[:120]} … {told[-120:]}"
    return told.rstrip(".") + "."


#: The place of a field that a schema lists.
_FIELD = re.compile(r"/fields/[0-9]+$")


def _names(event: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Every pair of namespace and name, and every column beside "", with its place."""
    waiting: list[tuple[str, Any]] = [("", event)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, list):
            waiting += [(f"{place}/{number}", one) for number, one in enumerate(value)]
        if not isinstance(value, Mapping):
            continue
        name, namespace = value.get("name"), value.get("namespace")
        # What else has a name, such as an owner or a tag, is kept within its facet alone.
        if isinstance(name, str) and (namespace is not None or _FIELD.search(place)):
            yield place, namespace if isinstance(namespace, str) else "", name
        if namespace is not None and isinstance(value.get("field"), str):
            yield place, "", value["field"]
        for key, one in value.items():
            if isinstance(one, Mapping | list):
                if place.endswith("/fields"):
                    yield place, "", key
                waiting.append((f"{place}{pointer([key])}", one))
