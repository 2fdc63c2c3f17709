"""What a contract's YAML promises, read without the product: columns, places, limits, deliveries."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*)|\['([^']*)'\]|(\[\*\])")
_LOGICAL = {"integer": "long", "number": "double", "object": "json"}


@dataclass(frozen=True)
class Column:
    """A column: its type, whether it stands in the record or the document around it, and where."""

    name: str
    kind: str
    of_record: bool
    steps: tuple[str, ...]
    required: bool
    digits: bool
    limits: dict[str, Any] = field(default_factory=dict)
    #: Rows rules of the column that are written under quality: id, "values" or "pattern", argument.
    rules: tuple[tuple[str, str, Any], ...] = ()


@dataclass(frozen=True)
class Promise:
    """One contract."""

    id: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    predicates: tuple[str, ...]
    source: dict[str, Any]
    order: str | None
    last_stays: bool
    tombstone: str | None
    share: float
    ignored: tuple[tuple[str, ...], ...]


def read(path: Path) -> Promise:
    """The promise of a contract's file."""
    document = yaml.safe_load(path.read_text("utf-8"))
    table = document["schema"][0]
    props = {p["property"]: p["value"] for p in document["customProperties"]}
    source = props["headgate.source"]
    keyed = [p for p in table["properties"] if p.get("primaryKey")]
    return Promise(
        document["name"],
        tuple(_column(p) for p in table["properties"]),
        tuple(p["name"] for p in sorted(keyed, key=lambda p: p.get("primaryKeyPosition", 1))),
        tuple(
            q["id"] for q in table.get("quality", ()) if _keeps_out(q) and q.get("type") == "custom"
        ),
        source,
        props.get("headgate.orderColumn"),
        bool(props.get("headgate.lastStays")),
        props.get("headgate.delivery", {}).get("tombstone"),
        float(props.get("headgate.maxQuarantineShare", 0.1)),
        tuple(_place(str(p))[1] for p in source.get("ignore", ())),
    )


def _keeps_out(quality: dict[str, Any]) -> bool:
    return str(quality.get("severity", "quarantine")) == "quarantine"


def _column(given: dict[str, Any]) -> Column:
    props = {p["property"]: p["value"] for p in given.get("customProperties", ())}
    of_record, steps = _place(str(given.get("physicalName", given["name"])))
    rules: list[tuple[str, str, Any]] = []
    for quality in given.get("quality", ()):
        if not _keeps_out(quality) or "unit" in quality:
            continue
        name, arguments = f"{given['name']}.{quality['id']}", quality.get("arguments", {})
        if "validValues" in arguments:
            rules.append((name, "values", arguments["validValues"]))
        elif "pattern" in arguments:
            rules.append((name, "pattern", arguments["pattern"]))
        else:
            rules.append((name, "predicate", quality["implementation"]))
    return Column(
        given["name"], _kind(given), of_record, steps,
        bool(given.get("required") or given.get("primaryKey")),
        bool(props.get("headgate.acceptsNumbers")), given.get("logicalTypeOptions", {}), tuple(rules),
    )  # fmt: skip


def _kind(given: dict[str, Any]) -> str:
    if given["logicalType"] == "array":
        return f"array<{_kind(given['items'])}>"
    return str(
        given.get("physicalType") or _LOGICAL.get(given["logicalType"], given["logicalType"])
    )


def _place(text: str) -> tuple[bool, tuple[str, ...]]:
    """Whether a value stands in its record, and the fields that lead to it."""
    if not text.startswith(("$", "@")):
        return True, (text,)
    return text[0] == "@", tuple(m[1] or m[2] for m in _STEP.finditer(text))
