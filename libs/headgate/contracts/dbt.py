"""dbt properties from contracts: models with enforced columns for what dbt builds, sources for the rest.

The files go to the git-ignored ``models/_contracts/`` of the dbt project. Contract rules are not
repeated as dbt tests: they run in the gate, before the commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from headgate.contracts import types
from headgate.contracts.model import Column, Contract

FOLDER = "_contracts"
_TEMPLATE = ("{{", "{%", "{#")
_HEAD = "# Generated from {place}. Do not edit: change the contract.\n"


def properties(contracts: Mapping[str, Contract]) -> dict[str, str]:
    """Every properties file: name to text. The same contracts always give the same bytes."""
    return {_file_name(c): show(contracts, c) for _, c in sorted(contracts.items())}


def show(contracts: Mapping[str, Contract], contract: Contract) -> str:
    """The properties file of one contract.

    ``contracts`` are all contracts of the project, of which this is one.
    """
    # What a Polars transform makes is a source to dbt, like what is ingested.
    body = _model(contract) if contract.model else _source(contract)
    text = yaml.dump(
        {"version": 2, **body},
        Dumper=yaml.CSafeDumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )
    return _HEAD.format(place=_place(contract)) + text


def _file_name(contract: Contract) -> str:
    return f"{contract.name.schema}__{contract.name.name}.yml"


def _place(contract: Contract) -> str:
    # The folders above the contracts differ from machine to machine, and are not part of it.
    return "/".join(contract.path.parts[-3:])


def _model(contract: Contract) -> dict[str, Any]:
    config: dict[str, Any] = {
        "materialized": "delta",
        "schema": contract.name.schema,
        "alias": contract.name.name,
        "contract": {"enforced": True},
        "tags": _tags(contract),
        "meta": _meta(contract),
    }
    # Said for documentation; the gate holds it, so dbt need not warn that a view cannot.
    key = {
        "type": "primary_key",
        "columns": list(contract.key),
        "warn_unsupported": False,
        "warn_unenforced": False,
    }
    model = {
        "name": contract.model,
        "description": _description(contract),
        "config": config,
        "constraints": [key],
        "columns": [_column(c) for c in contract.columns],
    }
    return {"models": [model]}


def _source(contract: Contract) -> dict[str, Any]:
    config: dict[str, Any] = {"tags": _tags(contract), "meta": _meta(contract)}
    if contract.source and contract.freshness_hours:
        config["loaded_at_field"] = "_ingested_at"
        hours = {"count": max(1, round(contract.freshness_hours)), "period": "hour"}
        config["freshness"] = {"warn_after": hours}
    own = {c.name for c in contract.columns}
    added = [
        {"name": name, "data_type": types.duckdb_type(kind), "description": _ADDED[name]}
        for name, kind in contract.table_columns.items()
        if name not in own
    ]
    table = {
        "name": contract.name.name,
        "description": _description(contract),
        "config": config,
        "columns": [*(_column(c) for c in contract.columns), *added],
    }
    return {
        "sources": [
            {"name": contract.name.schema, "schema": contract.name.schema, "tables": [table]}
        ]
    }


_ADDED = {
    "_rescued": "Fields that the contract does not know, as a JSON object.",
    "_source": "The file that the row was read from.",
    "_position": "The record's number in that file, counted from 1.",
    "_batch_id": "The batch that took the row in.",
    "_ingested_at": "When that was, UTC.",
}


def _column(column: Column) -> dict[str, Any]:
    meta: dict[str, Any] = {"classification": column.classification}
    if column.personal:
        meta["personal_data"] = True
    if column.anonymized:
        meta["anonymized"] = column.anonymized
    return {
        "name": column.name,
        "data_type": types.duckdb_type(column.type),
        "description": _plain(column.description),
        "config": {"meta": meta},
    }


def _description(contract: Contract) -> str:
    return _plain(f"{contract.description} {contract.grain}")


def _plain(text: str) -> str:
    """The text as dbt will show it: dbt renders descriptions, and these are no templates."""
    flat = " ".join(text.split())
    return f"{{% raw %}}{flat}{{% endraw %}}" if any(s in flat for s in _TEMPLATE) else flat


def _tags(contract: Contract) -> list[str]:
    return sorted({contract.name.layer, contract.name.domain, *contract.tags})


def _meta(contract: Contract) -> dict[str, Any]:
    found = {
        "dataset": contract.id,
        "owner": contract.owner,
        "contract_version": contract.version,
        "grain": contract.grain,
        "key": list(contract.key),
        "unit_of_change": contract.unit_of_change,
        "release_group": contract.release_group,
        "freshness_hours": contract.freshness_hours,
        "retention_days": contract.retention_days,
    }
    return {name: value for name, value in found.items() if value is not None}
