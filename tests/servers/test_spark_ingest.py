"""Ingest on Spark beside ingest on DuckDB: the same deliveries, the same tables, accounts and reasons."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from headgate.lake.engines.spark import session as spark_session
from tests.servers import both_contracts
from tests.servers.both_contracts import CONTRACTS, EDGES, ROOMS, STAFF, THINGS
from tests.servers.both_engines import Pair, account, configure, lay_out

pytestmark = pytest.mark.servers
IRC, MESSAGES, REACTIONS = "bronze.irc.messages", "bronze.chat.messages", "bronze.chat.reactions"


@pytest.fixture(scope="module")
def pair(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Two empty lakes."""
    folder = tmp_path_factory.mktemp("both")
    made = {
        e: lay_out(folder / e, e, CONTRACTS, ("irc/bronze_*", "chat/bronze_*"))
        for e in ("duckdb", "spark")
    }
    return Pair(**made)


def same(pair: Pair, sources: dict[str, list[Path]]) -> dict[str, tuple[int, int]]:
    """Deliver to both and compare everything; rows of each table and of its quarantine."""
    first, second = pair.deliver(sources)
    assert first.problems == second.problems == ()
    ours, theirs = ([account(b) for b in r.batches] for r in (first, second))
    for mine, other in zip(ours, theirs, strict=True):
        assert mine == other
    assert sum(map(len, sources.values())) <= len(ours)
    return {dataset: pair.equal(dataset) for dataset in sources}


def test_every_type_at_its_ends(pair: Pair, tmp_path: Path) -> None:
    found = same(pair, {EDGES: both_contracts.edges(tmp_path)})
    rows, aside = found[EDGES]
    assert rows + aside == 51 and aside > 15


def test_edits_repeats_contradictions_tombstones_and_a_parent_that_comes_late(
    pair: Pair, tmp_path: Path
) -> None:
    first, second = both_contracts.things(tmp_path)
    staff = both_contracts.jsonl(tmp_path / "staff1.jsonl", [{"name": "ada"}])
    found = same(pair, {STAFF: [staff], THINGS: [first]})
    assert found[THINGS][1] >= 9
    late = both_contracts.jsonl(tmp_path / "staff2.jsonl", [{"name": "eve"}])
    found = same(pair, {STAFF: [late], THINGS: [second]})
    rows, _ = found[THINGS]
    assert rows > 30
    snapshot = pair.spark.lake.snapshot(THINGS)
    assert snapshot is not None and snapshot.meta is not None


def test_snapshots_delete_what_they_lack(pair: Pair, tmp_path: Path) -> None:
    first, second = both_contracts.rooms(tmp_path)
    assert same(pair, {ROOMS: [first]})[ROOMS] == (3, 2)
    # A.3 is gone, A.2 is delivered though set aside, and B is none of its business.
    assert same(pair, {ROOMS: [second]})[ROOMS][0] == 2


def test_real_logs_with_faults(pair: Pair, irc_corpus: Path, tmp_path: Path) -> None:
    with gzip.open(irc_corpus, "rt") as source:
        lines = [next(source) for _ in range(4_000)]
    again = json.loads(lines[2_050])
    faults = [
        '{"cut', json.dumps({**again, "text": "another"}), json.dumps({**again, "line": -1}),
        lines[2_051].rstrip(), json.dumps({**json.loads(lines[9]), "date": "2001-01-01"}),
    ]  # fmt: skip
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"]
    paths[0].write_text("".join(lines[:2_000]))
    with gzip.open(paths[1], "wt") as target:
        target.write("".join(lines[2_000:]) + "\n".join(faults) + "\n")
    rows, aside = same(pair, {IRC: paths})[IRC]
    assert rows > 3_900 and aside >= 4


def test_real_exports_and_broken_ones(pair: Pair, real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "discord_export_fixtures"
    exports = sorted(folder.rglob("*.json"), key=lambda p: -p.stat().st_size)[:2]
    document = json.loads(exports[0].read_text())
    document["messages"][0]["timestamp"] = "yesterday"
    document["messages"][1]["id"] = None
    document["exportedAt"] = "2027-01-01T00:00:00+00:00"
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(document))
    cut = tmp_path / "cut.json"
    cut.write_text(exports[0].read_text()[:-400])
    found = same(pair, {MESSAGES: [*exports, broken, cut]})
    assert found[MESSAGES][0] > 0


def test_a_file_that_takes_too_much_is_one_record_set_aside(pair: Pair, tmp_path: Path) -> None:
    file = both_contracts.jsonl(tmp_path / "staff3.jsonl", [{"name": "fay"}])
    few = 'reader_memory = "40MB"\n'
    roots = {e: p.settings.root for e, p in (("duckdb", pair.duckdb), ("spark", pair.spark))}
    scarce = Pair(**{e: configure(root, e, few) for e, root in roots.items()})
    before = pair.equal(STAFF)
    assert same(scarce, {STAFF: [file]})[STAFF] == (before[0], before[1] + 1)
    again = Pair(**{e: configure(root, e) for e, root in roots.items()})
    assert same(again, {STAFF: [file]})[STAFF] == (before[0] + 1, before[1] + 1)


def test_the_session_means_what_contracts_mean(spark: Any) -> None:
    for key, value in spark_session.MEANING.items():
        assert spark.conf.get(key) == value
