"""`headgate check` foretells what Spark would refuse, where neither Spark nor Java is installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import invoke
from headgate.core import json as hjson
from headgate.orchestration.project import Project

MESSAGES, FACTS = "bronze.irc.messages", "gold.community.fct_messages"
#: Runs the check with these arguments; gives its exit code and findings.
Told = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    def run(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
        code = invoke(["check", "--json", *arguments])
        return code, hjson.loads(capsys.readouterr().out)

    return run


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1))


def put_on_spark(project: Project, dataset: str) -> None:
    path = project.contracts[dataset].path
    text = path.read_text("utf-8")
    head, _, rest = text.rpartition("\ncustomProperties:\n")
    assert head
    path.write_text(
        f"{head}\ncustomProperties:\n  - {{property: headgate.engine, value: spark}}\n{rest}"
    )


def only(findings: list[dict[str, Any]], place: str, *words: str) -> None:
    wrong = [f for f in findings if not f["to_say"]]
    assert [f["check"] for f in wrong] == ["spark"], findings
    assert place in wrong[0]["place"]
    for word in (*words, "engine spark", "keep the dataset on the engine duckdb"):
        assert word in wrong[0]["problem"], wrong


def model(project: Project, name: str = "fct_messages") -> Path:
    return project.settings.dbt_path / f"models/marts/community/{name}.sql"


def test_all_of_the_repository_goes_to_spark(project: Project, told: Told) -> None:
    code, findings = told("--engine", "spark")
    assert code == 0
    (remark,) = findings  # a run builds it there
    assert remark["to_say"] and "headgate.live" in remark["place"]


def test_an_engine_that_there_is_not_is_refused(project: Project) -> None:
    assert invoke(["check", "--engine", "flink"]) == 2


@pytest.mark.parametrize("where", ["contract", "setting", "question"])
def test_a_rule_that_cannot_be_carried_is_told_of_whoever_says_spark(
    project: Project, told: Told, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project.contracts[MESSAGES].path
    change(path, "list_min(reply_to) >= 0", "list_min(reply_to) >= jaccard('a', 'b' || file) - 1")
    asked = ["--engine", "spark"] if where == "question" else []
    if where == "contract":
        put_on_spark(project, MESSAGES)
    if where == "setting":
        monkeypatch.setenv("HEADGATE_ENGINE", "spark")
    code, findings = told(*asked)
    assert code == 1
    only(findings, f"{path}#/schema/0/properties/7/quality/0", "reply_to.points_back", "jaccard")
    assert where == "question" or told("--engine", "duckdb") == (0, [])


def test_a_table_rule_that_cannot_be_carried_is_told_of(project: Project, told: Told) -> None:
    path = project.contracts[MESSAGES].path
    change(path, "SELECT count(*) FROM (SELECT file", "SELECT kurtosis(1) FROM (SELECT file")
    code, findings = told("--engine", "spark")
    assert code == 1
    only(findings, "/schema/0/quality/", "logs_without_gaps", "kurtosis")


@pytest.mark.parametrize(
    ("property_", "value", "words"),
    [
        ("orderColumn", "reply_to", ["order by reply_to", "max of lists"]),
        ("delivery", "{tombstone: \"reverse(type) = 'x'\"}", ["tombstone", "reverse"]),
    ],
)
def test_a_merge_that_cannot_be_carried_is_told_of(
    project: Project, told: Told, property_: str, value: str, words: list[str]
) -> None:
    put_on_spark(project, MESSAGES)
    line = (
        f"  - {{property: headgate.{property_}, value: {value}}}\n  - {{property: headgate.engine,"
    )
    change(project.contracts[MESSAGES].path, "  - {property: headgate.engine,", line)
    code, findings = told()
    assert code == 1
    found = [f for f in findings if f"headgate.{property_}" in f["place"]]
    only(found, f"#/customProperties/headgate.{property_}", *words)


def test_a_model_is_told_of_with_the_line_of_the_function(project: Project, told: Told) -> None:
    change(model(project), "length(messages.content)", "jaccard(messages.content, 'a')::bigint")
    assert told() == (0, [])
    put_on_spark(project, FACTS)
    code, findings = told()
    assert code == 1
    lines = model(project).read_text().splitlines()
    number = next(n for n, line in enumerate(lines, 1) if "jaccard" in line)
    only(findings, f"fct_messages.sql:{number}", "the function jaccard")


def test_what_only_an_incremental_build_asks_is_told_of(project: Project, told: Told) -> None:
    change(
        model(project), "where sent_date in (", "where reverse(platform) <> '' and sent_date in ("
    )
    code, findings = told("--engine", "spark")
    assert code == 1
    only(findings, "fct_messages.sql:", "the function reverse")


def test_a_singular_test_that_reads_a_dataset_on_spark_is_told_of(
    project: Project, told: Told
) -> None:
    test = project.settings.dbt_path / "tests/assert_nothing.sql"
    test.write_text("select * from {{ ref('fct_messages') }} where reverse(platform) = 'x'\n")
    assert told() == (0, [])
    put_on_spark(project, FACTS)
    code, findings = told()
    assert code == 1
    only(findings, "tests/assert_nothing.sql:1", "the function reverse")


def test_of_a_model_that_only_dbt_compiles_it_says_that_nobody_knows(
    project: Project, told: Told
) -> None:
    with model(project, "dim_channels").open("a") as file:
        file.write("{% set found = run_query('select 1') %}\n")
    assert not [f for f in told()[1] if f["check"] == "spark"]
    code, findings = told("--engine", "spark")
    assert code == 0
    told_of = [f for f in findings if f["check"] == "spark" and "dim_channels.sql" in f["place"]]
    assert len(told_of) == 1 and "only dbt can compile it" in told_of[0]["problem"]


def test_it_needs_neither_spark_nor_java(project: Project) -> None:
    change(project.contracts[MESSAGES].path, "list_max(reply_to)", "jaccard(file, text)")
    asked = (
        "import sys; sys.modules |= dict.fromkeys(('pyspark', 'delta', 'py4j', 'sqlframe'));"
        "from headgate.cli.main import invoke; sys.exit(invoke(['check', '--engine', 'spark']))"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, env={
        "HEADGATE_ROOT": str(project.settings.root), "PATH": "/nowhere", "JAVA_HOME": "/nowhere",
    })  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "the function jaccard cannot be carried to the engine spark" in done.stdout
