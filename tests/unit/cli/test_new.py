"""Drafting: types are the narrowest that lose nothing, names are columns' names."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from headgate.cli.new import draft, source
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
    assert source.read_sample(path) == [{"a": 1}, {"a": 2}]


def test_a_parquet_sample_is_read(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", None]}), path)
    assert source.read_sample(path) == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]


@pytest.mark.parametrize("content", [b"", b"not json\n", b"[1]\n"])
def test_a_sample_without_records_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(UsageError):
        source.read_sample(path)


def test_a_column_is_required_if_it_never_lacks() -> None:
    columns = source.columns_of([{"a": 1, "b": "x"}, {"a": 2}, {"a": 3, "b": None}])
    assert [(c.name, c.required) for c in columns] == [("a", True), ("b", False)]
