"""The code that made a dataset's rows, as it was compiled when they were made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headgate.lake import kept

if TYPE_CHECKING:
    from headgate.contracts.model import Contract
    from headgate.portal.told.asking import Asking


@dataclass(frozen=True)
class Code:
    """What made the rows: ``texts`` are pairs of what a text is and the text."""

    maker: str
    hash: str
    texts: tuple[tuple[str, str], ...]


def code(asking: Asking, contract: Contract, code_hash: str | None = None) -> Code:
    """The code of that hash, by default of the newest commit; without texts if it was not kept."""
    if not code_hash:
        base = asking.snapshot(contract.id)
        code_hash = base.meta.code_hash if base and base.meta else ""
    # A hash is hexadecimal; anything else would be a path.
    known = code_hash.isalnum() and kept.recall_code(asking.lake, contract.id, code_hash)
    if not known:
        return Code(contract.maker, code_hash, ())
    full, incremental = known
    if full == incremental:
        return Code(contract.maker, code_hash, (("Every build", full),))
    return Code(
        contract.maker, code_hash, (("A full build", full), ("An incremental build", incremental))
    )
