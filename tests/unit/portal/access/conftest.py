"""A portal whose records are a test's own, with ways to sign in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from headgate.core.settings import Settings
from headgate.orchestration.project import Project
from headgate.portal import opening
from headgate.portal.access.entering import Access
from headgate.portal.access.oidc import Provider
from headgate.portal.application import create_app
from headgate.portal.records.opening import Records, open_records
from headgate.portal.served import Served
from tests.unit.portal.access.made_up_provider import CLIENT, ISSUER, SECRET, MadeUpProvider

#: What the settings of a portal with a provider say.
AT_PROVIDER = {
    "portal_oidc_issuer": ISSUER, "portal_oidc_client_id": CLIENT,
    "portal_oidc_client_secret": SECRET, "portal_roles": "stewards=reviewer, crew=owner, root=admin",
    "portal_teams": "grp-7=community-analytics",
}  # fmt: skip


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    found = open_records(tmp_path / "portal.db")
    yield found
    found.close()


@pytest.fixture(scope="session")
def parts_of_shown(shown: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The parts of a portal over the small lake; tests bring records of their own."""
    with opening.opened(shown, records_at=tmp_path_factory.mktemp("r") / "portal.db") as parts:
        yield parts


@pytest.fixture
def enter(parts_of_shown: Served, records: Records) -> Callable[..., TestClient]:
    """``enter(**settings)``: a browser at a portal whose settings say that, with no one signed in."""

    def client(
        *,
        provider: MadeUpProvider | None = None,
        base: str = "http://localhost",
        **settings: object,
    ) -> TestClient:
        around = parts_of_shown.project.settings
        said: Settings = replace(around, **settings)  # type: ignore[arg-type]
        access = Access(records, said, owners=lambda: parts_of_shown.knowing.now().owners)
        if provider is not None:
            transport = httpx.MockTransport(provider.answer)
            access.provider = Provider(said, transport=transport)
        parts = replace(parts_of_shown, records=records, access=access)
        app = create_app(parts)
        found = TestClient(
            app, base_url=base, client=("127.0.0.1", 50_000), follow_redirects=False,
            headers={"Accept": "text/html"},
        )  # fmt: skip
        found.app_state = parts  # type: ignore[attr-defined]
        return found

    return client
