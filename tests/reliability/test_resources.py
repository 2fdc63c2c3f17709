"""Full disks, failing disks, too few open files, too little memory: told, and resumed without help.

Faults are given to the process by its supervisor at the N-th system call of a kind that changes a
file of the lake, whichever library makes it; once, or with all that follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.reliability.figures import record
from tests.reliability.harness import failing, kills
from tests.reliability.harness.failing import Failed
from tests.reliability.harness.kills import Bench
from tests.reliability.harness.many import try_all
from tests.reliability.seeds import replayable, seeds

pytestmark = pytest.mark.xdist_group("kills")
#: Faults that are tried, in all and in the short form.
FAULTS, FEW = 300, 2
#: What the short form tried.
TRIED: list[Failed] = []
FILES = ("too many open files",)
MEMORY = ("out of memory", "ran out of", "memory", "could not allocate")


@pytest.mark.parametrize("seed", seeds(FEW))
def test_a_few_faults(bench: Bench, seed: int) -> None:
    with replayable(seed):
        found = failing.try_fault(bench, seed)
        TRIED.append(found)
        tell(TRIED, short=True)
        assert not found.wrong, report([found])


def test_too_few_open_files(bench: Bench) -> None:
    found = failing.try_limits(bench, kills.SECOND, FILES, limits={"RLIMIT_NOFILE": 24})
    assert found.reached, "24 open files were enough"
    assert not found.wrong, report([found])


@pytest.mark.parametrize("files", [16, 20, 28, 32, 40, 48])
@pytest.mark.long
def test_few_open_files(bench: Bench, files: int) -> None:
    found = failing.try_limits(bench, kills.SECOND, FILES, limits={"RLIMIT_NOFILE": files})
    assert not found.wrong, report([found])


@pytest.mark.parametrize(
    "settings",
    [
        {"HEADGATE_MEMORY_LIMIT": "1MB", "HEADGATE_SPILL_LIMIT": "1MB"},
        {"HEADGATE_MEMORY_LIMIT": "4MB", "HEADGATE_SPILL_LIMIT": "0MB"},
        {"HEADGATE_MEMORY_LIMIT": "12MB", "HEADGATE_SPILL_LIMIT": "1MB"},
    ],
)
@pytest.mark.long
def test_too_little_memory_for_the_engine(bench: Bench, settings: dict[str, str]) -> None:
    found = failing.try_limits(bench, kills.FIRST, MEMORY, env=settings)
    assert not found.wrong, report([found])


@pytest.mark.parametrize("spare", [8, 32, 64, 128, 256])
@pytest.mark.long
def test_too_little_memory_for_the_process(bench: Bench, spare: int) -> None:
    """Beyond what the warm process maps already, in MB; libraries may abort where there is none."""
    found = failing.try_limits(
        bench, kills.SECOND, MEMORY, limits={"RLIMIT_DATA": bench.warm.mapped() + (spare << 20)}
    )
    assert not found.wrong, report([found])


@pytest.mark.long
def test_faults_at_every_kind_of_write(place: Path) -> None:
    found = try_all(seeds(FAULTS, first=100), failing.try_fault, place, tell)

    wrong = [f for f in found if f.wrong]
    if wrong:
        with replayable(wrong[0].seed):
            pytest.fail(report(wrong))
    assert sum(f.reached for f in found) > 0.8 * len(found), "faults that nothing came to"


def tell(found: Sequence[Failed], **more: object) -> None:
    """Keep the figures."""
    wrong = [f for f in found if f.wrong]
    record(
        "resources",
        faults=len(found), reached=sum(f.reached for f in found),
        refused=sum(f.code == 1 for f in found), unharmed=sum(f.code == 0 for f in found),
        by_error={e: sum(f.how.startswith(e) for f in found) for e in
                  ("ENOSPC", "EIO", "EROFS", "EDQUOT", "EMFILE")},
        once=sum("from then on" not in f.how for f in found), wrong=len(wrong),
        wrong_seeds=[f.seed for f in wrong], **more,
    )  # fmt: skip


def report(wrong: Sequence[Failed]) -> str:
    """What was wrong with the first, in full."""
    lines = [f"{len(wrong)} faults left something wrong; seeds {[f.seed for f in wrong][:40]}"]
    for f in wrong[:5]:
        lines += [f"seed {f.seed}: {f.scenario}, {f.how} {f.where}, exit {f.code}: {f.said}"]
        lines += [f"    {told[:3_000]}" for told in f.wrong]
    return "\n".join(lines)
