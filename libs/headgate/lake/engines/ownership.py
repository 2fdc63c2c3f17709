"""One engine writes a table: which one does, as its commits say, and what is told the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.core.errors import ContractError
from headgate.lake.meta import COMPACTION, CommitMeta

if TYPE_CHECKING:
    from headgate.contracts.model import Contract
    from headgate.core.settings import Settings
    from headgate.lake.snapshot import Snapshot

#: The table property that names the engine, where it is not the embedded one.
PROPERTY = "headgate.engine"
EMBEDDED = "duckdb"
#: Commits that bring no rows of an engine's own: they put files together, or back.
_OF_ANY = (COMPACTION, "restore")


class OtherEngineError(ContractError):
    """A table is written by another engine than the one that wants to."""


def engine_of(contract: Contract, settings: Settings, instead: str = "") -> str:
    """What the contract's rows are judged and written by: ``duckdb`` or ``spark``. ``instead`` goes
    before what the contract and the setting say; ledgers are always the embedded engine's."""
    if contract.name.layer == "system":
        return EMBEDDED
    return instead or contract.engine or settings.engine


def refusal(base: Snapshot | None, contract: Contract, engine: str) -> OtherEngineError | None:
    """Why ``engine`` may not write the table, if so: its rows are the other's."""
    if base is None or base.meta is None or base.meta.engine in ("", engine):
        return None
    return _error(
        contract.id, base.meta.engine, engine, str(contract.path), streamed=bool(contract.stream)
    )


def demand(base: Snapshot | None, meta: CommitMeta, *, whole: bool) -> None:
    """Let a commit through only if the engine that made its rows writes the table.

    A commit that replaces the ``whole`` of a table hands it over.

    Raises:
        OtherEngineError: another engine does.
    """
    if base is None or base.meta is None or whole or meta.kind in _OF_ANY:
        return
    if base.meta.engine != meta.engine:
        raise _error(meta.dataset, base.meta.engine, meta.engine, "")


def _error(
    dataset: str, theirs: str, ours: str, place: str, *, streamed: bool = False
) -> OtherEngineError:
    # What came by a stream may be gone from the broker: there is nothing to build it anew from.
    over = "" if streamed else f", or let `headgate rebuild {dataset}` hand it over to {ours}"
    return OtherEngineError(
        f"{dataset} is written by the engine {theirs}, and {ours} was to write it now.",
        remedy=f"Say headgate.engine: {theirs} in its contract (or HEADGATE_ENGINE={theirs}){over}.",
        place=place,
    )
