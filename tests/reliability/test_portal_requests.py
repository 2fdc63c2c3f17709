"""The portal against 20,000 requests that schemathesis makes up by its routes, right and wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shown_lake import shown_lake
from tests.unit.portal import fuzzed

CASES = 20_000
#: Of each route; a route that takes nothing is asked in fewer ways than that.
EACH = 700


@pytest.mark.long
def test_no_answer_is_an_error_of_the_portal(tmp_path: Path) -> None:
    project = shown_lake(tmp_path / "project")
    with fuzzed.freely(project) as client:
        assert fuzzed.ask_all(client, project, EACH, seeded=9) >= CASES
        assert client.get("/health").status_code == 200
