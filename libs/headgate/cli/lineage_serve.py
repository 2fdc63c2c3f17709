"""`headgate lineage serve`: the lineage store over HTTP, until somebody stops it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from headgate.cli import output
from headgate.core.errors import UsageError

if TYPE_CHECKING:
    from headgate.core.settings import Settings
    from headgate.lineage.server.limits import Limits

EXAMPLE = "Example: headgate lineage serve --port 8091"


def serve(
    host: str = typer.Option(
        "127.0.0.1",
        "--host",
        metavar="ADDRESS",
        help="Where to listen; what others can reach needs a token in the store.",
    ),
    port: int = typer.Option(
        8091, "--port", min=0, max=65_535, metavar="N", help="0: any free one."
    ),
) -> int:
    """Serve the lineage store over HTTP: events are posted, and questions are asked.

    What is appended to the lake's event files is taken in the background. SIGTERM and Ctrl-C end it
    after what was begun.
    """
    from headgate.core import settings

    found = settings.load()
    try:
        from headgate.lineage.server import running
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{error.name} is not installed.", remedy="Install headgate[lineage], or make lineage."
        ) from None
    from headgate.lineage import access
    from headgate.lineage.server.application import create_app
    from headgate.lineage.store.opening import open_store
    from headgate.orchestration import lineage_store

    limits = _limits(found)
    store = open_store(lineage_store.where(found))
    try:
        guarded = access.is_guarded(store)
        bound = running.bind(host, port, guarded=guarded)
        app = create_app(
            store,
            lake=found.lake_name,
            files=lineage_store.event_files(found),
            limits=limits,
            loopback=bound.is_own_machine,
        )
        running.log_to(output.say)
        running.leave_on_signals()

        def ready() -> None:
            output.out(f"The lineage store is served at {bound.address}")
            if not access.every(store):
                output.out("Everybody on this machine may post and ask: there is no token yet.")
            output.out("Ctrl-C stops it.")
            sys.stdout.flush()  # who started it waits for the address

        with suppress(KeyboardInterrupt):
            running.serve(app, bound, limits, ready=ready)
        output.say("The lineage server is stopped.")
        return 0
    finally:
        store.close()


def _limits(settings: Settings) -> Limits:
    from headgate.core.errors import SettingError
    from headgate.core.settings import size_in_bytes
    from headgate.lineage.server.limits import Limits

    body = size_in_bytes(settings.lineage_max_body)
    if body < 1 or settings.lineage_rate <= 0:
        raise SettingError(
            "lineage_max_body and lineage_rate must be more than nothing.",
            remedy="Leave them out for 16MB and 1000.",
        )
    # Several may be posting at once, and what was posted may wait.
    room = max(Limits.bodies, 4 * body)
    return Limits(
        body=body, bodies=room, waiting_bytes=max(Limits.waiting_bytes, 2 * body),
        rate=settings.lineage_rate, burst=max(2 * settings.lineage_rate, 1.0),
        # One core is the server's own, and more readers than one thread can store help nobody.
        readers=min(2, max(0, (os.cpu_count() or 1) - 1)),
    )  # fmt: skip
