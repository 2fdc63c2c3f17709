"""`headgate live`: keep windows up to date while messages come, and check them against a run."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING

import typer

from headgate.cli import output
from headgate.core import json as hjson

if TYPE_CHECKING:
    from headgate.orchestration.streaming.live import Refreshed

EXAMPLE = "Example: headgate live run gold.chat.channel_velocity --every 5"
app = typer.Typer(
    name="live",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=EXAMPLE,
    help="Keep windows up to date while messages come, and check them against a run.",
)
CHECK_EXAMPLE = "Example: headgate live check gold.chat.channel_velocity --json"


@app.command("run", epilog=EXAMPLE)
def run(
    dataset: str = typer.Argument(help="A dataset whose contract has headgate.live."),
    every: float = typer.Option(
        5.0, "--every", metavar="SECONDS", min=0.5, max=3600.0,
        help="Count open windows anew so often, when messages came.",
    ),
    once: bool = typer.Option(False, "--once", help="Count them once, and end."),
    as_json: bool = typer.Option(False, "--json", help="Print each turn as a line of JSON."),
) -> int:  # fmt: skip
    """Count the open windows of a model anew every few seconds and release them; Ctrl-C or SIGTERM
    ends it well.

    It works beside `headgate stream`, which takes the messages, and beside runs: while a run holds the
    lake, turns are left out. Windows that are closed wait for the next `headgate run`.
    """
    from headgate.orchestration.project import Project
    from headgate.orchestration.streaming import live

    ending = threading.Event()
    before = {s: signal.signal(s, lambda *_: ending.set()) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        live.keep(
            Project.open(), dataset, every=every, once=once, stopped=ending.is_set,
            tell=lambda found: _tell(found, as_json),
        )  # fmt: skip
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


@app.command("check", epilog=CHECK_EXAMPLE)
def check(
    dataset: str = typer.Argument(help="A dataset whose contract has headgate.live."),
    as_json: bool = typer.Option(False, "--json", help="Print it as JSON."),
) -> int:
    """Compare the windows with what a run would give over the same messages.

    Exit code 0: they are equal, or rows that came too late are all of the difference. 1: something
    else is.
    """
    from headgate.orchestration.project import Project
    from headgate.orchestration.streaming import live_check

    found = live_check.check(Project.open(), dataset)
    if as_json:
        output.json(found.told())
        return 0 if found.explained else 1
    differing = found.missing + found.extra + found.different
    output.out(
        f"{found.dataset} at version {found.version}, {found.turns:,} turns after the last run:"
        f" {found.equal:,} windows as a run counts them, {found.different:,} otherwise,"
        f" {found.missing:,} missing, {found.extra:,} extra."
    )
    if found.late:
        told = ", ".join(f"{c:,} for {n} minutes" for n, c in found.late.items())
        output.out(f"Rows that came after their window was closed: {told}.")
    if found.unexplained:
        output.out(f"{found.unexplained:,} windows differ for another reason. That is a defect.")
    elif differing:
        output.out(f"They are all of the difference. headgate run --select {dataset} counts them.")
    for example in found.examples:
        key = ", ".join(f"{n} {v}" for n, v in example.key.items())
        output.out(f"  {key}: {example.before or 'no row'}; by a run {example.after or 'no row'}")
    return 0 if found.explained else 1


def _tell(found: Refreshed, as_json: bool) -> None:
    if as_json:
        output.out(hjson.dumps(found.told()))
        sys.stdout.flush()
        return
    for problem in found.problems:
        output.say(problem)
    if found.version is not None:
        late = sum(found.late.values())
        output.out(
            f"version {found.version}, release {found.release}: {found.rows:,} windows"
            f"{' as a run builds them' if found.whole else ''}, closed before {found.watermark},"
            f" {late:,} rows too late, {found.seconds:.2f} s"
        )
        sys.stdout.flush()
