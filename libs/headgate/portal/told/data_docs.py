"""Great Expectations' Data Docs of the lake, as `headgate docs` built them: their files, and what they quote of rows."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.contracts import gx
from headgate.contracts.model import Contract
from headgate.core import clock
from headgate.core import json as hjson
from headgate.core.errors import NotFoundError
from headgate.governance.data_docs import MARK
from headgate.portal.access import masking
from headgate.portal.access.people import Person
from headgate.portal.told import reasons
from headgate.portal.told.batches import Judged
from headgate.quality.examples_of_breaches import HIDDEN, UNKNOWN

#: What they are built by.
COMMAND = "headgate docs"
#: Nothing longer is served; a page of a batch has kilobytes.
LONGEST = 20_000_000
_INDEX = "index.html"
#: Every file that there may be: nothing else in the folder has an address.
_FILE = re.compile(
    r"(?:(?P<dataset>[A-Za-z0-9][A-Za-z0-9_.-]{0,299})/)?"
    r"(?P<name>index\.html|suite\.html|(?P<batch>[0-9A-Za-z][0-9A-Za-z_-]{0,99})\.(?:html|json))"
)
#: No file is opened by way of a link, or waited for.
_PLAIN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


@dataclass(frozen=True)
class Quoted:
    """A value of the data on a page: of which column (None: of a row as it was delivered), by which
    kind of rule, and the text."""

    column: str | None
    kind: str
    text: str

    def is_seen_by(self, contract: Contract, person: Person) -> bool:
        """Whether the portal's own pages show it to somebody."""
        if self.kind:  # what a rule observed: a count of rows is no value
            one = Judged(
                "", "", self.kind, self.column, "", "", False, 0, self.text, "", clock.now()
            )
            return not reasons.observed(contract, one, person).masked
        return masking.may_see(contract, self.column, person)


@dataclass(frozen=True)
class Docs:
    """One file: its content, its kind for a browser, and of what it is. ``batch`` is None of pages that
    quote no value of any row; of others ``quotes`` are those that they do."""

    content: bytes
    media_type: str
    dataset: str | None
    batch: str | None
    quotes: tuple[Quoted, ...] = ()


def folder(lake: Path) -> Path:
    """Where they are built, unless another place is named."""
    return lake / "_docs"


def is_built(lake: Path, path: str = _INDEX) -> bool:
    """Whether there is such a file of them."""
    at = folder(lake)
    return (at / MARK).is_file() and (at / path).is_file()


def read(lake: Path, path: str) -> Docs:
    """The file at a path below them; no path leads out of their folder, and no link does.

    Raises:
        NotFoundError: there is none.
    """
    asked = _FILE.fullmatch(path or _INDEX)
    if asked is None:
        raise _missing()
    dataset, batch = asked["dataset"], asked["batch"]
    if dataset is None and asked["name"] != _INDEX:
        raise _missing()
    if batch in ("index", "suite"):
        batch = None
    with ExitStack() as ends:
        at = _opened(ends, str(folder(lake)), None)
        _content(ends, MARK, at)  # what has no mark was built by nobody we know
        if dataset is not None:
            at = _opened(ends, dataset, at)
        content = _content(ends, asked["name"], at)
        quotes: tuple[Quoted, ...] = ()
        if batch is not None:
            # From the same folder, also if they are built anew meanwhile.
            quotes = tuple(_quotes(_content(ends, f"{batch}.json", at)))
    kind = "application/json" if asked["name"].endswith(".json") else "text/html; charset=utf-8"
    return Docs(content, kind, dataset, batch, quotes)


def _opened(ends: ExitStack, name: str, within: int | None) -> int:
    try:
        found = os.open(name, _PLAIN | os.O_DIRECTORY, dir_fd=within)
    except OSError:
        raise _missing() from None
    ends.callback(os.close, found)
    return found


def _content(ends: ExitStack, name: str, within: int) -> bytes:
    try:
        found = os.open(name, _PLAIN, dir_fd=within)
    except OSError:
        raise _missing() from None
    ends.callback(os.close, found)
    about = os.fstat(found)
    if not stat.S_ISREG(about.st_mode) or about.st_size > LONGEST:
        raise _missing()
    with os.fdopen(os.dup(found), "rb") as file:
        return file.read(LONGEST)


def _missing() -> NotFoundError:
    return NotFoundError(
        "there is no such page of the Data Docs.",
        remedy=f"They are built by `{COMMAND}`, with the last batches of every dataset.",
    )


def _quotes(content: bytes) -> Iterator[Quoted]:
    """The values in a batch's result; what cannot be read might quote anything."""
    with suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
        found = tuple(_of_result(hjson.loads(content)))
        yield from found
        return
    yield Quoted(None, "", "")


def _of_result(document: Mapping[str, Any]) -> Iterator[Quoted]:
    for entry in document["results"]:
        config, result = entry["expectation_config"], entry["result"]
        column = config["kwargs"].get("column")
        kind = str(config["meta"]["headgate"]["kind"])
        for value in result.get("partial_unexpected_list", ()):
            if value not in (HIDDEN, UNKNOWN):
                yield Quoted(column, "", str(value))
        # Of our own kinds it is a number of rows, or a share of them.
        if kind == gx.OWN and "observed_value" in result:
            yield Quoted(column, kind, str(result["observed_value"]))
        told = entry["exception_info"]["exception_message"]
        if told:
            yield Quoted(column, "", str(told))
    for beyond in document["meta"]["headgate"]["beyond_rules"]:
        if beyond["observed"]:
            yield Quoted(None, "beyond_rules", str(beyond["observed"]))
