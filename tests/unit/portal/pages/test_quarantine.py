"""Quarantine work from the page: seen by role, waived by whom and why, and each on record."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from headgate.lake.lake import Lake
from headgate.orchestration.project import Project
from headgate.portal import addresses
from headgate.portal.access import forms
from headgate.portal.access.roles import Role
from headgate.portal.records import chain
from headgate.quality import quarantine
from tests.shown_lake import HOSTILE, IRC, OWNER, PERSONAL
from tests.unit.portal.conftest import AsRole
from tests.unit.portal.page import Page, read

ADDRESS = addresses.quarantine(IRC)
WHY = "the log was torn by the exporter <b>"


@pytest.fixture
def own(own_project: Project, serve: Callable[..., TestClient]) -> TestClient:
    """A portal over a lake of its own, as the owner of the dataset."""
    return serve(own_project, role=Role.OWNER, teams={OWNER})


def send(
    client: TestClient, what: str, fields: Mapping[str, Any], *, token: str | None = None
) -> Any:
    """Send the form of the page as a browser does; not following where it leads."""
    if token is None:
        token = read(client.get(ADDRESS)).all("input[name=form_token]")[0].get("value")
    return client.post(
        f"{ADDRESS}/{what}", data={"form_token": token, **fields}, follow_redirects=False,
        headers={"Origin": "http://localhost"},
    )  # fmt: skip


def rows(project: Project, state: str | None = "open") -> list[quarantine.QuarantinedRow]:
    """Refused rows as the lake has them."""
    return quarantine.list_rows(Lake(project.settings), project.contracts[IRC], state=state)


def said(client: TestClient, action: str) -> list[chain.Entry]:
    """What the log has of an action on the dataset, the newest first."""
    records = client.app.state.served.records  # type: ignore[attr-defined]
    return list(chain.entries(records, action=action, subject=IRC))


def test_raw_text_is_kept_from_others_and_never_run(as_role: AsRole) -> None:
    for client in (as_role(Role.VIEWER), as_role(Role.REVIEWER), as_role(Role.OWNER, {"others"})):
        answer = client.get(f"{ADDRESS}?state=any")
        assert PERSONAL not in answer.text
        assert "evil.example" not in answer.text
        assert "decide" not in {f.get("id") for f in read(answer).all("form")}
    shown = as_role(Role.OWNER, {OWNER}).get(ADDRESS)
    assert PERSONAL in shown.text
    assert HOSTILE not in shown.text  # escaped, it is text
    assert HOSTILE in read(shown).text("main").replace('\\"', '"')


def test_each_look_is_on_record(as_role: AsRole) -> None:
    client = as_role(Role.VIEWER)
    client.get(f"{ADDRESS}?reason=malformed_json")
    entry = said(client, "quarantine_seen")[0]
    assert (entry.who, entry.detail["rows"], entry.detail["values_shown"]) == (
        "local:viewer", 1, False,
    )  # fmt: skip
    assert entry.detail["reason"] == "malformed_json"


def test_rows_are_paged_and_filtered(portal: TestClient) -> None:
    found, address = [], f"{ADDRESS}?limit=3"
    while address:
        page = read(portal.get(address))
        found += [r["where"] for r in page.table("Refused rows")]
        following = [a.get("href") for a in page.links() if a.text == "Next page"]
        address = ADDRESS + following[0] if following else ""
    assert len(found) == len(set(found)) == 4
    assert "No row is so." in portal.get(f"{ADDRESS}?state=waived").text
    assert portal.get(f"{ADDRESS}?state=gone").status_code == 400
    assert portal.get(f"{ADDRESS}?after=nonsense").status_code == 404
    injected = portal.get(ADDRESS, params={"reason": "x') OR TRUE --"})
    assert "No row is so." in injected.text


def test_chosen_rows_are_waived_by_who_signed_in(own: TestClient, own_project: Project) -> None:
    chosen = [r.id for r in rows(own_project)][:2]
    answer = send(own, "waive", {"which": "selected", "row": chosen, "why": WHY, "by": "somebody"})
    assert (answer.status_code, answer.headers["location"]) == (303, ADDRESS)
    assert "2 rows are waived" in read(own.get(ADDRESS)).text("main")
    waived = rows(own_project, "waived")
    assert {r.id for r in waived} == set(chosen)
    assert {(r.state_by, r.state_why) for r in waived} == {("local:owner", WHY)}
    done, asked = said(own, "waived")
    assert (asked.detail["step"], done.detail["step"]) == ("asked", "done")
    assert asked.detail["rows"] == chosen
    assert (done.detail["waived"], done.detail["why"], done.who) == (2, WHY, "local:owner")
    page = read(own.get(f"{ADDRESS}?state=waived"))
    assert all(
        "by local:owner" in r["state"] and WHY in r["state"] for r in page.table("Refused rows")
    )


def test_a_reason_or_all_can_be_waived(own: TestClient, own_project: Project) -> None:
    send(own, "waive", {"which": "reason", "reason": "type.accepted", "why": "noise"})
    assert len(rows(own_project, "waived")) == 2
    send(own, "waive", {"which": "all", "reason": "type.accepted", "why": "the rest too"})
    assert rows(own_project) == []
    assert "Decide" not in read(own.get(ADDRESS)).text("main")


@pytest.mark.parametrize(
    "fields",
    [
        {"which": "selected", "why": "w"},
        {"which": "all", "why": "  "},
        {"which": "", "why": "w"},
        {"which": "reason", "reason": "", "why": "w"},
        {"which": "all", "why": "w" * 2_001},
        {"which": "reason", "reason": "never_heard_of", "why": "w"},
    ],
)
def test_what_is_not_said_waives_nothing_and_keeps_what_was_typed(
    own: TestClient, own_project: Project, fields: Mapping[str, str]
) -> None:
    answer = send(own, "waive", fields)
    assert answer.status_code in (400, 404)
    page = read(answer)
    assert page.all("div[role=alert]")
    assert page.one("textarea").text.strip() == fields["why"].strip()
    assert len(rows(own_project)) == 4


def test_only_its_owner_decides(own_project: Project, serve: Callable[..., TestClient]) -> None:
    who = ((Role.VIEWER, ()), (Role.REVIEWER, ()), (Role.OWNER, ("others",)))
    for role, teams in who:
        client = serve(own_project, role=role, teams=teams)
        for what in ("waive", "replay"):
            fields = {"which": "all", "why": "w"}
            answer = send(client, what, fields, token=_token(client))
            assert answer.status_code == 403, (role, what)
            assert said(client, "waived") == said(client, "replayed") == []
    assert len(rows(own_project)) == 4


def test_a_form_of_another_page_does_nothing(own: TestClient, own_project: Project) -> None:
    for what in ("waive", "replay"):
        answer = send(own, what, {"which": "all", "why": "w"}, token="0" * 64)
        assert answer.status_code in (400, 403)
    assert len(rows(own_project)) == 4


def test_a_busy_lake_says_who_holds_it_and_keeps_what_was_typed(
    own: TestClient, own_project: Project
) -> None:
    with Lake(own_project.settings).run_lock("some-run", "headgate run"):
        answer = send(own, "waive", {"which": "all", "why": WHY})
    assert answer.status_code == 503
    page = read(answer)
    told = page.one("div[role=alert]").text
    assert "headgate run" in told
    assert str(os.getpid()) in told
    assert page.one("textarea").text.strip() == WHY
    assert page.one("input[id=which-all]").get("checked") is not None
    failed, asked = said(own, "waived")
    assert (failed.detail["step"], asked.detail["step"]) == ("failed", "asked")


def test_a_model_has_nothing_to_replay(portal: TestClient) -> None:
    page: Page = read(portal.get(addresses.quarantine("gold.community.dim_users")))
    assert "No row was ever set aside." in page.text("main")


def _token(client: TestClient) -> str:
    """A right token of somebody whose page has no such form."""
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    scope = {"type": "http", "headers": [(b"cookie", cookies.encode())]}
    return forms.token(Request(scope))
