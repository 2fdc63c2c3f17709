"""What OpenAPI says is true: requests made from it, right and wrong ones, are answered as it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth
from starlette.testclient import TestClient

from headgate.lineage import access
from headgate.lineage.server.application import create_app, openapi
from headgate.lineage.server.limits import Limits
from headgate.lineage.store import taking
from headgate.lineage.store.opening import Store
from tests.unit.lineage.server.made_events import run_event

TOLD = openapi()
#: Requests of each route, and as many wrong ones; events take a second each to make up. The whole, of
#: 20,000, is in tests/reliability.
EXAMPLES, EVENTS = 6, 2


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    token = access.create(store, "root", "admin")
    taking.take(store, [run_event(n) for n in range(3)])
    app = create_app(store, limits=Limits(rate=1e9, burst=1e9))
    with TestClient(app, raise_server_exceptions=False) as made:
        made.headers["Authorization"] = f"Bearer {token}"
        yield made


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE])
def test_requests_are_answered_as_is_said(client: TestClient, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_dict(TOLD)
    asked = 0
    for method, path in _routes():
        operation = schema[path][method]
        if mode is GenerationMode.NEGATIVE and not _can_be_wrong(TOLD["paths"][path]):
            continue

        @hypothesis.seed(8)
        @hypothesis.settings(
            max_examples=EVENTS if "/lineage" in path else EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            answered = client.request(**_request(case))
            # Who may call what is tried route by route elsewhere.
            case.validate_response(answered, excluded_checks=[ignored_auth])

        ask()
    assert asked > 60


def _routes() -> list[tuple[str, str]]:
    return [(m.upper(), path) for path, found in TOLD["paths"].items() for m in found]


def _can_be_wrong(operations: Any) -> bool:
    return any("parameters" in o or "requestBody" in o for o in operations.values())


def _request(case: Any) -> dict[str, Any]:
    told = case.as_transport_kwargs(base_url="http://testserver")
    told["headers"] = {k: v for k, v in told["headers"].items() if k.lower() != "authorization"}
    if "data" in told:
        told["content"] = told.pop("data")
    return told
