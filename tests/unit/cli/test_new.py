"""Drafting: types are the narrowest that lose nothing, names are columns' names."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from headgate.cli.new import draft, sample, source
from headgate.core.errors import UsageError


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], "string"),
        ([1, 2], "long"),
        ([1, 2.5], "double"),
        ([2**63], "double"),
        ([True, False], "boolean"),
        ([True, 1], "json"),
        (["a", "b"], "string"),
        (["2024-05-01"], "date"),
        (["2024-05-01", "soon"], "string"),
        (["2024-05-01T09:30:00Z", "2024-05-01T09:30:00.5+02:00"], "timestamp"),
        (["2024-05-01T09:30:00"], "string"),  # without a zone it is no instant
        ([[1, 2], []], "array<long>"),
        ([[1, "a"]], "json"),
        ([[{"a": 1}]], "json"),
        ([{"a": 1}], "json"),
        ([1, "a"], "json"),
    ],
)
def test_the_type_is_the_narrowest(values: list[object], expected: str) -> None:
    assert source.type_of(values) == expected


@pytest.mark.parametrize(
    ("field", "column"),
    [("id", "id"), ("customerEmail", "customer_email"), ("Placed At", "placed_at"),
     ("2nd", "c_2nd"), ("_private", "private"), ("%", "column"), ("HTTPCode", "httpcode")],
)  # fmt: skip
def test_a_field_gives_a_column_name(field: str, column: str) -> None:
    assert draft.snake(field) == column


def test_a_gzipped_sample_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}\n\n{"a": 2}\n'))
    assert sample.read(path).records == [{"a": 1}, {"a": 2}]


def test_a_parquet_sample_is_read(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", None]}), path)
    assert sample.read(path).records == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]


@pytest.mark.parametrize("content", [b"", b"not json\n", b"[1]\n"])
def test_a_sample_without_records_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(UsageError):
        sample.read(path)


def test_a_column_is_required_if_it_never_lacks() -> None:
    columns = source.columns_of([{"a": 1, "b": "x"}, {"a": 2}, {"a": 3, "b": None}], {})
    assert [(c.name, c.required) for c in columns] == [("a", True), ("b", False)]


def test_a_csv_sample_tells_its_dialect_and_types(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    text = (
        'Id;Zip;At;Open;"Price, net";Note;Whole\r\n'
        '1;007;2024-05-01 09:30:00;true;1.5;"a;""b""";1.0\r\n'
        "2;123;2024-05-01 09:31:00;false;NA;;2.0\r\n"
    )
    path.write_bytes(gzip.compress(text.encode("utf-8-sig")))
    found = sample.read(path)
    assert found.source == {"format": "csv", "delimiter": ";", "nulls": ["", "NA"]}
    assert found.kinds == {
        "Id": "long", "Zip": "string", "At": "timestamp", "Open": "boolean",
        "Price, net": "double", "Note": "string", "Whole": "long",
    }  # fmt: skip
    assert found.records[0] == {
        "Id": 1, "Zip": "007", "At": "2024-05-01 09:30:00", "Open": True, "Price, net": 1.5,
        "Note": 'a;"b"', "Whole": 1,
    }  # fmt: skip
    assert found.records[1]["Price, net"] is None
    assert [c.required for c in source.columns_of(found.records, found.kinds)][4:6] == [False] * 2


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ('[{"a": 1}, {"a": 2}]', "$[*]"),
        ('{"n": 2, "items": [{"a": 1}, {"a": 2}], "few": [{"b": 1}]}', "$.items[*]"),
        ('{"the items": [{"a": 1}, {"a": 2}]}', "$['the items'][*]"),
        ('{"a": 1}\n{"a": 2}\n', None),
    ],
)
def test_a_json_sample_tells_where_its_records_stand(
    tmp_path: Path, text: str, records: str | None
) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    found = sample.read(path)
    assert found.records == [{"a": 1}, {"a": 2}]
    assert found.source.get("records") == records
    assert found.source["format"] == ("json" if records else "jsonl")


@pytest.mark.parametrize("text", ["a,a\n1,2\n", "a,b\n1\n", 'a,b\n1,"x"y\n', "a,b\n", ""])
def test_a_csv_sample_with_faults_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(UsageError):
        sample.read(path)
