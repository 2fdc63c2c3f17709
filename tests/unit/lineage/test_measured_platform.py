"""The platform that lineage is measured on is the size it says, the same by seed, and tells valid events."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise
from pathlib import Path

from tests.bench.lineage_platform import LEVELS, changed, platform
from tests.bench.lineage_stream import stream
from tests.unit.lineage.openlineage_spec import Spec

SMALL = platform(600, 12_000)


def test_platform_has_as_many_datasets_and_edges_as_were_asked_for() -> None:
    assert len(SMALL.datasets) == 600
    assert 12_000 <= SMALL.edges <= 12_005
    assert {d.level for d in SMALL.datasets.values() if d.kind == "ours"} == set(range(1, LEVELS))


def test_every_input_is_a_column_that_is_there() -> None:
    for one in SMALL.datasets.values():
        for edition in (0, 1, 2):
            now = changed(one, edition)
            told = [*now.rows, *(i for inputs in now.made_of.values() for i in inputs)]
            assert all(i.column in SMALL.datasets[i.dataset].columns for i in told)
            assert {i.dataset for i in told} <= set(now.inputs)


def test_stream_is_the_same_by_seed_and_of_all_producers() -> None:
    told = list(islice(stream(SMALL), 1_500))
    assert told == list(islice(stream(platform(600, 12_000)), 1_500))
    assert told != list(islice(stream(SMALL, seed=9), 1_500))
    producers = Counter(e["job"]["namespace"] for e in told)
    assert producers.keys() == {"headgate://platform", "airflow", "dbt", "spark-prod"}
    times = [e["eventTime"] for e in told]
    late = sum(a > b for a, b in pairwise(times))
    assert 0 < late < 20


def test_events_keep_to_the_specification(real_data: Path) -> None:
    spec = Spec(real_data / "openlineage" / "spec")
    for event in islice(stream(SMALL), 0, 1_500, 40):
        problems = spec.problems(event)
        if event["job"]["namespace"] != "headgate://platform":
            # Facets of others have schemas of their own makers.
            problems = [p for p in problems if p.startswith(("event:", "no URI"))]
        assert not problems
