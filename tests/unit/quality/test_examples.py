"""Judging contracts by their examples."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from headgate.contracts import examples as loading
from headgate.contracts.load import load_all
from headgate.contracts.model import Contract, SourceSpec
from headgate.core.errors import ContractError
from headgate.quality.examples import check_examples
from tests.unit.quality.judging import contract, rule

REPOSITORY = Path(__file__).resolve().parents[3]
RULES = (rule("required", "id"), rule("max_length", "text", value=3), rule("minimum", "n", value=0))
COLUMNS = {"id": "string", "text": "string", "n": "long"}


def written(folder: Path, valid: str, invalid: str, **changes: Any) -> Contract:
    """A contract in the folder with these two files of examples."""
    made = contract(COLUMNS, *RULES)
    made = dataclasses.replace(made, path=folder / "contract.odcs.yaml", **changes)
    made.examples_path.mkdir()
    (made.examples_path / "valid.jsonl").write_text(valid, "utf-8")
    (made.examples_path / "invalid.jsonl").write_text(invalid, "utf-8")
    return made


def lines(*rows: Any) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


GOOD = lines({"id": "a", "text": "👍🏽e", "n": 0}, {"id": "b"})
BAD = lines(
    {"row": {"id": None, "text": "long", "n": 1}, "breaks": ["text.max_length", "id.required"]},
    {"row": {"id": "a", "n": -1}, "breaks": ["n.minimum"]},
)


def test_good_examples_tell_of_nothing(tmp_path: Path) -> None:
    assert check_examples(written(tmp_path, GOOD, BAD)) == []


def test_a_row_that_does_not_do_as_it_says_is_told_with_its_line(tmp_path: Path) -> None:
    made = written(
        tmp_path,
        GOOD + lines({"id": None, "n": -1}),
        BAD
        + lines(
            {"row": {"id": "a"}, "breaks": ["n.minimum"]},
            {"row": {"id": None, "n": -1}, "breaks": ["n.minimum"]},
        ),
    )
    valid, first, second = check_examples(made)
    assert valid == (
        f"{tmp_path}/examples/valid.jsonl:3: this row breaks id.required, n.minimum, "
        "and should hold every rule."
    )
    assert "invalid.jsonl:3: this row breaks no rule, and should break n.minimum." in first
    assert "invalid.jsonl:4: this row breaks id.required, n.minimum, and should break" in second


@pytest.mark.parametrize(
    ("valid", "invalid", "why"),
    [
        ("", BAD, "there are no examples"),
        (GOOD, "{", "invalid.jsonl:1: not JSON"),
        (GOOD, lines({"id": None}), "no example of a bad row"),
        (GOOD, lines({"row": {"id": None}, "breaks": []}), "no example of a bad row"),
        (lines([1]), BAD, "valid.jsonl:1: a row is a JSON object"),
        (lines({"id": "a", "other": 1}), BAD, "has no column 'other'"),
        (lines({"id": 5}), BAD, "column 'id': expected string, got 5"),
        (lines({"id": "a", "n": "5"}), BAD, "column 'n': expected long, got '5'"),
        (lines({"id": "a", "n": 1.5}), BAD, "column 'n': expected long"),
        (lines({"id": "a", "n": 2**63}), BAD, "column 'n': expected long"),
        ('{"id": "a", "id": "b"}\n', BAD, "appears twice"),
    ],
)
def test_a_line_that_is_no_example_is_told(
    tmp_path: Path, valid: str, invalid: str, why: str
) -> None:
    (told,) = check_examples(written(tmp_path, valid, invalid))
    assert why in told


def test_missing_files_and_wrong_rules_are_told(tmp_path: Path) -> None:
    made = dataclasses.replace(contract(COLUMNS, *RULES), path=tmp_path / "contract.odcs.yaml")
    assert "valid.jsonl: cannot be read" in check_examples(made)[0]
    odd = written(tmp_path, GOOD, BAD, rules=(rule("pattern", "text", value="(?=x)"),))
    assert "invalid perl operator" in check_examples(odd)[0]


def test_a_line_separator_within_a_text_ends_no_line(tmp_path: Path) -> None:
    made = written(tmp_path, lines({"id": "a\u2028b\u0085"}), BAD)
    assert check_examples(made) == []


def test_sources_may_name_their_own_fields(tmp_path: Path) -> None:
    made = written(tmp_path, lines({"ID": "a", "text": "abc"}), BAD, source=SourceSpec("jsonl"))
    fields = {"id": "ID"}
    columns = tuple(dataclasses.replace(c, field=fields.get(c.name, c.name)) for c in made.columns)
    found = loading.load(dataclasses.replace(made, columns=columns))
    assert (found[0].row["id"], found[0].row["_source"]) == ("a", None)


@pytest.mark.parametrize(
    ("value", "kind", "means"),
    [
        (None, "long", None), (5, "double", 5.0), (Decimal("1.0"), "long", 1), (True, "boolean", True),
        (Decimal("1.50"), "decimal(5,2)", Decimal("1.50")), (7, "decimal(5,2)", Decimal("7.00")),
        ("2004-01-31", "date", dt.date(2004, 1, 31)), ([1, None], "array<long>", [1, None]),
        ("2004-01-31T12:00:00+02:00", "timestamp", dt.datetime(2004, 1, 31, 10, tzinfo=dt.UTC)),
        ({"b": 1, "a": [2]}, "json", '{"a":[2],"b":1}'), ('{"a": 1}', "json", '{"a": 1}'),
    ],
)  # fmt: skip
def test_values_are_taken_as_the_columns_type(value: Any, kind: str, means: Any) -> None:
    assert loading.typed(value, kind) == means


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "long"), (1, "boolean"), ("1", "long"), (1, "string"), (Decimal("1.5"), "long"),
        (Decimal("0.001"), "decimal(5,2)"), (1000, "decimal(5,2)"), (Decimal("1e999"), "double"),
        (Decimal("1e999999999"), "long"), ("31.1.2004", "date"), ("soon", "timestamp"),
        ([1, "x"], "array<long>"), ("x", "array<string>"), (2**31, "integer"),
    ],
)  # fmt: skip
def test_values_that_would_be_bent_are_refused(value: Any, kind: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        loading.typed(value, kind)


def test_the_contracts_here_hold_by_their_own_examples() -> None:
    for made in load_all(REPOSITORY / "data_contracts").values():
        assert check_examples(made) == [], made.id


def test_an_unreadable_example_is_a_contract_error(tmp_path: Path) -> None:
    with pytest.raises(ContractError) as caught:
        loading.load(written(tmp_path, GOOD, "nonsense"))
    assert caught.value.place.endswith("invalid.jsonl:1")
