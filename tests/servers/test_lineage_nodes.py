"""A run, Airflow and ``dbt-ol`` over real data tell one server of contracts and declared sources alone."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import invoke
from headgate.lineage import log, names
from headgate.orchestration.airflow.lineage import airflow_events
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from tests.e2e.oracle_discord import KEYS
from tests.e2e.test_dbt_ol import GITHUB, dbt_ol
from tests.e2e.test_lineage import IRC
from tests.servers.conftest import Airflow
from tests.servers.lineage_process import Served, postgres

INGEST = f"ingest.{IRC}"
CURATED = ("curate.irc", "curate.chat", "curate.community")


@pytest.fixture(scope="module")
def told(
    airflow: Airflow, irc_corpus: Path, real_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Project, Path]:
    """A lake after Airflow took a few lines and curated them, and a run took the real data; and the
    file of Airflow's events."""
    project = airflow.use_lake("nodes")
    lines = tmp_path_factory.mktemp("lines") / "few.jsonl"
    with gzip.open(irc_corpus, "rt", encoding="utf-8") as corpus:
        lines.write_text("".join(islice(corpus, 2_000)), "utf-8")
    airflow.unpause(INGEST, *CURATED)
    known = {dag: airflow.known(dag) for dag in CURATED}
    first = airflow.trigger(INGEST, {"paths": [str(lines)]})
    assert airflow.end_of(INGEST, first) == "success", airflow.why(INGEST, first)
    for dag in CURATED:
        last = airflow.next_run(dag, known[dag])
        assert airflow.end_of(dag, last) == "success", airflow.why(dag, last)
    airflow.quiet()
    exports = sorted(map(str, (real_data / "discord_export_fixtures").rglob("*.json")))
    github = real_data / "events_github" / "github_events_2021-07-21.jsonl"
    given = {IRC: [str(irc_corpus)], GITHUB: [str(github)], **dict.fromkeys(KEYS, exports)}
    report = run(project, sources=given)
    assert not report.problems
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADGATE_ROOT", str(project.settings.root))
        assert invoke(["dbt"]) == 0
    return project, airflow_events(airflow.server.settings)


@pytest.fixture(params=["sqlite", "postgresql"])
def served(
    request: pytest.FixtureRequest, told: tuple[Project, Path], tmp_path: Path
) -> Iterator[Served]:
    """A server of that lake, which takes what others post as well."""
    with ExitStack() as stack:
        where = str(tmp_path / "lineage.db")
        if request.param == "postgresql":
            where = stack.enter_context(
                postgres(request.getfixturevalue("tmp_path_factory").mktemp("postgres"))
            )
        made = Served(told[0].settings.root, {"HEADGATE_LINEAGE_STORE": where})
        made.start()
        yield made
        made.kill()


def test_no_node_is_neither_contract_nor_declared_source(
    told: tuple[Project, Path], served: Served
) -> None:
    project, tasks = told
    lake = project.settings.lake_name
    known = names.nodes(project.contracts.values(), lake)

    for events in portions(log.read(tasks)):
        done = served.post("lineage/batch", events)
        assert done.status_code == 200, done.text
    dbt_ol(
        project, "run", OPENLINEAGE_URL=served.address, OPENLINEAGE_NAMESPACE=f"headgate://{lake}"
    )

    jobs = served.wait_for(
        "jobs", lambda page: has(page, f"{IRC}.ingest") and has(page, "dbt-run-headgate"), limit=500
    )
    assert has(jobs, INGEST), jobs
    curated = {(f"headgate://{lake}", c.id) for c in project.contracts.curated}
    found = served.wait_for("datasets", lambda page: nodes(page) >= curated, limit=500)
    assert found["next"] is None
    assert nodes(found) <= known, nodes(found) - known


def nodes(page: Any) -> set[tuple[str, str]]:
    return {(one["namespace"], one["name"]) for one in page["datasets"]}


def has(page: Any, job: str) -> bool:
    return any(one["name"] == job for one in page["jobs"])


def portions(events: Iterator[Any]) -> Iterator[list[Any]]:
    while some := list(islice(events, 100)):
        yield some
