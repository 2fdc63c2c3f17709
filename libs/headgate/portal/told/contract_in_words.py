"""What a contract promises, as pairs of a word and a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.contracts.model import Contract


@dataclass(frozen=True)
class Origin:
    """Where rows come from: ``kind`` is source, model, transform or nothing (Headgate itself)."""

    kind: str
    text: str


def facts(contract: Contract) -> dict[str, str]:
    """What is promised, by what a reader would ask for; what is not promised says so."""
    told = {
        "one row is": contract.grain,
        "key": ", ".join(contract.key) or "none",
        "purpose": contract.description,
        "use": _said(contract, "usage"),
        "limits": _said(contract, "limitations"),
        "contract": f"version {contract.version}" + f", {contract.status}" * bool(contract.status),
        "fresh": "not promised" if contract.freshness_hours is None
        else f"published anew within {_span(contract.freshness_hours)}",
        "kept": "without limit" if contract.retention_days is None
        else f"for {contract.retention_days:,} days",
        "released with": f"the group {contract.release_group}" if contract.release_group else "",
        "a batch is refused": "" if contract.max_quarantine_share is None
        else f"if more than {contract.max_quarantine_share:.4g} of its rows would be set aside",
        "of two rows with one key": _order(contract),
        "deletes": _deletes(contract),
        "tags": ", ".join(contract.tags),
    }  # fmt: skip
    return {name: text for name, text in told.items() if text}


def origin(contract: Contract) -> Origin:
    """Where its rows come from."""
    if contract.source:
        at = contract.source.path or "a path that is given to the run"
        return Origin("source", f"{contract.source.format} files at {at}")
    if contract.model:
        return Origin("model", contract.model)
    if contract.transform:
        return Origin("transform", contract.transform)
    return Origin("", "Headgate itself writes it")


def _said(contract: Contract, part: str) -> str:
    written: Any = contract.document.get("description")
    found: Mapping[str, Any] = written if hasattr(written, "get") else {}
    return " ".join(str(found.get(part) or "").split())


def _span(hours: float) -> str:
    return f"{hours / 24:g} days" if hours >= 48 and hours % 24 == 0 else f"{hours:g} hours"


def _order(contract: Contract) -> str:
    told = []
    if contract.order_column:
        told.append(f"the one with the greater {contract.order_column} stays")
    if contract.last_stays:
        told.append("the last in a file stays")
    return ", then ".join(told)


def _deletes(contract: Contract) -> str:
    if contract.delivery.snapshot:
        of = f" of the same {', '.join(contract.delivery.scope)}" if contract.delivery.scope else ""
        return f"each delivery holds all rows{of}: what it lacks is deleted"
    if contract.delivery.tombstone:
        return "rows that say that their key is deleted"
    return ""
