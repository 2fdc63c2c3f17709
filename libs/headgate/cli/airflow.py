"""`headgate airflow`: a real Airflow on this machine, until somebody stops it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import typer

from headgate.cli import output

if TYPE_CHECKING:
    from headgate.core.settings import Settings
    from headgate.orchestration.airflow.serving import Server

EXAMPLE = "Example: headgate airflow --port 8090"
HOME = ".airflow"


def airflow(
    port: int = typer.Option(
        8080, "--port", metavar="N", help="Where UI and REST are served, on this machine alone."
    ),
    home: Path | None = typer.Option(
        None,
        "--home",
        metavar="FOLDER",
        help="Airflow's database, logs and secrets; kept for the next start. "
        "Default: .airflow in the project.",
    ),
    demo: bool = typer.Option(
        False,
        "--demo",
        help="Put simulated Discord exports where the demo's contracts look for them, if nothing "
        "is there yet.",
    ),
    messages: int = typer.Option(
        60_000, "--messages", metavar="N", help="How many messages --demo simulates."
    ),
) -> int:
    """Serve the project's DAGs by a real Airflow, with its tables in an embedded PostgreSQL.

    Scheduler, DAG processor, triggerer and API server run until Ctrl-C or SIGTERM; then all of them
    are stopped and nothing is left. One that dies is started again, three times; then all is stopped.
    """
    from headgate.core import processes, settings
    from headgate.orchestration.airflow.serving import Server

    found = settings.load()
    processes.adopt()
    if demo:
        _deliver(found, messages)
    server = Server(found, home or found.root / HOME, port=port, said=output.say)
    # A shell that starts it in the background has it ignore SIGINT.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _leave)
    try:
        output.say(f"Starting Airflow in {output.near(server.home)}; this takes up to a minute.")
        server.start()
        _tell(server)
        while not server.gave_up:
            server.listen(1.0)
        output.say(f"headgate: {server.gave_up} too often; all was stopped. Logs: {server.logs}")
        return 1
    except KeyboardInterrupt:
        output.say("Stopping Airflow.")
        return 0
    finally:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        try:
            server.stop()
        finally:
            processes.end_descendants()
        output.say("Airflow is stopped.")


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _tell(server: Server) -> None:
    output.out(f"Airflow is ready: {server.address}")
    if server.password_is_new:
        output.out(f"User: admin   Password: {server.password}   (told once)")
    else:
        kept = output.near(server.home / "passwords.json")
        output.out(f"User: admin   Password: as before; it stands in {kept}")
    output.out(
        "Every DAG is paused at first: unpause those that you want to run. Ctrl-C stops all."
    )


def _deliver(settings: Settings, messages: int) -> None:
    """Put the demo's exports where the contracts' sources are, unless something is there."""
    from headgate.cli import demo

    landing = settings.root / "landing" / "discord"
    if landing.is_dir() and any(landing.iterdir()):
        return
    written = settings.root / demo.FOLDER
    if not (written / "first").is_dir():
        demo.write(written, messages)
    landing.mkdir(parents=True, exist_ok=True)
    count = 0
    for file in sorted((written / "first").rglob("*")):
        if file.is_file():
            place = landing / file.relative_to(written / "first")
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, place)
            count += 1
    output.say(f"Put {count} simulated exports into {output.near(landing)}.")
