"""The fast path takes only what the exact path takes, and gives the same values."""

from __future__ import annotations

import json
import random
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from headgate.ingest.exact import ExactRecords
from headgate.ingest.lines import layout, proof
from tests.unit.ingest import reading, writing

ALL = reading.contract(writing.COLUMNS)


@pytest.mark.parametrize("seed", range(40))
def test_fast_and_exact_together_are_the_oracle(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    how = writing.style(rng)
    data = writing.file(rng, how, 400, damaged=rng.choice([0.0, 0.02, 0.3]))
    reading.check(tmp_path / "rows.jsonl", data, ALL)


@pytest.mark.parametrize("seed", range(100, 112))
def test_fields_under_other_names(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    renamed = {f"column {i}<-{n}": t for i, (n, t) in enumerate(writing.COLUMNS.items())}
    data = writing.file(rng, writing.style(rng), 300, damaged=0.2)
    reading.check(tmp_path / "rows.jsonl", data, reading.contract(renamed))


@pytest.mark.parametrize("comma", [", ", ","])
@pytest.mark.parametrize("colon", [": ", ":"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_clean_files_are_proven_whole(tmp_path: Path, comma: str, colon: str, end: str) -> None:
    rng = random.Random(5)
    columns = {k: v for k, v in writing.COLUMNS.items() if v != "json"}
    how = writing.Style(
        comma=comma, colon=colon, end=end, order=tuple(columns), optional=frozenset({"note"})
    )
    rows = [writing.record(rng, how, n) | {"tags": ["a", "b"], "score": 0.5} for n in range(2000)]
    data = b"".join(map(how.line, rows))
    found = reading.check(tmp_path / "rows.jsonl", data, reading.contract(columns))
    # What is left are rare escapes and decimals such as 1E+1; nothing else may be slow.
    assert len(found.proven) > 0.75 * len(rows)


def test_a_first_field_may_be_missing(tmp_path: Path) -> None:
    lines = [{"a": 1, "b": "x"}, {"b": "y"}, {"a": 2, "b": "z"}, {}, {"a": 3}] * 20
    data = b"".join(json.dumps(x).encode() + b"\n" for x in lines)
    found = reading.check(
        tmp_path / "rows.jsonl", data, reading.contract({"a": "long", "b": "string"})
    )
    assert len(found.proven) >= 60


ALPHABETS = {
    "string": ["\\", '"', "u", "0", "5", "c", "n", "a", "/", "é", ",", ":", " ", "}", "\\u005c"],
    "array<string>": ["\\", '"', "u", "0", "5", "c", ",", '", "', "[", "]", "a", "null", "1"],
}


def prove(kind: str, sample: str, texts: list[str]) -> int:
    """Hold texts of one field against a layout learned from ``sample``; how many were proven."""
    columns = reading.contract({"a": kind}).columns
    learned = layout.learn([f'{{"a": {sample}}}\n'.encode()] * 9, columns)
    lines = [f'{{"a": {text}}}\n' for text in texts]
    con = duckdb.connect()
    con.execute("SET threads = 2")
    con.register("src", pa.table({"line": lines, "_position": range(len(lines))}))
    for name, value in proof.SETTINGS.items():
        con.execute(f"SET {name} = '{value}'")
    sql = proof.relation("src", columns, learned)
    proven = con.execute(f"SELECT a, _position FROM {sql}").fetchall()
    records = ExactRecords(columns, max_nesting=99, max_record_bytes=999)
    for value, position in proven:
        row = records.read(position, lines[position][:-1].encode())
        assert row.values is not None, (lines[position], value, row)
        assert reading.same(row.values["a"], value), (lines[position], value, row)
    return len(proven)


@pytest.mark.parametrize("sample", ["x", 'x \\" \\\\ \\n \\u00e9'])
@pytest.mark.parametrize("kind", ALPHABETS)
def test_no_text_pretends_to_be_another(kind: str, sample: str) -> None:
    """What a few treacherous characters can spell, with and without learned escapes."""
    rng = random.Random(11)
    start, stop = ('"', '"') if kind == "string" else ('["', '"]')
    texts = [
        start + "".join(rng.choices(ALPHABETS[kind], k=rng.randrange(9))) + stop
        for _ in range(60_000)
    ]
    assert prove(kind, start + sample + stop, texts) > 1000


@pytest.mark.parametrize("sample", ["1", "1.5", "1.50"])
@pytest.mark.parametrize(
    "kind", ["double", "decimal(6,2)", "decimal(38,10)", "long", "integer", "array<double>"]
)
def test_no_number_pretends_to_be_another(kind: str, sample: str) -> None:
    rng = random.Random(13)
    signs = [*"0123456789.-+eE", "true", "null", "NaN", "Infinity", "[", "]", '"', "00", "99"]
    texts = []
    for _ in range(8_000):
        texts.append("".join(rng.choices(signs, k=rng.randrange(1, 7))))
        digits = str(rng.getrandbits(rng.randrange(1, 70)))
        at = rng.randrange(len(digits) + 1)
        texts.append(f"{digits[:at] or '0'}.{digits[at:] or '0'}")
        texts.append(f"{digits}{rng.choice(['', 'e5', 'e-3', 'e300', '.0', '.50'])}")
        texts.append(repr(rng.random() * 10 ** rng.randrange(-20, 20)))
    if kind.startswith("array"):
        sample, texts = f"[{sample}, {sample}]", [f"[{t}, {sample}]" for t in texts]
    assert prove(kind, sample, texts) > 100


TEMPLATES = [
    "2024-02-29T23:59:58.316Z", "2024-02-29T23:59:58Z", "2024-02-29T23:59:58.316123+00:00",
    "2024-02-29T23:59:58+05:30", "2024-02-29 23:59:58.316123", "2024-02-29T23:59Z", "2024-02-29",
]  # fmt: skip


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_text_pretends_to_be_an_instant(template: str) -> None:
    rng = random.Random(17)
    signs = [*" +-.:T0123456789eZW", "é", "１", "\u00a0", ""]
    texts = [f'"{x}"' for x in writing.ODD_INSTANTS]
    for _ in range(30_000):
        text = list(template)
        for at in rng.sample(range(len(text)), rng.randrange(1, 5)):
            text[at] = rng.choice(signs if rng.random() < 0.5 else "0123456789")
        texts.append(f'"{"".join(text)}"')
    kind = "date" if len(template) == 10 else "timestamp"
    assert prove(kind, f'"{template}"', texts) > 100


def test_fields_that_differ_only_in_case_are_told_apart(tmp_path: Path) -> None:
    data = b'{"a": 1, "A": 2}\n{"A": 3}\n' * 10
    found = reading.check(
        tmp_path / "rows.jsonl", data, reading.contract({"a": "long", "b<-A": "long"})
    )
    assert found.values[1] == {"a": 1, "b": 2, "_rescued": None}
    assert len(found.proven) == 20  # by shape: the engine itself knows no case


def test_a_file_of_no_layout_is_read_all_the_same(tmp_path: Path) -> None:
    rng = random.Random(3)
    data = b"".join(
        writing.style(rng).line({"a": n, "b": "x"} if n % 3 else {"b": "x", "a": n})
        for n in range(500)
    )
    found = reading.check(
        tmp_path / "rows.jsonl", data, reading.contract({"a": "long", "b": "string"})
    )
    assert len(found.values) == 500
