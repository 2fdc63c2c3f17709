"""The README's first screen is true: its commands run as written, and visibly change the outcome."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from headgate.cli import demo
from headgate.cli.demo.expected import Expected
from headgate.core import json as hjson
from headgate.orchestration.project import Project
from headgate.quality.outcome import BatchOutcome
from tests.e2e.conftest import DEMO, Shell

# One worker runs all of this file, so that the demo is made once.
pytestmark = pytest.mark.xdist_group("readme")
README = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")
MESSAGES = "select sum(messages) as n from gold.community.fct_channel_activity_daily"


def commands(title: str) -> list[str]:
    """The indented commands below the bold ``title`` of the README."""
    after = README[README.index(f"**{title}") :]
    block = re.search(r"\n\n((?:    .+\n)+)", after)
    assert block, title
    return [line.strip() for line in block[1].splitlines()]


@pytest.fixture
def shell(after_demo: Path, tmp_path: Path) -> Shell:
    return Shell(Path(shutil.copytree(after_demo, tmp_path / "project")))


def test_the_demo_is_as_the_readme_says(tmp_path: Path) -> None:
    manifest = demo.write(tmp_path)
    totals, faults = manifest.totals("first"), manifest.faults("first")
    assert f"{totals['messages']:,} messages" in README
    assert f"puts {sum(faults.values())} faults into them" in README
    assert f"{faults['too_long']} messages are too long" in README


def test_running_the_demo_again_changes_nothing(shell: Shell) -> None:
    code, told = shell.run(DEMO)
    assert code == 0
    assert "Nothing changed" in told


def test_what_was_not_put_in_is_told(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    project = Project.open(shell.folder)
    outcome = BatchOutcome("bronze.chat.messages", "b", "f.json", "published", 2, 1, 1)
    # The lake holds many rows that were set aside for other reasons than this one.
    expected = Expected(read=2, published=1, deduplicated=0, reasons={"truncated": 1})
    assert not demo.agrees(project, {outcome.dataset: expected}, [outcome])
    told = capsys.readouterr().out
    assert "something else than was put in" in told
    assert "set aside: truncated" in told and "set aside: type_mismatch" in told


def test_loosening_a_rule_takes_rows_out_of_quarantine(shell: Shell) -> None:
    before = shell.ask(MESSAGES)
    look, loosen, replay, diff = commands("1. Loosen a rule")
    code, told = shell.run(look)
    found = re.search(r"content\.max_length\s+open\s+(\d+)\b", told)
    assert code == 0 and found, told
    assert shell.run(loosen)[0] == 0
    code, told = shell.run(replay)
    assert code == 0, told
    assert "Release 2 published" in told
    code, told = shell.run(diff)
    assert re.search(rf"fct_messages .*\b{found[1]}\s+0\s+\d+\s*$", told, re.MULTILINE), told
    assert shell.ask(MESSAGES) == int(str(before)) + int(found[1])
    assert shell.ask(MESSAGES, "--release", "1") == before


def test_an_export_that_miscounts_itself_is_refused(shell: Shell) -> None:
    before = shell.ask(MESSAGES)
    take, verdicts = commands("2. Hand in an export")
    code, told = shell.run(take)
    assert code == 1
    assert "control_total" in told
    assert "readers see what they saw before" in told
    assert shell.ask(MESSAGES) == before
    code, told = shell.run(verdicts)
    assert code == 0
    assert "control_total" in told


def test_newer_exports_are_seen_and_undone(shell: Shell) -> None:
    take, diff, back = commands("3. Take newer exports")
    told_of = hjson.loads((shell.folder / "demo_data" / "simulated.json").read_bytes())["totals"]
    before = shell.ask(MESSAGES)
    code, told = shell.run(take)
    assert code == 0, told
    code, told = shell.run(diff)
    row = re.search(r"bronze\.chat\.messages .*\b(\d+)\s+0\s+(\d+)\s*$", told, re.MULTILINE)
    assert row, told
    assert int(row[1]) == told_of["late"] + told_of["new"]
    assert int(row[2]) == told_of["edited"]
    assert int(str(shell.ask(MESSAGES))) > int(str(before))
    assert shell.run(back)[0] == 0
    assert shell.ask(MESSAGES) == before


def test_a_change_is_seen_before_anybody_else_sees_it(shell: Shell) -> None:
    links = "select sum(links) as n from gold.community.fct_channel_activity_daily"
    before = shell.ask(links)
    assert shell.run("headgate plan")[0] == 0, "nothing was changed yet"
    change, plan, diff, own, lineage = commands("4. Change a model")
    assert shell.run(change)[0] == 0
    code, told = shell.run(plan)
    assert code == 1, told
    assert "community-insights must agree" in told and "links means something else" in told
    code, told = shell.run(diff)
    assert code == 1, told
    assert re.search(r"^ links +\d", told, re.MULTILINE), told
    code, told = shell.run(own)
    assert code == 0, told
    assert "Lake mine begins as release 1 of main." in told
    built = set(re.findall(r"^ (?:silver|gold)\.\w+\.(\w+) ", told, re.MULTILINE))
    assert built == {"fct_channel_activity_daily", "dim_channels", "community_health_daily"}, told
    assert shell.ask(links) == before
    _, answer = shell.run(f'headgate --lake mine sql "{links}" --json')
    assert hjson.loads(answer)[0]["n"] != before
    code, told = shell.run(lineage)
    assert code == 0
    assert "gold.community.fct_channel_activity_daily.links" in told


def test_lineage_answers_where_a_number_comes_from_and_why_it_changed(shell: Shell) -> None:
    take, *_ = commands("3. Take newer exports")
    told_of = hjson.loads((shell.folder / "demo_data" / "simulated.json").read_bytes())["totals"]
    assert shell.run(take)[0] == 0
    up, impact, why, personal = commands("5. Ask where a number comes from")
    code, told = shell.run(up)
    assert code == 0, told
    assert "bronze.chat.users.nickname" in told and "landing/discord.nickname" in told
    code, told = shell.run(impact)
    assert code == 0, told
    assert "gold.community.dim_users" in told and "community-insights" in told
    code, told = shell.run(f"{why} --json")
    assert code == 0, told
    _, read = shell.run(why)
    assert "bronze.chat.messages" in read and "late" in read, read
    assert f"{told_of['edited']}" in read, read
    code, told = shell.run(personal)
    assert code == 0, told
    assert "gold.community.dim_users.name" in told, told


def test_a_run_that_is_killed_is_gone_on_with_and_the_lake_is_whole(shell: Shell) -> None:
    kill, again, verify = commands("6. Kill it")
    shell.run(kill)
    code, told = shell.run(again)
    assert code == 0, told
    _, there = shell.run(f'headgate sql "{MESSAGES}" --json')
    _, here = shell.run(f'headgate --lake killed sql "{MESSAGES}" --json')
    assert here == there
    code, told = shell.run(verify)
    assert code == 0, told
