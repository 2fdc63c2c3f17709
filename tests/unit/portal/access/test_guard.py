"""What every request passes: who asks, from where, with what; and the headers that every answer has."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from headgate.core import clock
from headgate.portal.access import forms, tokens
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Role
from headgate.portal.limits import Limits
from headgate.portal.records import chain
from headgate.portal.records.opening import Records
from tests.unit.portal.access.conftest import AT_PROVIDER
from tests.unit.portal.page import read

Enter = Callable[..., TestClient]
ME = Person("local:me", Role.ADMIN)


def bearer(records: Records, role: Role = Role.VIEWER, name: str = "one") -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.create(records, name, role, by=ME)}"}


def form_of(client: TestClient, address: str, action: str) -> str:
    """The hidden field of the form on a page that goes to ``action``."""
    found = re.search(
        rf'<form[^>]*action="{re.escape(action)}".*?name="{forms.FIELD}" value="([0-9a-f]+)"',
        client.get(address).text, re.DOTALL,
    )  # fmt: skip
    assert found is not None
    return found[1]


def test_as_long_as_nothing_is_configured_this_machine_is_served(enter: Enter) -> None:
    page = read(enter().get("/tokens"))
    assert page.text("h1") == "Tokens"


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "10.0.0.1", "", "[::2]"]
)
def test_a_name_of_anothers_that_leads_here_is_refused(enter: Enter, host: str) -> None:
    assert enter().get("/tokens", headers={"Host": host}).status_code == 421


def test_who_is_on_another_machine_is_refused_whatever_it_calls_us(enter: Enter) -> None:
    app = enter().app
    away = TestClient(app, base_url="http://localhost", client=("192.0.2.7", 1))
    assert away.get("/tokens").status_code == 403


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-Forwarded-For", "10.0.0.1"), ("Via", "1.1 proxy"), ("Origin", "https://evil.example"),
     ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")],
)  # fmt: skip
def test_proxies_and_pages_of_other_sites_are_refused(enter: Enter, name: str, value: str) -> None:
    assert enter().get("/tokens", headers={name: value}).status_code == 403
    assert enter().post("/tokens", data={}, headers={name: value}).status_code == 403


def test_a_link_from_elsewhere_may_be_followed(enter: Enter) -> None:
    said = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert enter().get("/tokens", headers=said).status_code == 200


@pytest.mark.parametrize("path", ["/", "/audit", "/people", "/nothing", "/datasets/a/b/c"])
def test_who_is_not_signed_in_is_sent_to_where_they_can(enter: Enter, path: str) -> None:
    client = enter(**AT_PROVIDER)
    sent = client.get(f"{path}?a=b%26c")
    assert (sent.status_code, sent.text) == (303, "")
    assert sent.headers["location"].startswith("/sign-in?next=%2F")
    machine = client.get(path, headers={"Accept": "application/json"})
    assert machine.status_code == 401 and machine.json()["status"] == 401
    assert machine.headers["www-authenticate"].startswith("Bearer")
    assert client.post(path, data={}).status_code == 401


@pytest.mark.parametrize("path", ["/health", "/static/portal.css"])
def test_what_is_open_is_open(enter: Enter, path: str) -> None:
    assert enter(**AT_PROVIDER).get(path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/static/../tokens", "/static/..%2ftokens", "//tokens", "/tokens/", "/TOKENS", "/./tokens",
             "/tokens;x", "/tokens%00", "/health/../tokens", "/tokens%2f", "/%74okens"]
)  # fmt: skip
def test_no_way_of_writing_an_address_leads_past_the_door(enter: Enter, path: str) -> None:
    client = enter(**AT_PROVIDER)
    answer = client.get(path)
    assert "<h1>Tokens" not in answer.text
    assert answer.status_code in (303, 404, 405, 400)


def test_a_token_lets_a_machine_in_with_its_role(enter: Enter, records: Records) -> None:
    client = enter()
    client.headers.update(bearer(records))
    assert client.get("/audit").status_code == 403
    client.headers.update(bearer(records, Role.REVIEWER, "two"))
    client.app_state.access.keys.forget()  # type: ignore[attr-defined]
    assert client.get("/audit").status_code == 200
    assert client.get("/tokens").status_code == 403
    # Once there is a token nobody comes in without.
    del client.headers["Authorization"]
    assert client.get("/audit").status_code == 303


@pytest.mark.parametrize("said", ["Bearer hgp_wrong", "Bearer ", "Basic YTpi", "Bearer", "hgp_x"])
def test_a_wrong_token_is_refused_and_not_sent_to_sign_in(
    enter: Enter, records: Records, said: str
) -> None:
    bearer(records)
    assert enter().get("/audit", headers={"Authorization": said}).status_code == 401


def test_when_a_token_was_used_is_noted_now_and_then(
    enter: Enter, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = enter()
    client.headers.update(bearer(records))
    client.get("/nothing")
    assert tokens.TOKENS.every(records)[0].used_at is None
    later = clock.monotonic() + 61
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    client.get("/nothing")
    assert tokens.TOKENS.every(records)[0].used_at is not None


def test_a_token_ends_when_it_is_over_or_revoked(enter: Enter, records: Records) -> None:
    client = enter()
    client.headers.update(bearer(records, Role.REVIEWER))
    with clock.frozen(clock.now() + timedelta(days=91)):
        assert client.get("/audit").status_code == 401
    assert client.get("/audit").status_code == 200
    tokens.revoke(records, "one", by=ME)
    client.app_state.access.keys.forget()  # type: ignore[attr-defined]
    assert client.get("/audit").status_code == 401


def test_a_person_may_sign_in_with_a_token_and_is_out_when_it_is_revoked(
    enter: Enter, records: Records
) -> None:
    text = tokens.create(records, "ann", Role.REVIEWER, by=ME)
    client = enter()
    field = form_of(client, "/sign-in", "/sign-in")
    wrong = client.post("/sign-in", data={forms.FIELD: field, "token": "hgp_no"})
    assert wrong.status_code == 401 and "not known" in wrong.text
    sent = client.post(
        "/sign-in", data={forms.FIELD: field, "token": text, "next": "//evil.example"}
    )
    assert (sent.status_code, sent.headers["location"]) == (303, "/")
    assert "token:ann" in client.get("/audit").text
    tokens.revoke(records, "ann", by=ME)
    client.app_state.access.keys.forget()  # type: ignore[attr-defined]
    assert client.get("/audit").status_code == 303


def test_nobody_is_signed_in_by_a_form_of_another_browser(enter: Enter, records: Records) -> None:
    text = tokens.create(records, "ann", Role.REVIEWER, by=ME)
    attacker, victim = enter(), enter()
    field = form_of(attacker, "/sign-in", "/sign-in")
    victim.get("/sign-in")
    assert victim.post("/sign-in", data={forms.FIELD: field, "token": text}).status_code == 400
    assert victim.get("/audit").status_code == 303


def test_a_form_counts_only_with_the_field_of_its_own_session(
    enter: Enter, records: Records
) -> None:
    client = enter()
    field = form_of(client, "/tokens", "/tokens")
    for sent in ({}, {forms.FIELD: ""}, {forms.FIELD: "0" * 64}):
        answer = client.post("/tokens", data={**sent, "name": "x", "role": "viewer"})
        assert answer.status_code == 400 and "out of date" in answer.text
    for kind in ("application/json", "multipart/form-data; boundary=x", "text/plain"):
        answer = client.post(
            "/tokens", content=f"{forms.FIELD}={field}&name=x&role=viewer".encode(),
            headers={"Content-Type": kind},
        )  # fmt: skip
        assert answer.status_code == 400, kind
    assert tokens.TOKENS.every(records) == ()
    made = client.post("/tokens", data={forms.FIELD: field, "name": "x", "role": "viewer"})
    assert made.status_code == 200 and tokens.PREFIX in made.text
    assert [t.name for t in tokens.TOKENS.every(records)] == ["x"]


def test_a_machine_needs_no_hidden_field(enter: Enter, records: Records) -> None:
    client = enter()
    client.headers.update(bearer(records, Role.ADMIN))
    assert client.post("/tokens", data={"name": "x", "role": "viewer"}).status_code == 200
    assert client.post("/tokens/revoke", data={"name": "x"}).status_code == 303
    assert client.post("/tokens/revoke", data={"name": "none"}).status_code == 404
    assert [e.who for e in chain.entries(records, limit=2)] == ["token:one", "token:one"]


@pytest.mark.parametrize(
    "sent",
    [{"name": "", "role": "viewer"}, {"name": "a b", "role": "viewer"}, {"name": "x"},
     {"name": "x", "role": "chief"}, {"name": "x", "role": "viewer", "days": "0"},
     {"name": "x", "role": "viewer", "days": "½"}, {"name": "x", "role": "viewer", "days": "9" * 9}],
)  # fmt: skip
def test_a_token_that_cannot_be_is_a_page_that_says_so(
    enter: Enter, records: Records, sent: dict[str, str]
) -> None:
    client = enter()
    client.headers.update(bearer(records, Role.ADMIN))
    answer = client.post("/tokens", data=sent)
    assert answer.status_code == 400 and read(answer).text("h1")
    assert len(tokens.TOKENS.every(records)) == 1


def test_what_is_too_long_is_refused(enter: Enter) -> None:
    client = enter()
    field = form_of(client, "/tokens", "/tokens")
    assert client.post("/tokens", data={forms.FIELD: field, "name": "x" * 9_000}).status_code == 400
    assert client.post("/tokens", content=b"x" * 1_000_001).status_code == 413
    many = "&".join(f"a{n}=1" for n in range(2_001))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/tokens", content=many, headers=headers).status_code == 400
    headers["Content-Length"] = "lots"
    assert client.post("/tokens", content=b"", headers=headers).status_code == 400


@pytest.mark.parametrize(
    "path", ["/tokens", "/health", "/static/portal.css", "/nothing", "/sign-in"]
)
def test_every_answer_has_the_headers_that_bind_a_browser(enter: Enter, path: str) -> None:
    headers = enter().get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "*" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers
    if not path.startswith("/static"):
        assert headers["cache-control"] == "no-store"


def test_behind_https_cookies_go_encrypted_alone(enter: Enter, records: Records) -> None:
    text = tokens.create(records, "ann", Role.REVIEWER, by=ME)
    client = enter(base="https://data.example.org", portal_url="https://data.example.org")
    field = form_of(client, "/sign-in", "/sign-in")
    sent = client.post(
        "/sign-in", data={forms.FIELD: field, "token": text},
        headers={"Origin": "https://data.example.org", "Sec-Fetch-Site": "same-origin"},
    )  # fmt: skip
    cookie = sent.headers["set-cookie"]
    assert cookie.startswith("__Host-headgate=") and "Secure" in cookie and "Domain" not in cookie
    assert "max-age=31536000" in sent.headers["strict-transport-security"]
    assert client.get("/audit").status_code == 200


def test_who_comes_too_often_is_told_when_to_come_again(
    enter: Enter, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    monkeypatch.setattr(Limits, "__init__", lambda self: None)
    client = enter(**AT_PROVIDER)
    statuses = [client.get("/audit").status_code for _ in range(60)]
    assert statuses[:50] == [303] * 50 and set(statuses[50:]) == {429}
    late = client.get("/audit")
    assert int(late.headers["retry-after"]) >= 1
    now[0] += 1
    assert client.get("/audit").status_code == 303
