"""``dbt-ol`` beside ``headgate run``: both tell of the same datasets, and of the same columns."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from headgate.cli.main import invoke
from headgate.core import json as hjson
from headgate.lineage import log, names
from headgate.lineage.questions import datasets
from headgate.lineage.store.catching_up import catch_up
from headgate.lineage.store.naming import Named, Names
from headgate.lineage.store.opening import Store, open_store
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from tests.conftest import make_project
from tests.e2e.oracle import STREAMED
from tests.e2e.test_lineage import DISCORD, EXPORT, IRC, LINES, USERS

# One worker runs all of this file, so that dbt is started once.
pytestmark = pytest.mark.xdist_group("dbt_ol")
GITHUB = "bronze.engineering.github_events"
Columns = Mapping[str, set[tuple[Named, str]]]


class Told(NamedTuple):
    """A project after a run and a ``dbt-ol run``, and what each told."""

    project: Project
    ours: list[Mapping[str, Any]]
    theirs: list[Mapping[str, Any]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Told:
    folder = tmp_path_factory.mktemp("dbt-ol")
    project = make_project(folder / "project")
    irc, discord = folder / "irc.jsonl", folder / "discord.json"
    irc.write_text("".join(json.dumps(line) + "\n" for line in LINES), "utf-8")
    discord.write_text(json.dumps(EXPORT), "utf-8")
    github = real_data / "events_github" / "github_events_2021-07-21.jsonl"
    report = run(
        project,
        sources={IRC: [str(irc)], DISCORD: [str(discord)], USERS: [str(discord)],
                 GITHUB: [str(github)]},
    )  # fmt: skip
    assert not report.problems
    ours = events_of(project)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADGATE_ROOT", str(project.settings.root))
        assert invoke(["dbt"]) == 0
    file = folder / "dbt.jsonl"
    dbt_ol(
        project, "run",
        OPENLINEAGE_NAMESPACE=names.namespace(project.settings.lake_name),
        OPENLINEAGE__TRANSPORT__TYPE="file",
        OPENLINEAGE__TRANSPORT__LOG_FILE_PATH=str(file),
        OPENLINEAGE__TRANSPORT__APPEND="true",
    )  # fmt: skip
    return Told(project, ours, list(log.read(file)))


def dbt_ol(project: Project, *arguments: str, **environment: str) -> None:
    """``dbt-ol`` as a person starts it."""
    programs = Path(sys.executable).parent
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEADGATE_", "OPENLINEAGE"))}
    done = subprocess.run(
        [programs / "dbt-ol", *arguments], cwd=project.settings.dbt_path, text=True, check=False,
        env={**kept, "PATH": f"{programs}:{os.environ['PATH']}", **environment},
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed to emit" not in done.stdout.lower(), done.stdout


def events_of(project: Project) -> list[Mapping[str, Any]]:
    return list(log.read(project.lake.root / project.settings.lineage_file))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "lineage.db")
    yield made
    made.engine.dispose()


@pytest.mark.parametrize("jobs", ["headgate://local", "dbt"])
def test_no_node_is_neither_contract_nor_declared_source(
    told: Told, store: Store, tmp_path: Path, jobs: str
) -> None:
    """With the namespace that the how-to says, and with dbt-ol's own."""
    project = told.project
    theirs = tmp_path / "dbt.jsonl"
    text = "".join(hjson.dumps(event) + "\n" for event in told.theirs)
    theirs.write_text(text.replace('"headgate://local"', f'"{jobs}"'), "utf-8")
    lake = project.settings.lake_name

    own = catch_up(store, [project.lake.root / project.settings.lineage_file], lake=lake)
    before = datasets.nodes(store)
    more = catch_up(store, [theirs], lake=lake)

    assert not own.refused and not more.refused
    assert more.accepted == len(told.theirs) > 2 * 9
    known = names.nodes(project.contracts.values(), lake)
    assert datasets.nodes(store) == before <= known
    made = {c.id for c in project.contracts.curated}
    assert {d for _, d in before} >= {IRC, DISCORD, USERS, GITHUB} | made


def test_dbt_ols_columns_are_ours(told: Told) -> None:
    """Each column that it names, we name too. It finds less: it takes what a query calls a common
    table expression for a table where that is qualified, and says nothing of ``select a.*``."""
    mine, theirs = columns(told.ours), columns(told.theirs)
    queries = {
        Names.of(e).node(o["namespace"], o["name"]).name: e["job"]["facets"]["sql"]["query"]
        for e in told.theirs
        for o in e.get("outputs") or ()
    }
    compared = 0
    # A run builds nothing that no stream feeds; dbt by itself builds it empty.
    assert theirs.keys() - mine.keys() <= STREAMED
    for dataset, found in theirs.items():
        if dataset not in mine:
            continue
        for column, inputs in found.items():
            unknown = {(named.name, field) for named, field in inputs if named.transient}
            for name, _ in unknown:
                assert re.search(rf"\b{name}\b\s+as\s+\(|\bas {name}\b", queries[dataset], re.I), (
                    name
                )
            known = {(named, field) for named, field in inputs if not named.transient}
            assert known <= mine[dataset]["any"][column], (dataset, column)
            if not unknown:
                assert known >= mine[dataset]["direct"][column], (dataset, column)
                compared += 1
    assert compared > 40
    silent = {d for d in queries if d not in theirs}
    assert silent == {"gold.community.fct_messages"}


def columns(events: list[Mapping[str, Any]]) -> dict[str, Any]:
    """By dataset, what each column is made from: all, and ``direct`` alone where that is told."""
    found: dict[str, Any] = {}
    for event in events:
        if event["eventType"] != "COMPLETE" or event["job"]["name"].endswith(".gate"):
            continue
        meant = Names.of(event)
        for output in event.get("outputs") or ():
            facet = (output.get("facets") or {}).get("columnLineage") or {}
            any_way: dict[str, set[tuple[Named, str]]] = {}
            direct: dict[str, set[tuple[Named, str]]] = {}
            for column, told_of in (facet.get("fields") or {}).items():
                any_way[column], direct[column] = set(), set()
                for one in told_of["inputFields"]:
                    key = meant.node(one["namespace"], one["name"]), one["field"]
                    any_way[column].add(key)
                    ways = {w["type"] for w in one.get("transformations") or ()}
                    if "DIRECT" in ways:
                        direct[column].add(key)
            if not any_way:
                continue
            name = meant.node(output["namespace"], output["name"]).name
            ours = event["producer"].startswith("urn:headgate")
            found[name] = {"any": any_way, "direct": direct} if ours else any_way
    return found
