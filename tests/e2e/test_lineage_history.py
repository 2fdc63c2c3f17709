"""Lineage keeps its history: what a column was made from is answered as of any time, run or release."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import invoke
from headgate.core import clock
from headgate.lineage.store.opening import open_store
from headgate.lineage.store.taking import take
from headgate.orchestration import lineage_store
from tests.e2e.why_shop import DAILY, SILVER, Shop, make, order

Ask = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, str]:
    """A shop after release 1, a change of a model's SQL, and release 2; and a time between them."""
    shop = make(tmp_path_factory.mktemp("history") / "shop")
    between = clock.iso()
    shop.edit("dbt_project/models/daily.sql", lambda sql: sql.replace("sum(amount)", "sum(length(customer))"))  # fmt: skip
    report = shop.deliver([order(20, 3, 70)])
    assert report.exit_code == 0, report.problems
    return shop, between


@pytest.fixture
def ask(
    changed: tuple[Shop, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ask:
    monkeypatch.setenv("HEADGATE_ROOT", str(changed[0].root))

    def ask(*arguments: str) -> tuple[int, str]:
        code = invoke(arguments)
        told = capsys.readouterr()
        return code, told.out + told.err

    return ask


def sources(ask: Ask, *how: str) -> list[str]:
    code, told = ask("lineage", "up", f"{DAILY}.amount", "--depth", "1", "--json", *how)
    assert code == 0, told
    return [e["from"]["column"] for e in json.loads(told)["edges"]]


def test_an_edge_that_is_gone_is_still_there_in_the_past(
    changed: tuple[Shop, str], ask: Ask
) -> None:
    shop, between = changed
    runs = [e["run"]["runId"] for e in _ended(shop) if e["job"]["name"] == "run"]
    assert len(runs) == 2
    now, then = ["customer"], ["amount"]
    assert sources(ask) == sources(ask, "--as-of", "release:2") == now
    assert sources(ask, "--as-of", f"run:{runs[1]}") == sources(ask, "--as-of", "2999-01-01") == now
    for when in ("release:1", "release:local/1", f"run:{runs[0]}", runs[0].upper(), between):
        assert sources(ask, "--as-of", when) == then, when
    # What is taken in tells of its source a moment after the gate tells of the version.
    for when in ("release:1", "release:2"):
        told = json.loads(ask("lineage", "up", SILVER, "--json", "--as-of", when)[1])["edges"]
        assert told == json.loads(ask("lineage", "up", SILVER, "--json")[1])["edges"]
        assert any(e["job"].endswith(".ingest") for e in told)
    gone = ("lineage", "down", f"{SILVER}.amount", "--json")
    assert json.loads(ask(*gone)[1])["edges"] == []
    reached = json.loads(ask(*gone, "--as-of", "release:1")[1])
    assert [e["to"] for e in reached["edges"]] == [{"dataset": DAILY, "column": "amount"}]
    assert reached["as_of"] == "release:1"
    made = [json.loads(ask("lineage", "up", DAILY, "--json", *how)[1])["made"]["at"]
            for how in (("--as-of", between), ())]  # fmt: skip
    assert made[0] < between < made[1]


@pytest.mark.parametrize(
    ("when", "code", "told"),
    [
        ("release:9", 1, "The newest is 2"),
        ("release:prod/1", 1, "no release 1 of prod"),
        ("release:x", 2, "release:<number>"),
        ("run:00000000-0000-0000-0000-000000000000", 1, "knows no run"),
        ("run:me", 2, "no run's id"),
        ("2001-01-01", 1, "Lineage begins at 2"),
        ("yesterday", 2, "It takes a date or time"),
        ("12", 2, "release:12"),
        ("2024-13-01", 2, "It takes a date or time"),
    ],
)
def test_what_there_never_was_is_answered_with_what_there_is(
    ask: Ask, when: str, code: int, told: str
) -> None:
    found = ask("lineage", "up", DAILY, "--as-of", when)
    assert (found[0], told in found[1]) == (code, True), found


def test_a_store_that_is_built_anew_says_the_same_and_keeps_what_was_posted(
    changed: tuple[Shop, str], ask: Ask
) -> None:
    shop, _ = changed
    before = sources(ask), sources(ask, "--as-of", "release:1")
    path = lineage_store.where(shop.project.settings)
    assert isinstance(path, Path)
    posted = _posted(_ended(shop)[-1])
    held = open_store(path)
    try:
        assert take(held, [posted]).accepted == 1
        with sqlite3.connect(path) as connection:
            connection.execute("DELETE FROM span")
            connection.execute("INSERT INTO token VALUES (1, 'me', 'admin', x'00', 1, NULL, NULL)")
        connection.close()
        code, told = ask("lineage", "rebuild")
        assert (code, "1 of them posted" in told) == (0, True), told
        assert (sources(ask), sources(ask, "--as-of", "release:1")) == before
        # Who had it open goes on, by what is there now.
        assert take(held, [posted]).repeated == 1
        again = {**posted, "eventTime": "2030-01-02T00:00:00Z"}
        assert take(held, [again]).accepted == 1
    finally:
        held.close()
    code, told = ask("lineage", "down", f"{DAILY}.amount", "--json", "--direct-only")
    assert [e["to"]["dataset"] for e in json.loads(told)["edges"]] == ["bi://dash/board"]
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM token").fetchall() == [("me",)]
    connection.close()


def test_a_store_that_is_broken_is_built_anew(changed: tuple[Shop, str], ask: Ask) -> None:
    path = lineage_store.where(changed[0].project.settings)
    assert isinstance(path, Path)
    before = sources(ask)
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    path.write_bytes(b"this is no database" * 100)
    code, told = ask("lineage", "up", DAILY)
    assert (code, "broken" in told) == (1, True), told
    code, told = ask("lineage", "rebuild")
    assert (code, "lost" in told) == (0, True), told
    assert sources(ask) == before
    path.unlink()
    assert sources(ask) == before  # it is built anew wherever it is missing


def _ended(shop: Shop) -> list[dict[str, Any]]:
    lines = lineage_store.event_files(shop.project.settings)[0].read_text("utf-8").splitlines()
    return [e for e in map(json.loads, lines) if e["eventType"] == "COMPLETE"]


def _posted(ours: dict[str, Any]) -> dict[str, Any]:
    """An event that a dashboard posted: it is in no file of the lake."""
    inputs = [{"namespace": "headgate://local", "name": DAILY, "field": "amount"}]
    facet = {"_producer": ours["producer"], "_schemaURL": ours["schemaURL"],
             "fields": {"total": {"inputFields": inputs}}}  # fmt: skip
    return {
        **{k: ours[k] for k in ("producer", "schemaURL")},
        "eventType": "COMPLETE",
        "eventTime": "2030-01-01T00:00:00Z",
        "run": {"runId": "11111111-1111-1111-1111-111111111111"},
        "job": {"namespace": "bi", "name": "board"},
        "inputs": [{"namespace": "headgate://local", "name": DAILY}],
        "outputs": [
            {"namespace": "bi://dash", "name": "board", "facets": {"columnLineage": facet}}
        ],
    }
