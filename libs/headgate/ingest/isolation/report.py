"""What a reading process tells of a file, as JSON: checked by who reads it, for it saw hostile bytes."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headgate.core import errors
from headgate.core import json as hjson
from headgate.core.errors import HeadgateError, ResourceError
from headgate.ingest.readers.base import REASONS, Reason
from headgate.ingest.taken import Taken
from headgate.lake.stage import StagedFile

_FILES = ("staged", "refused", "tombstones", "present")
_COUNTS = ("read", "quarantined", "deduplicated", "conflicts")
_COUNTED = ("codes", "breaches", "reading", "warnings")
_HASH = re.compile(r"[0-9a-f]{64}")
#: What errors may come back as: ours, by name.
_ERRORS: Mapping[str, type[HeadgateError]] = {
    name: found
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, HeadgateError)
}


class Nonsense(Exception):
    """A report that no reading process of ours would make."""


def taken_text(taken: Taken, folder: Path) -> str:
    """What came of a file; staged files are told by their path below ``folder``."""
    told = {f.name: getattr(taken, f.name) for f in dataclasses.fields(Taken)}
    for name in _FILES:
        told[name] = [
            [f.path.relative_to(folder).as_posix(), f.size, f.rows, f.stats, f.nulls]
            for f in told[name]
        ]
    return hjson.dumps({"taken": told})


def error_text(error: HeadgateError) -> str:
    """An error of ours, to be raised on the other side as it was."""
    kind = next(c.__name__ for c in type(error).__mro__ if c.__name__ in _ERRORS)
    parts = [_plain(p) for p in (kind, error.message, error.remedy, error.place)]
    return hjson.dumps({"error": [*parts, getattr(error, "everywhere", None)]})


def reason_text(reason: Reason) -> str:
    """Why the file is set aside as a whole."""
    return hjson.dumps({"reason": [_plain(p) if p else p for p in reason]})


def _plain(text: str) -> str:
    """The text without what UTF-8 cannot carry; error texts may quote what a file holds."""
    return str(text).encode("utf-8", "backslashreplace").decode()


def read(message: bytes, folder: Path) -> Taken | HeadgateError | Reason:
    """What a message of the three kinds says.

    Raises:
        Nonsense: it is none of them, or names files that are not staged in ``folder``.
    """
    try:
        ((kind, told),) = hjson.loads(message).items()
        if kind == "error":
            return _error(*told)
        if kind == "reason":
            code, column, detail = told
            _demand(code in REASONS and (column is None or isinstance(column, str)))
            return Reason(code, column, _text(detail))
        _demand(kind == "taken" and told.keys() == {f.name for f in dataclasses.fields(Taken)})
        return _taken(told, folder)
    except Nonsense:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OSError) as error:
        raise Nonsense(f"{type(error).__name__}: {error}") from None


def _error(kind: str, message: str, remedy: str, place: str, everywhere: object) -> HeadgateError:
    error = _ERRORS[kind](_text(message), remedy=_text(remedy), place=_text(place))
    if isinstance(error, ResourceError):
        error.everywhere = everywhere is True
    return error


def _taken(told: Mapping[str, Any], folder: Path) -> Taken:
    values = dict(told)
    _demand(isinstance(told["content_hash"], str) and _HASH.fullmatch(told["content_hash"]))
    for name in _COUNTS:
        values[name] = _count(told[name])
    for name in _COUNTED:
        values[name] = {_text(k): _count(v) for k, v in told[name].items()}
    for name in _FILES:
        values[name] = tuple(_staged(f, folder) for f in told[name])
    values["notes"] = tuple(_text(n) for n in told["notes"])
    if told["control_total"] is not None:
        said, counted = told["control_total"]
        values["control_total"] = (said if said is None else _count(said), _count(counted))
    taken = Taken(**values)
    _demand(_rows(taken.refused) == taken.quarantined)
    return taken


def _staged(told: Sequence[Any], folder: Path) -> StagedFile:
    """A file that is there as it is told: below ``folder``, no link, of that size."""
    name, size, rows, stats, nulls = told
    path = folder / _text(name)
    inside = path.resolve().is_relative_to(folder.resolve())
    _demand(inside and not path.is_symlink() and path.is_file())
    _demand(path.stat().st_size == _count(size) and hjson.loads(stats)["numRecords"] == rows)
    columns = {_text(k): _count(v) for k, v in nulls.items()}
    return StagedFile(path, size, _count(rows), _text(stats), columns)


def _rows(files: Sequence[StagedFile]) -> int:
    return sum(f.rows for f in files)


def _count(value: object) -> int:
    _demand(isinstance(value, int) and not isinstance(value, bool) and value >= 0)
    assert isinstance(value, int)
    return value


def _text(value: object) -> str:
    _demand(isinstance(value, str))
    assert isinstance(value, str)
    return value


def _demand(holds: object) -> None:
    if not holds:
        raise Nonsense("it does not say what it must")
