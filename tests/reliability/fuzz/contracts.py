"""The contracts of the fuzzed datasets: every column type and kind of row rule, in every format."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import REPOSITORY

#: Contracts of the repository that are fuzzed as well, with records like their real ones.
REAL = {
    "bronze.irc.messages": "irc/bronze_messages",
    "bronze.engineering.github_events": "engineering/bronze_github_events",
}
_SHARE = {"property": "headgate.maxQuarantineShare", "value": 1}


@dataclass(frozen=True)
class Fuzzed:
    """One fuzzed dataset: its name, the source's options, where columns stand, what is special."""

    name: str
    source: dict[str, Any]
    fields: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    strict: bool = False

    @property
    def id(self) -> str:
        """The dataset's id."""
        return f"bronze.fuzz.{self.name}"

    @property
    def format(self) -> str:
        """The source's format."""
        return str(self.source["format"])


_NESTED = {
    "id": "@.meta.id",
    "name": "@.who.name",
    "code": "@.who.code",
    "extra": "@.more['any thing']",
}
FUZZED = (
    Fuzzed("lines", {"format": "jsonl"}, {"name": "NAME"}),
    Fuzzed(
        "lines_ordered", {"format": "jsonl"},
        extra={"headgate.orderColumn": "at", "headgate.delivery": {"tombstone": "kind = 'gone'"}},
    ),
    Fuzzed("lines_nested", {"format": "jsonl", "ignore": ["@.who.nick", "@.noise"]}, _NESTED),
    Fuzzed("lines_strict", {"format": "jsonl"}, strict=True),
    Fuzzed("documents", {"format": "json", "records": "$[*]"}, extra={"headgate.lastStays": True}),
    Fuzzed(
        "exports",
        {"format": "json", "records": "$.items[*]", "controlTotal": "$.total", "ignore": ["@.noise"]},
        {**_NESTED, "region": "$.source.region"},
    ),
    Fuzzed("csv_plain", {"format": "csv"}, {"name": "NAME"}),
    Fuzzed(
        "csv_other",
        {"format": "csv", "delimiter": ";", "quote": "'", "decimal": ",", "nulls": ["", "n/a"],
         "ignore": ["noise"]},
    ),
    Fuzzed(
        "csv_escaped", {"format": "csv", "delimiter": "\t", "escape": "\\", "header": False},
        extra={"headgate.orderColumn": "at"},
    ),
    Fuzzed("columns", {"format": "parquet"}, {"name": "NAME"}),
    Fuzzed("columns_ordered", {"format": "parquet"}, extra={"headgate.orderColumn": "at"}),
    Fuzzed("columns_strict", {"format": "parquet"}, strict=True),
)  # fmt: skip


def _column(name: str, logical: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "logicalType": logical, "classification": "internal",
            "description": f"The {name}.", **more}  # fmt: skip


def columns() -> list[dict[str, Any]]:
    """The columns that all fuzzed datasets have: every type, every kind of row rule."""
    return [
        _column("id", "integer", primaryKey=True),
        _column("name", "string", required=True, logicalTypeOptions={"minLength": 1, "maxLength": 40}),
        _column("code", "string", logicalTypeOptions={"pattern": "^[A-Z]{2}[0-9]{1,4}$"}),
        _column("kind", "string", required=True, quality=[
            {"id": "accepted", "metric": "invalidValues", "mustBe": 0,
             "arguments": {"validValues": ["new", "old", "gone"]}}]),
        _column("count", "integer", physicalType="integer",
                logicalTypeOptions={"minimum": 0, "exclusiveMaximum": 10000}),
        _column("big", "integer"),
        _column("ratio", "number", logicalTypeOptions={"minimum": -1000000, "maximum": 1000000}),
        _column("price", "number", physicalType="decimal(9,2)", logicalTypeOptions={"minimum": 0}),
        _column("fine", "number", physicalType="decimal(38,10)"),
        _column("flag", "boolean"),
        _column("day", "date", logicalTypeOptions={"minimum": "1990-01-01"}),
        _column("at", "timestamp", required=True,
                logicalTypeOptions={"maximum": "2100-01-01T00:00:00Z"}),
        _column("tags", "array", items={"logicalType": "string"},
                logicalTypeOptions={"maxItems": 3, "uniqueItems": True}),
        _column("nums", "array", items={"logicalType": "integer"}),
        _column("extra", "object", physicalType="json"),
        _column("unit", "integer", logicalTypeOptions={"multipleOf": 5}),
        _column("uid", "string", logicalTypeOptions={"format": "uuid"}),
    ]  # fmt: skip


def document(of: Fuzzed) -> dict[str, Any]:
    """The contract, as ODCS has it."""
    own = columns()
    if "region" in of.fields:
        own.append(_column("region", "string", required=True))
    for column in own:
        if column["name"] in of.fields:
            column["physicalName"] = of.fields[column["name"]]
    extra = [{"property": name, "value": value} for name, value in of.extra.items()]
    return {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": of.name, "name": of.id,
        "version": "1.0.0", "status": "active", "description": {"purpose": "For tests."},
        "team": {"name": "tests"},
        "schema": [{
            "name": of.name, "dataGranularityDescription": "One row is one thing.",
            "properties": own,
            "quality": [{"id": "no_flagged_thirteen", "type": "custom", "engine": "headgate",
                         "implementation": "NOT (flag AND count = 13)", "severity": "quarantine"}],
        }],
        "customProperties": [
            {"property": "headgate.source", "value": of.source},
            *extra, *(() if of.strict else (_SHARE,)),
        ],
    }  # fmt: skip


def lay_out(root: Path) -> None:
    """A project of the fuzzed datasets and of the real ones, with a lake of its own."""
    for of in FUZZED:
        folder = root / "data_contracts" / "fuzz" / f"bronze_{of.name}"
        folder.mkdir(parents=True)
        text = yaml.safe_dump(document(of), sort_keys=False, allow_unicode=True)
        (folder / "contract.odcs.yaml").write_text(text)
    for where in REAL.values():
        shutil.copytree(REPOSITORY / "data_contracts" / where, root / "data_contracts" / where)
        path = root / "data_contracts" / where / "contract.odcs.yaml"
        contract = yaml.safe_load(path.read_text())
        contract["customProperties"].append(_SHARE)
        path.write_text(yaml.safe_dump(contract, sort_keys=False, allow_unicode=True))
    shutil.copytree(REPOSITORY / "data_contracts/ledger", root / "data_contracts/ledger")
    (root / "headgate.toml").write_text('lake = "lake"\nmax_record_bytes = 20000\n')
