"""The sums that reports are made of are those of the ledgers, also after more came and files were put together."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from headgate.core import clock, ids
from headgate.lake import ledger
from headgate.lake.engines.duckdb import connect
from headgate.lake.maintenance import compaction
from headgate.orchestration.project import Project
from headgate.portal.reports import runs
from headgate.portal.reports.counting import UNWRITTEN, Counts

NAMES = ("read", "published", "quarantined", "deduplicated", "refused")


def _rows(project: Project, name: str) -> list[dict[str, Any]]:
    with connect(project.settings) as con:
        return ledger.rows(project.lake, con, name, limit=100_000)


def _demand_equal(project: Project, counts: Counts) -> None:
    """Hold the sums to what plain Python makes of the ledgers' rows."""
    wanted: dict[Any, Counter[str]] = {}
    for row in _rows(project, ledger.BATCHES):
        if row["kind"] in ledger.NOT_NEWS:
            continue
        day = wanted.setdefault((row["dataset"], row["committed_at"].date()), Counter())
        day["batches"] += 1
        day["refused_batches"] += row["outcome"] == "refused"
        for name in NAMES:
            day[name] += row[name]
    found = counts.rows(
        "SELECT dataset, day, sum(batches), sum(refused_batches), "
        + ", ".join(f"sum({n})" for n in NAMES)
        + " FROM batches GROUP BY 1, 2"
    )
    assert {(d, day): rest for d, day, *rest in found} == {
        key: [c["batches"], c["refused_batches"], *(c[n] for n in NAMES)]
        for key, c in wanted.items()
    }
    judged: dict[str, list[int]] = {}
    for row in _rows(project, ledger.VERDICTS):
        if row["rule_kind"] not in UNWRITTEN and row["rule_id"] != "primary_key":
            sums = judged.setdefault(row["dataset"], [0, 0])
            sums[0] += 1
            sums[1] += row["passed"]
    found = counts.rows("SELECT dataset, sum(judged), sum(held) FROM judged GROUP BY 1")
    assert {d: [a, b] for d, a, b in found} == judged


def _enter(project: Project, days_ago: int, read: int) -> None:
    """A batch of another run, as the ledger has them."""
    row = dict(_rows(project, ledger.BATCHES)[0])
    row |= {
        "batch_id": ids.new_id(), "run_id": ids.new_id(), "kind": "ingest", "outcome": "refused",
        "version": None, "committed_at": clock.now() - timedelta(days=days_ago), "read": read,
        "published": 0, "quarantined": 0, "deduplicated": 0, "refused": read,
    }  # fmt: skip
    row = {k: v for k, v in row.items() if not k.startswith("_")}
    with connect(project.settings) as con:
        ledger.append(
            con, project.lake, project.contracts, ledger.BATCHES, [row], str(row["run_id"])
        )


def test_sums_are_the_ledgers(shown: Project) -> None:
    _demand_equal(shown, Counts(shown.settings))


def test_what_comes_is_added_and_files_put_together_count_once(own_project: Project) -> None:
    counts = Counts(own_project.settings)
    _demand_equal(own_project, counts)
    before = counts.version
    _enter(own_project, 3, 7)
    _enter(own_project, 3, 5)
    assert counts.version != before
    _demand_equal(own_project, counts)
    with connect(own_project.settings) as con:
        made = compaction.compact(con, own_project.lake, ledger.BATCHES, run_id=ids.new_id())
    assert made is not None and made.files > made.new_files
    _demand_equal(own_project, counts)


def test_a_run_without_an_end_is_not_lost(own_project: Project) -> None:
    _enter(own_project, 0, 9)
    found = runs.listed(Counts(own_project.settings), outcome="unended")
    (one,) = found.runs
    assert (one.batches, one.refused_batches, one.ended_at, one.seconds) == (1, 1, None, None)
    assert found.total == 1
