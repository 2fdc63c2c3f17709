"""Data Docs that the portal serves: whole and inert, to whom nothing of them is kept from, and no file beside them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.testclient import TestClient

from headgate.core.errors import NotFoundError
from headgate.governance import layout
from headgate.governance.data_docs import MARK
from headgate.governance.judgements import Judgement, judgements
from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.portal import addresses
from headgate.portal.access.roles import Role
from headgate.portal.records import chain
from headgate.portal.told import data_docs
from tests.shown_lake import DISCORD, HOSTILE, IRC, OWNER, SAID
from tests.unit.portal.page import read

Serve = Callable[..., TestClient]
#: Who may, and who may not, see values of IRC's authors.
SEE = (("owner", {OWNER}), ("admin", ()))
NOT = (("viewer", {OWNER}), ("reviewer", {OWNER}), ("owner", {"others"}))


@pytest.fixture
def judged(own_project: Project) -> list[Judgement]:
    """The last batches of IRC, the newest first."""
    with connect(own_project.settings) as con:
        return judgements(con, own_project.lake, own_project.contracts[IRC], 5)


@pytest.fixture
def docs(own_project: Project, judged: list[Judgement]) -> Path:
    """Their folder, with the files that `headgate docs` names and the results that it writes."""
    folder = own_project.settings.lake_path / "_docs"
    (folder / IRC).mkdir(parents=True)
    (folder / MARK).write_text("built")
    trail = [("All datasets", "../index.html")]
    (folder / "index.html").write_text(layout.page("Data quality", "<p>all of it</p>"))
    for name in ("index", "suite"):
        (folder / IRC / f"{name}.html").write_text(layout.page(IRC, f"<p>its {name}</p>", trail))
    for one in judged:
        write(folder, one.verdict.batch_id, one.result())
    return folder


def write(folder: Path, batch: str, result: Any) -> str:
    """A batch's page and its result; gives the address of the page."""
    (folder / IRC / f"{batch}.html").write_text(layout.page("A batch", "<p>its verdict</p>"))
    text = result if isinstance(result, str) else json.dumps(result)
    (folder / IRC / f"{batch}.json").write_text(text)
    return addresses.data_docs(IRC, batch)


def log(client: TestClient) -> list[chain.Entry]:
    app: Any = client.app
    return list(chain.every(app.state.served.records))


def test_pages_are_served_whole_and_can_do_nothing(
    docs: Path, own_project: Project, serve: Serve
) -> None:
    client = serve(own_project, role=Role.VIEWER)
    for address, said in (
        (addresses.data_docs(), "all of it"),
        (f"{addresses.data_docs()}index.html", "all of it"),
        (addresses.data_docs(IRC), "its index"),
        (addresses.data_docs(IRC, "suite"), "its suite"),
    ):
        answer = client.get(address)
        assert answer.status_code == 200 and said in answer.text, address
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        policy = dict(p.strip().split(" ", 1) for p in answer.headers["content-security-policy"].split(";"))  # fmt: skip
        assert policy == {
            "default-src": "'none'", "style-src": "'unsafe-inline'", "base-uri": "'none'",
            "form-action": "'none'", "frame-ancestors": "'none'", "sandbox": "allow-same-origin",
        }  # fmt: skip
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
    back = read(client.get(addresses.data_docs(IRC))).links("header nav")
    assert [a.get("href") for a in back] == [addresses.dataset(IRC), "../index.html"]
    assert log(client) == []


def test_other_pages_lead_there_once_they_are_built(
    docs: Path, judged: list[Judgement], own_project: Project, serve: Serve
) -> None:
    client = serve(own_project, role=Role.VIEWER)
    for address in ("/quality", "/quality/domains/irc", f"/quality/owners/{OWNER}"):
        page = read(client.get(address))
        assert page.link("Great Expectations' Data Docs") == addresses.data_docs()
    batch = addresses.batch(IRC, judged[0].verdict.batch_id)
    for address in (addresses.dataset(IRC), batch):
        link = read(client.get(address)).link("Great Expectations' Data Docs of it")
        assert client.get(link).status_code == 200
    other = read(client.get(addresses.dataset(DISCORD))).links()
    assert not [a for a in other if "Data Docs" in a.text]


def test_before_they_are_built_a_page_says_how_they_are(own_project: Project, serve: Serve) -> None:
    client = serve(own_project, role=Role.VIEWER)
    assert "headgate docs" in read(client.get(addresses.data_docs())).text("main")
    missing = client.get(addresses.data_docs(IRC))
    assert missing.status_code == 404 and "headgate docs" in read(missing).text("main")
    assert "Data Docs" not in read(client.get(addresses.dataset(IRC))).text("main")


def test_whoever_sees_values_of_rows_is_on_record(
    docs: Path, judged: list[Judgement], own_project: Project, serve: Serve
) -> None:
    client = serve(own_project, role=Role.VIEWER)
    quiet, _, quoting = (one.verdict.batch_id for one in judged)
    assert client.get(addresses.data_docs(IRC, quiet)).status_code == 200
    assert log(client) == []
    told = client.get(addresses.data_docs(IRC, quoting).replace(".html", ".json"))
    assert told.headers["content-type"] == "application/json" and HOSTILE in told.json()["results"][
        next(i for i, r in enumerate(told.json()["results"]) if not r["success"]
             and r["expectation_config"]["kwargs"].get("column") == "type")
    ]["result"]["partial_unexpected_list"]  # fmt: skip
    assert "not shown: personal data" in told.text
    assert client.get(addresses.data_docs(IRC, quoting)).status_code == 200
    entries = log(client)
    assert [(e.action, e.subject, e.detail["columns"], e.detail["batch"]) for e in entries] == [
        ("sample_seen", IRC, ["type"], quoting)
    ] * 2


def quoting(one: dict[str, Any], how: str) -> Any:
    """A result that quotes what somebody said or who they are, each in another place."""
    entry = next(
        r for r in one["results"] if r["expectation_config"]["kwargs"].get("column") == "author"
    )
    if how == "example":  # built when the contract protected less
        entry["result"]["partial_unexpected_list"] = [SAID]
    elif how == "no answer":
        entry["exception_info"]["exception_message"] = f"'{SAID}' is no number"
    elif how == "engine":
        entry["expectation_config"]["meta"]["headgate"]["kind"] = "great_expectations"
        entry["result"] = {"observed_value": f"2 of 60 rows, such as {SAID}"}
    elif how == "whole row":
        entry["expectation_config"]["kwargs"].pop("column")
        entry["result"]["partial_unexpected_list"] = [SAID]
    elif how == "beyond":
        one["meta"]["headgate"]["beyond_rules"] = [{"rule": "x", "breaches": 1, "observed": SAID}]
    elif how == "unreadable":
        return "{"
    elif how == "of another form":
        del one["meta"]["headgate"]
    return one


def test_what_quotes_a_personal_value_is_for_whom_its_contract_names(
    docs: Path, judged: list[Judgement], own_project: Project, serve: Serve
) -> None:
    ways = (
        "example",
        "no answer",
        "engine",
        "whole row",
        "beyond",
        "unreadable",
        "of another form",
    )
    made = {
        how: write(docs, how.replace(" ", "-"), quoting(judged[0].result(), how)) for how in ways
    }
    for role, teams in SEE:
        client = serve(own_project, role=Role(role), teams=teams)
        for how, address in made.items():
            assert client.get(address).status_code == 200, (role, how)
    for role, teams in NOT:
        client = serve(own_project, role=Role(role), teams=teams)
        before = len(log(client))
        for address in [*made.values(), *(a.replace(".html", ".json") for a in made.values())]:
            answer = client.get(address)
            assert answer.status_code == 403 and SAID not in answer.text, (role, address)
            assert f"/datasets/{IRC}/batches/" in answer.text
        assert len(log(client)) == before


def test_counts_are_no_values(
    docs: Path, judged: list[Judgement], own_project: Project, serve: Serve
) -> None:
    result = judged[0].result()
    result["meta"]["headgate"]["beyond_rules"] = [
        {"rule": "a", "breaches": 1, "observed": "1 of 44 records"},
        {"rule": "b", "breaches": 1, "observed": "0.0625"},
    ]
    client = serve(own_project, role=Role.VIEWER)
    assert client.get(write(docs, "counts", result)).status_code == 200
    assert log(client) == []


def test_what_no_contract_speaks_of_is_shown_to_nobody(
    docs: Path, own_project: Project, serve: Serve
) -> None:
    (docs / IRC).rename(docs / "bronze.gone.messages")
    client = serve(own_project, role=Role.ADMIN)
    assert client.get(addresses.data_docs("bronze.gone.messages")).status_code == 404


PATHS = (
    "../secret.html", "..%2Fsecret.html", "%2E%2E/secret.html", f"{IRC}/../../secret.html",
    f"{IRC}/..%2F..%2Fsecret.html", "//etc/passwd", "/etc/passwd", f"{IRC}/", IRC, "%2E", MARK,
    f"{IRC}/{MARK}", f"{IRC}/suite.css", f"{IRC}/a%00.html", f"{IRC}/index.html/", "a.html",
    "linked/index.html", f"{IRC}/linked.html", f"{IRC}/linked.json", f"{IRC}/pipe.html",
    f"{IRC}/folder.html", f"{IRC}/alone.html", f"{IRC}/{'a' * 300}.html", "é/index.html",
)  # fmt: skip


def test_no_path_and_no_link_leads_to_another_file(
    docs: Path, own_project: Project, serve: Serve
) -> None:
    secret = docs.parent / "secret.html"
    secret.write_text("the secret")
    (docs / "linked").symlink_to(docs / IRC)
    for name in ("html", "json"):
        (docs / IRC / f"linked.{name}").symlink_to(secret)
    os.mkfifo(docs / IRC / "pipe.html")
    (docs / IRC / "folder.html").mkdir()
    (docs / IRC / "alone.html").write_text("without the result that says what it quotes")
    client = serve(own_project, role=Role.ADMIN)
    for path in PATHS:
        answer = client.get(f"/quality/data-docs/{path}")
        assert answer.status_code == 404 and "the secret" not in answer.text, path
        with pytest.raises(NotFoundError):
            data_docs.read(own_project.settings.lake_path, unquote(path))


def test_a_folder_that_is_not_ours_is_not_served(
    docs: Path, own_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = own_project.settings.lake_path

    def refuses() -> None:
        with pytest.raises(NotFoundError):
            data_docs.read(lake, "")

    assert data_docs.read(lake, "").content
    with monkeypatch.context() as patch:
        patch.setattr(data_docs, "LONGEST", 100)
        refuses()
    docs.rename(docs.parent / "elsewhere")
    docs.symlink_to(docs.parent / "elsewhere")
    refuses()
    docs.unlink()
    (docs.parent / "elsewhere").rename(docs)
    (docs / MARK).unlink()
    refuses()
