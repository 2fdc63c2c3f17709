"""Parts of a run killed at seeded points, done twice, and done at once: the tables come out the same.

A killed part is started again as a scheduler would, and then all the rest is done. What the try
that went through tells of (it makes Asset events of that) is what an undisturbed one tells of.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from headgate.core import json as hjson
from tests.reliability.figures import record
from tests.reliability.harness import kills, small
from tests.reliability.harness.kills import Bench, Killed, Scenario, report
from tests.reliability.harness.many import try_all
from tests.reliability.harness.warm import Warm
from tests.reliability.seeds import replayable, seeds

pytestmark = pytest.mark.xdist_group("kills")
#: Points that are tried in all.
POINTS = 300
WAIT = {"HEADGATE_LOCK_WAIT_SECONDS": "200"}


def _takes(root: Path, day: int) -> list[tuple[str, ...]]:
    given = small.sources(root, day)[1::2]
    return [("take", *text.split("=")) for text in given]


def _base(bench: Bench, name: str, parts: Callable[[Path], list[tuple[str, ...]]], on: str) -> None:
    """Keep a lake on which these parts were done, once."""
    if not (bench.folder / "bases" / name).exists():
        bench.at(on)
        for part in parts(bench.root):
            ended = bench.run(["part", *part])
            assert ended.code == 0, ended.text
        bench._keep(name)


def _prepare(bench: Bench, scenario: Scenario) -> None:
    """The lake on which the scenario begins."""
    if scenario.base in ("taken", "curated"):
        _base(bench, "taken", lambda root: _takes(root, 2), "day 1")
    if scenario.base == "curated":
        groups = [("curate", "chat"), ("curate", "community")]
        _base(bench, "curated", lambda root: groups, "taken")


def _scenario(name: str, share: int, base: str, *part: str, **more: Any) -> Scenario:
    return Scenario(name, share, base, lambda root: ["part", *part], **more)


TAKE = Scenario("a take", 30, "day 1", lambda root: ["part", *_takes(root, 2)[0]])
WAITED_FOR = Scenario("a take that others waited for", 20, "day 1",
                      lambda root: ["part", *_takes(root, 2)[1]])  # fmt: skip
CURATE = _scenario("a curation", 30, "taken", "curate", "chat")
BUILD = _scenario("a build of one and what follows", 20, "taken", "build", "silver.chat.messages")
RELEASE = _scenario("a release", 20, "curated", "release", "chat")
SCENARIOS = (
    TAKE, WAITED_FOR, CURATE, BUILD, RELEASE,
    *(dataclasses.replace(s, name=f"{s.name}, twice", share=10, twice=True)
      for s in (TAKE, WAITED_FOR, CURATE, RELEASE)),
)  # fmt: skip


def try_part(bench: Bench, seed: int, among: tuple[Scenario, ...] = SCENARIOS) -> Killed:
    """Kill a part at the point that ``seed`` stands for, start it again, do the rest, compare."""
    scenario = random.Random(seed).choices(among, [s.share for s in among])[0]
    _prepare(bench, scenario)
    told = _told(bench, scenario)
    found = bench.try_point(seed, among)
    if found.said.startswith("{"):
        found.wrong += kills.differences(told, hjson.loads(found.said), "told")
    return found


_TOLD: dict[tuple[Bench, str], Any] = {}


def _told(bench: Bench, scenario: Scenario) -> Any:
    """What the undisturbed part tells of."""
    key = (bench, f"{scenario.base} {scenario.command(bench.root)}")
    if key not in _TOLD:
        bench.at(scenario.base)
        end = bench.run(scenario.command(bench.root))
        assert end.code == 0, end.text
        _TOLD[key] = hjson.loads(end.text)
        assert _TOLD[key]["accounts"], "the part does nothing"
    return _TOLD[key]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    with Warm() as other:
        yield other


@pytest.mark.parametrize(
    "scenario",
    [
        TAKE,
        *(pytest.param(s, marks=pytest.mark.long) for s in (WAITED_FOR, CURATE, BUILD, RELEASE)),
    ],
    ids=lambda s: s.name,
)
def test_beside_another_try_of_itself(bench: Bench, two: Warm, scenario: Scenario) -> None:
    """Two processes of one task at once: one waits for the lake, and both tell of the same."""
    _prepare(bench, scenario)
    expected, told = bench.expected(scenario), _told(bench, scenario)
    bench.at(scenario.base)
    command, env = scenario.command(bench.root), {**small.SETTINGS, **WAIT}
    with ThreadPoolExecutor(2) as both:
        ends = list(both.map(lambda w: w.command(bench.root, *command, env=env), (bench.warm, two)))
    assert [end.code for end in ends] == [0, 0], [end.text for end in ends]
    assert [hjson.loads(end.text) for end in ends] == [told, told]
    bench.settle()
    assert kills.differences(expected.state, bench.warm.state(bench.root)) == []


@pytest.mark.parametrize("seed", seeds(1))
def test_a_point(bench: Bench, seed: int) -> None:
    with replayable(seed):
        found = try_part(bench, seed, (TAKE,))
        assert not found.wrong, report([found])


@pytest.mark.long
def test_hundreds_of_points(place: Path) -> None:
    found = try_all(seeds(POINTS, first=100), try_part, place, _tell)

    wrong = [k for k in found if k.wrong]
    if wrong:
        with replayable(wrong[0].seed):
            pytest.fail(report(wrong))
    assert sum(k.reached for k in found) > 0.9 * len(found), "points that nothing came to"


def _tell(found: Sequence[Killed]) -> None:
    record(
        "parts", points=len(found), killed=sum(k.reached for k in found),
        by_part={s.name: sum(k.scenario == s.name for k in found) for s in SCENARIOS},
        wrong=sum(bool(k.wrong) for k in found), wrong_seeds=[k.seed for k in found if k.wrong],
    )  # fmt: skip
