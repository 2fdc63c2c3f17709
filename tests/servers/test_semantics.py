"""What engineers do in Airflow, done to a real one: clear, break a contract, backfill, repeat."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from headgate.orchestration.project import Project
from tests.e2e import released
from tests.servers.conftest import Airflow

BRONZE = "bronze.irc.messages"
CURATE = "curate.chat"
MODEL, NEXT = "silver.chat.messages", "silver.chat.conversations"
#: Three days of real chat.
DAYS = 3


@pytest.fixture(scope="module")
def days(irc_corpus: Path) -> dict[str, list[str]]:
    """Lines of the corpus by day, of the first days."""
    found: dict[str, list[str]] = {}
    with gzip.open(irc_corpus, "rt", encoding="utf-8", newline="\n") as file:
        for line in file:
            found.setdefault(json.loads(line)["date"], []).append(line)
    return {day: found[day] for day in sorted(found)[:DAYS]}


@pytest.fixture(scope="module")
def backfilled(airflow: Airflow, days: dict[str, list[str]]) -> dict[str, Any]:
    """A lake of its own, into which the days were backfilled: the runs that this made."""
    project = airflow.use_lake("backfilled")
    airflow.pause(f"ingest.{BRONZE}")  # it would take by itself what lies there
    root = project.settings.root
    contract = root / "data_contracts/irc/bronze_messages/contract.odcs.yaml"
    text = contract.read_text()
    contract.write_text(
        text.replace("value: {format: jsonl}", "value: {format: jsonl, path: 'landing/irc/{date}.jsonl'}")
    )  # fmt: skip
    for day, lines in days.items():
        file = root / "landing" / "irc" / f"{day}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(lines))
    airflow.unpause("backfill", CURATE)
    airflow.rest.until(
        "dags/backfill/details", lambda d: BRONZE in str(d["params"].get("dataset")), within=120
    )
    known, first, last = airflow.known(CURATE), min(days), max(days)
    wanted = {"dataset": BRONZE, "first": first, "last": last, "parallel": 2}
    run = airflow.trigger("backfill", wanted)
    assert airflow.end_of("backfill", run) == "success", airflow.why("backfill", run)
    curated = airflow.next_run(CURATE, known)
    assert airflow.end_of(CURATE, curated) == "success", airflow.why(CURATE, curated)
    airflow.quiet()
    return {"run": run, "curated": curated, "known": known, "wanted": wanted}


def test_a_backfill_takes_its_days_and_makes_one_curate_run(
    airflow: Airflow, backfilled: dict[str, Any], days: dict[str, list[str]]
) -> None:
    assert airflow.known(CURATE) - backfilled["known"] == {backfilled["curated"]}
    took = airflow.events("backfill", backfilled["run"])[BRONZE]
    assert took["read"] == sum(map(len, days.values()))
    before = released.hashes(airflow.project)

    again = airflow.trigger("backfill", backfilled["wanted"])
    assert airflow.end_of("backfill", again) == "success", airflow.why("backfill", again)
    airflow.quiet()

    assert airflow.events("backfill", again) == {}
    assert airflow.known(CURATE) - backfilled["known"] == {backfilled["curated"]}
    assert released.hashes(airflow.project) == before


def test_a_cleared_model_is_built_by_itself_and_not_by_the_producer(
    airflow: Airflow, backfilled: dict[str, Any]
) -> None:
    run = backfilled["curated"]
    tries = airflow.tasks(CURATE, run)
    before = released.hashes(airflow.project)

    airflow.rest.post(
        f"dags/{CURATE}/clearTaskInstances",
        {"dry_run": False, "dag_run_id": run, "task_ids": [MODEL], "include_downstream": True,
         "only_failed": False, "reset_dag_runs": True},
    )  # fmt: skip
    airflow.wait(lambda: airflow.tasks(CURATE, run)[MODEL]["try_number"] > 1)
    assert airflow.end_of(CURATE, run) == "success", airflow.why(CURATE, run)

    after = airflow.tasks(CURATE, run)
    assert after["build"] == tries["build"], "the producer was left alone"
    assert {t: after[t]["try_number"] for t in (MODEL, NEXT, "release")} == {
        MODEL: 2, NEXT: 2, "release": 2
    }  # fmt: skip
    assert after[MODEL]["pid"] is not None, "a worker did it"
    assert MODEL in airflow.log(CURATE, run, MODEL, 2)
    assert released.hashes(airflow.project) == before
    airflow.quiet()


def test_what_comes_while_a_run_goes_on_is_gathered_into_one_that_follows(
    airflow: Airflow, backfilled: dict[str, Any]
) -> None:
    known = airflow.known(CURATE)
    asset = next(
        a for a in airflow.rest.get("assets", limit=100)["assets"] if a["name"] == BRONZE
    )["id"]  # fmt: skip
    busy = Project.open(airflow.project.settings.root)
    with busy.lake.run_lock("test", "test"):
        first = airflow.trigger(CURATE)
        airflow.wait(lambda: airflow.states(CURATE, first).get("build") == "running")
        for number in (1, 2):
            told = {"asset_id": asset, "extra": {"number": number}}
            last = airflow.rest.post("assets/events", told)["timestamp"]
            airflow.wait(lambda: airflow.states(CURATE, first)["build"] == "running")
            states = [r["state"] for r in airflow.runs(CURATE) if r["dag_run_id"] not in known]
            assert states.count("running") == 1 and states.count("queued") <= 1
        airflow.server.restart("triggerer")  # in which the models' tasks wait meanwhile
    assert airflow.end_of(CURATE, first) == "success", airflow.why(CURATE, first)
    following = airflow.next_run(CURATE, {*known, first})
    assert airflow.end_of(CURATE, following) == "success", airflow.why(CURATE, following)
    airflow.quiet()

    assert airflow.known(CURATE) - known == {first, following}
    began = next(r["start_date"] for r in airflow.runs(CURATE) if r["dag_run_id"] == following)
    assert began > last, "it sees what either event tells of"


def test_a_broken_contract_is_an_import_error_that_names_its_line_and_all_else_lives_on(
    airflow: Airflow,
) -> None:
    airflow.quiet()
    root = airflow.project.settings.root
    contract = root / "data_contracts/engineering/bronze_github_events/contract.odcs.yaml"
    whole = contract.read_text()
    contract.write_text(whole.replace('"@hourly"', '"61 * * * *"'))
    line = next(n for n, text in enumerate(whole.splitlines(), 1) if '"@hourly"' in text)
    try:
        found = airflow.wait(lambda: airflow.rest.get("importErrors")["import_errors"])

        assert len(found) == 1 and found[0]["filename"].endswith("contract_errors.py")
        told = found[0]["stack_trace"]
        assert f"bronze_github_events/contract.odcs.yaml:{line}" in told, told
        assert "61" in told
        airflow.unpause("freshness")
        run = airflow.trigger("freshness")
        airflow.end_of("freshness", run)
        assert "ingest.bronze.chat.messages" in {
            d["dag_id"] for d in airflow.rest.get("dags", limit=100)["dags"]
        }
    finally:
        airflow.rest.patch("dags/freshness", {"is_paused": True})
        contract.write_text(whole)
    airflow.wait(lambda: not airflow.rest.get("importErrors")["import_errors"])
