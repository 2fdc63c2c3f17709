"""Events that a destination refuses for good: kept beside its standing, each with the answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from headgate.core import clock, ids
from headgate.core import json as hjson
from headgate.lineage import log
from headgate.lineage.event_file import EventFile
from headgate.lineage.forwarding.answers import Refusal
from headgate.lineage.forwarding.standing import FOLDER, write


def path_of(lake: Path, name: str) -> Path:
    """The file of what was set aside for a destination: a line each."""
    return lake / FOLDER / f"forward_{name}.rejected.jsonl"


def keep(lake: Path, name: str, refused: Iterable[tuple[bytes, Refusal]]) -> int:
    """Keep these durably, each once; gives how many are new.

    Raises:
        OSError: they cannot be kept.
    """
    known = {str(found.get("digest")) for found in read(lake, name)}
    file, new = EventFile(path_of(lake, name)), 0
    try:
        for data, refusal in refused:
            digest = ids.digest(data)
            if digest in known:
                continue  # set aside before somebody died, or before the file was read anew
            known.add(digest)
            file.append(hjson.dumps(_entry(data, digest, refusal)))
            new += 1
    finally:
        file.close()
    return new


def read(lake: Path, name: str) -> Iterator[dict[str, Any]]:
    """What was set aside, in order: ``at``, ``why``, ``status``, ``digest``, and the ``event`` (or the
    ``line``, where it is none)."""
    return log.read(path_of(lake, name))


def replace(lake: Path, name: str, entries: Iterable[Mapping[str, Any]]) -> None:
    """Have these, and no others, be set aside.

    Raises:
        OSError: they cannot be kept; all are still there.
    """
    text = "".join(hjson.dumps(entry) + "\n" for entry in entries)
    write(path_of(lake, name), text.encode())


def count(lake: Path, name: str) -> int:
    """How many events are set aside."""
    return sum(1 for _ in read(lake, name))


def _entry(data: bytes, digest: str, refusal: Refusal) -> dict[str, Any]:
    told = {"at": clock.iso(), "why": refusal.why, "status": refusal.status, "digest": digest}
    try:
        return {**told, "event": hjson.loads(data)}
    except (ValueError, RecursionError):
        return {**told, "line": data.decode("utf-8", "backslashreplace")}
