"""Rows and values as somebody sees them, and which columns are kept from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.portal.access import masking

if TYPE_CHECKING:
    from headgate.contracts.model import Contract
    from headgate.portal.access.masking import Shown
    from headgate.portal.access.people import Person
    from headgate.portal.told.rows import Examples

#: What stands for a value in a contract's document.
INSTEAD = "(kept from you)"


def kept_from(contract: Contract, person: Person) -> tuple[str, ...]:
    """The columns of the table whose values somebody does not see, in order."""
    return tuple(c for c in contract.table_columns if not masking.may_see(contract, c, person))


def rows(contract: Contract, found: Examples, person: Person) -> list[list[Shown]]:
    """Example rows as somebody sees them."""
    return [
        [masking.text(contract, c, v, person) for c, v in zip(found.columns, row, strict=True)]
        for row in found.rows
    ]
