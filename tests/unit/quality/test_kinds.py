"""The registry of rule kinds: whole, documented, tested, and reachable from a contract."""

from __future__ import annotations

import pkgutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from headgate.contracts.rules import rules_of
from headgate.quality import kinds
from headgate.quality.kind import Kind, RowKind, TableKind
from headgate.quality.predicates import compile_row_rules
from headgate.quality.table_rules import compile_table_rules
from tests.unit.quality.judging import contract

MODULES = sorted(m.name for m in pkgutil.iter_modules(kinds.__path__))
TYPES = {
    **{"minimum": "long", "maximum": "date", "multiple_of": "decimal(5,2)"},
    **dict.fromkeys(("min_items", "max_items", "unique_items"), "array<long>"),
    **dict.fromkeys(("min_properties", "max_properties", "required_properties"), "json"),
}


@pytest.mark.parametrize("module", MODULES)
def test_each_module_has_its_test(module: str) -> None:
    assert (Path(__file__).parent / "kinds" / f"test_{module}.py").is_file()


@pytest.mark.parametrize("kind", kinds.REGISTRY.values(), ids=lambda k: k.name)
def test_each_kind_documents_itself(kind: Kind) -> None:
    assert isinstance(kind, RowKind | TableKind)
    assert kind.scope in ("row", "table")
    assert kind.doc[0].isupper()
    assert kind.doc.endswith((".", ")"))
    assert kind.example
    assert all(kind.arguments.values())
    assert kind.expectation.startswith(("expect_", "unexpected_rows_"))
    if isinstance(kind, TableKind):
        ways = (kind.aggregate, kind.query, kind.own)
        assert sum(way is not None for way in ways) == 1


@pytest.mark.parametrize("kind", kinds.REGISTRY.values(), ids=lambda k: k.name)
def test_what_a_kind_says_of_odcs_makes_a_rule_of_that_kind(kind: Kind) -> None:
    written: dict[str, Any] = yaml.safe_load("{" + kind.odcs + "}")
    quality = written.keys() & {"metric", "type"}
    prop: dict[str, Any] = {"name": "line", "logicalType": "string"}
    table: dict[str, Any] = {"properties": [prop, {"name": "file"}]}
    whole = kind.name in ("row_count", "duplicate_count", "sql")
    if quality:
        (table if whole else prop)["quality"] = [written]
    else:
        prop |= written
    found = rules_of(table, "contract.odcs.yaml#/schema/0")
    # A time of day is a text of that form, too.
    (rule,) = [r for r in found if r.kind == kind.name or written.get("logicalType") != "time"]
    assert (rule.kind, rule.scope) == (kind.name, kind.scope)
    assert set(rule.arguments) - {"unit", "columns"} <= set(kind.arguments) | {"operator", "value"}
    columns = {"line": TYPES.get(kind.name, "string"), "file": "string"}
    columns |= {"ended_at": "timestamp", "started_at": "timestamp"}
    made = contract(columns, rule)
    compiled = compile_row_rules(made, parents={rule.id: "(SELECT 'x' AS k0)"})
    assert len(compiled) + len(compile_table_rules(made)) == 1
