"""Releases as a user meets them: published, held back, rolled back, and never mixed."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from headgate.core.errors import NotFoundError
from headgate.lake import ledger
from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.orchestration.rollback import rollback
from headgate.orchestration.run import run
from headgate.orchestration.status import status
from tests.e2e.test_damage import BRONZE, hashes

GOLD = "gold.community.fct_messages"
SILVER = ("silver.chat.messages", "silver.chat.conversations")


@pytest.fixture
def days(irc_corpus: Path, tmp_path: Path) -> list[Path]:
    """Three deliveries of different days."""
    with gzip.open(irc_corpus, "rb") as source:
        lines = [line for line, _ in zip(source, range(9_000), strict=False)]
    found = []
    for day in range(3):
        path = tmp_path / f"day{day}.jsonl"
        path.write_bytes(b"".join(lines[day * 3_000 : (day + 1) * 3_000]))
        found.append(path)
    return found


def take(project: Project, path: Path) -> dict[str, str]:
    report = run(project, sources={BRONZE: [str(path)]})
    assert report.exit_code == 0, report.problems
    return hashes(project)


def test_a_rollback_shows_the_old_release_and_the_tables_go_on_from_there(
    project: Project, days: list[Path]
) -> None:
    one = take(project, days[0])
    two = take(project, days[1])
    assert one != two

    back = rollback(project, 1)

    assert (back.id, back.kind) == (3, "rollback")
    assert hashes(project) == one
    # What was taken stays taken; nothing is stale after a rollback either.
    idle = run(project, sources={BRONZE: [str(days[1])]})
    assert (idle.batches, idle.models, idle.release_id) == ((), (), None)
    assert hashes(project) == one
    # The rollback can be rolled back, and later deliveries come in on top.
    rollback(project, 2)
    assert hashes(project) == two
    three = take(project, days[2])
    whole = Project.open(project.settings.root)
    with connect(project.settings) as con:
        batches = ledger.rows(project.lake, con, ledger.BATCHES, limit=1000)
    assert {b["kind"] for b in batches} == {"ingest", "model", "restore"}
    assert three == hashes(whole)
    counted = {s.dataset: s.rows for s in status(whole)}
    assert counted[BRONZE] == 9_000
    with pytest.raises(NotFoundError):
        rollback(project, 99)


def test_a_model_that_breaks_its_contract_holds_its_group_back_and_others_advance(
    project: Project, days: list[Path]
) -> None:
    before = take(project, days[0])
    model = project.settings.dbt_path / "models/marts/community/fct_channel_activity_daily.sql"
    good = model.read_text()
    model.write_text(f"select * replace (-1 as messages) from (\n{good}\n)")

    report = run(Project.open(project.settings.root), sources={BRONZE: [str(days[1])]})

    assert report.exit_code == 1 and report.held == ("community",)
    assert any("fct_channel_activity_daily" in p and "messages" in p for p in report.problems)
    after = hashes(project)
    moved = {d for d in after if after[d] != before[d]}
    assert moved == {BRONZE, *SILVER}

    model.write_text(good)
    mended = run(Project.open(project.settings.root))

    assert mended.exit_code == 0, mended.problems
    assert mended.held == () and set(mended.released) >= {GOLD}
    final = hashes(project)
    # Early logs say no exact times: the windows of what people sent then are none.
    assert all(final[d] != before[d] for d in final if d != "gold.chat.channel_velocity")


def test_a_failing_test_of_the_analyst_holds_the_release_until_it_passes(
    project: Project, days: list[Path]
) -> None:
    before = take(project, days[0])
    test = project.settings.dbt_path / "tests/assert_few_messages.sql"
    test.write_text("select 1 from {{ ref('fct_messages') }} having count(*) > 4000\n")

    report = run(Project.open(project.settings.root), sources={BRONZE: [str(days[1])]})

    assert report.exit_code == 1 and report.held == ("community",)
    assert hashes(project)[GOLD] == before[GOLD]
    # Running again does not let it through either.
    again = run(Project.open(project.settings.root))
    assert again.exit_code == 1 and again.held == ("community",)
    assert hashes(project)[GOLD] == before[GOLD]
    test.unlink()
    assert run(Project.open(project.settings.root)).exit_code == 0
    assert hashes(project)[GOLD] != before[GOLD]


def test_a_model_that_cannot_be_parsed_holds_its_group_and_others_are_released(
    project: Project, days: list[Path]
) -> None:
    before = take(project, days[0])
    model = project.settings.dbt_path / "models/marts/community/fct_channel_activity_daily.sql"
    good = model.read_text()
    model.write_text(good + "\n{% if %}\n")

    report = run(Project.open(project.settings.root), sources={BRONZE: [str(days[1])]})

    assert report.exit_code == 1 and "community" in report.held
    assert any("fct_channel_activity_daily" in p for p in report.problems), report.problems
    after = hashes(project)
    # It fails by itself: what another group has is built and released.
    assert {d for d in after if after[d] != before[d]} == {BRONZE, *SILVER}
    model.write_text(good)
    assert run(Project.open(project.settings.root)).exit_code == 0
