"""Whoever writes a contract, a model or a question reads nothing but what it names, and writes nothing.

Each attack is tried through every door that takes SQL, and on the engine itself: the check of the text
and the lock of the engine each stop it alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

import headgate
from headgate.cli import sql
from headgate.cli.main import invoke
from headgate.core.errors import HeadgateError, LakeError, UsageError
from headgate.lake.engines.duckdb import connect, empty
from headgate.lake.engines.statements import (
    FORBIDDEN_FUNCTIONS,
    TABLE_FUNCTIONS,
    ForbiddenSqlError,
    check_condition,
    check_query,
)
from headgate.orchestration.dbt import singular
from headgate.orchestration.dbt.compile import Sources
from headgate.quality import conditions, gx_rules, queries
from tests.reliability.figures import record
from tests.reliability.sandbox import attacks, house
from tests.reliability.sandbox.house import CANARY, MODEL, PLAIN, SOURCE, TABLE, House, rule

COLUMNS = {"line": "long", "text": "string", "author": "string", "type": "string"}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    built = house.build(tmp_path_factory.mktemp("sandbox"))
    root = built.project.settings.root
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADGATE_ROOT", str(root))
        assert invoke(["run", "--source", f"{SOURCE}={root / 'day.jsonl'}", "--json"]) == 0
        yield built


@pytest.fixture(autouse=True)
def nothing_written(sandbox: House, capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Whatever was tried: no file came, went or changed, and nobody was told of the canary."""
    capsys.readouterr()
    before = sandbox.files()
    assert str(sandbox.canary) in before
    yield
    said = capsys.readouterr()
    assert CANARY not in said.out + said.err
    sandbox.model.write_text(PLAIN)
    assert sandbox.files() == before


def refused(act: Callable[[], object], *, place: str, given: str) -> None:
    """The act must end with an error that names the place and what to do, and not the canary."""
    with pytest.raises(HeadgateError) as told:
        act()
    assert place in str(told.value), given
    assert CANARY not in str(told.value), given
    assert told.value.remedy or "Parser Error" in told.value.message, given


def test_no_query_reaches_beyond_a_table_rule(sandbox: House) -> None:
    for attack in attacks.QUERIES:
        query = sandbox.filled(attack, "{table}")
        tried = rule("sql", "table", query=query)
        refused(lambda tried=tried: queries.checked(tried), place="contract.odcs.yaml", given=query)


def test_no_condition_reaches_beyond_a_row(sandbox: House) -> None:
    for attack in attacks.CONDITIONS + attacks.QUERIES:
        condition = sandbox.filled(attack, "t")
        tried = rule("predicate", "row", sql=condition)

        def act(condition: str = condition, tried: object = tried) -> object:
            return conditions.checked(condition, tried, COLUMNS)  # type: ignore[arg-type]

        refused(act, place="contract.odcs.yaml", given=condition)


def test_no_row_condition_makes_pandas_run_code(sandbox: House) -> None:
    for attack in attacks.ROW_CONDITIONS:
        kwargs = {
            "column": "line", "min_value": 0, "row_condition": sandbox.filled(attack),
            "condition_parser": "pandas",
        }  # fmt: skip
        tried = rule(
            "greatExpectations", "table", type="ExpectColumnValuesToBeBetween", kwargs=kwargs
        )
        contract = sandbox.project.contracts[SOURCE]
        refused(
            lambda tried=tried, contract=contract: gx_rules.check(tried, contract),
            place="contract.odcs.yaml", given=attack,
        )  # fmt: skip


def model_says(sandbox: House, text: str) -> str:
    """What is wrong with the model, were this its text."""
    sandbox.model.write_text(text)
    sources = Sources(sandbox.project)
    found, _ = sources.render(sources.known[MODEL])
    return found.wrong or found.not_plain


def test_no_model_reaches_beyond_what_it_names(sandbox: House) -> None:
    for attack in attacks.QUERIES:
        text = "-- {{ source('bronze_irc', 'messages') }}\n" + sandbox.filled(attack)
        assert "lines.sql" in model_says(sandbox, text), text


def test_no_part_of_a_model_reaches_beyond_what_it_names(sandbox: House) -> None:
    """Such as what it says to be touched, or what only an incremental build reads."""
    parts = (
        "with touched as (\n%s\n)\n" + PLAIN,
        "select * from {{ source('bronze_irc', 'messages') }}\n"
        "{%% if is_incremental() %%} where line in (\n%s\n) {%% endif %%}",
    )
    # In parentheses a type and a text are a value, such as date '2024-01-01'.
    tried = [a for a in attacks.QUERIES if not a.startswith("load ")]
    for attack in tried[::4]:
        for part in parts:
            text = part % sandbox.filled(attack)
            assert "lines.sql" in model_says(sandbox, text), text


def test_a_refused_model_is_never_built(sandbox: House, capsys: pytest.CaptureFixture[str]) -> None:
    sandbox.model.write_text(sandbox.filled(attacks.QUERIES[0]))
    for arguments in (
        ["run"],
        ["preview", MODEL, "--fresh"],
        ["check"],
    ):
        assert invoke(arguments) != 0, arguments
        said = capsys.readouterr()
        assert "read_text()" in said.out + said.err, arguments
        assert "lines.sql" in said.out + said.err, arguments


def test_no_singular_test_reaches_beyond_what_it_names(sandbox: House) -> None:
    path = sandbox.project.settings.dbt_path / "tests" / "tried.sql"
    try:
        for attack in attacks.QUERIES:
            path.write_text("-- {{ source('bronze_irc', 'messages') }}\n" + sandbox.filled(attack))
            (found,) = singular.tests(Sources(sandbox.project))
            assert "tried.sql" in found.text.wrong + found.text.not_plain, attack
    finally:
        path.unlink()


def test_no_question_reaches_beyond_the_lake(
    sandbox: House, capsys: pytest.CaptureFixture[str]
) -> None:
    with sql.connect(sandbox.project, None) as con:
        for attack in attacks.QUERIES:
            given = sandbox.filled(attack, SOURCE)
            refused(lambda given=given: sql.answer(con, given), place="", given=given)
    for attack in attacks.QUERIES[::15]:
        assert invoke(["sql", sandbox.filled(attack, SOURCE), "--json"]) == 2, attack
        said = capsys.readouterr()
        assert said.out == "" and said.err.startswith("headgate: "), attack


def test_no_condition_reaches_beyond_what_is_looked_at(
    sandbox: House, capsys: pytest.CaptureFixture[str]
) -> None:
    root = sandbox.project.settings.root
    for attack in attacks.CONDITIONS[::2]:
        given = sandbox.filled(attack)
        refused(
            lambda given=given: headgate.read(SOURCE, where=given, project=root),
            place="where=", given=given,
        )  # fmt: skip
    for attack in attacks.CONDITIONS[:6:2]:
        assert invoke(["preview", MODEL, "--where", sandbox.filled(attack)]) == 2, attack
        assert "--where" in capsys.readouterr().err


def test_the_engine_alone_reads_and_writes_nothing_outside(sandbox: House) -> None:
    """Were the check of the text to miss something: the engine has no way there."""
    with connect(sandbox.project.settings) as con:
        for attack in attacks.QUERIES:
            if "{inside}" in attack:
                continue  # the lake itself is not outside
            con.execute("CREATE SCHEMA IF NOT EXISTS s")
            con.execute("CREATE OR REPLACE TABLE s.t (line INTEGER, content VARCHAR)")
            try:
                found = con.execute(sandbox.filled(attack, "s.t")).fetchmany(1000)
            except (duckdb.Error, RuntimeError):
                found = []
            with suppress(duckdb.Error):
                con.execute("ROLLBACK")
            assert CANARY not in repr(found) and "root:" not in repr(found), attack


def test_the_lock_of_the_engine_cannot_be_undone(sandbox: House) -> None:
    for con in (connect(sandbox.project.settings), empty()):
        with con:
            for name in ("enable_external_access", "lock_configuration", "allowed_paths"):
                for way in ("SET", "SET GLOBAL", "RESET"):
                    value = "" if way == "RESET" else " = true"
                    with pytest.raises(duckdb.Error):
                        con.execute(f"{way} {name}{value}")
            with con.cursor() as other, pytest.raises(duckdb.Error):
                other.execute(f"FROM read_text('{sandbox.canary}')")


def test_what_a_run_declares_is_read_and_nothing_beside_it(sandbox: House, tmp_path: Path) -> None:
    odd = tmp_path / "a [b]*?.csv"
    beside = tmp_path / "a b.csv"
    for path in (odd, beside):
        path.write_text("x\n1\n")
    with connect(sandbox.project.settings, [odd]) as con:
        pattern = str(odd).replace("[", "[[]").replace("*", "[*]").replace("?", "[?]")
        assert con.execute(f"FROM read_csv('{pattern}')").fetchall() == [(1,)]
        for other in (beside, tmp_path / "*.csv", f"{odd}/../{beside.name}"):
            with pytest.raises(duckdb.Error):
                con.execute(f"FROM read_csv('{other}')")
    with connect(sandbox.project.settings, [tmp_path]) as con:
        assert con.execute(f"FROM read_csv('{beside}')").fetchall() == [(1,)]
        with pytest.raises(duckdb.Error):
            con.execute(f"FROM read_text('{tmp_path}2/x')")


def test_what_is_harmless_is_still_asked(
    sandbox: House,
) -> None:
    for query in attacks.FINE:
        check_query(sandbox.filled(query), [TABLE])
    with sql.connect(sandbox.project, None) as con:
        for query in attacks.FINE + attacks.FINE_QUESTIONS:
            names, rows = sql.answer(con, sandbox.filled(query, SOURCE))
            list(rows)
            assert names
    for query in attacks.FINE_QUESTIONS:
        if query.startswith("explain"):
            assert invoke(["sql", sandbox.filled(query, SOURCE), "--csv"]) == 0, query
        with pytest.raises(ForbiddenSqlError):
            check_query(sandbox.filled(query), [TABLE])
    for condition in attacks.FINE_CONDITIONS:
        check_condition(condition)
        found = headgate.read(SOURCE, where=condition, project=sandbox.project.settings.root)
        assert found.shape[1] >= 4


def test_each_function_of_from_is_decided_on(sandbox: House) -> None:
    """A new engine may bring more that read; none of them is allowed by default."""
    with empty() as con:
        rows = con.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions()"
            " WHERE function_type IN ('table', 'table_macro')"
        ).fetchall()
    every = {name for (name,) in rows}
    assert every >= TABLE_FUNCTIONS and len(every) > 100
    for name in every - TABLE_FUNCTIONS:
        with pytest.raises(ForbiddenSqlError):
            check_query(f'SELECT * FROM "{name}"(1)', [])
    with empty() as con:
        rows = con.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE has_side_effects"
            " AND function_type = 'scalar'"
        ).fetchall()
    harmless = {
        "error", "gen_random_uuid", "random", "stats", "uuid", "uuidv4", "uuidv7", "vector_type",
    }  # fmt: skip
    assert {name for (name,) in rows} - harmless <= FORBIDDEN_FUNCTIONS


@pytest.mark.parametrize(
    "name",
    ["", "..", "bronze", "bronze.a.b\n", "bronze.a.b/../../c", "bronze.../x.b", "bronze.a.../b",
     "../bronze.a.b", "/bronze.a.b", "Bronze.a.b", "bronze.a.b__quarantine", "bronze.a\\b.c"],
)  # fmt: skip
def test_no_name_of_a_dataset_leads_outside_the_lake(sandbox: House, name: str) -> None:
    with pytest.raises(UsageError):
        sandbox.project.lake.key(name)


@pytest.mark.parametrize("run_id", ["", "..", ".", "../x", "/tmp/x", "a/b", "a/../../../x"])
def test_no_id_of_a_run_leads_outside_the_lake(sandbox: House, run_id: str) -> None:
    with pytest.raises(LakeError):
        sandbox.project.lake.staging(run_id)


def test_no_release_and_no_log_leads_outside_the_lake(
    sandbox: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not even where somebody wrote into the lake's own files."""
    root = Path(shutil.copytree(sandbox.project.lake.root, tmp_path / "lake"))
    (release,) = (root / "_releases").glob("*1.json")
    whole = release.read_text()
    release.write_text(whole.replace(SOURCE, "../../outside/canary"))
    asked = ["--lake", str(root), "sql", f"select * from {SOURCE}", "--json"]
    assert invoke(asked) != 0
    release.write_text(whole)
    (data,) = (root / "bronze" / "irc" / "messages").glob("*.parquet")
    moved = sandbox.canary.with_name("rows.parquet")
    shutil.copyfile(data, moved)
    try:
        for entry in (root / "bronze" / "irc" / "messages" / "_delta_log").glob("*.json"):
            entry.write_text(entry.read_text().replace(data.name, str(moved)))
        capsys.readouterr()
        assert invoke(asked) != 0
        assert capsys.readouterr().out == ""
    finally:
        moved.unlink()


@pytest.mark.long
def test_what_only_dbt_compiles_is_judged_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """dbt's own powers end where its SQL begins; a private model or test is no way around."""
    built = house.build(tmp_path)
    root, dbt = built.project.settings.root, built.project.settings.dbt_path
    monkeypatch.setenv("HEADGATE_ROOT", str(root))
    assert invoke(["run", "--source", f"{SOURCE}={root / 'day.jsonl'}"]) == 0
    private, test = dbt / "models" / "private.sql", dbt / "tests" / "tried.sql"
    unknown = "{% set x = adapter.type() %}\n"  # only dbt knows what that is
    attack = f"select 1 as line, content as author from read_text('{built.canary}')"
    written = built.project.lake.root / "bronze" / "w.csv"
    escape = f"select 1 as line, '' as author); copy (select 1) to '{written}'; select (1"
    ref = "select line, author from {{ ref('private') }}"
    view = "{{ config(materialized='view') }}"
    of_model = unknown + "-- {{ ref('lines') }}\n"
    tries = [
        (unknown + attack, None, None),
        (unknown + escape, None, None),
        (unknown + ref, view + unknown + attack, None),
        (unknown + ref, view + unknown + escape, None),
        (unknown + ref, unknown + attack, None),
        (unknown + PLAIN, None, of_model + attack),
        (unknown + PLAIN + "where true", None, of_model + escape),
    ]
    for model_sql, private_sql, test_sql in tries:
        built.model.write_text(model_sql)
        for path, text in ((private, private_sql), (test, test_sql)):
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_text(text)
        capsys.readouterr()
        tried = (model_sql, private_sql, test_sql)
        assert invoke(["run"]) == 1, tried
        said = capsys.readouterr()
        told = said.out + said.err
        assert CANARY not in told, tried
        # A private view is built by nobody here: what reads it finds no table.
        view_only = private_sql is not None and view in private_sql
        assert "cannot be taken" in told or "Parser" in told or view_only, told
        assert not written.exists(), tried
        assert [p.name for p in built.outside.iterdir()] == ["canary.txt"], tried


@pytest.mark.long
def test_figures(sandbox: House) -> None:
    fine = len(attacks.FINE) + len(attacks.FINE_QUESTIONS) + len(attacks.FINE_CONDITIONS)
    tried = len(attacks.QUERIES) + len(attacks.CONDITIONS) + len(attacks.ROW_CONDITIONS)
    assert tried >= 60 and fine >= 40
    record("sandbox", attacks=tried, doors=8, harmless=fine, read_or_written=0)
