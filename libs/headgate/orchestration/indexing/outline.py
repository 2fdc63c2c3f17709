"""A contract in outline: what of it the index needs, as plain JSON that can be kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from headgate.contracts import files, load, timing
from headgate.contracts.model import Column, Contract, Rule
from headgate.contracts.names import DatasetName
from headgate.core.errors import HeadgateError, UsageError

#: Characters of the longest tag that a scheduler takes.
LONGEST_TAG = 100
_NAME = re.compile(r"^name:\s*[\"']?([a-z]+\.[a-z0-9_]+\.[a-z0-9_]+)", re.MULTILINE)
_MODEL = re.compile(r"headgate\.model[\"']?\s*,?\s*value:\s*[\"']?(\w+)")
#: A contract in outline, or what is wrong with it; see :func:`of_file`.
Outline = dict[str, Any]


def of_file(path: Path, shown: str) -> Outline:
    """The outline of the contract at ``path``, which is told of as ``shown``.

    One that cannot be read gives ``error`` (place, message, remedy), and the dataset's id and its
    model, if that much can be told.
    """
    try:
        return _outline(load.load(path), shown)
    except HeadgateError as error:
        place, message, remedy = error.place, error.message, error.remedy
    except OSError as error:
        place, message, remedy = str(path), f"it cannot be read: {error.strerror}.", ""
    except Exception as error:  # one contract must not stop the others, whatever it holds
        place, message = str(path), f"it cannot be read: {type(error).__name__}: {error}."
        remedy = "Compare it with docs/reference/contract.md."
    at = place.removeprefix(str(path)).partition("#")[0]
    line = at if at[:1] == ":" else ":1"
    dataset, model = _claimed(path)
    return {"error": [shown + line, message, remedy], "id": dataset, "model": model}


def _claimed(path: Path) -> tuple[str | None, str | None]:
    """The dataset that a broken contract is meant for, and the model that builds it: as its text says
    it, for it may be no YAML."""
    try:
        text = path.read_bytes()[: files.LONGEST].decode("utf-8", "replace")
        said = _NAME.search(text)
        name = DatasetName.parse(said[1]) if said else None
    except (OSError, UsageError):
        return None, None
    model = _MODEL.search(text)
    if name is None or model:
        return name.id if name else None, model[1] if model else None
    made_otherwise = "headgate.source" in text or "headgate.transform" in text
    usual = name.layer in ("silver", "gold") and not made_otherwise
    return name.id, name.model if usual else None


def _outline(contract: Contract, shown: str) -> Outline:
    source, table = contract.source, contract.document["schema"][0]
    maker = "source" if source else "model" if contract.model else "transform"
    return {
        "id": contract.id, "path": shown, "version": contract.version,
        "description": contract.description, "owner": contract.owner,
        "group": contract.release_group, "model": contract.model,
        "maker": maker if source or contract.curated else "",
        "inputs": list(contract.inputs), "schedule": timing.schedule_of(contract),
        "timezone": contract.timing.timezone, "retries": contract.timing.retries,
        "retry_minutes": contract.timing.retry_minutes,
        "freshness_hours": contract.freshness_hours,
        "source_path": source.path if source else None, "dated": bool(source and source.dated),
        "tags": [str(t) for t in contract.tags if len(str(t)) <= LONGEST_TAG],
        "table": {k: table[k] for k in ("id", "name", "physicalName") if k in table},
        "columns": [[p["name"], p.get("id")] for p in table.get("properties") or ()],
        "keys": [
            [r.arguments["parent"], list(r.arguments["parent_columns"]),
             r.place.partition("#")[2]]
            for r in contract.row_rules if r.kind == "foreign_key"
        ],
    }  # fmt: skip


def as_contract(outline: Outline, root: Path) -> Contract:
    """As much of a contract as the resolution of its foreign keys asks for."""
    path = root / outline["path"]
    columns = [{"name": n, **({"id": i} if i is not None else {})} for n, i in outline["columns"]]
    table = {**outline["table"], "properties": columns}
    rules = tuple(
        Rule(f"key.{n}", "foreign_key", "row", "quarantine",
             arguments={"parent": parent, "parent_columns": names, "columns": names},
             place=f"{path}#{pointer}")
        for n, (parent, names, pointer) in enumerate(outline["keys"])
    )  # fmt: skip
    return Contract(
        name=DatasetName.parse(outline["id"]), path=path, version="", status="", description="",
        owner="", grain="", hash="", rules=rules, document={"schema": [table]},
        columns=tuple(Column(n, "", "", "") for n, _ in outline["columns"]),
    )  # fmt: skip
