"""How a dataset's contract changed: the contracts under which its batches were judged, and how two differ."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import yaml

from headgate.contracts import diff
from headgate.contracts.load import from_document
from headgate.core.errors import ContractError, NotFoundError
from headgate.lake import kept, ledger
from headgate.lake.engines.duckdb import literal
from headgate.lake.snapshot import relation
from headgate.portal.told.asking import holding

if TYPE_CHECKING:
    from headgate.contracts.diff import Change
    from headgate.contracts.model import Contract
    from headgate.portal.told.asking import Asking

#: Spans of one contract that a page lists, and lines of a difference that it shows.
MOST_SPANS, MOST_LINES = 200, 3_000
#: The lake keeps documents without their order: these come first, as people write them.
_ORDER = {
    key: place
    for place, key in enumerate(
        ("apiVersion", "kind", "id", "name", "version", "status", "domain", "tags", "property",
         "description", "purpose", "team", "schema", "logicalType", "required", "properties")
    )
}  # fmt: skip
#: The contract as it stands in the working tree, among hashes.
CURRENT = "current"


@dataclass(frozen=True)
class Span:
    """A time in which one contract judged every batch: by whose run it began, and how many there were.

    ``until`` is the newest batch under it. ``owner`` is the team that the document names; ``kept``
    says whether the lake has the document.
    """

    hash: str
    version: str
    since: datetime
    until: datetime
    run_id: str
    batches: int
    owner: str
    kept: bool


@dataclass(frozen=True)
class Line:
    """A line of a difference: ``sign`` is ``+``, ``-``, `` `` or ``@`` (where lines are left out)."""

    sign: str
    text: str


@dataclass(frozen=True)
class Compared:
    """How two contracts differ: what it means, the gravest first, and line by line."""

    before: str
    after: str
    changes: tuple[Change, ...]
    severity: str
    lines: tuple[Line, ...]
    unknown: str = ""


def spans(asking: Asking, dataset: str) -> tuple[Span, ...]:
    """The contracts under which batches were judged, the newest first; one may come back."""
    base = asking.snapshot(ledger.BATCHES)
    if base is None:
        return ()
    files = holding(base.files, "dataset", dataset)
    columns = ("dataset", "contract_hash", "contract_version", "committed_at", "batch_id", "run_id")
    few = {c: base.columns[c] for c in columns}
    found = asking.rows(
        "SELECT contract_hash, arg_min(contract_version, (committed_at, batch_id)) AS version,"
        " min(committed_at) AS since, max(committed_at) AS until,"
        " arg_min(run_id, (committed_at, batch_id)) AS run_id, count(*) AS batches FROM"
        " (SELECT *, sum(turned::INT) OVER (ORDER BY committed_at, contract_hash) AS span FROM"
        " (SELECT *, contract_hash IS DISTINCT FROM"
        " lag(contract_hash) OVER (ORDER BY committed_at, contract_hash) AS turned"
        f" FROM {relation(files, few)} WHERE dataset = {literal(dataset)}))"
        f" GROUP BY contract_hash, span ORDER BY span DESC LIMIT {MOST_SPANS}"
    )
    lake = asking.lake
    documents = {h: kept.recall(lake, dataset, h) for h in {row["contract_hash"] for row in found}}
    return tuple(
        Span(
            row["contract_hash"], row["version"], row["since"], row["until"], row["run_id"],
            int(row["batches"]), _owner(documents[row["contract_hash"]]),
            documents[row["contract_hash"]] is not None,
        )
        for row in found
    )  # fmt: skip


def document(asking: Asking, contract: Contract, which: str) -> Mapping[str, Any]:
    """The document of a hash (or of as much of its beginning as tells it apart), or ``current``.

    Raises:
        NotFoundError: the lake keeps none.
    """
    if which in (CURRENT, contract.hash):
        return contract.document
    lake = asking.lake
    folder = f"{kept.FOLDER}/{contract.id}"
    named = [n.removesuffix(".json") for n in lake.storage.names(folder) if n.endswith(".json")]
    meant = [n for n in named if which and n.startswith(which)]
    found = kept.recall(lake, contract.id, meant[0]) if len(meant) == 1 else None
    if found is None:
        raise NotFoundError(
            f"no contract {which[:80]!r} of {contract.id} is kept.",
            remedy="The page of its contract lists those that are.",
        )
    return found


def compared(
    contract: Contract,
    old: tuple[str, Mapping[str, Any]],
    new: tuple[str, Mapping[str, Any]],
) -> Compared:
    """How two documents differ, each with what it is to be called."""
    lines = _lines(text(old[1]), text(new[1]))
    try:
        changes = diff.compare(*(from_document(contract.path, d) for _, d in (old, new)))
    except ContractError as error:
        told = f"What it means cannot be said: one of them is refused by now. {error.message}"
        return Compared(old[0], new[0], (), "", lines, told)
    return Compared(old[0], new[0], changes, diff.gravest(changes), lines)


def text(written: Mapping[str, Any]) -> str:
    """A document as YAML, always written the same way."""
    return yaml.safe_dump(_plain(written), sort_keys=False, allow_unicode=True, width=100)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        keys = sorted(value, key=lambda k: (_ORDER.get(str(k), len(_ORDER)), str(k)))
        return {str(k): _plain(value[k]) for k in keys}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value


def _lines(old: str, new: str) -> tuple[Line, ...]:
    found: list[Line] = []
    for line in difflib.unified_diff(old.splitlines(), new.splitlines(), n=3, lineterm=""):
        if line.startswith(("---", "+++")) and not found:
            continue
        sign = line[:1] or " "
        found.append(Line("@", "") if sign == "@" else Line(sign, line[1:]))
    if len(found) > MOST_LINES:
        return (*found[:MOST_LINES], Line("@", f"{len(found) - MOST_LINES} more lines differ."))
    return tuple(found)


def _owner(written: Mapping[str, Any] | None) -> str:
    team = (written or {}).get("team")
    return str(team.get("name") or "") if isinstance(team, Mapping) else ""


def hidden(written: Mapping[str, Any], columns: Sequence[str], instead: str) -> Mapping[str, Any]:
    """The document with what the examples of ``columns`` say replaced, for who may not see values."""
    if not columns:
        return written
    found = _plain(written)
    for table in found.get("schema") or ():
        for prop in (table.get("properties") or ()) if isinstance(table, dict) else ():
            if isinstance(prop, dict) and prop.get("name") in columns and prop.get("examples"):
                prop["examples"] = [instead]
    return dict(found)
