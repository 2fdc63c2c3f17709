"""SIGKILL at seeded points of every command that writes: what runs next ends as if nothing had happened.

A point is the N-th call or return in Python, or the N-th system call that changes a file of the
lake, by whatever thread or library: inside DuckDB's writes as well. A third of the points kill the
recovery too.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

import pytest

from headgate.core import failpoints
from tests.reliability.figures import record
from tests.reliability.harness import kills, small
from tests.reliability.harness.kills import Bench, Killed, report
from tests.reliability.harness.many import try_all
from tests.reliability.seeds import replayable, seeds

pytestmark = pytest.mark.xdist_group("kills")
#: Points that are tried, in all and in the short form; the short form tries what runs most.
POINTS, FEW = 1_000, 2
#: What the short form tried.
TRIED: list[Killed] = []
#: Failpoints, and for those that a run passes several times some of the later ones.
LATER = [*failpoints.NAMES, *(f"{name}:{nth}" for name, nths in {
    "commit.files_published": (2, 4, 9), "commit.log_written": (2, 3, 5, 10, 15),
    "gate.judged": (2, 3, 6),
}.items() for nth in nths)]  # fmt: skip


def test_the_small_project_is_not_trivial(bench: Bench) -> None:
    """Both days bring rows, refusals, edits, repeats, rows that wait, and something to every table."""
    found = bench.expected(kills.SECOND).state

    assert len(found["tables"]) == len(small.CONTRACTS) - 2  # no ledgers, and no guild came
    by_dataset = {d: [a for a in found["accounts"] if a[0] == d] for d in found["tables"]}
    assert sum(int(a[9]) for a in by_dataset[small.IRC]) > 2 * small.FAULTS
    assert any(int(a[10]) > 20 for a in by_dataset[small.IRC]), "the second day repeats rows"
    assert {row[3] for row in found["quarantine"][small.POSTS]} == {"superseded"}
    assert [number for number, *_ in found["chain"]] == [2, 1]


@pytest.mark.parametrize("seed", seeds(FEW))
def test_a_few_points(bench: Bench, seed: int) -> None:
    with replayable(seed):
        found = bench.try_point(seed, (kills.FIRST, kills.SECOND))
        TRIED.append(found)
        tell(TRIED, short=True)
        assert not found.wrong, report([found])


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if index % 3 == 0 else pytest.mark.long)
        for index, name in enumerate(failpoints.NAMES)
    ],
)
def test_every_failpoint(bench: Bench, name: str) -> None:
    found = bench.try_failpoint(kills.FIRST, name)
    assert found.reached, f"never got to {name}"
    assert not found.wrong, report([found])


@pytest.mark.parametrize(
    ("scenario", "failpoint"),
    [
        # All tables but the last are put back, and no release shows any of it.
        (kills.ROLLBACK, "release.before_publish"),
        # The rows that passed are committed, and still stand open in quarantine.
        pytest.param(kills.REPLAY, "commit.log_fsynced:2", marks=pytest.mark.long),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_what_was_begun_is_finished(bench: Bench, scenario: kills.Scenario, failpoint: str) -> None:
    found = bench.try_failpoint(scenario, failpoint)
    assert found.reached, f"never got to {failpoint}"
    assert not found.wrong, report([found])


@pytest.mark.parametrize(
    ("failpoint", "scenario"),
    [
        *((name, kills.SECOND) for name in LATER),
        # The first day alone has rows refused in two of its files.
        ("commit.quarantine_committed:2", kills.FIRST),
    ],
    ids=lambda value: getattr(value, "name", value),
)
@pytest.mark.long
def test_every_failpoint_also_in_recovery(
    bench: Bench, failpoint: str, scenario: kills.Scenario
) -> None:
    found = bench.try_failpoint(scenario, failpoint, times=2)
    assert found.reached, f"never got to {failpoint}"
    assert not found.wrong, report([found])


@pytest.mark.long
def test_a_thousand_points(place: Path) -> None:
    found = try_all(seeds(POINTS, first=100), Bench.try_point, place, tell)

    wrong = [k for k in found if k.wrong]
    if wrong:
        with replayable(wrong[0].seed):
            pytest.fail(report(wrong))
    assert sum(k.reached for k in found) > 0.95 * len(found), "points that nothing came to"


def tell(found: Sequence[Killed], **more: object) -> None:
    """Keep the figures."""
    added = sorted(max(0.0, k.recovery - k.undisturbed) for k in found)
    wrong = [told for k in found for told in k.wrong]
    record(
        "kills",
        points=len(found), killed=sum(k.reached for k in found),
        by_command={s.name: sum(k.scenario == s.name for k in found) for s in kills.SCENARIOS},
        in_python=sum("Python" in k.how for k in found),
        in_system_calls=sum("system call" in k.how for k in found),
        wrong=len([k for k in found if k.wrong]), wrong_seeds=[k.seed for k in found if k.wrong],
        torn=sum("is torn" in told for told in wrong),
        lost_or_doubled=sum("/tables/" in told for told in wrong),
        seen_unreleased=sum("see no whole release" in told for told in wrong),
        recovery_adds_seconds={
            "median": round(statistics.median(added), 3),
            "p99": round(added[int(0.99 * (len(added) - 1))], 3), "max": round(added[-1], 3),
        },
        **more,
    )  # fmt: skip
