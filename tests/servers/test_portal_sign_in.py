"""Signing in to a portal that is served, at a real OpenID Connect provider, by following its pages."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from headgate.portal.records import chain
from tests.servers.sign_in_process import PATIENCE, Running, project_in, serve, stop
from tests.shown_lake import IRC


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project_in(tmp_path_factory.mktemp("signing-in") / "project")


@pytest.fixture(scope="module", params=["token", "userinfo"])
def running(project: Path, request: pytest.FixtureRequest) -> Iterator[Running]:
    yield from serve(project, CLAIMS=request.param)


def browser() -> httpx.Client:
    return httpx.Client(headers={"Accept": "text/html"}, timeout=PATIENCE, trust_env=False)


def until_callback(client: httpx.Client, running: Running, name: str, go: str = "/audit") -> str:
    """The address of the portal that the provider sends somebody back to who signs in there."""
    sent = client.get(f"{running.portal}/sign-in", params={"next": go, "go": "1"})
    assert sent.status_code == 303, sent.text
    return follow(client, running, sent.headers["location"], name)


def follow(client: httpx.Client, running: Running, address: str, name: str) -> str:
    """Follow every page and form from there as a person called so would."""
    answer = client.get(address)
    for _ in range(20):
        if answer.is_redirect:
            where = urljoin(str(answer.url), answer.headers["location"])
            if where.startswith(f"{running.portal}/sign-in/callback"):
                return where
            answer = client.get(where)
            continue
        found = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
        assert answer.status_code == 200 and found is not None, answer.text
        fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', answer.text))
        fields |= {"login": name, "password": "any"} if 'name="login"' in answer.text else {}
        answer = client.post(urljoin(str(answer.url), unescape(found[1])), data=fields)
    raise AssertionError("the provider goes round in circles")


def is_in(client: httpx.Client, running: Running) -> bool:
    return client.get(f"{running.portal}/audit").status_code == 200


def test_a_person_signs_in_and_out(running: Running) -> None:
    with browser() as client:
        assert client.get(f"{running.portal}/audit").status_code == 303
        back = client.get(until_callback(client, running, "ann"))
        assert (back.status_code, back.headers["location"]) == (303, "/audit")
        page = client.get(f"{running.portal}/audit")
        assert "ann@example.org" in page.text and "(reviewer)" in page.text
        assert client.get(f"{running.portal}/tokens").status_code == 403
        found = re.search(r'action="/sign-out".*?value="([0-9a-f]{64})"', page.text, re.DOTALL)
        assert found is not None
        client.post(f"{running.portal}/sign-out", data={"form_token": found[1]})
        assert not is_in(client, running)
    entry = chain.entries(running.records, action="signed_in", limit=1)[0]
    assert (entry.who, entry.detail["teams"]) == ("ann@example.org", ["chat-platform"])


def test_an_owner_is_one_of_their_team(running: Running) -> None:
    with browser() as client:
        client.get(until_callback(client, running, "bob"))
        page = client.get(f"{running.portal}/datasets/{IRC}/examples")
        assert page.status_code == 200 and "the gate of pier nine" in page.text
    with browser() as client:
        client.get(until_callback(client, running, "ann"))
        page = client.get(f"{running.portal}/datasets/{IRC}/examples")
        assert page.status_code == 200 and "the gate of pier nine" not in page.text


def refused(client: httpx.Client, running: Running, address: str) -> httpx.Response:
    answer = client.get(address)
    assert answer.status_code in (400, 403, 503), answer.text
    assert "<h1>" in answer.text and not is_in(client, running)
    return answer


def changed(address: str, **query: Any) -> str:
    parts = urlsplit(address)
    asked = {k: v[0] for k, v in parse_qs(parts.query).items()} | query
    return f"{parts.scheme}://{parts.netloc}{parts.path}?{httpx.QueryParams(asked)}"


@pytest.mark.parametrize("name", ["eve", "mallory"])
def test_who_has_no_role_or_no_verified_address_is_refused(running: Running, name: str) -> None:
    with browser() as client:
        answer = refused(client, running, until_callback(client, running, name))
        assert f"{name}@example.org" in answer.text
    entry = chain.entries(running.records, action="sign_in_refused", limit=1)[0]
    assert entry.who == f"{name}@example.org"


def test_wrong_and_used_answers_let_nobody_in(running: Running) -> None:
    with browser() as client:
        back = until_callback(client, running, "ann")
        refused(client, running, changed(back, state="wrong"))
        refused(client, running, changed(back, code="wrong"))
        # The state held once, whatever came with it.
        refused(client, running, back)
    with browser() as client, browser() as other:
        back = until_callback(client, running, "ann")
        until_callback(other, running, "bob")
        refused(other, running, back)
        assert client.get(back).status_code == 303 and is_in(client, running)
        client.cookies.clear()
        again = until_callback(client, running, "ann")
        used = parse_qs(urlsplit(back).query)["code"][0]
        refused(client, running, changed(again, code=used))


def test_a_code_that_was_made_for_another_application_is_refused(running: Running) -> None:
    """With it would come a token whose audience is another."""
    with browser() as client:
        sent = client.get(f"{running.portal}/sign-in", params={"go": "1"})
        meant = changed(sent.headers["location"], client_id="another")
        refused(client, running, follow(client, running, meant, "ann"))


def test_a_code_that_is_over_is_refused(project: Path) -> None:
    for running in serve(project, CODE_SECONDS="1"):
        with browser() as client:
            back = until_callback(client, running, "ann")
            time.sleep(2.5)
            answer = refused(client, running, back)
            assert "invalid_grant" in answer.text


def test_a_provider_that_is_down_is_a_page_and_leaves_in_who_is(project: Path) -> None:
    for running in serve(project):
        with browser() as client, browser() as late:
            client.get(until_callback(client, running, "ann"))
            back = until_callback(late, running, "bob")
            stop(running.provider)
            answer = refused(late, running, back)
            assert answer.status_code == 503 and "does not answer" in answer.text
            assert is_in(client, running)


def test_two_redirects_to_a_provider_differ_in_all_that_must_not_be_guessed(
    running: Running,
) -> None:
    with browser() as client:
        asked = [
            parse_qs(
                urlsplit(client.get(f"{running.portal}/sign-in?go=1").headers["location"]).query
            )
            for _ in range(2)
        ]
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name] and len(asked[0][name][0]) >= 43
    assert asked[0]["code_challenge_method"] == ["S256"]
