"""Whoever compiles the models, the same tables come of it, and plain ones come without dbt."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest

from headgate.lake.content import content_hash
from headgate.orchestration import curating
from headgate.orchestration.project import Project
from tests.conftest import make_project
from tests.dbt.lakehouse import DAILY, MESSAGES, SILVER, Lakehouse, line, post
from tests.dbt.test_runner import edit, model
from tests.e2e.oracle import STREAMED

DAY = dt.date(2026, 5, 4)
NOON = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)


def deliver(house: Lakehouse) -> None:
    """Some lines and messages; then some more, of which some change what was there."""
    if not house.lines:
        house.put([line("log/a.txt", n, DAY + dt.timedelta(days=n % 3)) for n in range(9)])
        house.put_posts([post(str(n), NOON, author_id=str(n % 3)) for n in range(5)])
        return
    house.put([line("log/a.txt", 4, DAY, text="edited"), line("log/b.txt", 0, DAY, author="u_9")])
    house.put_posts([post("7", NOON, type="Reply", reference_message_id="2", author_id="8")])
    house.delete_posts(["1"])


def test_both_compilers_build_the_same_tables(tmp_path: Path) -> None:
    houses = []
    for compiler in ("headgate", "dbt"):
        project = make_project(tmp_path / compiler)
        settings = project.settings.root / "headgate.toml"
        settings.write_text(settings.read_text() + f'compiler = "{compiler}"\n')
        houses.append(Lakehouse(Project.open(project.settings.root)))
    ours, theirs = houses
    for step in range(2):
        for house in houses:
            deliver(house)
            assert house.curate() == []
        for contract in ours.project.contracts.curated:
            if contract.id in STREAMED:
                continue
            one, other = ours.table(contract.id), theirs.table(contract.id)
            assert one is not None and other is not None
            assert content_hash(ours.context.session.con, one) == content_hash(
                theirs.context.session.con, other
            ), contract.id
            assert one.meta is not None and other.meta is not None
            assert one.meta.code_hash == other.meta.code_hash
            assert one.meta.mode == other.meta.mode
            if step and contract.model:
                assert one.meta.mode == "merge", contract.id
    for house in houses:
        house.close()


def test_a_run_of_plain_models_does_without_dbt(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    told = (
        '{"file": "a.txt", "line": 0, "channel": "#ubuntu", "time": "10:00", "author": "u",'
        ' "type": "message", "text": "hi", "reply_to": null, "date": "2009-05-04"}\n'
    )
    (tmp_path / "lines.jsonl").write_text(told)
    program = (
        "import sys; from pathlib import Path\n"
        "from headgate.orchestration.project import Project\n"
        "from headgate.orchestration.run import run\n"
        f"project = Project.open(Path({str(project.settings.root)!r}))\n"
        f"given = {{'bronze.irc.messages': [{str(tmp_path / 'lines.jsonl')!r}]}}\n"
        "report = run(project, sources=given)\n"
        "print(report.problems, len(report.models), report.release_id)\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules if m.startswith('dbt')}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300
    )
    built = {c.id for c in project.contracts.curated} - STREAMED
    assert done.stdout.splitlines() == [f"() {len(built)} 1", "[]"], done.stderr


def test_a_comment_or_a_description_builds_nothing(house: Lakehouse) -> None:
    deliver(house)
    assert house.curate() == []

    edit(model(house, "fct_messages"), "select\n", "select -- more of it\n")
    edit(model(house, "stg_irc__messages"), "select\n", "-- A line.\n\nselect\n")
    path = house.project.contracts[DAILY].path
    edit(path, "purpose: ", "purpose: Well, ")
    house.reopen()
    assert stale(house) == []

    edit(
        model(house, "fct_messages"),
        "messages.is_action,",
        "not not messages.is_action as is_action,",
    )
    assert MESSAGES in stale(house) and SILVER not in stale(house)


def stale(house: Lakehouse) -> list[str]:
    """What a run would build."""
    graph = curating.graph_of(house.project)
    return curating.stale(house.context, graph, set(graph))


def test_what_only_dbt_can_build_stands_among_the_plain(house: Lakehouse) -> None:
    """It is built by dbt after what it reads and before what reads it, and its failure is one."""
    deliver(house)
    path = model(house, "fct_messages")
    text = path.read_text()
    path.write_text("{% set n = run_query('select 1') if execute %}\n" + text)
    assert house.curate() == []
    table = house.table(DAILY)
    assert table is not None and table.rows > 0

    deliver(house)
    path.write_text(path.read_text().replace("messages.is_action,", "messages.is_acting,"))
    problems = house.curate()
    assert "is_acting" in " ".join(problems)
    assert any(p.startswith("fct_channel_activity_daily: not built, because") for p in problems)
    assert curating.pending(house.context) >= {MESSAGES, DAILY}
    assert SILVER not in curating.pending(house.context)


@pytest.mark.parametrize(
    ("touched", "told"),
    [
        # Days that are not there do no harm, and no row is of none.
        ("select sent_date from {} union all select null union all select date '1999-01-01'", ""),
        ("select sent_date as day from {}", "sent_date"),
    ],
)
def test_a_model_says_itself_what_is_replaced(house: Lakehouse, touched: str, told: str) -> None:
    """Whatever the columns of its changed() are called, and though they may be empty."""
    path = model(house, "fct_channel_activity_daily")
    text = path.read_text()
    asked = "{{ changed('gold.community.fct_messages', 'sent_date') }}"
    assert asked in text
    text = text.replace(asked, "touched").replace(
        "select\n",
        "with nothing as (\n    select 1\n)"
        "{% if is_incremental() %}, days as (select * from nothing),\n"
        f"touched as ({touched.format(asked)})"
        "{% endif %}\nselect\n",
        1,
    )
    path.write_text(text)
    deliver(house)
    assert house.build().ok
    deliver(house)

    result = house.build()

    if told:
        assert told in dict(result.failed)["fct_channel_activity_daily"]
        return
    assert result.ok, result.failed
    rows = house.rows(DAILY)
    table = house.table(DAILY)
    assert table is not None and table.meta is not None and table.meta.mode == "merge"
    path.write_text(path.read_text() + "\nhaving count(*) > -1")
    assert house.build().ok
    assert house.rows(DAILY) == rows
