"""Real files: the IRC corpus, the JSON test suite, the naughty strings, GitHub's events."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.unit.ingest import reading

IRC = reading.contract(
    {
        "file": "string",
        "line": "long",
        "channel": "string",
        "time": "string",
        "author": "string",
        "type": "string",
        "text": "string",
        "reply_to": "array<long>",
        "date": "date",
    }
)
ANY = reading.contract({"v": "json"})


def test_the_irc_corpus_is_proven_but_for_a_few_lines(irc_corpus: Path) -> None:
    """Every row of both paths equals what the standard library says of its line."""
    found = reading.read(irc_corpus, IRC)
    assert found.reader.read == 220_463
    assert not found.codes
    share = len(found.proven) / found.reader.read
    print(f"proven: {share:.4%}, {len(found.exact)} lines were looked at exactly")
    assert share > 0.999
    values = found.values
    with gzip.open(irc_corpus, "rt", encoding="utf-8") as lines:
        for position, line in enumerate(lines, 1):
            row, expected = values[position], json.loads(line)
            assert row.pop("_rescued") is None
            row["date"] = str(row["date"])
            assert {k: v for k, v in row.items() if v is not None or k in expected} == expected


def test_the_irc_corpus_in_other_layouts(irc_corpus: Path, tmp_path: Path) -> None:
    with gzip.open(irc_corpus, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for _, line in zip(range(30_000), lines, strict=False)]
    for name, options in {
        "compact": {"separators": (",", ":")},
        "unescaped": {"ensure_ascii": False},
        "sorted": {"sort_keys": True},
    }.items():
        data = "".join(json.dumps(r, **options) + "\n" for r in records).encode()  # type: ignore[arg-type]
        found = reading.check(tmp_path / f"{name}.jsonl", data, IRC)
        assert len(found.proven) > 0.999 * len(records), name


def suite(real_data: Path) -> list[Path]:
    return sorted((real_data / "bad_json" / "test_parsing").glob("*.json"))


def test_the_json_test_suite_as_records(real_data: Path, tmp_path: Path) -> None:
    """y_ is taken if it is an object, n_ is refused; each between two good lines."""
    paths = suite(real_data)
    assert len(paths) > 300
    good = b'{"v":1}'
    tried = 0
    for path in paths:
        text = path.read_bytes()
        if b"\n" in text.rstrip(b"\n"):
            continue
        tried += 1
        data = b"\n".join([good, text.rstrip(b"\n"), good]) + b"\n"
        found = reading.check(tmp_path / path.name, data, ANY)
        assert found.reader.read == 3
        codes = found.codes.get(2, [])
        if path.name.startswith("n_"):
            assert codes, path.name
            assert codes[0] not in ("not_an_object", "type_mismatch"), path.name
        elif path.name.startswith("y_"):
            expected = json.loads(text)
            if not isinstance(expected, dict):
                assert codes == ["not_an_object"], path.name
            elif "duplicated" in path.name:
                assert codes == ["duplicate_field"], path.name
            else:
                assert not codes, path.name
                rescued = found.values[2]["_rescued"]
                assert (json.loads(rescued) if rescued else {}) == expected, path.name
    assert tried > 290


def test_the_json_test_suite_as_values(real_data: Path, tmp_path: Path) -> None:
    """As the value of a field, all of y_ is kept word for word and all of n_ is refused."""
    good, names = [], []
    data = b'{"v":1}\n'
    for path in suite(real_data):
        text = path.read_bytes()
        if b"\n" not in text and path.name[:2] in ("y_", "n_"):
            names.append(path.name)
            good.append(text)
            data += b'{"v":' + text + b"}\n"
    found = reading.check(tmp_path / "x.jsonl", data, ANY)
    for position, (name, text) in enumerate(zip(names, good, strict=True), 2):
        if name == "n_structure_object_with_trailing_garbage.json" or not text.strip():
            continue
        refused = position in found.codes
        if name.startswith("y_") and "duplicated" not in name:
            assert not refused, name
            kept = found.values[position]["v"]
            assert json.loads(text) is None or json.loads(kept) == json.loads(text), name
        elif name.startswith("n_"):
            # Some become JSON in a field: '1}' closes the object, ',"a":1' adds a field.
            assert refused or json.loads(b'{"v":' + text + b"}") is not None, name


@pytest.mark.parametrize("ascii_only", [True, False])
def test_naughty_strings_come_back(real_data: Path, tmp_path: Path, ascii_only: bool) -> None:
    strings = json.loads((real_data / "bad_naughty_strings" / "blns.json").read_text("utf-8"))
    assert len(strings) > 500
    lines = [
        json.dumps({"text": s, "n": n}, ensure_ascii=ascii_only) for n, s in enumerate(strings)
    ]
    data = "\n".join(lines).encode()
    found = reading.check(
        tmp_path / "x.jsonl", data, reading.contract({"text": "string", "n": "long"})
    )
    assert [row["text"] for row in found.values.values()] == strings


def test_github_events_keep_their_nested_parts(real_data: Path) -> None:
    path = next((real_data / "events_github").glob("*.jsonl"))
    of = reading.contract(
        {"id": "string", "type": "string", "actor": "json", "payload": "json",
         "public": "boolean", "created_at": "timestamp"}
    )  # fmt: skip
    found = reading.read(path, of)
    reading.assert_exact(found, path.read_bytes(), of)
    assert found.reader.read == 800
    assert not found.codes
    for position, line in enumerate(path.read_bytes().splitlines(), 1):
        expected, row = json.loads(line), found.values[position]
        assert json.loads(row["payload"]) == expected["payload"]
        assert row["created_at"].isoformat() == expected["created_at"].replace("Z", "+00:00")
