"""Requests to the portal made up by schemathesis, right and wrong, by what the app says of its routes."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import schemathesis
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from starlette.testclient import TestClient

from headgate.lake import ledger
from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.portal import opening
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Role
from headgate.portal.application import create_app
from headgate.portal.limits import Limits
from tests.unit.portal.page import read

#: What pages read out of their query besides what their routes name.
QUERY = ("q", "after", "sort", "limit", "as_of", "dataset", "column", "state", "reason", "against")
#: Whoever asks so much here is let through.
FREELY = Limits(rate=1e9, burst=1e9, strangers=1e9)
#: A replay is a process of its own, and whoever signs out is let in again by nobody.
LEFT_OUT = ("/datasets/{dataset}/quarantine/replay", "/sign-out")


@contextmanager
def freely(project: Project) -> Iterator[TestClient]:
    """The portal of a project as an admin whom no rate stops."""
    with opening.opened(project) as parts:
        app = create_app(
            dataclasses.replace(parts, limits=FREELY), local=Person("local:a", Role.ADMIN)
        )
        yield TestClient(
            app,
            base_url="http://localhost",
            client=("127.0.0.1", 50_000),
            raise_server_exceptions=False,
            follow_redirects=False,
        )


def described(app: FastAPI, project: Project, token: str) -> dict[str, Any]:
    """The app's OpenAPI, with names that are there among those that may be asked for, and the
    fields of its forms."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a page and its head are one function
        found = get_openapi(title="portal", version="1", routes=app.routes)
    known = _names(project)
    for path, operations in found["paths"].items():
        operations.pop("head", None)
        for method, operation in operations.items():
            given_ = operation.setdefault("parameters", [])
            if method == "get":
                names = {p["name"] for p in given_}
                given_ += [
                    {"name": n, "in": "query", "schema": {"type": "string"}}
                    for n in QUERY
                    if n not in names
                ]
            for parameter in given_:
                if parameter["name"] in known:
                    real = {"enum": known[parameter["name"]]}
                    parameter["schema"] = {"anyOf": [real, parameter["schema"]]}
            if method == "post":
                operation["requestBody"] = _form(token, known)
            operation["responses"] = {"default": {"description": path}}
    return found


def ask_all(client: TestClient, project: Project, each: int, *, seeded: int) -> int:
    """Ask every route ``each`` times, half of them wrongly; gives how many requests were made.

    Raises:
        AssertionError: an answer is an error of the server, or lacks what every answer has.
    """
    app: Any = client.app
    token = read(client.get("/tokens")).all("input[name=form_token]")[0].get("value")
    schema = schemathesis.openapi.from_dict(described(app, project, token))
    made = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path in LEFT_OUT:
            continue
        cases = st.one_of(
            operation.as_strategy(),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
            if operation.body or operation.query
            else operation.as_strategy(),
        )

        @seed(seeded)
        @settings(
            max_examples=each, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=cases)
        def ask(case: Any) -> None:
            nonlocal made
            made += 1
            _judge(client, case)

        ask()
    return made


def _judge(client: TestClient, case: Any) -> None:
    request = case.as_transport_kwargs()
    body = {k: request[k] for k in ("data", "json", "params") if request.get(k) is not None}
    headers = {k: v for k, v in (request.get("headers") or {}).items() if k != "Connection"}
    answer = client.request(request["method"], request["url"], headers=headers, **body)
    told = (
        f"{request['method']} {request['url']} {body}: {answer.status_code}\n{answer.text[:3000]}"
    )
    assert answer.status_code < 500, told
    assert "default-src 'none'" in answer.headers["content-security-policy"], told
    assert "Traceback" not in answer.text, told
    if answer.headers.get("content-type", "").startswith("text/html"):
        read(answer)  # well formed, whatever was asked


def _names(project: Project) -> dict[str, list[str]]:
    """What there is, by the names of parameters."""
    with connect(project.settings) as con:
        batches = ledger.rows(project.lake, con, ledger.BATCHES)
    contracts = [c for c in project.contracts.values() if c.name.layer != "system"]
    columns = {column.name for c in contracts for column in c.columns}
    return {
        "dataset": [c.id for c in contracts],
        "column": sorted(columns)[:20],
        "batch": [str(b["batch_id"]) for b in batches][:10],
        "run": sorted({str(b["run_id"]) for b in batches}),
        "name": ["chat", "irc", "chat-platform", "chat.pdf", "chat.csv"],
        "as_of": ["release:1", "2026-01-01", "release:99", "run:nothing"],
        "against": ["1", "1.0.0", "release:1"],
        "state": ["open", "waived", "replayed"],
        "sort": ["rows", "-rows", "id", "at", "-at"],
    }


def _form(token: str, known: dict[str, list[str]]) -> dict[str, Any]:
    """A body of fields that our forms have; most often with the token that they carry."""
    text = {"type": "string", "maxLength": 40}
    names = ("why", "which", "reason", "row", "name", "role", "kind", "owner", "domain", "rule",
             "of", "until", "expires", "days", "begin", "end", "digest", "next", "token")  # fmt: skip
    properties: dict[str, Any] = dict.fromkeys(names, text)
    properties["form_token"] = {"anyOf": [{"const": token}, text]}
    properties["dataset"] = {"anyOf": [{"enum": known["dataset"]}, text]}
    schema = {"type": "object", "properties": properties, "required": ["form_token"]}
    return {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}
