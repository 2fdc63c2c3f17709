"""Which personal and classified data is where, who sees it, how long it is kept, and where it flows."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from headgate.contracts import protection
from headgate.lineage.questions import personal as asking
from headgate.lineage.store import loading
from headgate.portal.access import masking

if TYPE_CHECKING:
    from headgate.contracts.model import Column, Contract
    from headgate.lineage.questions.personal import PersonalData
    from headgate.lineage.store.opening import Store
    from headgate.portal.knowing.known import Known


@dataclass(frozen=True)
class Held:
    """A column that holds personal or classified data, as its contract declares it.

    ``seen_by`` is the least role that sees its values; ``anonymized`` says how the derivation ends
    what it is made from, of ``anonymized_of`` (all of it, if that is empty); ``retention_days`` is
    how long the dataset's rows are to be kept.
    """

    dataset: str
    column: str
    domain: str
    owner: str
    type: str
    classification: str
    personal: bool
    description: str
    seen_by: str
    retention_days: int | None
    anonymized: str = ""
    anonymized_of: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """By which lists go on."""
        return f"{self.dataset}.{self.column}"


@dataclass(frozen=True)
class Map:
    """All such columns by dataset and column, and the declared anonymisations, whose columns need
    not be personal themselves."""

    columns: tuple[Held, ...]
    ended: tuple[Held, ...]

    def those(self, **wanted: Any) -> tuple[Held, ...]:
        """The columns that are as asked; what is None or empty is not asked."""
        asked = {k: v for k, v in wanted.items() if v not in (None, "")}
        return tuple(c for c in self.columns if all(getattr(c, k) == v for k, v in asked.items()))


_last: list[tuple[Any, Map]] = []


def of_contracts(known: Known) -> Map:
    """The map as contracts declare it; made once for each state of the contracts."""
    contracts = known.contracts
    for made_of, found in _last:
        if made_of is contracts:
            return found
    columns, ended = [], []
    for contract in contracts.values():
        if contract.name.layer == "system":
            continue
        for column in contract.columns:
            if protection.of_column(column).is_protected:
                columns.append(_held(contract, column))
            if column.anonymized:
                ended.append(_held(contract, column))
    columns.sort(key=lambda c: c.key)  # lists go on behind a key
    made = Map(tuple(columns), tuple(ended))
    _last[:] = [(contracts, made)]
    return made


def _held(contract: Contract, column: Column) -> Held:
    return Held(
        contract.id, column.name, contract.name.domain, contract.owner, column.type,
        column.classification, column.personal, column.description,
        str(masking.least(contract, column.name)), contract.retention_days, column.anonymized,
        column.anonymized_of,
    )  # fmt: skip


class _Flows:
    """The flows of a store as of a revision, made anew beside the requests that ask for them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made: tuple[int, PersonalData] | None = None
        self.behind: threading.Thread | None = None


_flows: WeakKeyDictionary[Any, _Flows] = WeakKeyDictionary()
_guard = threading.Lock()


def flows(store: Store) -> PersonalData:
    """Where every protected column flows, as runs recorded it; only the first to ask waits.

    Raises:
        LakeError: the store is broken, or cannot be reached.
    """
    with _guard:
        kept = _flows.setdefault(store, _Flows())
    revision = loading.graph(store).revision
    made = kept.made
    if made is None:
        with kept.lock:
            if kept.made is None:
                kept.made = (revision, asking.personal(store))
            return kept.made[1]
    if made[0] != revision and (kept.behind is None or not kept.behind.is_alive()):
        kept.behind = threading.Thread(target=_again, args=(kept, store, revision), daemon=True)
        kept.behind.start()
    return made[1]


def _again(kept: _Flows, store: Store, revision: int) -> None:
    with kept.lock:
        kept.made = (revision, asking.personal(store))


def flows_of(store: Store, dataset: str) -> PersonalData:
    """Where the protected columns of one dataset flow, and what they decide.

    Raises:
        NotFoundError: lineage does not know the dataset.
        LakeError: the store is broken, or cannot be reached.
    """
    return asking.personal(store, dataset)


def counted(columns: tuple[Held, ...], name: str) -> Mapping[str, int]:
    """How many columns there are of each class, domain, owner or role."""
    found: dict[str, int] = {}
    for column in columns:
        found[getattr(column, name)] = found.get(getattr(column, name), 0) + 1
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))
