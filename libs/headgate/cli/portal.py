"""`headgate portal`: the portal's pages over HTTP, until somebody stops it."""

from __future__ import annotations

import sys
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

import typer

from headgate.cli import output, portal_audit, portal_evidence, portal_token
from headgate.core.errors import UsageError

if TYPE_CHECKING:
    from headgate.lineage.server.running import Bound
    from headgate.orchestration.project import Project
    from headgate.portal.served import Served

EXAMPLE = "Example: headgate portal --open"

app = typer.Typer(invoke_without_command=True, epilog=EXAMPLE)
app.add_typer(portal_token.app, name="token")
app.add_typer(portal_audit.app, name="audit")
app.command("evidence", epilog=portal_evidence.EXAMPLE)(portal_evidence.evidence)


@app.callback()
def portal(
    context: typer.Context,
    host: str = typer.Option(
        "127.0.0.1",
        "--host",
        metavar="ADDRESS",
        help="Where to listen; what others can reach needs a way to sign in, or a token.",
    ),
    port: int = typer.Option(
        8093, "--port", min=0, max=65_535, metavar="N", help="0: any free one."
    ),
    browser: bool = typer.Option(False, "--open", help="Show it in a browser."),
) -> int:
    """Serve the portal: what there is, where it comes from, how good it is, and who decided what.

    On this machine alone nobody has to sign in, as long as no way to sign in is configured. SIGTERM
    and Ctrl-C end it after what was begun.
    """
    if context.invoked_subcommand is not None:
        return 0
    from headgate.core import settings
    from headgate.orchestration.project import Project

    # A contract that is wrong is no reason to show nothing of the others.
    project = Project(settings.load(), sound=True)
    _demand_lake(project)
    _demand_footprint()
    with suppress(KeyboardInterrupt), ExitStack() as ends:
        parts, bound = _opened(ends, project, host, port)
        _serve(parts, bound, browser)
    output.say("The portal is stopped.")
    return 0


def _opened(ends: ExitStack, project: Project, host: str, port: int) -> tuple[Served, Bound]:
    """The parts, and the address, once all is known that the first page tells."""
    from headgate.cli import progress
    from headgate.portal import opening

    with progress.watch() as seen:
        parts = ends.enter_context(
            opening.opened(
                project,
                follow=True,
                taking=lambda done, total: seen.step(
                    "lineage", f"taking events: {min(done / max(total, 1), 1):.0%}"
                ),
                looking=lambda what, count: seen.step("portal", f"looking at {count:,} {what}"),
            )
        )
        bound = _bind(parts, host, port)
        ends.callback(bound.socket.close)
        parts.knowing.looked()
        seen.step("portal", "adding the ledgers up")
        parts.counts.bring_up()
    return parts, bound


def _serve(parts: Served, bound: Bound, browser: bool) -> None:
    from headgate.lineage.server import running
    from headgate.portal.application import create_app

    made = create_app(parts)
    running.log_to(output.say)
    running.leave_on_signals()

    def ready() -> None:
        output.out(f"The portal is served at {bound.address}")
        if parts.access.is_open:
            output.out("Everybody on this machine is an admin: there is no way to sign in yet.")
        output.out("Ctrl-C stops it.")
        sys.stdout.flush()  # who started it waits for the address
        if browser:
            import webbrowser

            webbrowser.open(bound.address)

    running.serve(made, bound, parts.limits, ready=ready)


def _bind(parts: Served, host: str, port: int) -> Bound:
    from headgate.lineage.server import running

    parts.access.demand_guarded(host)
    bound = running.bind(host, port, guarded=True)
    try:
        # What the name stands for may be another address than it seemed.
        parts.access.demand_guarded(bound.socket.getsockname()[0])
    except BaseException:
        bound.socket.close()
        raise
    return bound


def _demand_lake(project: Project) -> None:
    where = project.settings.lake_path
    if not where.exists():
        raise UsageError(
            f"there is no lake yet at {output.near(where)}.",
            remedy="make demo fills one with simulated chat; headgate run takes your own sources.",
        )


def _demand_footprint() -> None:
    for name in ("fastapi", "jinja2", "authlib", "reportlab"):
        if find_spec(name) is None:
            raise UsageError(
                f"{name} is not installed.", remedy="Install headgate[portal], or make portal."
            )
