"""Which dataset a page is about: its contract as it is now, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import Request

from headgate.core.errors import NotFoundError
from headgate.portal import served

if TYPE_CHECKING:
    from headgate.contracts.model import Contract, ContractSet
    from headgate.portal.knowing.known import Known
    from headgate.portal.knowing.summary import Summary


@dataclass(frozen=True)
class Subject:
    """A dataset. ``summary`` is None of our own ledgers, and of what nobody has looked at yet."""

    contract: Contract
    summary: Summary | None
    known: Known

    @property
    def id(self) -> str:
        """The dataset's id."""
        return self.contract.id

    @property
    def contracts(self) -> ContractSet:
        """All contracts as they are now."""
        return self.known.contracts


def of(request: Request, dataset: str) -> Subject:
    """The dataset of that id.

    Raises:
        NotFoundError: there is no contract for it.
    """
    known: Known = served.of(request).knowing.now()
    if dataset not in known.contracts:
        # Not by the set's own error, which names every dataset that there is.
        raise NotFoundError(
            f"there is no dataset {dataset[:120]!r}.",
            remedy="Look for it in the catalogue, by a part of its name or of a column's.",
        )
    return Subject(known.contracts[dataset], known.datasets.get(dataset), known)


def column(subject: Subject, name: str) -> str:
    """A column of the dataset's table by its name, ingest's own too.

    Raises:
        NotFoundError: it has none of that name.
    """
    if name not in subject.contract.table_columns:
        raise NotFoundError(
            f"{subject.id} has no column {name[:120]!r}.", remedy="Its page lists its columns."
        )
    return name
