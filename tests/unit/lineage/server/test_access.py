"""Who may call what: every route that there is, by every role."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from fastapi import APIRouter
from starlette.testclient import TestClient

from headgate.core import clock
from headgate.core.errors import ConflictError, NotFoundError, UsageError
from headgate.lineage import access
from headgate.lineage.access import Right, Role
from headgate.lineage.server import application, rules
from headgate.lineage.store.opening import Store

#: Who may do what, written down by hand and not by looking at the code.
MAY = {
    "producer": {Right.POST, None},
    "reader": {Right.ASK, None},
    "admin": {Right.POST, Right.ASK, Right.MANAGE, None},
}
POSTING = {("POST", "/api/v1/lineage"), ("POST", "/api/v1/lineage/batch")}


def _routes(client: TestClient) -> list[tuple[str, str]]:
    return sorted(set(rules.routes(client.app)))


def _call(client: TestClient, method: str, path: str, token: str | None) -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    path = path.replace("{run_id}", "0" * 8 + "-0000-0000-0000-" + "0" * 12)
    return client.request(method, path.replace("{name}", "nobody"), headers=headers).status_code


@pytest.mark.parametrize("role", ["producer", "reader", "admin"])
def test_each_role_may_call_what_it_may_and_nothing_else(
    store: Store, serve: Callable[..., TestClient], role: str
) -> None:
    token = access.create(store, "one", role)
    client = serve()
    refused, let_in = set(), set()
    for route in _routes(client):
        (refused if _call(client, *route, token) == 403 else let_in).add(route)
    expected = {r for r in _routes(client) if rules.RULES.get(r) in MAY[role]}
    assert let_in == expected
    assert refused == set(_routes(client)) - expected
    assert (role in ("producer", "admin")) == (let_in >= POSTING)


@pytest.mark.parametrize("loopback", [True, False])
@pytest.mark.parametrize("token", [None, "hgl_guessed"])
def test_without_a_token_that_counts_nothing_but_health_is_served(
    store: Store, serve: Callable[..., TestClient], loopback: bool, token: str | None
) -> None:
    access.create(store, "one", Role.READER)
    client = serve(loopback=loopback)
    answers = {route: _call(client, *route, token) for route in _routes(client)}
    assert answers.pop(("GET", rules.HEALTH)) == 200
    assert set(answers.values()) == {401}
    assert _call(client, "GET", "/api/v1/nothing", token) == 401


def test_off_loopback_nothing_is_open_even_where_there_is_no_token(
    serve: Callable[..., TestClient],
) -> None:
    client = serve(loopback=False)
    assert {_call(client, *r, None) for r in _routes(client) if r[1] != rules.HEALTH} == {401}


def test_on_loopback_without_tokens_all_is_open_but_tokens(client: TestClient) -> None:
    refused = {r for r in _routes(client) if _call(client, *r, None) in (401, 403)}
    assert refused == {r for r, right in rules.RULES.items() if right is Right.MANAGE}
    assert len(refused) == 3


def test_a_route_without_a_rule_cannot_be_served(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten = APIRouter()
    forgotten.add_api_route("/api/v1/secrets", lambda: None)
    monkeypatch.setattr(application, "routes", forgotten)
    with pytest.raises(LookupError, match="GET /api/v1/secrets"):
        application.create_app(store)


def test_a_token_is_kept_as_a_digest_alone(store: Store, tmp_path_factory: object) -> None:
    text = access.create(store, "one", Role.PRODUCER)
    with store.reading() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM token").all()
    assert text.startswith("hgl_") and len(text) > 40
    assert text not in repr(rows) and text[4:] not in repr(rows)
    assert access.Keys(store).find(text) == access.every(store)[0]
    assert access.Keys(store).find(text[:-1]) is None


def test_names_of_tokens_are_never_used_twice(store: Store) -> None:
    access.create(store, "one", Role.READER)
    access.revoke(store, "one")
    with pytest.raises(ConflictError, match="or was"):
        access.create(store, "one", Role.READER)
    for name in ("", "a b", "../x", "x" * 101):
        with pytest.raises(UsageError, match="names no token"):
            access.create(store, name, Role.READER)
    with pytest.raises(UsageError, match="no role"):
        access.create(store, "two", "owner")
    with pytest.raises(NotFoundError):
        access.revoke(store, "two")


def test_a_revoked_token_ends_soon_and_does_not_open_the_door(
    store: Store, serve: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    token = access.create(store, "one", Role.READER)
    client = serve()
    assert _call(client, "GET", "/api/v1/datasets", token) == 200
    access.revoke(store, "one")
    now[0] += access.FRESH_SECONDS + 0.1
    assert _call(client, "GET", "/api/v1/datasets", token) == 401
    assert _call(client, "GET", "/api/v1/datasets", None) == 401


def test_a_token_made_while_the_server_runs_shuts_it_to_all_others(
    store: Store, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _call(client, "GET", "/api/v1/datasets", None) == 200
    token = access.create(store, "one", Role.READER)
    later = clock.monotonic() + access.FRESH_SECONDS + 0.1
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    assert _call(client, "GET", "/api/v1/datasets", None) == 401
    assert _call(client, "GET", "/api/v1/datasets", token) == 200


def test_when_a_token_was_used_is_noted_at_the_end_at_the_latest(
    store: Store, tmp_path_factory: object
) -> None:
    token = access.create(store, "one", Role.READER)
    app = application.create_app(store)
    with TestClient(app) as client:
        assert _call(client, "GET", "/api/v1/datasets", token) == 200
    used = access.every(store)[0].used_at
    assert isinstance(used, datetime) and clock.now() - used < timedelta(minutes=5)


def test_an_administrator_makes_and_ends_tokens_but_not_their_own(
    store: Store, serve: Callable[..., TestClient]
) -> None:
    headers = {"Authorization": f"Bearer {access.create(store, 'root', Role.ADMIN)}"}
    client = serve(loopback=False)
    made = client.post(
        "/api/v1/tokens", json={"name": "spark", "role": "producer"}, headers=headers
    )
    assert made.status_code == 201
    assert _call(client, "GET", "/api/v1/datasets", made.json()["token"]) == 403
    again = client.post("/api/v1/tokens", json={"name": "spark", "role": "reader"}, headers=headers)
    assert again.status_code == 409
    assert client.delete("/api/v1/tokens/root", headers=headers).status_code == 409
    assert client.delete("/api/v1/tokens/nobody", headers=headers).status_code == 404
    ended = client.delete("/api/v1/tokens/spark", headers=headers)
    assert ended.status_code == 200 and ended.json()["revoked_at"]
    assert _call(client, "GET", "/api/v1/datasets", made.json()["token"]) == 401
    listed = client.get("/api/v1/tokens", headers=headers)
    assert [t["name"] for t in listed.json()["tokens"]] == ["root", "spark"]
    assert made.json()["token"] not in listed.text
