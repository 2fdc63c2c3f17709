"""A loaded contract as JSON and back, so that one that was read before is not parsed and checked anew.

An entry is named by everything that the contract follows from: its path, its text, the code that
reads contracts, and the ODCS schema. What would not come back exactly as it was is not kept.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from headgate.contracts.model import (
    Column,
    Contract,
    Delivery,
    LiveSpec,
    Promise,
    Rule,
    SourceSpec,
    StreamSpec,
    Timing,
)
from headgate.contracts.names import DatasetName
from headgate.core import ids
from headgate.core import json as hjson
from headgate.core.cache import Cache

KIND = "contract"
_FIELDS = tuple(f.name for f in dataclasses.fields(Contract))
#: Fields that are objects of their own, and what makes them from their values in order.
_PARTS: Mapping[str, type] = {
    "name": DatasetName, "source": SourceSpec, "delivery": Delivery, "stream": StreamSpec, "live": LiveSpec,
    "timing": Timing,
    "columns": Column, "rules": Rule, "promises": Promise,
}  # fmt: skip
_MANY = ("columns", "rules", "promises")
_TUPLES = ("inputs", "tags")
#: Where tuples stand in the parts.
_OF_COLUMN = [f.name for f in dataclasses.fields(Column)]
_LISTED = (_OF_COLUMN.index("examples"), _OF_COLUMN.index("anonymized_of"))
_SCOPE = [f.name for f in dataclasses.fields(Delivery)].index("scope")


def key(path: Path, text: str) -> str:
    """What the contract in the file ``path`` with this text is kept as."""
    return ids.digest(_reader(), str(path), text)


@lru_cache(maxsize=1)
def _reader() -> str:
    """A hash of the code that reads contracts, and of the schema that it checks them by."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    schema = ""
    spec = find_spec("open_data_contract_standard")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        stat = (Path(folder) / "schema.json").stat()
        schema += f"{folder}|{stat.st_size}|{stat.st_mtime_ns}"
    return ids.digest(schema, *(part for f in files for part in (f.name, f.read_bytes())))


def recalled(cache: Cache, keys: Sequence[str]) -> dict[str, Contract]:
    """The contracts that are kept, by key."""
    found = {}
    for name, text in cache.get(KIND, keys).items():
        try:
            found[name] = of_json(text)
        except (ValueError, TypeError, KeyError):
            continue  # a damaged entry is none
    return found


def keep(cache: Cache, contracts: Mapping[str, Contract]) -> None:
    """Keep contracts by key, those of them that come back as they are."""
    texts = {}
    for name, contract in contracts.items():
        text = to_json(contract)
        if text is not None:
            texts[name] = text
    cache.put(KIND, texts)


def to_json(contract: Contract) -> str | None:
    """The contract's JSON form; None if it holds something that JSON would not give back."""
    try:
        document = hjson.dumps(contract.document)
        values = {f: _plain(getattr(contract, f)) for f in _FIELDS}
        place = str(contract.path)
        for rule in (*values["rules"], *values["promises"]):
            rule[-1] = rule[-1].removeprefix(place)
        text = hjson.dumps([*({**values, "document": document}.values())])
        return text if of_json(text) == contract else None
    except (TypeError, ValueError):
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if dataclasses.is_dataclass(value):
        # In order and without names, which would take most of the text.
        return [getattr(value, f.name) for f in dataclasses.fields(value)]
    return value


def of_json(text: str) -> Contract:
    """The way back from :func:`to_json`.

    Raises:
        ValueError, TypeError, KeyError: it is none.
    """
    values = dict(zip(_FIELDS, hjson.loads(text), strict=True))
    place = values["path"]
    for rule in (*values["rules"], *values["promises"]):
        rule[-1] = place + rule[-1]
    values["path"] = Path(place)
    values["document"] = _Document(values["document"])
    values["columns"] = [_tupled(c, *_LISTED) for c in values["columns"]]
    values["delivery"] = _tupled(values["delivery"], _SCOPE)
    for name, make in _PARTS.items():
        given = values[name]
        if name in _MANY:
            values[name] = tuple([make(*v) for v in given])
        elif given is not None:
            values[name] = make(*given)
    for name in _TUPLES:
        values[name] = tuple(values[name])
    return Contract(**values)


class _Document(Mapping[str, Any]):
    """A document that is parsed when somebody asks for a part of it: few do, and it is long."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _parsed(self) -> dict[str, Any]:
        found: dict[str, Any] = hjson.loads(self._text)
        return found

    def __getitem__(self, name: str) -> Any:
        return self._parsed[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parsed)

    def __len__(self) -> int:
        return len(self._parsed)


def _tupled(values: list[Any], *positions: int) -> list[Any]:
    for position in positions:
        values[position] = tuple(values[position])
    return values
