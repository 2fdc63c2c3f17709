"""What a changed contract means for rows that were taken in under the old one.

Compatible: stored rows satisfy the new contract too, so it applies itself. Needs-backfill: stored
rows may break it, for they were not judged by it. Breaking: the table itself has another shape, or
means something else, so that whoever reads it has to know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headgate.contracts import protection
from headgate.contracts.model import Column, Contract
from headgate.contracts.strictness import LOOSENS, TIGHTENS, as_strict, direction, keeps_out
from headgate.contracts.wording import expectation

COMPATIBLE, NEEDS_BACKFILL, BREAKING = "compatible", "needs-backfill", "breaking"
SEVERITIES = (COMPATIBLE, NEEDS_BACKFILL, BREAKING)
#: Parts of a document that say nothing about any row.
_TALK = {
    "version": "version", "status": "status", "description": "description", "team": "owner and team",
    "tags": "tags", "slaProperties": "service levels", "roles": "roles", "support": "support",
    "price": "price", "servers": "servers", "apiVersion": "edition of the standard",
}  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One difference between two contracts of a dataset.

    ``place`` is a pointer into the new document (into the old one for what is gone), ``what`` a
    sentence, ``severity`` one of :data:`SEVERITIES`; ``columns`` are those concerned. Of a rule,
    ``direction`` says whether more is promised now (``tightens``) or less (``loosens``).
    """

    kind: str
    place: str
    what: str
    severity: str
    columns: tuple[str, ...] = ()
    remedy: str = ""
    direction: str = ""


def compare(old: Contract, new: Contract) -> tuple[Change, ...]:
    """Every difference, the gravest first; empty if and only if the documents are the same."""
    if old.hash == new.hash:
        return ()
    renamed = renames(old, new)
    found = [*_whole(old, new), *_columns(old, new, renamed), *_rules(old, new, renamed)]
    found += _talk(old, new)
    if not found:
        found.append(
            Change("document", "", "Something that no row depends on changed.", COMPATIBLE)
        )
    return tuple(sorted(found, key=lambda c: -SEVERITIES.index(c.severity)))


def gravest(changes: tuple[Change, ...]) -> str:
    """The severity of all changes together; compatible if there are none."""
    return max((c.severity for c in changes), key=SEVERITIES.index, default=COMPATIBLE)


def renames(old: Contract, new: Contract) -> dict[str, str]:
    """Old name to new name of columns that a source gives the same field, under another name."""
    before, after = {c.name for c in old.columns}, {c.name for c in new.columns}
    gone = {c.field: c for c in old.columns if c.name not in after}
    return {
        gone[c.field].name: c.name
        for c in new.columns
        if c.name not in before and c.field in gone and gone[c.field].type == c.type
    }


def _whole(old: Contract, new: Contract) -> Iterator[Change]:
    """What concerns the table as a whole."""
    if old.id != new.id:
        yield Change("dataset", "/name", f"The dataset {old.id} is called {new.id}.", BREAKING,
                     remedy="Take the old dataset's files in again under the new name.")  # fmt: skip
    if bool(old.source) != bool(new.source):
        sides = ["a source" if c.source else "a model" for c in (old, new)]
        yield Change(
            "origin", "/customProperties", f"It was {sides[0]} and is {sides[1]}.", BREAKING
        )
    if set(old.key) != set(new.key):
        yield Change(
            "key", "/schema/0/properties",
            f"The key was {', '.join(old.key)} and is {', '.join(new.key)}.", BREAKING,
            tuple(sorted({*old.key, *new.key})),
        )  # fmt: skip
    elif old.key != new.key:
        yield Change("key", "/schema/0/properties", f"The key's order is {', '.join(new.key)} now.",
                     NEEDS_BACKFILL, new.key)  # fmt: skip
    if " ".join(old.grain.split()) != " ".join(new.grain.split()):
        yield Change(
            "grain", "/schema/0/dataGranularityDescription",
            f"One row was {old.grain!r} and is {new.grain!r}.", BREAKING,
        )  # fmt: skip
    added = sorted(set(new.inputs) - set(old.inputs))
    if added:
        yield Change("inputs", "/customProperties", f"It is also made from {', '.join(added)}.",
                     NEEDS_BACKFILL)  # fmt: skip
    for kind, what in (
        ("source", "how rows are read from the source"),
        ("delivery", "what a delivery deletes"),
        ("order_column", "which of two rows is newer"),
        ("last_stays", "which of two rows of one file stays"),
        ("unit_of_change", "what an incremental build recomputes"),
        ("live", "how its windows are kept up to date"),
        ("preserves_rows", "whether the model preserves rows"),
        ("release_group", "what it is released with"),
        ("engine", "which engine writes it"),
        ("max_quarantine_share", "how much of a batch may be set aside"),
        ("model", "the model that builds it"),
        ("transform", "the transform that builds it"),
        ("promises", "what is promised in words"),
    ):
        if _plain(getattr(old, kind)) != _plain(getattr(new, kind)):
            told = f"What changed: {what}; rows that are stored stay as they are."
            yield Change(kind, "/customProperties", told, COMPATIBLE)


def _plain(value: Any) -> Any:
    """A part of a contract without the places where it stands."""
    if isinstance(value, tuple):
        return tuple(_plain(v) for v in value)
    return (value.text, value.column) if hasattr(value, "place") else value


def _columns(old: Contract, new: Contract, renamed: Mapping[str, str]) -> Iterator[Change]:
    before, places = {c.name: c for c in old.columns}, _places(new)
    for column in old.columns:
        name, at = column.name, _places(old)[column.name]
        if name in renamed:
            told = f"Column {name} is called {renamed[name]}."
            yield Change("renamed", at, told, BREAKING, (name, renamed[name]))
        elif name not in places:
            yield Change("dropped", at, f"Column {name} is gone.", BREAKING, (name,))
    for column in new.columns:
        known, at = before.get(column.name), places[column.name]
        if known is not None:
            yield from _column(known, column, at)
        elif column.name not in renamed.values():
            # If it is required besides, its rule says so.
            told = f"Column {column.name} is new; rows that are stored have no value there."
            yield Change("added", at, told, COMPATIBLE, (column.name,))


def _column(old: Column, new: Column, place: str) -> Iterator[Change]:
    name = (new.name,)
    if (old.type, new.type) == ("json", "string"):
        told = f"Column {new.name} is any text and no longer JSON."
        yield Change("retyped", place, told, COMPATIBLE, name)
    elif old.type != new.type:
        told = f"Column {new.name} was {old.type} and is {new.type}."
        yield Change("retyped", place, told, BREAKING, name)
    if old.field != new.field:
        told = f"Column {new.name} is read from {new.field!r} and no longer from {old.field!r}."
        yield Change("field", place, told, COMPATIBLE, name)
    if (old.accepts_numbers, old.of_delivery) != (new.accepts_numbers, new.of_delivery):
        told = f"Column {new.name} is taken or compared otherwise from now on."
        yield Change("taking", place, told, COMPATIBLE, name)
    for told in protection.changes(old, new):
        yield Change("protection", place, told, COMPATIBLE, name)
    talk = ("description", "examples", "business_name")
    told_of = [part for part in talk if getattr(old, part) != getattr(new, part)]
    if told_of:
        told = f"Column {new.name}: {', '.join(told_of)} changed."
        yield Change("documentation", place, told.replace("_", " "), COMPATIBLE, name)


def _rules(old: Contract, new: Contract, renamed: Mapping[str, str]) -> Iterator[Change]:
    before = {r.id: r for r in old.rules}
    kept = {r.id for r in new.rules}
    for rule in old.rules:
        if rule.id not in kept:
            told = f"Rule {rule.id} is gone."
            yield Change("rule", _pointer(rule.place), told, COMPATIBLE, _about(rule.column),
                         direction=LOOSENS)  # fmt: skip
    for rule in new.rules:
        known, at, columns = before.get(rule.id), _pointer(rule.place), _about(rule.column)
        now = f"{expectation(rule)}, else {rule.severity}"
        was = f" (was: {expectation(known)}, else {known.severity})" if known else ""
        told = f"Rule {rule.id} demands {now}{was}."
        same = known is not None and (known.kind, known.arguments, known.severity, known.scope) == (
            rule.kind, rule.arguments, rule.severity, rule.scope
        )  # fmt: skip
        if same:
            if known is not None and known.description != rule.description:
                told = f"Rule {rule.id} is described otherwise."
                yield Change("documentation", at, told, COMPATIBLE, columns)
            continue
        kept_already = any(as_strict(r, rule, renamed) for r in old.rules)
        towards = direction(known, rule, renamed) if known else "" if kept_already else TIGHTENS
        # A table rule judges all rows with the next batch, and a warning only tells.
        judged_anew = rule.scope == "row" and keeps_out(rule) and not kept_already
        told += " Rows that are stored were not judged by it." if judged_anew else ""
        severity = NEEDS_BACKFILL if judged_anew else COMPATIBLE
        yield Change("rule", at, told, severity, columns, direction=towards)


def _talk(old: Contract, new: Contract) -> Iterator[Change]:
    for key, what in _TALK.items():
        if old.document.get(key) != new.document.get(key):
            yield Change("documentation", f"/{key}", f"The {what} changed.", COMPATIBLE)


def _places(contract: Contract) -> dict[str, str]:
    return {c.name: f"/schema/0/properties/{i}" for i, c in enumerate(contract.columns)}


def _about(column: str | None) -> tuple[str, ...]:
    return (column,) if column else ()


def _pointer(place: str) -> str:
    return place.partition("#")[2]
