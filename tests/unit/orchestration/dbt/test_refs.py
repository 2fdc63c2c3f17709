"""What models read and are made of is found in their SQL, without dbt."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from headgate.core.errors import ModelError
from headgate.orchestration.dbt import properties, refs
from headgate.orchestration.dbt.compile import Sources
from headgate.orchestration.project import Project

STAGING = "staging/irc/stg_irc__messages.sql"
SILVER = "intermediate/chat/int_chat__messages.sql"
FACTS = "marts/community/fct_messages.sql"
DAILY = "marts/community/fct_channel_activity_daily.sql"


def rewrite(project: Project, model: str, before: str, after: str) -> Path:
    """Replace text in a model's SQL; the text must be there."""
    path = project.settings.dbt_path / "models" / model
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    return path


def test_private_models_are_seen_through(project: Project) -> None:
    found = refs.inputs(project)
    assert found["silver.chat.messages"] == ("bronze.chat.messages", "bronze.irc.messages")
    assert found["gold.community.fct_messages"] == ("silver.chat.messages",)
    assert found["gold.community.dim_channels"] == (
        "bronze.chat.channels", "gold.community.fct_channel_activity_daily",
    )  # fmt: skip


def test_dbt_agrees(project: Project) -> None:
    """dbt's own parser finds the same refs and sources."""
    program = (
        "import sys; from dbt.cli.main import dbtRunner\n"
        f"place = {str(project.settings.dbt_path)!r}\n"
        "done = dbtRunner().invoke(['parse', '--project-dir', place, '--profiles-dir', place,"
        " '--log-level', 'none'])\n"
        "for node in done.result.nodes.values():\n"
        "    if node.resource_type == 'model':\n"
        "        print(node.name, sorted(n.split('.', 2)[-1] for n in node.depends_on.nodes))"
    )
    properties.write(project)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    ours = {
        code.name: sorted([*code.refs, *(d.replace(".", "_", 1) for d in code.sources)])
        for code in refs.models(project).values()
    }
    theirs = {
        line.partition(" ")[0]: eval(line.partition(" ")[2])  # printed by the program above
        for line in done.stdout.splitlines()
    }
    assert ours == theirs


@pytest.mark.parametrize(
    "written",
    [
        "{{ ref('fct_messages') }}",
        '{{ref("fct_messages")}}',
        "{{ ref( 'fct_messages' ) }}",
        "{{ ref('headgate', 'fct_messages') }}",
        "{{ ref('fct_messages', v=1) }}",
        "{% set it = ref('fct_messages') %}{{ it }}",
    ],
)
def test_a_ref_is_seen_however_it_is_written(project: Project, written: str) -> None:
    rewrite(project, DAILY, "{{ ref('fct_messages') }}", written)
    assert refs.models(project)["fct_channel_activity_daily"].refs == ("fct_messages",)


def test_a_changed_is_seen_with_its_link(project: Project) -> None:
    silver = "silver.chat.messages"
    assert refs.models(project)["fct_messages"].changed == (
        refs.Changed(silver, "sent_date", ("reply_to_message_id", "message_id")),
    )
    rewrite(project, FACTS, ", 'reply_to_message_id', 'message_id')", ")")
    assert refs.models(project)["fct_messages"].changed == (refs.Changed(silver, "sent_date"),)


def test_a_ref_in_a_comment_of_jinja_is_none(project: Project) -> None:
    rewrite(project, STAGING, "select", "{# ref('fct_messages') #} select")
    assert refs.models(project)["stg_irc__messages"].refs == ()


def test_inputs_that_only_the_contract_names_count(project: Project) -> None:
    path = project.contracts["gold.community.fct_channel_activity_daily"].path
    entry = "  - property: headgate.inputs\n    value: [bronze.irc.messages]\n"
    path.write_text(path.read_text() + entry)
    again = Project.open(project.settings.root)
    assert refs.inputs(again)["gold.community.fct_channel_activity_daily"] == (
        "bronze.irc.messages", "gold.community.fct_messages",
    )  # fmt: skip


def changed_of_another(project: Project) -> Path:
    return rewrite(
        project, DAILY, "changed('gold.community.fct_messages'", "changed('bronze.irc.messages'"
    )


def changed_of_no_column(project: Project) -> Path:
    return rewrite(project, DAILY, "'sent_date') }}", "'sent_at') }}")


def changed_by_no_link(project: Project) -> Path:
    return rewrite(project, FACTS, "'reply_to_message_id', 'message_id'", "'answers', 'message_id'")


def changed_in_private(project: Project) -> Path:
    return rewrite(
        project, STAGING, "select", "-- {{ changed('bronze.irc.messages', 'date') }}\nselect"
    )


def unknown_ref(project: Project) -> Path:
    return rewrite(project, DAILY, "ref('fct_messages')", "ref('fct_mesages')")


def unknown_source(project: Project) -> Path:
    return rewrite(project, STAGING, "'messages'", "'lines'")


def foreign_source(project: Project) -> Path:
    return rewrite(project, STAGING, "'bronze_irc'", "'raw'")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (changed_of_another, "does not read that dataset"),
        (changed_of_no_column, "never empty"),
        (changed_by_no_link, "no column 'answers' to link by"),
        (changed_in_private, "belongs in a model with a contract"),
        (unknown_ref, "no such model"),
        (unknown_source, "no contract describes it"),
        (foreign_source, "names no dataset"),
    ],
)
def test_what_cannot_be_answered_is_told_with_its_place(project: Project, damage, told) -> None:  # type: ignore[no-untyped-def]
    path = damage(project)
    with pytest.raises(ModelError, match=told) as caught:
        refs.inputs(project)
    assert caught.value.place == str(path)


def test_two_models_of_one_name_are_told(project: Project) -> None:
    models = project.settings.dbt_path / "models"
    (models / "fct_messages.sql").write_text("select 1 as one")
    with pytest.raises(ModelError, match="two models are called fct_messages"):
        refs.models(project)


def test_a_contract_without_sql_is_told(project: Project) -> None:
    (project.settings.dbt_path / "models" / DAILY).unlink()
    with pytest.raises(ModelError, match=r"no fct_channel_activity_daily\.sql"):
        refs.inputs(project)


def hashes(project: Project) -> dict[str, str]:
    """The models' hashes, with everything read anew."""
    again = Project.open(project.settings.root)
    return Sources(again).hashes(str(c.model) for c in again.contracts.models)


def moved(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The models whose hash differs."""
    return {model for model in before if before[model] != after[model]}


def test_a_hash_follows_what_the_rows_follow_from(project: Project) -> None:
    first = hashes(project)
    assert first == hashes(project)

    rewrite(project, DAILY, "count(*) as messages", "count(*) + 0 as messages")
    second = hashes(project)
    assert moved(first, second) == {"fct_channel_activity_daily"}

    rewrite(project, STAGING, "channel,", "channel || '' as channel,")
    third = hashes(project)
    assert moved(second, third) == {"int_chat__messages"}

    path = project.contracts["gold.community.fct_messages"].path
    document = yaml.safe_load(path.read_text())
    document["schema"][0]["quality"].append({"metric": "rowCount", "mustBeLessThan": 9})
    path.write_text(yaml.safe_dump(document))
    assert moved(third, hashes(project)) == {"fct_messages"}


def test_a_hash_does_not_follow_what_no_row_follows_from(project: Project) -> None:
    first = hashes(project)

    rewrite(project, DAILY, "count(*) as messages,", "count( * )  as messages, -- of all kinds")
    rewrite(project, STAGING, "select\n", "-- A line.\nselect {# of a log #}\n")
    macro = project.settings.dbt_path / "macros" / "changed.sql"
    macro.write_text(macro.read_text() + "\n")
    path = project.contracts["gold.community.fct_messages"].path
    text = path.read_text()
    path.write_text(
        text.replace("version: ", "version: 9", 1).replace("purpose: ", "purpose: Oh, ", 1)
    )

    assert hashes(project) == first


def test_properties_are_written_only_when_they_change(project: Project) -> None:
    assert properties.write(project)
    folder = properties.folder(project)
    files = {p: p.stat().st_mtime_ns for p in folder.iterdir()}
    assert len(files) == len(project.contracts)

    assert not properties.write(project)
    assert {p: p.stat().st_mtime_ns for p in folder.iterdir()} == files

    (folder / "left_over.yml").write_text("version: 2\n")
    (folder / "gold_community__fct_messages.yml").write_text("edited by hand\n")
    assert properties.write(project)
    assert {p.name for p in folder.iterdir()} == {p.name for p in files}
    assert "edited by hand" not in (folder / "gold_community__fct_messages.yml").read_text()
