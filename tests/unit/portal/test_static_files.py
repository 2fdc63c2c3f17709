"""Static files: kept by a browser for ever under an address that names them, and asked for anew under any other."""

from __future__ import annotations

import gzip
import re

import pytest
from starlette.testclient import TestClient

from headgate.portal import static_files


def test_pages_name_what_is_in_a_file(portal: TestClient) -> None:
    text = portal.get("/").text
    found = re.search(r'href="(/static/portal\.css\?v=[0-9a-f]{16})"', text)
    assert found is not None and found[1] == static_files.address("portal.css")
    answer = portal.get(found[1])
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/css")


@pytest.mark.parametrize("asked", ["/static/portal.css", "/static/portal.css?v=0123456789abcdef"])
def test_under_another_address_it_is_asked_for_each_time(portal: TestClient, asked: str) -> None:
    first = portal.get(asked)
    assert first.headers["cache-control"] == "public, no-cache"
    again = portal.get(asked, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_it_is_packed_for_who_takes_that(portal: TestClient) -> None:
    plain = portal.get("/static/portal.js", headers={"Accept-Encoding": "identity"})
    with portal.stream("GET", "/static/portal.js", headers={"Accept-Encoding": "gzip"}) as packed:
        content = b"".join(packed.iter_raw())
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(content) == plain.content
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", ["nothing.css", "../served.py", "%2e%2e/served.py", "", "a/b"])
def test_nothing_else_is_a_file(portal: TestClient, path: str) -> None:
    assert portal.get(f"/static/{path}").status_code == 404


def test_no_file_asks_another_host(portal: TestClient) -> None:
    for name in static_files._files():
        text = portal.get(f"/static/{name}").text
        found = [a for a in re.findall(r"https?://[^\s\"')]+", text) if "www.w3.org" not in a]
        assert found == [], name
        assert "@import" not in text
