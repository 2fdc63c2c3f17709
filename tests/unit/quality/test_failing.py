"""Every failing row's key with the rules that it breaks, against plain Python, in each file format."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from headgate.core.errors import UsageError
from headgate.quality import failing
from headgate.quality.predicates import compile_row_rules
from tests.unit.quality.judging import contract, rule, table

COLUMNS = {"id": "long", "size": "long", "word": "string"}
RULES = (
    rule("minimum", "size", value=10),
    rule("maximum", "size", value=90),
    rule("required", "word"),
    rule("max_length", "word", value=3),
)


def broken(row: dict[str, Any]) -> list[str]:
    size, word = row["size"], row["word"]
    found = [
        ("size.minimum", size is not None and size < 10),
        ("size.maximum", size is not None and size > 90),
        ("word.required", word is None),
        ("word.max_length", word is not None and len(word) > 3),
    ]
    return [name for name, breaks in found if breaks]


@pytest.mark.parametrize("seed", range(3))
def test_every_failing_key_is_written_with_its_rules(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    rows = [
        {
            "id": i,
            "size": chance.choice([None, *range(101)]),
            "word": chance.choice(["ab", None, "abcd"]),
        }
        for i in range(500)
    ]
    expected = {row["id"]: broken(row) for row in rows if broken(row)}
    of = contract(COLUMNS, *RULES)
    rules = compile_row_rules(of)
    con, path = table(COLUMNS, rows), tmp_path / "failing.parquet"

    failing.write(con, of, rules, "rows", path)

    written = pq.read_table(path).to_pylist()
    assert {r["id"]: r["broken_rules"] for r in written} == expected
    assert len(written) == len(expected)
    results = failing.results(con, rules, path, len(rows))
    told = {r.rule_id: (r.breaches, r.passed, r.observed) for r in results}
    for one in RULES:
        count = sum(one.id in names for names in expected.values())
        assert told[one.id] == (count, count == 0, f"{count} of 500 rows")
    first = sorted(i for i, names in expected.items() if "word.required" in names)[:2]
    assert failing.examples(con, of, path, 2)["word.required"] == tuple((str(i),) for i in first)

    failing.export(con, path, tmp_path / "k.csv")
    with open(tmp_path / "k.csv", newline="") as file:
        assert {int(r["id"]): r["broken_rules"].split() for r in csv.DictReader(file)} == expected
    failing.export(con, path, tmp_path / "k.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "k.jsonl").read_text().splitlines()]
    assert {r["id"]: r["broken_rules"] for r in lines} == expected


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"End it in \.parquet, \.jsonl, \.csv"):
        failing.check(tmp_path / "keys.xlsx")
    path = tmp_path / "failing.parquet"
    of, con = contract(COLUMNS, *RULES), table(COLUMNS, [])
    failing.write(con, of, compile_row_rules(of), "rows", path)
    with pytest.raises(UsageError, match="cannot write"):
        failing.export(con, path, tmp_path / "nowhere" / "k.csv")
