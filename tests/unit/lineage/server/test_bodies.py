"""What is posted: packed, cut, too long, too deep, of a strange type, or no JSON."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import Request
from starlette.testclient import TestClient

from headgate.lineage.server import bodies
from headgate.lineage.server.bodies import Bodies
from headgate.lineage.server.limits import Limits
from headgate.lineage.server.problems import Problem
from tests.unit.lineage.server.made_events import run_event

ONE = "/api/v1/lineage"
SMALL = Limits(body=20_000)


def _post(client: TestClient, content: Any, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(ONE, content=content, headers=named)


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "text/json",
             "application/vnd.openlineage+json"],
)  # fmt: skip
def test_whatever_json_is_called_it_is_taken(client: TestClient, kind: str) -> None:
    data = json.dumps(run_event()).encode()
    assert _post(client, data, Content_Type=kind).status_code == 201
    assert _post(client, gzip.compress(data), Content_Encoding="gzip").status_code == 200
    assert _post(client, iter([data[:50], data[50:]])).status_code == 200


def test_what_is_gzip_in_parts_is_read_whole(client: TestClient) -> None:
    data = json.dumps(run_event()).encode()
    packed = gzip.compress(data[:80]) + gzip.compress(data[80:])
    assert _post(client, packed, Content_Encoding="GZIP").status_code == 201


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json", ""]
)
def test_what_a_page_can_post_without_asking_is_no_json(client: TestClient, kind: str) -> None:
    found = _post(client, b"{}", Content_Type=kind)
    assert found.status_code == 415 and "application/json" in found.json()["remedy"]


@pytest.mark.parametrize("packing", ["br", "deflate", "gzip, gzip", "zstd"])
def test_what_is_packed_otherwise_is_refused(client: TestClient, packing: str) -> None:
    found = _post(client, b"{}", Content_Encoding=packing)
    assert found.status_code == 415 and found.headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b'{"a": 1} x', "no JSON"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b'{"a": 1e999}', "beyond the largest"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "no JSON"),
        (b'{"a": "\xff"}', "no UTF-8"),
        ('{"a": "ä"}'.encode("utf-16"), "no UTF-8"),
        (b"\xef\xbb\xbf{}", "no JSON"),
        (b"[" * 100_000, "no JSON|deeper"),
        (b"[" * 5_000 + b"]" * 5_000, "deeper than 128"),
        (b'{"a":' * 129 + b"1" + b"}" * 129, "deeper than 128"),
    ],
)
def test_what_is_no_json_is_refused_and_why_is_told(
    client: TestClient, data: bytes, why: str
) -> None:
    found = _post(client, data)
    assert found.status_code == 400
    assert re.search(why, found.json()["detail"])


@pytest.mark.parametrize(
    "text",
    [
        "18446744073709551615", "18446744073709551616", "-9223372036854775809", "9" * 400, "-0", "-0.0",
        "1e23", "0.1", "5e-324", "1e-400", "9007199254740993.0", "123456789.12345678901234567890123",
        r'"\ud800"', r'"\ud83d\ude00"', r'"\u0000"', '{"a": 1, "a": 2}', ' [1 , null] ', '"\x7f\u2028"',
    ],
)  # fmt: skip
def test_values_are_those_that_the_standard_library_reads(text: str) -> None:
    found, told = bodies.parse(text.encode(), 128), json.loads(text)
    assert (repr(found), type(found)) == (repr(told), type(told))


def test_as_deep_as_is_allowed_is_read() -> None:
    deep = b"[" * 128 + b"]" * 128
    assert bodies.parse(deep, 128)
    with pytest.raises(Problem, match="deeper"):
        bodies.parse(b"[" + deep + b"]", 128)


def test_brackets_in_texts_do_not_hide_how_deep_it_is() -> None:
    hidden = '["]",' * 300 + "1" + ',"["]' * 300
    with pytest.raises(Problem, match="deeper than 128"):
        bodies.parse(hidden.encode(), 128)


@pytest.mark.parametrize(
    "data",
    [b"nothing", gzip.compress(b"{}", mtime=0)[:-3], b"\x1f\x8b", b""],
    ids=["no gzip", "cut", "two bytes", "nothing"],
)
def test_what_is_no_whole_gzip_is_refused(client: TestClient, data: bytes) -> None:
    found = _post(client, data, Content_Encoding="gzip")
    assert found.status_code == 400


@pytest.mark.parametrize("size", [20_001, 60_000, 500_000])
@pytest.mark.parametrize("form", ["plain", "chunked", "gzip"])
def test_what_is_too_long_is_refused_however_it_comes(
    serve: Callable[..., TestClient], size: int, form: str
) -> None:
    client = serve(limits=SMALL)
    data = b" " * size
    if form == "plain":
        found = _post(client, data)
    elif form == "chunked":
        found = _post(client, (data[i : i + 7_000] for i in range(0, size, 7_000)))
    else:
        found = _post(client, gzip.compress(data), Content_Encoding="gzip")
    assert found.status_code == 413 and "20,000 bytes" in found.json()["detail"]
    exact = json.dumps(run_event()).encode()
    assert _post(client, exact + b" " * (20_000 - len(exact))).status_code in (200, 201)


def test_a_bomb_is_never_unpacked_as_a_whole() -> None:
    bomb = gzip.compress(gzip.compress(b"\0" * 200_000_000))
    once = bodies.unpack(bomb, 1_000_000)
    with pytest.raises(Problem) as refused:
        bodies.unpack(once, 1_000_000)
    assert refused.value.status == 413
    many = gzip.compress(b"\0" * 400_000) * 3
    with pytest.raises(Problem):
        bodies.unpack(many, 1_000_000)


def _request(parts: Iterator[bytes | None], pause: float = 0.0) -> Request:
    async def receive() -> dict[str, Any]:
        await asyncio.sleep(pause)
        part = next(parts, b"")
        if part is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": bool(part)}

    scope = {"type": "http", "method": "POST", "path": ONE, "headers": [], "query_string": b""}
    return Request(scope, receive)


async def _read(reader: Bodies, request: Request) -> Any:
    async with reader.whole(request) as data:
        return data


def test_a_body_that_drips_is_given_up() -> None:
    reader = Bodies(Limits(body_seconds=0.05))
    with pytest.raises(Problem) as refused:
        asyncio.run(_read(reader, _request(iter([b" "] * 1_000), pause=0.01)))
    assert refused.value.status == 408


def test_a_sender_who_goes_away_leaves_nothing_held() -> None:
    reader = Bodies(Limits())
    with pytest.raises(Problem, match="ended early"):
        asyncio.run(_read(reader, _request(iter([b"[1,", None]))))
    assert reader._held == 0


def test_all_bodies_together_have_a_limit_and_it_is_given_back() -> None:
    reader = Bodies(Limits(body=1_000, bodies=1_500))

    async def both() -> list[Any]:
        first = _read(reader, _request(iter([b" " * 500, b" " * 499 + b"1"]), pause=0.01))
        second = _read(reader, _request(iter([b" " * 700, b"2"]), pause=0.01))
        return await asyncio.gather(first, second, return_exceptions=True)

    found = asyncio.run(both())
    refused = [f for f in found if isinstance(f, Problem)]
    assert [f.status for f in refused] == [429] and refused[0].wait
    assert reader._held == 0
    assert asyncio.run(_read(reader, _request(iter([b"[3]"])))) == b"[3]"


def test_a_batch_is_a_list_or_has_one_and_is_not_too_long(
    serve: Callable[..., TestClient],
) -> None:
    client = serve(limits=Limits(batch=3))
    for body in ([run_event(1)], {"events": [run_event(1)]}, [], {"events": []}):
        assert client.post(f"{ONE}/batch", json=body).status_code == 200
    for body in ({}, run_event(1), 3, "x", {"events": {}}):
        found = client.post(f"{ONE}/batch", json=body)
        assert found.status_code == 422 and "list of events" in found.json()["detail"]
    found = client.post(f"{ONE}/batch", json=[run_event(n) for n in range(4)])
    assert found.status_code == 413
