"""`headgate simulate`: writes Discord exports like those of a busy community, with known faults."""

from __future__ import annotations

from pathlib import Path

import typer

from headgate.cli import output

EXAMPLE = "Example: headgate simulate --messages 20000 --seed 7 --out exports --faults 0.0005"


def simulate(
    messages: int = typer.Option(
        ..., "--messages", metavar="N", help="How many messages to write, over all files taken."
    ),
    out: Path = typer.Option(
        ..., "--out", metavar="DIR", help="An empty folder, or one of an older simulation."
    ),
    seed: int = typer.Option(
        0, "--seed", metavar="S", help="The same numbers give the same bytes, everywhere."
    ),
    guilds: int = typer.Option(3, "--guilds", metavar="G", help="How many guilds."),
    channels: int = typer.Option(
        8, "--channels", metavar="C", help="Channels and threads of each guild: files it comes in."
    ),
    faults: float = typer.Option(
        0.0,
        "--faults",
        metavar="SHARE",
        help="The share of messages that get each kind of fault, up to 0.02.",
    ),
    minified: bool = typer.Option(False, "--minified", help="Leave out all white space."),
    as_json: bool = typer.Option(False, "--json", help="Print what was written as JSON."),
) -> int:
    """Write simulated exports as DiscordChatExporter makes them, like real chat in its statistics.

    DIR/first holds an export of every channel, DIR/later newer ones of some (messages came late,
    were edited or deleted). If faults are wanted, DIR/wrong_count holds one that counts itself
    wrongly, and DIR/cut_tail one that is cut off. DIR/simulated.json says what was written, and
    where each fault is. One file of 2 GB: --messages 1_850_000 --guilds 1 --channels 1.
    """
    from headgate.cli import progress
    from headgate.simulation import exports
    from headgate.simulation.plan import Wanted

    wanted = Wanted(messages, seed, guilds, channels, faults, minified)
    with progress.watch(quiet=as_json) as watcher:
        written = exports.simulate(
            wanted, out, lambda done: watcher.rows("exports", done, messages)
        ).plain()
    if as_json:
        output.json({name: written[name] for name in ("wanted", "totals", "faults")})
        return 0
    totals = written["totals"]
    output.out(
        f"Wrote {totals['messages']:,} messages of {totals['members']:,} members in "
        f"{totals['files']} files below {output.near(out)}."
    )
    if written["faults"]:
        rows = [(name, kind["put_in"], kind["meaning"]) for name, kind in written["faults"].items()]
        output.table(("fault", "put in", "meaning"), rows)
    return 0
