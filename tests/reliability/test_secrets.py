"""No secret leaves: canaries stand wherever a secret may stand, and every byte that came out is searched."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from headgate.cli import sql
from headgate.cli.main import invoke
from headgate.core import secrets
from headgate.core import settings as core_settings
from headgate.core.errors import ContractError, LakeError
from headgate.orchestration.project import Project
from tests.conftest import REPOSITORY
from tests.reliability.figures import record
from tests.reliability.sandbox import house
from tests.reliability.sandbox.house import MODEL, PLAIN, SOURCE, House

TOKEN = "canary-token-51c9e0"
DBT = "canary-dbt-secret-88d1"
GIVEN = 'canary "setting" q7zx9k'
ADDRESS = "canary-address-3e42"
CANARIES = (TOKEN, DBT, "q7zx9k", ADDRESS)
_MODEL_SAYS = (
    f"select line, error('{TOKEN}') as author from {{{{ source('bronze_irc', 'messages') }}}}",
    "select line, '{{ env_var('DBT_ENV_SECRET_PASSWORD') }}' as author"
    " from {{ source('bronze_irc', 'messages') }}",
    "select line, '{{ env_var('HEADGATE_API_TOKEN') }}' as author"
    " from {{ source('bronze_irc', 'messages') }}",
)


@dataclass
class Tried:
    """What was said while everything was tried that fails, and where the rest is searched for."""

    house: House
    said: list[str] = field(default_factory=list)

    def leaks(self) -> dict[str, set[str]]:
        """Canaries by where they were found; what was planted itself is not counted."""
        found: dict[str, set[str]] = {}
        texts = [("said", text) for text in self.said] + list(self._stored()) + list(self._tables())
        for place, text in texts:
            seen = {c for c in CANARIES if c in text}
            if seen:
                found.setdefault(place, set()).update(seen)
        return found

    def _stored(self) -> Iterator[tuple[str, str]]:
        root = self.house.project.settings.root
        for top in (root / "lake", root / "dbt_project" / "target", root / "dbt_project" / "logs"):
            for path in sorted(p for p in top.rglob("*") if p.is_file()):
                name = str(path.relative_to(root))
                yield name, name + path.read_bytes().decode("latin-1")

    def _tables(self) -> Iterator[tuple[str, str]]:
        """Data files are compressed, so they are read as tables; raw rows are data."""
        ledgers = [f"system.ledger.{n}" for n in ("batches", "verdicts", "runs", "releases")]
        asked = {table: f"select * from {table}" for table in ledgers}
        asked[SOURCE] = f"select distinct _source from {SOURCE}"
        if self.house.project.lake.snapshot(SOURCE, quarantine=True):
            asked["quarantine"] = f"select * exclude (raw) from {SOURCE}__quarantine"
        with sql.connect(self.house.project, None) as con:
            for table, query in asked.items():
                yield table, repr(list(sql.answer(con, query)[1]))


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HEADGATE_API_TOKEN", TOKEN)
    monkeypatch.setenv("DBT_ENV_SECRET_PASSWORD", DBT)
    secrets.add([GIVEN])  # as a setting that is marked
    yield
    secrets.forget()


def everything_fails(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    whole: bool,
) -> Tried:
    """A run with failures of every kind, and every command that tells of them (``whole``: really)."""
    built = house.build(folder)
    root, tried = built.project.settings.root, Tried(built)

    def do(*arguments: str) -> int:
        code = invoke(arguments)
        said = capsys.readouterr()
        tried.said.append(said.out + said.err)
        return code

    monkeypatch.setenv("HEADGATE_ROOT", str(root))
    good = (root / "day.jsonl").rename(root / f"day {TOKEN}.jsonl")
    with good.open("a") as file:
        file.write("{oops\n")
    bad = root / f"bad {TOKEN}.jsonl"
    bad.write_text('{"line": "x"}\n' * 5)
    assert do("run", "--source", f"{SOURCE}={good}", "--json") == 0
    assert do("run", "--source", f"{SOURCE}={bad}") == 1
    assert do("run", "--source", f"{SOURCE}=https://joe:{ADDRESS}@host/x?token={ADDRESS}") == 2
    assert do("run", f"--{TOKEN}") == 2
    for text in _MODEL_SAYS:
        built.model.write_text(text)
        for command in (["run"], ["preview", MODEL], ["check"], ["plan", "--json"])[
            : 4 if whole else 1
        ]:
            do(*command)
    built.model.write_text(PLAIN)
    test = built.project.settings.dbt_path / "tests" / "tried.sql"
    test.write_text(f"select error('{TOKEN}') from {{{{ ref('{MODEL}') }}}}")
    built.model.write_text(PLAIN + "where true")
    assert do("run") == 1
    test.unlink()
    do("sql", f"select error('{GIVEN}')")
    do("sql", f"select error('{TOKEN} password={ADDRESS}')")
    if whole:
        do("docs")
    for command in (["status"], ["show", "settings"], ["lineage", SOURCE, "--json"],
                    ["quarantine", "list", SOURCE], ["show", "verdicts", SOURCE],
                    ["release", "list"], ["show", "batches", SOURCE]):  # fmt: skip
        do(*command)
    return tried


def test_no_canary_is_found(
    tmp_path: Path,
    environment: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = everything_fails(tmp_path, capsys, monkeypatch, whole=False)
    assert tried.leaks() == {}
    assert sum(secrets.HIDDEN in text for text in tried.said) >= 5
    record("secrets", canaries=len(CANARIES), leaks=0, short=True)


@pytest.mark.long
def test_no_canary_is_found_whatever_is_asked(
    tmp_path: Path,
    environment: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = everything_fails(tmp_path, capsys, monkeypatch, whole=True)
    assert tried.leaks() == {}
    record("secrets", canaries=len(CANARIES), leaks=0, texts=len(tried.said))


@pytest.mark.long
def test_the_search_finds_what_is_not_hidden(
    tmp_path: Path,
    environment: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    never = re.compile(r"(?!)()()")
    for pattern in ("_ADDRESS", "_PAIR", "_NAME"):
        monkeypatch.setattr(secrets, pattern, never)
    monkeypatch.setattr(secrets, "_known", lambda: None)
    leaks = everything_fails(tmp_path, capsys, monkeypatch, whole=True).leaks()
    places = {p.removeprefix("lake/").partition("/")[0] for p in leaks}
    assert {"said", "_events", "bronze", "_docs", "_code", SOURCE} <= places
    assert {p for p in leaks if p.startswith("system.ledger")} >= {"system.ledger.batches"}
    assert set().union(*leaks.values()) == set(CANARIES)


def test_an_unexpected_error_and_its_trace_tell_no_secret(
    tmp_path: Path, environment: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also by the console script in a process of its own, with --debug."""
    with pytest.MonkeyPatch.context() as patch:

        def breaks(*_: object, **__: object) -> None:
            raise RuntimeError(f"cannot log in with {TOKEN} to https://a:{ADDRESS}@host")

        patch.setattr(Project, "open", breaks)
        assert invoke(["status"]) == 1
        told = capsys.readouterr().err
        assert "unexpected RuntimeError" in told and secrets.HIDDEN in told
        assert not any(c in told for c in CANARIES)
    program = (
        "import sys; from headgate.cli import main; from headgate.orchestration.project import Project\n"
        "def breaks(*_, **__): raise RuntimeError('with %s' % sys.argv.pop())\n"
        "Project.open = breaks; main.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "--debug", "status", TOKEN],
        capture_output=True, text=True, cwd=REPOSITORY, env={**os.environ, "HEADGATE_ROOT": ""},
    )  # fmt: skip
    assert done.returncode != 0 and "Traceback" not in done.stdout
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"servers": [{"server": "a", "type": "local", "path": "x", "format": "json",
                       "customProperties": [{"property": "password", "value": "hunter22"}]}]},
         "/servers/0/customProperties/0/value"),
        ({"customProperties": [{"property": "access_token", "value": "hunter22"}]},
         "/customProperties/"),
        ({"customProperties": [{"property": "dsn", "value": "host=a password=hunter22"}]},
         "/customProperties/"),
        ({"description": {"purpose": "See https://joe:hunter22@host/wiki"}}, "/description/purpose"),
        ({"tags": [TOKEN]}, "/tags/0"),
    ],
)  # fmt: skip
def test_a_contract_with_a_secret_is_refused(
    tmp_path: Path,
    environment: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, object],
    place: str,
) -> None:
    import yaml

    built = house.build(tmp_path)
    secrets.look()
    monkeypatch.setenv("HEADGATE_ROOT", str(built.project.settings.root))
    path = built.project.settings.contracts_path / "irc" / "gold_lines" / "contract.odcs.yaml"
    document = yaml.safe_load(path.read_text())
    path.write_text(json.dumps({**document, **change}))
    with pytest.raises(ContractError) as told:
        dict(Project.open(built.project.settings.root).contracts)
    assert place in told.value.place and "gold_lines" in told.value.place
    assert "hunter22" not in str(told.value) and TOKEN not in str(told.value)
    assert invoke(["check"]) == 2
    assert place in capsys.readouterr().err
    assert not list(built.project.lake.root.rglob("_contracts/*"))


def test_a_reference_to_a_secret_is_no_secret(tmp_path: Path, environment: None) -> None:
    import yaml

    built = house.build(tmp_path)
    path = built.project.settings.contracts_path / "irc" / "gold_lines" / "contract.odcs.yaml"
    document = yaml.safe_load(path.read_text())
    document["customProperties"] += [
        {"property": "password", "value": "${WAREHOUSE_PASSWORD}"},
        {"property": "dsn", "value": "postgres://joe:${PASSWORD}@host/db"},
    ]
    path.write_text(json.dumps(document))
    assert "gold.irc.lines" in Project.open(built.project.settings.root).contracts


@pytest.mark.long
def test_dbts_own_files_keep_no_secret(
    tmp_path: Path,
    environment: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A model that only dbt compiles may print what it likes, into files that are ours."""
    built = house.build(tmp_path)
    root, tried = built.project.settings.root, Tried(built)
    monkeypatch.setenv("HEADGATE_ROOT", str(root))
    assert invoke(["run", "--source", f"{SOURCE}={root / 'day.jsonl'}"]) == 0
    for shown in ("{{ log(env_var('HEADGATE_API_TOKEN'), info=true) }}",
                  "-- {{ env_var('HEADGATE_API_' ~ 'TOKEN') }}"):  # fmt: skip
        built.model.write_text("{% set x = adapter.type() %}\n" + shown + "\n" + PLAIN)
        invoke(["run"])
    said = capsys.readouterr()
    tried.said.append(said.out + said.err)
    assert tried.leaks() == {}
    assert (root / "lake" / "_dbt" / "logs" / "dbt.log").read_text().count(secrets.HIDDEN)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("https://joe:pa55word@host/a", "https://joe:***@host/a"),
        ("at s3://key:pa55word@b and pg://a:b@c", "at s3://key:***@b and pg://a:***@c"),
        ("host=a password=pa55word user=b", "host=a password=*** user=b"),
        ("https://h/a?sig=pa55word&x=1", "https://h/a?sig=***&x=1"),
        (f"x{TOKEN}y", "x***y"),
        (json.dumps({"a": GIVEN}), '{"a": "***"}'),
        ("silver.chat.messages: 3 of 4 rows; a = b, key=1", "silver.chat.messages: 3 of 4 rows; a = b, key=1"),
        ("headgate://local/bronze.a.b, mail a@b.c", "headgate://local/bronze.a.b, mail a@b.c"),
    ],
)  # fmt: skip
def test_texts_are_told_without_what_is_secret(environment: None, given: str, told: str) -> None:
    secrets.look()
    assert secrets.redact(given) == told


@pytest.mark.parametrize(
    "name", ["HEADGATE_KEY", "HEADGATE_WEBHOOK_SECRET", "GITHUB_TOKEN", "PGPASSWORD",
             "AWS_SECRET_ACCESS_KEY", "DBT_ENV_SECRET_X", "MY_API_KEY"],
)  # fmt: skip
def test_names_that_say_so_are_of_secrets(name: str) -> None:
    assert secrets.is_secret_name(name)
    assert not any(map(secrets.is_secret_name, ["HEADGATE_LAKE", "PATH", "KEYBOARD", "MONKEY"]))


def test_a_setting_that_is_marked_is_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One is marked for the test that is in use everywhere."""
    built = house.build(tmp_path)
    monkeypatch.setenv("HEADGATE_ROOT", str(built.project.settings.root))
    monkeypatch.setenv("HEADGATE_LAKE_NAME", "canary-of-a-setting")
    (spec,) = [
        f for f in core_settings.dataclasses.fields(core_settings.Settings) if f.name == "lake_name"
    ]
    monkeypatch.setattr(spec, "metadata", {**spec.metadata, "secret": True})
    try:
        assert core_settings.secret() >= {
            "lake_name", "alert_webhook", "lineage_store", "portal_oidc_client_secret",
            "portal_store", "smtp_url",
        }  # fmt: skip
        core_settings.load()
        assert "canary-of" not in str(LakeError("in canary-of-a-setting"))
        assert invoke(["show", "settings"]) == 0
        assert "canary-of-a-setting" not in capsys.readouterr().out
    finally:
        secrets.forget()
