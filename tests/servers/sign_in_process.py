"""A portal that is served and a real OpenID Connect provider beside it, as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from headgate.orchestration.run import run
from headgate.portal.records.opening import Records, open_records
from tests.conftest import REPOSITORY, make_project
from tests.shown_lake import IRC, line

HERE = Path(__file__).parent / "oidc"
TOOLS = REPOSITORY / ".tools" / "oidc"
GROUPS = {"ann": ["stewards", "chat-platform"], "bob": ["crew", "chat-platform"], "eve": ["nobody"]}
PATIENCE = 120.0


@dataclass
class Running:
    """A portal that is served, its provider, and what they wrote."""

    portal: str
    issuer: str
    provider: subprocess.Popen[str]
    records: Records


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def started(command: list[str], cwd: Path, **more: str) -> subprocess.Popen[str]:
    """A process of its own group, with ``more`` in its environment."""
    return subprocess.Popen(
        command, cwd=cwd, env={**os.environ, **more}, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def stop(process: subprocess.Popen[str]) -> None:
    """End a process and what it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def project_in(folder: Path) -> Path:
    """A project in ``folder`` with a few published rows of IRC."""
    made = make_project(folder)
    (folder / "irc.jsonl").write_text("".join(json.dumps(line(n)) + "\n" for n in range(20)))
    run(made, sources={IRC: [str(folder / "irc.jsonl")]})
    return folder


def serve(project: Path, **how: str) -> Iterator[Running]:
    """A portal whose people sign in at a provider of its own; ``how`` is told to the provider."""
    subprocess.run([HERE / "install.sh"], check=True)
    port = free_port()
    portal = f"http://127.0.0.1:{port}"
    provider = started(
        ["node", "provider.js"], TOOLS, GROUPS=json.dumps(GROUPS),
        REDIRECT=f"{portal}/sign-in/callback", **how,
    )  # fmt: skip
    records = open_records(project / "lake" / "_state" / "portal.db")
    served = None
    try:
        assert provider.stdout is not None
        issuer = provider.stdout.readline().strip()
        assert issuer.startswith("http://127.0.0.1:")
        served = started(
            [sys.executable, "-m", "headgate.cli.main", "portal", "--port", str(port)], project,
            HEADGATE_ROOT=str(project), HEADGATE_PORTAL_OIDC_ISSUER=issuer,
            HEADGATE_PORTAL_OIDC_CLIENT_ID="headgate",
            HEADGATE_PORTAL_OIDC_CLIENT_SECRET="the secret of headgate",
            HEADGATE_PORTAL_OIDC_SCOPES="openid email groups",
            HEADGATE_PORTAL_ROLES="stewards=reviewer, crew=owner",
        )  # fmt: skip
        assert served.stdout is not None
        assert portal in served.stdout.readline()
        yield Running(portal, issuer, provider, records)
    finally:
        for process in (served, provider):
            if process is not None:
                stop(process)
        records.close()
