"""The analyst's loop before a commit: what a model gives, and what it changes, with nothing stored."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.cli.main import invoke
from headgate.orchestration.project import Project
from tests.unit.cli.conftest import DATASET, Answer

pytestmark = pytest.mark.xdist_group("commands")
GOLD = "gold.community.fct_messages"
DAILY = "gold.community.fct_channel_activity_daily"
CONVERSATIONS = "silver.chat.conversations"
LONG = "length(messages.content) as characters"


def model(project: Project, name: str) -> Path:
    (found,) = project.settings.dbt_path.rglob(f"{name}.sql")
    return found


def edit(project: Project, name: str, old: str, new: str) -> None:
    path = model(project, name)
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.fixture
def unchanged(lake: Project) -> Iterator[Project]:
    """The lake; after the test every table still is as it was, and nothing lies about."""
    before = {d: s and s.version for d in lake.contracts for s in [lake.lake.snapshot(d)]}
    releases, runs = lake.releases.ids(), sorted(p.name for p in lake.lake.root.iterdir())
    yield lake
    again = Project.open(lake.settings.root)
    assert before == {d: s and s.version for d in before for s in [again.lake.snapshot(d)]}
    assert again.releases.ids() == releases
    assert sorted(p.name for p in lake.lake.root.iterdir()) == runs


def test_a_model_is_shown_as_its_file_stands(unchanged: Project, answer: Answer) -> None:
    stored = answer("preview", GOLD, "--where", "message_id like '%:7'")
    assert stored["model"] == "fct_messages" and stored["dataset"] == GOLD
    (row,) = stored["rows"]
    edit(unchanged, "fct_messages", LONG, "42 + length(messages.content) as characters")
    (now,) = answer("preview", "fct_messages", "--where", "message_id like '%:7'")["rows"]
    assert now == {**row, "characters": row["characters"] + 42}
    types = {c["name"]: c["type"] for c in stored["columns"]}
    assert types["characters"] == "BIGINT" and types["sent_date"] == "DATE"
    assert len(answer("preview", GOLD, "--limit", "7")["rows"]) == 7
    assert len(answer("preview", GOLD, "--release", "1", "--limit", "90")["rows"]) == 25
    assert invoke(["preview", GOLD, "--release", "9"]) == 1


def test_private_models_and_such_without_contract_are_shown(
    unchanged: Project, answer: Answer
) -> None:
    found = answer("preview", "stg_irc__messages", "--limit", "3")
    assert found["dataset"] is None and len(found["rows"]) == 3
    new = model(unchanged, "fct_messages").with_name("fct_new.sql")
    new.write_text(
        "select channel_id, count(*) as n, list(distinct author_id) as who\n"
        "from {{ ref('fct_messages') }}\ngroup by 1\n"
    )
    for name in ("fct_new", "gold.community.fct_new"):
        found = answer("preview", name)
        assert found["columns"][2] == {"name": "who", "type": "VARCHAR[]"}
        assert [(r["n"], len(r["who"])) for r in found["rows"]] == [(40, 7)]


def test_a_transform_is_shown(unchanged: Project, answer: Answer) -> None:
    found = answer("preview", CONVERSATIONS, "--where", "messages > 5", "--limit", "50")
    assert {c["name"] for c in found["columns"]} == set(
        unchanged.contracts[CONVERSATIONS].table_columns
    )
    whole = answer("sql", f"select conversation_id from {CONVERSATIONS} where messages > 5")
    assert {r["conversation_id"] for r in found["rows"]} == {r["conversation_id"] for r in whole}
    assert whole


def test_what_is_read_may_be_built_first(unchanged: Project, answer: Answer) -> None:
    (stored,) = answer("preview", DAILY)["rows"]
    edit(unchanged, "fct_messages", LONG, "2 * length(messages.content) as characters")
    found = answer("preview", DAILY)
    assert found["rows"] == [stored]
    assert f"would build it otherwise: {GOLD}." in " ".join(found["notes"])
    found = answer("preview", DAILY, "--fresh")
    assert found["rows"] == [{**stored, "characters": 2 * stored["characters"]}]
    assert f"Built here, in memory: {GOLD}." in found["notes"]
    # What stands in nobody's way is not told of.
    assert GOLD not in " ".join(answer("preview", CONVERSATIONS)["notes"])


def test_a_fresh_build_goes_through_transforms(unchanged: Project, answer: Answer) -> None:
    edit(unchanged, "stg_irc__messages", "line as source_line", "line + 100 as source_line")
    name = "fct_conversation_response"
    (found,) = answer("preview", name, "--fresh")["rows"]
    built = " ".join(answer("preview", name, "--fresh")["notes"])
    assert "silver.chat.messages" in built and CONVERSATIONS in built
    assert found["messages"] == 40
    ids = answer("preview", CONVERSATIONS, "--fresh", "--limit", "99")["rows"]
    assert min(int(r["conversation_id"].split(":")[-1]) for r in ids) >= 100


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (LONG, "length(messages.kontent) as characters", r"fct_messages\.sql:\d+: .*kontent"),
        (
            "from messages\n",
            "from rows\n",
            r"fct_messages\.sql.*it reads rows, which is none of the tables",
        ),
        (LONG, "{% if %} as characters", r"fct_messages\.sql"),
        (LONG, "messages.content as characters", "Column characters is VARCHAR, and BIGINT by"),
    ],
)
def test_mistakes_are_told_with_their_place(
    unchanged: Project, capsys: pytest.CaptureFixture[str], old: str, new: str, told: str
) -> None:
    edit(unchanged, "fct_messages", old, new)
    capsys.readouterr()
    code = invoke(["preview", GOLD])
    said = capsys.readouterr().err
    assert re.search(told, said), said
    assert "Traceback" not in said and "defect" not in said
    assert code == (0 if "by" in told else 1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["fct_mesages"], "Do you mean fct_messages"),
        ([DATASET], "taken in and not made"),
        (["gold.community.fct_message"], "Do you mean"),
        ([GOLD, "--where", "wrods > 1"], "--where 'wrods > 1'"),
        ([GOLD, "--where", "true); drop table x; select (1"], "one condition"),
        ([GOLD, "--json", "--csv"], "exclude each other"),
    ],
)
def test_a_wrong_question_is_told(
    unchanged: Project, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    capsys.readouterr()
    assert invoke(["preview", *arguments]) == 2
    assert told in capsys.readouterr().err


def test_people_get_a_table_and_programs_csv(
    unchanged: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert invoke(["preview", "stg_irc__messages", "--limit", "2"]) == 0
    told = capsys.readouterr().out
    assert "source_line BIGINT" in told and "did anybody look at number" in told
    assert invoke(["preview", "stg_irc__messages", "--limit", "2", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 2 and rows[0]["channel"] == "#harbour"


def test_a_changed_model_is_compared_row_by_row(unchanged: Project, answer: Answer) -> None:
    assert answer("diff", GOLD, "--against", "release") == []
    edit(
        unchanged, "fct_messages", LONG,
        "case when messages.message_id like '%3' then 1 end\n    + length(messages.content) as characters",
    )  # fmt: skip
    (found,) = answer("diff", "fct_messages", "--against", "release", code=1)
    rows = found["rows"]
    assert (found["dataset"], found["changes"], rows["same"]) == (GOLD, [], False)
    assert (rows["before"], rows["after"]) == ("release 2", "the working tree")
    assert (rows["added"], rows["removed"], rows["changed"]) == (0, 0, 40)
    (column,) = rows["columns"]
    assert (column["column"], column["became_null"], column["least"]) == ("characters", 36, 1.0)
    assert len(rows["examples"]) == 5
    assert rows["examples"][0]["key"] == {"message_id": "irc:logs/harbour.log:0"}
    # Readers of the first release would miss what came since, too.
    (older,) = answer("diff", GOLD, "--against", "1", code=1)
    assert (older["rows"]["rows_after"], older["rows"]["before"]) == (25, "release 1")
    # Asked of nothing by name, or told not to, it is what contracts say.
    assert answer("diff") == []
    assert answer("diff", GOLD, "--no-rows") == []
    (every,) = answer("diff", "--rows", "--limit", "0", code=1)
    assert (every["dataset"], every["rows"]["examples"]) == (GOLD, [])


def test_a_model_that_fails_leaves_the_contract_to_be_told_of(
    unchanged: Project, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    path = unchanged.contracts[GOLD].path
    text = path.read_text("utf-8")
    mood = (
        "      - {name: mood, logicalType: string, classification: internal, description: Mood.}\n"
    )
    first = "      - name: words\n"
    assert first in text
    path.write_text(text.replace(first, mood + first))
    (found,) = answer("diff", GOLD, code=1)
    assert [c["kind"] for c in found["changes"]] == ["added"] and "rows" not in found
    assert invoke(["diff", GOLD]) == 1
    assert "mood" in capsys.readouterr().err


def test_what_reads_a_changed_model_is_compared_if_asked(
    unchanged: Project, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(unchanged, "fct_messages", LONG, "2 * length(messages.content) as characters")
    assert answer("diff", DAILY) == []
    (found,) = answer("diff", DAILY, "--rows")
    assert found["rows"]["same"]
    (found,) = answer("diff", DAILY, "--rows", "--fresh", code=1)
    assert [c["column"] for c in found["rows"]["columns"]] == ["characters"]
    assert invoke(["diff", DAILY, "--rows", "--fresh", "--markdown"]) == 1
    page = capsys.readouterr().out
    assert f"## `{DAILY}`: same contract" in page
    assert "1 rows, were 1: 1 changed." in page and "| characters | 1 |" in page
    assert invoke(["diff", DAILY, "--rows", "--fresh"]) == 1
    told = capsys.readouterr().out
    assert "of the working tree against the newest commit" in told and "→" in told


def test_a_source_is_compared_with_what_readers_see(
    unchanged: Project, answer: Answer, tmp_path: Path
) -> None:
    assert answer("diff", DATASET, "--rows", "--against", "release") == []
    (found,) = answer("diff", DATASET, "--rows", "--against", "1", code=1)
    rows = found["rows"]
    assert (rows["added"], rows["removed"], rows["changed"]) == (15, 0, 0)
    assert (rows["rows_before"], rows["rows_after"]) == (25, 40)
    assert rows["examples"][0]["after"]["text"] == "did anybody look at number 25?"
    assert invoke(["diff", DATASET, "--against", "9"]) == 1
    contracts = str(unchanged.settings.contracts_path)
    assert invoke(["diff", DATASET, "--rows", "--against", contracts]) == 2


def test_the_tables_are_those_of_the_answer(lake: Project, answer: Answer) -> None:
    """What a diff promises is what a run brings."""
    edit(lake, "fct_messages", LONG, "7::bigint as characters")
    (promised,) = answer("diff", GOLD, code=1)
    before = answer("sql", f"from {GOLD} order by message_id")
    answer("run")
    after = answer("sql", f"from {GOLD} order by message_id")
    differ = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert promised["rows"]["changed"] == len(differ)
    columns = {c for a, b in differ for c in a if a[c] != b[c]}
    assert {c["column"] for c in promised["rows"]["columns"]} == columns
    assert answer("diff", GOLD, "--rows")[0]["rows"]["same"]
    assert answer("diff", GOLD) == []
