"""The frame of every page: where one can go, who one is, what is said once, and errors as pages."""

from __future__ import annotations

from starlette.testclient import TestClient


def test_every_page_says_who_asks_and_where_one_can_go(portal: TestClient) -> None:
    found = portal.get("/")
    assert found.status_code == 200
    assert "local:admin" in found.text
    assert 'href="/catalogue"' in found.text


def test_what_is_not_there_is_told_as_a_page(portal: TestClient) -> None:
    found = portal.get("/nothing/here")
    assert found.status_code == 404
    assert "<h1>There is no such thing here</h1>" in found.text
    told = portal.get("/nothing/here", headers={"Accept": "application/json"})
    assert told.json()["status"] == 404
