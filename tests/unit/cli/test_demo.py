"""The demo's faults are known: counted here again from the bytes, by other means than the maker's."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from headgate.cli import demo
from headgate.cli.demo import faults, lines

KEYS = {"file", "line", "channel", "time", "author", "type", "text", "date", "reply_to"}


def test_clean_lines_are_in_the_corpus_shape() -> None:
    for channel, date, count in lines.LOGS:
        records = lines.log(channel, date, count)
        assert [r["line"] for r in records] == list(range(count))
        for record in records:
            assert record.keys() <= KEYS
            assert len(record["text"]) <= 512
            assert (record["author"] is None) == (record["type"] == "system")
            assert all(answered < record["line"] for answered in record.get("reply_to", ()))
            assert json.loads(faults.written(record)) == record
            assert faults.written(record).decode() == json.dumps(record, ensure_ascii=False)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = demo.write(tmp_path / "a"), demo.write(tmp_path / "b")
    assert first == second
    names = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*.jsonl"))
    assert len(names) == len(lines.LOGS) + 1
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_known_totals_are_those_of_the_bytes(tmp_path: Path) -> None:
    expected = demo.write(tmp_path)
    read, unreadable, seen = 0, 0, Counter[tuple[str, int]]()
    contents: dict[tuple[str, int], set[str]] = {}
    unknown = 0
    for path in sorted((tmp_path / "logs").iterdir()):
        content = path.read_bytes()
        found = content.split(b"\n")
        read += len(found) - (found[-1] == b"")
        for line in found[: None if found[-1] else -1]:
            try:
                record = json.loads(line.decode())
                key = (record["file"], int(record["line"]))
            except (ValueError, TypeError):
                unreadable += 1
                continue
            seen[key] += 1
            contents.setdefault(key, set()).add(line.decode())
            unknown += bool(record.keys() - KEYS)
    assert expected.read == read
    assert expected.rescued == unknown
    repeated = sum(n - 1 for key, n in seen.items() if len(contents[key]) == 1)
    assert expected.deduplicated == repeated
    contradicting = sum(n for key, n in seen.items() if len(contents[key]) > 1)
    assert expected.reasons["conflicting_key"] == contradicting
    by_parsing = ("malformed_json", "empty_line", "not_an_object", "invalid_utf8", "truncated")
    assert sum(expected.reasons[code] for code in by_parsing) == unreadable
    assert expected.quarantined == sum(expected.reasons.values())
    assert expected.read == expected.published + expected.quarantined + expected.deduplicated
    assert expected.quarantined < 0.05 * expected.read


def test_the_hopeless_log_is_past_any_limit(tmp_path: Path) -> None:
    demo.write(tmp_path)
    (path,) = (tmp_path / "refused").iterdir()
    records = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert sum(r["channel"] is None for r in records) > 0.3 * len(records)
