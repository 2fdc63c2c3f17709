"""What dbt says back: refusals leave tables as they were, failed tests name what they read."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from pathlib import Path

from headgate.orchestration.curating import pending
from tests.dbt.lakehouse import DAILY, MESSAGES, SILVER, Lakehouse, line

DAY = dt.date(2009, 5, 4)


def model(house: Lakehouse, name: str) -> Path:
    """The SQL file of a model."""
    return next((house.project.settings.dbt_path / "models").rglob(f"{name}.sql"))


def edit(path: Path, before: str, after: str) -> None:
    """Replace text that must be there."""
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def test_a_refused_model_leaves_its_table_and_stops_what_reads_it(house: Lakehouse) -> None:
    house.put([line("log/a.txt", n, DAY) for n in range(3)])
    assert house.build().ran == ("int_chat__messages", "fct_messages", "fct_channel_activity_daily")
    rows = house.rows(DAILY)
    edit(
        model(house, "fct_channel_activity_daily"),
        "count(*) as messages",
        "0 * count(*) as messages",
    )

    result = house.build()

    assert not result.ok
    assert result.ran == ("int_chat__messages", "fct_messages")
    told = dict(result.failed)
    assert (
        "gold.community.fct_channel_activity_daily was refused"
        in told["fct_channel_activity_daily"]
    )
    assert "messages.minimum" in told["fct_channel_activity_daily"]
    assert "\n" not in told["fct_channel_activity_daily"]
    assert result.broken >= {"fct_channel_activity_daily"}
    assert house.rows(DAILY) == rows
    assert house.context.outcomes[-1].outcome == "refused"


def test_rows_that_break_a_rule_are_set_aside_where_the_contract_says_so(house: Lakehouse) -> None:
    house.put([line("log/a.txt", n, DAY) for n in range(20)])
    edit(
        model(house, "int_chat__messages"),
        "chat.content,",
        "case when chat.source_line = 7 then repeat('x', 20001) else chat.content end as content,",
    )

    assert house.build().ok

    outcome = house.context.outcomes[0]
    assert (outcome.dataset, outcome.read, outcome.published, outcome.quarantined) == (
        SILVER,
        20,
        19,
        1,
    )
    assert len(house.rows(SILVER)) == 1 + 19
    assert len(house.rows(MESSAGES)) == 1 + 19


def test_a_failed_test_names_the_models_that_it_reads(house: Lakehouse) -> None:
    house.put([line("log/a.txt", 0, DAY)])
    edit(
        model(house, "fct_channel_activity_daily"),
        "count(*) as messages",
        "1 + count(*) as messages",
    )

    result = house.build()

    assert result.failed == (
        (
            "assert_daily_activity_counts_every_message",
            "the test found 1 rows that should not be there.",
        ),
    )
    assert result.broken == {"fct_messages", "fct_channel_activity_daily"}


def test_an_incremental_build_may_not_give_rows_that_did_not_change(house: Lakehouse) -> None:
    """They would come on top of those that the table has already."""
    house.put([line("log/a.txt", 0, DAY), line("log/a.txt", 1, DAY + dt.timedelta(days=1))])
    edit(
        model(house, "fct_channel_activity_daily"),
        "where sent_date in",
        "where true or sent_date in",
    )
    assert house.build().ok
    rows = house.rows(DAILY)

    house.put([line("log/a.txt", 2, DAY)])
    result = house.build()

    (told,) = (message for node, message in result.failed if node == "fct_channel_activity_daily")
    assert "gives a row whose sent_date is not among what changed" in told
    assert "2009-05-05" in told
    assert house.rows(DAILY) == rows


def test_sql_that_is_wrong_is_told_in_one_sentence(house: Lakehouse) -> None:
    house.put([line("log/a.txt", 0, DAY)])
    edit(model(house, "int_chat__messages"), "chat.content,", "chat.contents as content,")

    result = house.build()

    told = dict(result.failed)["int_chat__messages"]
    assert "contents" in told
    assert "\n" not in told and "Traceback" not in told


def test_a_table_that_is_not_there_is_no_variable_of_ours(house: Lakehouse) -> None:
    """The engine would look for it among the variables of the program that asks."""
    house.put([line("log/a.txt", 0, DAY)])
    edit(model(house, "int_chat__messages"), "from steps\n", "from rows\n")

    result = house.build()

    assert "it reads rows, which is none of the tables" in dict(result.failed)["int_chat__messages"]


def test_a_model_that_is_no_template_fails_by_itself(house: Lakehouse) -> None:
    house.put([line("log/a.txt", 0, DAY)])
    edit(model(house, "fct_channel_activity_daily"), "select\n", "{% if %} select\n")

    result = house.build()

    assert result.ran == ("int_chat__messages", "fct_messages")
    (told,) = (message for _, message in result.failed)
    assert "fct_channel_activity_daily.sql:2: fct_channel_activity_daily is not a Jinja" in told


def test_no_contract_columns_no_commit(house: Lakehouse) -> None:
    house.put([line("log/a.txt", 0, DAY)])
    edit(model(house, "fct_messages"), "messages.platform,", "")

    result = house.build()

    assert "platform" in dict(result.failed)["fct_messages"]
    assert house.table(MESSAGES) is None


def test_an_analyst_runs_dbt_as_usual(house: Lakehouse) -> None:
    house.put([line("log/a.txt", n, DAY) for n in range(3)])

    assert house.curate() == []
    version = house.table(MESSAGES)
    assert version is not None

    shown = dbt(
        house, "show", "--inline", "select count(*) as n from {{ ref('stg_irc__messages') }}"
    )
    assert shown.returncode == 0, shown.stdout
    assert "| 3 |" in shown.stdout

    built = dbt(house, "build", "--select", "+fct_channel_activity_daily")
    assert built.returncode == 0, built.stdout
    assert len(re.findall(r" PASS \S+::test_", built.stdout)) >= 14
    assert "PASS assert_daily_activity_counts_every_message" in built.stdout
    table = house.project.lake.snapshot(MESSAGES)
    assert table is not None and table.rows == 3 and table.version > version.version
    assert house.project.releases.newest() is None
    # What nobody tested and released is built again, tested and released by the next run.
    assert pending(house.context) == {SILVER, MESSAGES, DAILY}


def dbt(house: Lakehouse, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Plain dbt in the project's folder, as an analyst runs it."""
    from headgate.orchestration.dbt import properties

    properties.write(house.project)
    program = Path(sys.executable).parent / "dbt"
    folder = house.project.settings.dbt_path
    return subprocess.run(
        [str(program), *arguments], cwd=folder, capture_output=True, text=True, timeout=300
    )
