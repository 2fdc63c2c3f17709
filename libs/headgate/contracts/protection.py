"""What protects a column: its class and whether it is about people, how both compare, and what ends them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headgate.contracts.model import Column, Contract
from headgate.core.errors import ContractError

#: Classes from what anybody may read to what almost nobody may. One that is not among them counts as
#: stricter than all of these, and is equal to itself alone.
CLASSES = ("public", "internal", "confidential", "restricted")
#: From this class on a column is protected, as is one of a class that is not known.
_PROTECTED = "confidential"
#: What ingest adds tells of the delivery; only what a contract does not know may be anything.
RESCUED, _OF_INGEST = "_rescued", "internal"
#: Who may be let see values on pages, the least first; an owner is one of the dataset.
ROLES = ("viewer", "reviewer", "owner", "admin")
_FORM = "Write {how: …} in words, and of: [<dataset>.<column>, …] if it is not true of all inputs."


@dataclass(frozen=True)
class Protection:
    """How a column is to be handled: its class, and whether it says something about a person."""

    classification: str
    personal: bool = False

    def __str__(self) -> str:
        return f"personal, {self.classification}" if self.personal else self.classification

    @property
    def is_protected(self) -> bool:
        """Whether it is personal or classified, so that not everybody sees its values."""
        return self.personal or strictness(self.classification) >= strictness(_PROTECTED)

    def lacks(self, source: Protection) -> tuple[str, ...]:
        """What is to be declared before values of ``source`` may stand here; nothing, if they may."""
        found = []
        if strictness(source.classification) > strictness(self.classification) or (
            strictness(source.classification) == len(CLASSES)
            and source.classification.lower() != self.classification.lower()
        ):
            found.append(f"classification: {source.classification}")
        if source.personal and not self.personal:
            found.append("headgate.personalData: true")
        return tuple(found)


def strictness(classification: str) -> int:
    """Where a class stands in :data:`CLASSES`; behind them all, if it is none of them."""
    name = classification.lower()
    return CLASSES.index(name) if name in CLASSES else len(CLASSES)


def strictest(found: Iterable[Protection]) -> Protection:
    """What is as strict as all of them; public, if there are none."""
    every = list(found)
    name = max((p.classification for p in every), key=strictness, default=CLASSES[0])
    return Protection(name, any(p.personal for p in every))


def of_column(column: Column) -> Protection:
    """What a contract declares of one of its columns."""
    return Protection(column.classification, column.personal)


def raw(contract: Contract) -> Protection:
    """Of whatever comes as it was delivered: what is rescued, and the rows in quarantine."""
    return strictest(of_column(c) for c in contract.columns)


def of_table(contract: Contract) -> dict[str, Protection]:
    """Of every column of the stored table, those that ingest adds too."""
    declared = {c.name: of_column(c) for c in contract.columns}
    added = {c: Protection(_OF_INGEST) for c in contract.table_columns if c not in declared}
    if RESCUED in added:
        added[RESCUED] = raw(contract)
    return {c: declared.get(c) or added[c] for c in contract.table_columns}


def anonymized_of(props: Mapping[str, Any], place: str) -> tuple[str, tuple[str, ...]]:
    """How a column is anonymised, in words ("" if it is not), and of which inputs (none: of all).

    Raises:
        ContractError: that is said otherwise.
    """
    if "anonymized" not in props:
        return "", ()
    given, where = props["anonymized"], f"{place}/customProperties/headgate.anonymized"
    known = isinstance(given, Mapping) and not set(given) - {"how", "of"}
    how = " ".join(str(given.get("how") or "").split()) if known else ""
    of = given.get("of", ()) if known else None
    if not how or isinstance(of, str) or not isinstance(of, Iterable):
        raise ContractError(
            "headgate.anonymized says how the derivation ends what it is made from.",
            remedy=_FORM,
            place=where,
        )
    inputs = tuple(str(i) for i in of)
    for one in inputs:
        if one.count(".") != 3:
            raise ContractError(
                f"headgate.anonymized: {one!r} is no column.",
                remedy="Write it as <layer>.<domain>.<name>.<column>.",
                place=where,
            )
    return how, inputs


def unmasked_for_of(props: Mapping[str, Any], place: str) -> str:
    """The least role that pages show a column's values to; "" if the contract does not say.

    Raises:
        ContractError: it says none of :data:`ROLES`.
    """
    found = props.get("unmaskedFor", "")
    if "unmaskedFor" in props and found not in ROLES:
        raise ContractError(
            f"headgate.unmaskedFor: {found!r} is no role.",
            remedy=f"Write one of {', '.join(ROLES)}; it and those behind it see the values.",
            place=f"{place}/customProperties/headgate.unmaskedFor",
        )
    return str(found)


def least_role(column: Column) -> str:
    """The least role that pages show a column's values to: the one that its contract says; or, of
    what is personal, confidential or stricter, the dataset's owner, and of all else a viewer."""
    if column.unmasked_for:
        return column.unmasked_for
    return "owner" if of_column(column).is_protected else "viewer"


def ends(column: Column, dataset: str, field: str) -> bool:
    """Whether a column declares that what it is made from ends there, of that input."""
    return bool(column.anonymized) and (
        not column.anonymized_of or f"{dataset}.{field}" in column.anonymized_of
    )


def changes(old: Column, new: Column) -> Iterator[str]:
    """What a change of a column's protection means, in sentences."""
    name, was, now = new.name, of_column(old), of_column(new)
    follows = "What is made from it has to be so too, or to say how it is anonymised."
    if was.classification != now.classification:
        told = f"Column {name} was {was.classification} and is {now.classification}."
        stricter = Protection(was.classification).lacks(Protection(now.classification))
        yield f"{told} {follows if stricter else 'More people may read it.'}"
    if was.personal != now.personal:
        yield (
            f"Column {name} is personal data. {follows}"
            if now.personal
            else f"Column {name} counts as personal data no longer."
        )
    if old.unmasked_for != new.unmasked_for:
        yield (
            f"Values of column {name} were shown to the role {least_role(old)} and those above it,"
            f" and are shown to {least_role(new)} and those above it."
        )
    if (old.anonymized, old.anonymized_of) != (new.anonymized, new.anonymized_of):
        if not new.anonymized:
            yield (
                f"Column {name} is not declared to be anonymised any more: it has to be as strict "
                "as what it is made from."
            )
        else:
            of = f" of {', '.join(new.anonymized_of)}" if new.anonymized_of else ""
            yield f"Column {name} is declared to be anonymised{of}: {new.anonymized.rstrip('.')}."
