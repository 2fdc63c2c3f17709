"""Our own compiling gives what dbt's does, and knows what it must leave to dbt."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from headgate.core.errors import ModelError
from headgate.orchestration.dbt import canonical, literal, plain, refs, runner, singular, touched
from headgate.orchestration.dbt.compile import Sources, Text, compile_models
from headgate.orchestration.project import Project
from tests.conftest import make_project
from tests.unit.orchestration.dbt import zoo


@pytest.fixture(scope="module")
def animals(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The repository's project with the zoo in it."""
    folder = tmp_path_factory.mktemp("zoo") / "project"
    make_project(folder)
    zoo.put(Project.open(folder))
    return Project.open(folder)


def rendered(project: Project, name: str) -> Text:
    """What our rendering makes of a model."""
    sources = Sources(project)
    text, _ = sources.render(sources.known[name])
    return text


def test_every_model_and_test_compiles_to_what_dbt_gives(animals: Project) -> None:
    sources = Sources(animals)
    names = [n for n in sources.known if not n.startswith("zoo_deep")]
    texts = {n: sources.render(sources.known[n])[0] for n in names}
    texts |= {t.name: t.text for t in singular.tests(sources)}
    assert {n: t.not_plain + t.wrong for n, t in texts.items() if t.not_plain or t.wrong} == {}

    for mode in ("full", "incremental"):
        theirs = runner.compiled(animals, list(texts), incremental=mode == "incremental")
        assert theirs.keys() == texts.keys()
        for name, sql in theirs.items():
            ours = getattr(texts[name], mode)
            assert canonical.canonical(ours) == canonical.canonical(sql), (name, mode)
    assert len(names) > len(zoo.PLAIN) + 12


@pytest.mark.parametrize("name", zoo.NOT_PLAIN)
def test_what_only_dbt_can_tell_is_seen(animals: Project, name: str) -> None:
    sql, told = zoo.NOT_PLAIN[name]
    path = animals.settings.dbt_path / "models" / f"zoo_{name}.sql"
    text, _ = Sources(animals).render(refs.read(path, sql))
    assert told in text.not_plain
    assert text.full == ""


def configured(project: Project, name: str, told: str) -> None:
    """A contracted model is left to dbt, for that reason."""
    assert told in rendered(project, name).not_plain


@pytest.mark.parametrize(
    "config", [{"pre_hook": "select 1"}, {"materialized": "table"}, {"enabled": False}]
)
def test_configuration_in_yaml_is_seen(project: Project, config: dict[str, object]) -> None:
    path = project.settings.dbt_path / "models" / "more.yml"
    path.write_text(yaml.safe_dump({"models": [{"name": "fct_messages", "config": config}]}))
    configured(project, "fct_messages", "more.yml")
    assert rendered(project, "fct_channel_activity_daily").not_plain == ""

    harmless = {"name": "fct_messages", "description": "x", "config": {"tags": ["x"]}}
    path.write_text(yaml.safe_dump({"models": [harmless]}))
    assert rendered(project, "fct_messages").not_plain == ""


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("on-run-start", ["select 1"]),
        ("dispatch", [{"macro_namespace": "dbt", "search_order": ["headgate"]}]),
        ("models", {"headgate": {"marts": {"+pre-hook": "select 1"}}}),
        ("macro-paths", ["macros", "more"]),
    ],
)
def test_configuration_of_the_project_is_seen(project: Project, key: str, value: object) -> None:
    path = project.settings.dbt_path / "dbt_project.yml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), key: value}))
    configured(project, "fct_messages", key if key != "models" else "pre-hook")


def test_a_model_that_only_dbt_can_tell_is_compiled_by_it(project: Project) -> None:
    path = next((project.settings.dbt_path / "models").rglob("fct_channel_activity_daily.sql"))
    asking = "{% set n = run_query('select 41 + 1 as n').rows[0][0] if execute %}\n"
    path.write_text(asking + path.read_text().replace("count(*) as", "{{ n }} as", 1))

    found = compile_models(project, ["fct_messages", "fct_channel_activity_daily"])

    ours, theirs = found["fct_messages"], found["fct_channel_activity_daily"]
    assert (ours.by, theirs.by) == ("headgate", "dbt")
    assert "42 as messages" in theirs.full and 'from "gold_community"."fct_messages"' in theirs.full
    view = 'headgate_changed."fct_channel_activity_daily|gold.community.fct_messages|sent_date"'
    assert view in theirs.incremental and view not in theirs.full


def test_what_is_worked_out_is_kept_until_a_file_changes(project: Project, tmp_path: Path) -> None:
    name = "int_chat__messages"
    first = compile_models(project, [name])[name]
    kept = Project.open(project.settings.root)
    kept.cache.put("compiled", dict.fromkeys((), "x"))
    assert compile_models(kept, [name])[name] == first

    path = next((project.settings.dbt_path / "models").rglob("stg_irc__messages.sql"))
    path.write_text(path.read_text().replace("channel,", "upper(channel) as channel,", 1))
    again = compile_models(Project.open(project.settings.root), [name])[name]
    assert "upper(channel)" in again.full and again.code_hash != first.code_hash


def test_a_variable_of_the_environment_is_read_each_time(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = next((project.settings.dbt_path / "models").rglob("fct_channel_activity_daily.sql"))
    text = path.read_text().replace("count(*) as", "{{ env_var('HEADGATE_TRIED') }} as", 1)
    path.write_text(text)
    found = []
    for value in ("1", "2"):
        monkeypatch.setenv("HEADGATE_TRIED", value)
        found.append(rendered(Project.open(project.settings.root), path.stem).full)
    assert "1 as messages" in found[0] and "2 as messages" in found[1]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("select\n", "{% if %} select\n", r"daily\.sql:2: .* is not a Jinja template"),
        ("'sent_date') }}", "'sent' ~ '_date') }}", "not written out"),
        ("count(*) as", "{{ 1 | no_such }} as", "No filter named 'no_such'"),
        (
            "ref('fct_messages') }}",
            "ref('fct_messages') }}, {{ ref('int_chat__' ~ 'messages') }}",
            "its SQL does not show",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    project: Project, before: str, after: str, told: str
) -> None:
    path = next((project.settings.dbt_path / "models").rglob("fct_channel_activity_daily.sql"))
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    with pytest.raises(ModelError, match=told):
        compile_models(project, [path.stem])


INCREMENTAL = "{% if is_incremental() %}"
LITERAL = {
    "nothing": "select 1\n\n",
    "names": "select * from {{ ref('a') }} join {{source( \"b\" , 'c' )}} -- {{ ref('d', 'e') }}\n",
    "conditions": f"a {INCREMENTAL} b {INCREMENTAL} c {{{{ changed('d', 'e') }}}} {{% else %}} d"
    " {% endif %} {% else %} e {%endif%} }} f",
    "first and last": f"{INCREMENTAL}a{{% endif %}}",
    "quoted": "select '{ {{ ref('a') }} }' as \"%}\"",
}


@pytest.mark.parametrize("name", LITERAL)
@pytest.mark.parametrize("incremental", [False, True])
def test_the_simplest_templates_mean_what_jinja_makes_of_them(name: str, incremental: bool) -> None:
    functions = {
        "ref": lambda *names: f"<ref {names}>",
        "source": lambda *names: f"<source {names}>",
        "changed": lambda *names: f"<changed {names}>",
        "is_incremental": lambda: incremental,
    }
    assert literal.is_literal(LITERAL[name])
    theirs = plain.environment().from_string(LITERAL[name]).render(functions)
    assert literal.render(LITERAL[name], functions) == theirs


@pytest.mark.parametrize(
    "sql",
    [
        "{%- if is_incremental() %} a {% endif %}",
        "{{- ref('a') }}",
        "{# {{ ref('a') }} #}",
        "{% raw %}{{ ref('a') }}{% endraw %}",
        "{% if is_incremental() %} a",
        "a {% endif %}",
        "{% else %} a",
        "{% if is_incremental() %} a {% else %} b {% else %} c {% endif %}",
        "{% if %} a {% endif %}",
        "{% if is_incremental() %} a {% endif is_incremental() %}",
        "{{ ref('a\\n') }}",
        "{{ ref('a') | upper }}",
        "{{ ref(a) }}",
        "{{ var('a') }}",
        "select {{ ref('a') }}\r\n",
    ],
)
def test_all_other_templates_are_jinjas(sql: str) -> None:
    assert not literal.is_literal(sql)


def test_a_macro_may_stand_for_a_function_that_we_know(project: Project) -> None:
    (project.settings.dbt_path / "macros" / "own.sql").write_text(
        "{% macro ref(name) %}(select * from unnest([1])) {{ name }}{% endmacro %}"
    )
    found = rendered(project, "fct_channel_activity_daily")
    assert "from (select * from unnest([1])) fct_messages" in found.full


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("select a -- b\nfrom t", "select a from t", True),
        ("select a /* b /* c */ d */ from t", "SELECT a from t", False),
        ("select a /* b /* c */ d */ from t", "select a from t", True),
        ("f( a , b )", "f(a,b)", True),
        ("select '-- no', \"a  b\"", "select '-- no', \"a b\"", False),
        ("select 'a  b'", "select 'a b'", False),
        ("select e'\\'  -- x'", "select e'\\' -- x'", False),
        ("select $$ a  b $$", "select $$ a b $$", False),
        ("select $x$ -- $$ $x$ , 1", "select $x$ -- $$ $x$,1", True),
        ("select 'a'\n'b'", "select 'a' 'b'", False),
        ("select 1 - -1", "select 1 --1", False),
        ("ab", "a b", False),
    ],
)
def test_only_what_no_engine_reads_does_not_count(one: str, other: str, same: bool) -> None:
    assert (canonical.canonical(one) == canonical.canonical(other)) is same


@pytest.mark.parametrize(
    ("sql", "scope"),
    [
        ("with touched as (select 1), b as (select 2) select 3", "with touched as (select 1)"),
        (
            "-- (\nWITH recursive a(x, y) as (select ')', 1), \"Touched\" as materialized"
            " (select (2)) select 3",
            "-- (\nWITH recursive a(x, y) as (select ')', 1), \"Touched\" as materialized"
            " (select (2))",
        ),
        ("select * from (with touched as (select 1) select * from touched)", None),
        ("with a as (with touched as (select 1) select 2) select * from a", None),
    ],
)
def test_what_an_incremental_build_replaces_is_found_in_sql(
    project: Project, sql: str, scope: str | None
) -> None:
    contract = project.contracts["gold.community.fct_messages"]
    assert touched.says(sql)
    if scope is None:
        with pytest.raises(ModelError, match=r"x\.sql: touched is not among"):
            touched.scope(sql, contract, "x.sql")
    else:
        assert touched.scope(sql, contract, "x.sql") == (
            f'{scope}\nSELECT DISTINCT CAST("sent_date" AS DATE) AS "sent_date" FROM touched'
            ' WHERE "sent_date" IS NOT NULL'
        )
