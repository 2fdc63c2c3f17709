"""Who asks from where: pages of other sites, proxies, too many at once; and what every answer has."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from headgate.core import clock
from headgate.core.errors import UsageError
from headgate.lineage import access
from headgate.lineage.server import running
from headgate.lineage.server.guard import is_loopback
from headgate.lineage.server.limits import Buckets, Limits
from headgate.lineage.store.opening import Store

ASKED = "/api/v1/datasets"


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8091", "127.0.0.1:8091", "127.9.9.9", "[::1]", "[::1]:80"]
)
def test_names_of_this_machine_are_served(client: TestClient, host: str) -> None:
    assert client.get(ASKED, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "10.0.0.1", "127.0.0.1.nip.example", "", "[::2]",
     "localhost@evil.example", "evil.example:localhost", "[::1", "0.0.0.0", "localhost:port"],
)  # fmt: skip
def test_a_name_of_anothers_that_leads_here_is_refused(client: TestClient, host: str) -> None:
    found = client.get(ASKED, headers={"Host": host})
    assert found.status_code == 421
    assert "headgate lineage token create" in found.json()["remedy"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Origin", "http://localhost:1"),
        ("Sec-Fetch-Site", "cross-site"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("Forwarded", "for=10.0.0.1"),
        ("Via", "1.1 proxy"),
    ],
)
def test_pages_of_other_sites_and_proxies_are_refused_without_a_token(
    store: Store, serve: Callable[..., TestClient], name: str, value: str
) -> None:
    client = serve()
    assert client.post("/api/v1/lineage", json={}, headers={name: value}).status_code == 403
    same = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert client.get(ASKED, headers=same).status_code == 200


def test_behind_a_proxy_a_token_is_enough(store: Store, serve: Callable[..., TestClient]) -> None:
    token = access.create(store, "one", "reader")
    headers = {"Host": "lineage.example", "Via": "1.1 proxy", "Authorization": f"Bearer {token}"}
    assert serve().get(ASKED, headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/health", ASKED, "/api/v1/nothing", "/"])
def test_every_answer_has_the_headers_that_keep_browsers_out(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers and "server" not in headers


def test_who_asks_too_often_is_told_when_to_come_again(
    serve: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    client = serve(limits=Limits(rate=0.5, burst=3.0))
    assert [client.get(ASKED).status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    refused = client.get(ASKED)
    assert refused.headers["retry-after"] == "2"
    assert refused.headers["content-type"] == "application/problem+json"
    assert client.get("/api/v1/health").status_code == 200
    now[0] += 2.0
    assert [client.get(ASKED).status_code for _ in range(2)] == [200, 429]


def test_tokens_have_a_rate_each_and_guesses_one_of_their_own(
    store: Store, serve: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "monotonic", lambda: 0.0)
    one, other = (access.create(store, name, "reader") for name in ("one", "other"))
    client = serve(limits=Limits(rate=1.0, burst=2.0, strangers=1.0))

    def ask(token: str) -> int:
        return client.get(ASKED, headers={"Authorization": f"Bearer {token}"}).status_code

    assert [ask(one) for _ in range(3)] == [200, 200, 429]
    assert [ask("guess") for _ in range(6)] == [401, 401, 401, 401, 401, 429]
    assert ask(other) == 200


def test_a_million_addresses_do_not_fill_the_memory() -> None:
    buckets = Buckets(1.0, 2.0, most=10)
    for number in range(1_000):
        buckets.wait(str(number))
    assert len(buckets._held) == 10


def test_nothing_is_bound_where_others_can_reach_it_without_a_token() -> None:
    for host in ("0.0.0.0", "::", "10.0.0.1", "evil.example"):
        with pytest.raises(UsageError, match="without a token") as refused:
            running.bind(host, 0, guarded=False)
        assert "headgate lineage token create" in refused.value.remedy
    bound = running.bind("127.0.0.1", 0, guarded=False)
    try:
        assert bound.is_own_machine and bound.address == f"http://127.0.0.1:{bound.port}"
        with pytest.raises(UsageError, match="in use"):
            running.bind("127.0.0.1", bound.port, guarded=False)
    finally:
        bound.socket.close()
    everywhere = running.bind("0.0.0.0", 0, guarded=True)
    everywhere.socket.close()
    assert not is_loopback("0.0.0.0")
