"""The lineage server's API against its own OpenAPI: 20,000 requests made by schemathesis, right and wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from headgate.lineage import access
from headgate.lineage.store import taking
from headgate.lineage.store.opening import open_store
from tests.conftest import make_project
from tests.servers.lineage_process import Served
from tests.unit.lineage.server.made_events import run_event

CASES = 20_000
#: Of each route, by its method; those of other phases come on top. An event takes a second to make up.
EACH = {"--include-method=GET": 1_200, "--exclude-method=GET": 200}
#: An answer that takes longer hangs; ten seconds, which schemathesis allows by itself, a busy machine takes.
HANGS = "60"


@pytest.mark.long
def test_no_answer_is_an_error_of_the_server_or_other_than_said(tmp_path: Path) -> None:
    make_project(tmp_path / "project")
    store = open_store(tmp_path / "project" / "lake" / "_state" / "lineage.db")
    token = access.create(store, "root", "admin")
    taking.take(store, [run_event(number) for number in range(20)])
    store.close()
    served = Served(tmp_path / "project", {"HEADGATE_LINEAGE_RATE": "100000"})
    served.start()
    try:
        made = sum(_asked(served.address, token, which, tmp_path) for which in EACH)
        assert made >= CASES
        assert served.get("health").status_code == 200
        assert "Traceback" not in served.log.read_text()
    finally:
        served.kill()


def _asked(address: str, token: str, which: str, folder: Path) -> int:
    """How many requests were made of some routes; none was answered otherwise than is said."""
    told = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", f"{address}/api/v1/openapi.json",
            "-H", f"Authorization: Bearer {token}", which, "--phases", "coverage,fuzzing",
            "--max-examples", str(EACH[which]), "--seed", "8", "--checks", "all",
            "--continue-on-failure", "--no-color", "--request-timeout", HANGS,
            "--max-response-time", HANGS,
            "--suppress-health-check", "all", "--warnings", "off",
        ],
        cwd=folder, capture_output=True, text=True, env=os.environ,
    ).stdout  # fmt: skip
    made = re.search(r"([\d,]+) generated", told)
    assert made is not None, told
    assert "Failures" not in told and "Errors" not in told, told
    return int(made[1].replace(",", ""))
