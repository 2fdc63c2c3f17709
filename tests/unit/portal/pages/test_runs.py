"""Runs and releases as pages: what is listed, filtered and compared, against the lake's own files."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from headgate.core import clock, ids
from headgate.lake import ledger
from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.orchestration.rollback import rollback
from headgate.portal.access.roles import Role
from tests.shown_lake import IRC
from tests.unit.portal.page import read


def _runs(project: Project) -> list[str]:
    with connect(project.settings) as con:
        rows = ledger.rows(project.lake, con, ledger.RUNS, order="run_id DESC")
    return [str(row["run_id"]) for row in rows]


def test_every_run_is_listed_newest_first_and_paged_by_key(
    portal: TestClient, shown: Project
) -> None:
    wanted = [f"…{run[-8:]}" for run in _runs(shown)]
    assert [r["run"] for r in read(portal.get("/runs")).table("Runs")] == wanted
    found, address = [], "/runs?limit=1"
    for _ in wanted:
        page = read(portal.get(address))
        found += [r["run"] for r in page.table("Runs")]
        more = [a.get("href") for a in page.links() if a.text == "Next page"]
        address = f"/runs{more[0]}" if more else ""
    assert found == wanted and not address


@pytest.mark.parametrize(
    ("query", "count"),
    [("outcome=refused", 1), ("outcome=unchanged", 0), ("dataset=bronze.chat.users", 2),
     (f"dataset={IRC}", 3), ("dataset=none.of.these", 0), ("day=2001-01-01", 0)],
)  # fmt: skip
def test_filters_keep_what_is_so(portal: TestClient, query: str, count: int) -> None:
    page = read(portal.get(f"/runs?{query}"))
    found = [t for t in page.all("table") if t.all("caption")[0].text == "Runs"]
    assert len(found[0].all("tbody tr") if found else []) == count
    assert found or "No run is as asked." in page.text("main")


def test_a_run_tells_its_batches_as_the_ledger_has_them(portal: TestClient, shown: Project) -> None:
    run = _runs(shown)[1]
    with connect(shown.settings) as con:
        rows = ledger.rows(shown.lake, con, ledger.BATCHES, f"run_id = '{run}'")
    page = read(portal.get(f"/runs/{run}"))
    told = page.table("Batches of this run")
    names = ("read", "published", "quarantined", "deduplicated", "refused")
    assert sorted(tuple(int(t[n]) for n in names) for t in told) == sorted(
        tuple(r[n] for n in names) for r in rows
    )
    (irc,) = [t for t in told if t["dataset"].startswith(IRC)]
    assert (
        irc["outcome"].endswith("refused") and "channel.pattern" in irc["rules that did not hold"]
    )
    assert f"{IRC}.ingest" in {p["job"] for p in page.table("Parts of this run")}


def test_what_nobody_knows_is_not_found(portal: TestClient) -> None:
    for address in (
        "/runs/nothing",
        f"/runs/{ids.new_id()}",
        "/releases/99",
        "/releases/99/why?dataset=x",
    ):
        assert portal.get(address).status_code == 404, address


def test_a_release_differs_from_another_as_its_file_says(
    portal: TestClient, shown: Project
) -> None:
    one, three = shown.releases.get(1), shown.releases.get(3)
    page = read(portal.get("/releases/3?against=1"))
    assert {m["dataset"]: (m["version before"], m["version after"]) for m in page.table("Tables that differ")} == {
        d: (str(one.tables[d].version), str(t.version))
        for d, t in three.tables.items()
        if one.tables[d].version != t.version
    }  # fmt: skip
    assert "Both show the same versions" in read(portal.get("/releases/2?against=2")).text("main")


def test_a_rollback_is_told_as_one(own_project: Project, serve: Callable[..., TestClient]) -> None:
    rollback(own_project, 1)
    client = serve(own_project, role=Role.VIEWER)
    (row,) = read(client.get("/releases?kind=rollback")).table("Releases")
    assert row["release"].startswith("release 4") and "readers see it" in row["release"]
    page = read(client.get("/releases/4"))
    assert "A rollback" in page.text("main")
    same = {m["dataset"]: m["version after"] for m in page.table("Tables that differ")}
    assert same["bronze.chat.messages"] != "1"


def test_before_the_first_release_readers_saw_nothing(portal: TestClient) -> None:
    assert "readers saw nothing" in read(portal.get("/releases?at=2001-01-01")).text("main")
    today = clock.now().date().isoformat()
    assert "readers saw release 3" in read(portal.get(f"/releases?at={today}")).text("p.note")
