"""Signing in at a provider: what lets somebody in, and all that lets nobody in."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from headgate.core import clock
from headgate.portal.access import returning
from headgate.portal.records import chain, roles_given
from headgate.portal.records.opening import Records
from tests.unit.portal.access.conftest import AT_PROVIDER
from tests.unit.portal.access.made_up_provider import ISSUER, KEY, OTHER_KEY, MadeUpProvider
from tests.unit.portal.page import read

Enter = Callable[..., TestClient]


@pytest.fixture
def provider() -> MadeUpProvider:
    return MadeUpProvider()


@pytest.fixture
def browser(enter: Enter, provider: MadeUpProvider) -> TestClient:
    return enter(provider=provider, **AT_PROVIDER)


def go(browser: TestClient, provider: MadeUpProvider, goes_on: str = "/audit") -> dict[str, str]:
    """Go to the provider, and what it sends back with."""
    sent = browser.get("/sign-in", params={"next": goes_on, "go": "1"})
    assert sent.status_code == 303, sent.text
    address = sent.headers["location"]
    assert address.startswith(f"{ISSUER}/auth?")
    asked = parse_qs(urlsplit(address).query)
    assert asked["redirect_uri"] == ["http://localhost/sign-in/callback"]
    return {"state": asked["state"][0], "code": provider.begin(address)}


def come_back(browser: TestClient, back: dict[str, str]) -> Any:
    return browser.get("/sign-in/callback", params=back)


def is_in(browser: TestClient) -> bool:
    """Whether somebody is signed in."""
    answer = browser.get("/audit")
    assert answer.status_code in (200, 303, 403)
    return answer.status_code != 303


def test_who_the_provider_vouches_for_comes_in_and_where_they_wanted_to_go(
    browser: TestClient, provider: MadeUpProvider, records: Records
) -> None:
    sent = browser.get("/audit?action=waived")
    assert sent.headers["location"] == "/sign-in?next=%2Faudit%3Faction%3Dwaived"
    page = read(browser.get(sent.headers["location"]))
    [link] = [a for a in page.links("main") if "go=1" in a.get("href")]
    assert link
    answer = come_back(browser, go(browser, provider, "/audit?action=waived"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/audit?action=waived")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie
    assert "ann@example.org" in browser.get("/audit").text
    assert [e.action for e in chain.every(records)] == ["role_given", "signed_in"]
    [given] = roles_given.every(records)
    assert (given.who, given.role, given.teams) == ("ann@example.org", "reviewer", ())
    # The log's key is a digest: what the cookie holds stands nowhere.
    held = cookie.split("=", 1)[1].split(";")[0]
    from pathlib import Path

    assert held.encode() not in Path(records.place).read_bytes()


def test_each_sign_in_is_another_session_and_ends_the_one_before(
    browser: TestClient, provider: MadeUpProvider
) -> None:
    come_back(browser, go(browser, provider))
    first = browser.cookies["headgate_session"]
    browser.cookies.delete("headgate_session")
    come_back(browser, go(browser, provider))
    assert browser.cookies["headgate_session"] != first
    assert is_in(browser)


def test_groups_say_role_and_teams(
    browser: TestClient, provider: MadeUpProvider, records: Records
) -> None:
    provider.person["groups"] = ["stewards", "crew", "grp-7", "nothing"]
    come_back(browser, go(browser, provider))
    [given] = roles_given.every(records)
    assert (given.role, given.teams) == ("owner", ("community-analytics",))


def test_a_role_that_changed_is_put_on_record_once(
    browser: TestClient, provider: MadeUpProvider, records: Records
) -> None:
    for groups in (["stewards"], ["stewards"], ["root"]):
        provider.person["groups"] = groups
        browser.cookies.clear()
        come_back(browser, go(browser, provider))
    given = chain.entries(records, action="role_given")
    assert [e.detail["role"] for e in given] == ["admin", "reviewer"]


def test_groups_that_only_userinfo_tells_count(
    browser: TestClient, provider: MadeUpProvider
) -> None:
    provider.told_in_token = False
    come_back(browser, go(browser, provider))
    assert is_in(browser)


WRONG: dict[str, dict[str, Any]] = {
    "another audience": {"claims": {"aud": "somebody-else"}},
    "several audiences and no party": {"claims": {"aud": ["headgate", "other"]}},
    "another party": {"claims": {"azp": "other"}},
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "another nonce": {"claims": {"nonce": "another"}},
    "no nonce": {"claims": {"nonce": None}},
    "expired": {"claims": {"exp": int(time.time()) - 3600}},
    "no expiry": {"claims": {"exp": None}},
    "issued tomorrow": {"claims": {"iat": int(time.time()) + 86_400}},
    "no subject": {"claims": {"sub": None}},
    "no signature": {"algorithm": "none"},
    "signed with the public key": {"algorithm": "HS256"},
    "signed by another key": {"key": OTHER_KEY},
    "a key of that name that is another": {"key": RSAKey.generate_key(2048, {"kid": "one"})},
    "an address that was not verified": {"claims": {"email_verified": False}},
    "an address of which that is not said": {"claims": {"email_verified": None}},
    "no address": {"claims": {"email": None}, "userinfo": {"email": None}},
    "an address that is none": {"claims": {"email": ["a", "b"]}},
    "called as one of ours": {"claims": {"email": "local:root"}},
    "in no group": {"claims": {"groups": []}},
    "in groups of no role": {"claims": {"groups": ["crew2", "Root"]}},
    "userinfo of somebody else": {"told_in_token": False, "userinfo": {"sub": "2"}},
}


@pytest.mark.parametrize("what", WRONG)
def test_nobody_comes_in_with(
    browser: TestClient, provider: MadeUpProvider, records: Records, what: str
) -> None:
    for name, value in WRONG[what].items():
        setattr(provider, name, value)
    answer = come_back(browser, go(browser, provider))
    assert answer.status_code == 403, answer.text
    assert "headgate_session" not in browser.cookies and not is_in(browser)
    read(answer)
    assert [e.action for e in chain.every(records)] == ["sign_in_refused"]


def test_a_code_of_another_sign_in_is_refused(
    browser: TestClient, provider: MadeUpProvider
) -> None:
    stolen, own = go(browser, provider), go(browser, provider)
    assert come_back(browser, {**own, "code": stolen["code"]}).status_code == 403
    assert not is_in(browser)


@pytest.mark.parametrize("back", [{"state": "x"}, {"state": ""}, {}])
def test_a_state_that_was_not_given_is_refused(
    browser: TestClient, provider: MadeUpProvider, records: Records, back: dict[str, str]
) -> None:
    code = go(browser, provider)["code"]
    assert come_back(browser, {"code": code, **back}).status_code == 400
    assert not is_in(browser)
    assert chain.head(records).number == 0


def test_a_state_holds_once(browser: TestClient, provider: MadeUpProvider) -> None:
    back = go(browser, provider)
    come_back(browser, back)
    browser.cookies.delete("headgate_session")
    assert come_back(browser, back).status_code == 400
    assert not is_in(browser)


def test_nobody_ends_what_another_browser_began(
    browser: TestClient, provider: MadeUpProvider, enter: Enter
) -> None:
    back = go(browser, provider)
    other = enter(provider=provider, **AT_PROVIDER)
    go(other, provider)
    assert come_back(other, back).status_code == 400
    assert not is_in(other)


def test_a_sign_in_that_takes_too_long_is_over(
    browser: TestClient, provider: MadeUpProvider
) -> None:
    back = go(browser, provider)
    with clock.frozen(clock.now() + timedelta(minutes=16)):
        assert come_back(browser, back).status_code == 400


def test_who_breaks_off_is_told_so(browser: TestClient, provider: MadeUpProvider) -> None:
    state = go(browser, provider)["state"]
    answer = come_back(browser, {"state": state, "error": "access_denied"})
    assert answer.status_code == 403 and "broken off" in answer.text


def test_an_answer_of_another_provider_is_refused(
    browser: TestClient, provider: MadeUpProvider
) -> None:
    answer = come_back(browser, {**go(browser, provider), "iss": "https://evil.example"})
    assert answer.status_code == 403 and not is_in(browser)
    provider.about["authorization_response_iss_parameter_supported"] = True
    browser.app_state.access.provider._about = None  # type: ignore[attr-defined]
    assert come_back(browser, go(browser, provider)).status_code == 403
    assert come_back(browser, {**go(browser, provider), "iss": ISSUER}).status_code == 303


def test_a_provider_that_is_down_lets_nobody_in_and_keeps_who_is(
    browser: TestClient, provider: MadeUpProvider
) -> None:
    back = go(browser, provider)
    provider.down = True
    answer = come_back(browser, back)
    assert answer.status_code == 503 and "does not answer" in answer.text
    assert not is_in(browser)
    provider.down = False
    come_back(browser, go(browser, provider))
    provider.down = True
    assert is_in(browser)


@pytest.mark.parametrize(
    "about",
    [{"issuer": "https://evil.example"}, {"authorization_endpoint": None}, {"jwks_uri": None},
     {"token_endpoint": "http://elsewhere.example/token"}, {"jwks_uri": "http://elsewhere.example/"}],
)  # fmt: skip
def test_a_provider_that_describes_itself_wrongly_is_a_page(
    browser: TestClient, provider: MadeUpProvider, about: dict[str, Any]
) -> None:
    provider.about = about
    sent = browser.get("/sign-in", params={"go": "1"})
    if sent.status_code == 303:
        back = {
            "state": parse_qs(urlsplit(sent.headers["location"]).query)["state"][0],
            "code": "x",
        }
        back["code"] = provider.begin(sent.headers["location"])
        sent = come_back(browser, back)
    assert sent.status_code == 503, sent.text
    assert not is_in(browser)


def test_keys_that_are_new_are_fetched_and_what_is_known_is_not_asked_again(
    browser: TestClient, provider: MadeUpProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    come_back(browser, go(browser, provider))
    come_back(browser, go(browser, provider)) if not is_in(browser) else None
    asked = provider.asked.count("/provider/.well-known/openid-configuration")
    assert asked == 1
    provider.key, provider.keys = OTHER_KEY, [KEY, OTHER_KEY]
    now = clock.monotonic() + 11
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    browser.cookies.clear()
    come_back(browser, go(browser, provider))
    assert is_in(browser)
    assert provider.asked.count("/provider/jwks") == 2


@pytest.mark.parametrize(
    "asked",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "evil",
     "/%0d%0aSet-Cookie: a=b"[:1] + "\r\nSet-Cookie: a=b", "javascript:alert(1)", "", "/a b",
     "/\tx", "/sign-in?next=/", "/sign-out", "/" + "x" * 3000],
)  # fmt: skip
def test_nobody_is_sent_elsewhere(
    browser: TestClient, provider: MadeUpProvider, asked: str
) -> None:
    assert returning.checked(asked) == "/"
    answer = come_back(browser, go(browser, provider, asked))
    assert answer.headers["location"] == "/"


def test_who_signs_out_is_out(
    browser: TestClient, provider: MadeUpProvider, records: Records
) -> None:
    come_back(browser, go(browser, provider))
    kept = browser.cookies["headgate_session"]
    page = read(browser.get("/audit"))
    token = page.all("form.leave input[name=form_token]")[0].get("value")
    assert browser.post("/sign-out", data={"form_token": "x"}).status_code == 400
    assert is_in(browser)
    assert browser.post("/sign-out", data={"form_token": token}).status_code == 303
    browser.cookies.set("headgate_session", kept)
    assert not is_in(browser)
    assert chain.entries(records, limit=1)[0].action == "signed_out"


@pytest.mark.parametrize(("after", "stays"), [((59,), True), ((61,), False), ((50,) * 15, False)])
def test_a_session_ends_when_idle_and_in_any_case(
    browser: TestClient, provider: MadeUpProvider, after: tuple[int, ...], stays: bool
) -> None:
    come_back(browser, go(browser, provider))
    at = clock.now()
    for minutes in after:
        at += timedelta(minutes=minutes)
        with clock.frozen(at):
            found = is_in(browser)
    assert found is stays
