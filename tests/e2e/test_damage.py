"""Damaged deliveries: every line accounted for with the right reason, and nothing lost once mended."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.orchestration.replay import replay
from headgate.orchestration.run import run
from headgate.quality.quarantine import list_rows
from tests.conftest import make_project
from tests.damage import DEDUPLICATED, ENVIRONMENT, KINDS, damage
from tests.e2e.released import hashes

# One worker runs all of this file, so that its lake is made once.
pytestmark = pytest.mark.xdist_group("damage")
BRONZE = "bronze.irc.messages"


@pytest.fixture(scope="module")
def lines(irc_corpus: Path) -> list[bytes]:
    """A part of the real corpus with several years in it."""
    with gzip.open(irc_corpus, "rb") as source:
        every = source.read().splitlines()
    return every[:20_000] + every[100_000:120_000]


@pytest.fixture(scope="module")
def clean(lines: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the tables are when the delivery is whole."""
    folder = tmp_path_factory.mktemp("clean")
    (folder / "day.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    project = make_project(folder / "project")
    report = run(project, sources={BRONZE: [str(folder / "day.jsonl")]})
    assert report.exit_code == 0, report.problems
    (batch,) = report.batches
    assert (batch.read, batch.published, batch.quarantined) == (40_000, 40_000, 0)
    return hashes(project)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_damaged_line_is_accounted_for_and_mending_the_file_restores_the_tables(
    lines: list[bytes],
    clean: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    project = make_project(tmp_path / "project")
    delivery = tmp_path / "day.jsonl"
    done = damage(lines, delivery, each=20, seed=seed)
    assert len(KINDS) >= 20

    report = run(project, sources={BRONZE: [str(delivery)]})

    assert not report.problems
    (batch,) = report.batches
    assert batch.read == done.records
    assert batch.quarantined == done.quarantined
    assert batch.deduplicated == done.of(DEDUPLICATED)
    assert batch.published == done.records - done.quarantined - done.of(DEDUPLICATED)
    kept = list_rows(project.lake, project.contracts[BRONZE], limit=None)
    found = {r.position: {str(reason["code"]) for reason in r.reasons} for r in kept}
    expected = {p: e for p, e in done.ends.items() if e not in ("published", DEDUPLICATED)}
    wrong = {p: (e, found.get(p)) for p, e in expected.items() if e not in found.get(p, set())}
    assert not wrong and found.keys() == expected.keys()
    with connect(project.settings) as con:
        snapshot = project.lake.snapshot(BRONZE)
        assert snapshot is not None
        rescued = con.execute(
            f"SELECT _rescued, count(*) FROM {snapshot.relation()} WHERE _rescued IS NOT NULL GROUP BY 1"
        ).fetchall()
    assert rescued == [('{"mood":"merry"}', 20)]
    assert hashes(project) != clean

    delivery.write_bytes(b"\n".join(lines) + b"\n")
    again = run(project, sources={BRONZE: [str(delivery)]})

    assert again.exit_code == 0, again.problems
    (batch,) = again.batches
    assert batch.read == len(lines) == batch.published + batch.deduplicated
    assert hashes(project) == clean
    assert not list_rows(project.lake, project.contracts[BRONZE], limit=None)
    closed = list_rows(project.lake, project.contracts[BRONZE], state="superseded", limit=None)
    assert len(closed) == done.quarantined


def test_rows_that_a_rule_refused_come_back_when_the_rule_is_mended_and_they_are_replayed(
    lines: list[bytes], clean: dict[str, str], tmp_path: Path
) -> None:
    project = make_project(tmp_path / "project")
    delivery = tmp_path / "day.jsonl"
    delivery.write_bytes(b"\n".join(lines) + b"\n")
    contract = tmp_path / "project/data_contracts/irc/bronze_messages/contract.odcs.yaml"
    good = contract.read_text()
    strict = good.replace("validValues: [message, action, system, unparsed]",
                          "validValues: [message, system, unparsed]")  # fmt: skip
    assert strict != good
    contract.write_text(strict)
    actions = sum(b'"type": "action"' in line for line in lines)
    assert actions

    report = run(Project.open(project.settings.root), sources={BRONZE: [str(delivery)]})

    assert report.exit_code == 0
    assert report.batches[0].quarantined == actions
    assert hashes(project) != clean
    contract.write_text(good)
    mended = Project.open(project.settings.root)

    back = replay(mended, BRONZE)

    assert back.exit_code == 0, back.problems
    assert sum(b.published for b in back.batches) == actions
    assert hashes(mended) == clean
    assert not list_rows(mended.lake, mended.contracts[BRONZE], limit=None)


def test_too_many_bad_rows_refuse_the_batch_and_leave_the_tables_as_they_were(
    lines: list[bytes], tmp_path: Path
) -> None:
    project = make_project(tmp_path / "project")
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    first.write_bytes(b"\n".join(lines[:5_000]) + b"\n")
    assert run(project, sources={BRONZE: [str(first)]}).exit_code == 0
    before = hashes(project)
    bad = [line if i % 5 else line[:-9] for i, line in enumerate(lines[5_000:10_000])]
    second.write_bytes(b"\n".join(bad) + b"\n")

    report = run(project, sources={BRONZE: [str(second)]})

    assert report.exit_code == 1
    (batch,) = report.batches
    assert (batch.outcome, batch.read, batch.refused) == ("refused", 5_000, 5_000)
    assert any("max_quarantine_share" in p for p in batch.problems)
    assert hashes(project) == before


def test_a_replayed_row_does_not_undo_what_was_delivered_later(
    lines: list[bytes], tmp_path: Path
) -> None:
    project = make_project(tmp_path / "project")
    row = next(json.loads(line) for line in lines if b'"type": "message"' in line)
    late = {**row, "text": "as it should be"}
    for name, rows in (
        ("old", [{**row, "text": "x" * 600}, *_others(lines)]),
        ("new", [late]),
        ("newest", [{**row, "line": row["line"] + 10**6, "text": "y" * 600}, *_others(lines)]),
    ):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
        run(project, sources={BRONZE: [str(tmp_path / f"{name}.jsonl")]})
    assert len(list_rows(project.lake, project.contracts[BRONZE], limit=None)) == 2
    contract = project.contracts[BRONZE].path
    contract.write_text(contract.read_text().replace("maxLength: 512", "maxLength: 1024"))

    back = replay(Project.open(project.settings.root), BRONZE)

    assert [(b.read, b.published, b.deduplicated) for b in back.batches] == [(1, 1, 0), (1, 0, 1)]
    snapshot = project.lake.snapshot(BRONZE)
    assert snapshot is not None
    with connect(project.settings) as con:
        texts = con.execute(
            f"SELECT line, text FROM {snapshot.relation()} WHERE file = ? AND line IN (?, ?)",
            [row["file"], row["line"], row["line"] + 10**6],
        ).fetchall()
    assert sorted(texts) == [(row["line"], "as it should be"), (row["line"] + 10**6, "y" * 600)]


def _others(lines: list[bytes]) -> list[dict[str, object]]:
    """Enough good rows that one bad one is no large share."""
    return [json.loads(line) for line in lines[100:200]]
