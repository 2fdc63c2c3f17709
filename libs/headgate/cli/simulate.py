"""`headgate simulate`: Discord exports like those of a busy community, or its chat as it happens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from headgate.cli import output
from headgate.core.errors import SettingError, UsageError

if TYPE_CHECKING:
    from headgate.simulation.live import LiveWanted
    from headgate.simulation.plan import Wanted

EXAMPLE = "Example: headgate simulate --messages 20000 --seed 7 --out exports --faults 0.0005"


def simulate(
    messages: int = typer.Option(
        ..., "--messages", metavar="N", help="How many messages to write, over all files taken."
    ),
    out: Path | None = typer.Option(
        None, "--out", metavar="DIR", help="An empty folder, or one of an older simulation."
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
    kafka: str = typer.Option(
        "", "--kafka", metavar="BOOTSTRAP", help="Put events into a topic of this Kafka instead."
    ),
    topic: str = typer.Option(
        "chat.messages", "--topic", metavar="T", help="The topic; it must be there."
    ),
    rate: float = typer.Option(
        0.0,
        "--rate",
        metavar="N",
        help="So many messages a second on average over a day, from now on; without it as fast as "
        "can be, with times of the past.",
    ),
    steady: bool = typer.Option(False, "--steady", help="As many at night as by day."),
    duplicates: float = typer.Option(
        0.0, "--duplicates", metavar="SHARE", help="The share of events that are sent twice."
    ),
    disorder: float = typer.Option(
        0.0, "--disorder", metavar="SECONDS", help="How late an event may come."
    ),
    producer: str = typer.Option(
        "simulated", "--producer", metavar="NAME", help="Who the events say has produced them."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print what was written as JSON."),
) -> int:
    """Write simulated exports as DiscordChatExporter makes them, like real chat in its statistics.

    DIR/first holds an export of every channel, DIR/later newer ones of some (messages came late,
    were edited or deleted). If faults are wanted, DIR/wrong_count holds one that counts itself
    wrongly, and DIR/cut_tail one that is cut off. DIR/simulated.json says what was written, and
    where each fault is. One file of 2 GB: --messages 1_850_000 --guilds 1 --channels 1.

    With --kafka there are no files: N events go into a topic, of messages, of edits that follow, and
    of repeats. Each names its producer and its number among that producer's.
    """
    if kafka:
        from headgate.simulation.live import LiveWanted

        events = LiveWanted(messages, seed, guilds * channels, duplicates, disorder, producer)
        return _live(events, kafka, topic, rate, steady=steady, as_json=as_json)
    if out is None:
        raise UsageError("Nothing says where to.", remedy="Use --out DIR or --kafka BOOTSTRAP.")
    from headgate.simulation.plan import Wanted

    return _files(Wanted(messages, seed, guilds, channels, faults, minified), out, as_json=as_json)


def _files(wanted: Wanted, out: Path, *, as_json: bool) -> int:
    """Write exports, and say what is in them."""
    from headgate.cli import progress
    from headgate.simulation import exports

    with progress.watch(quiet=as_json) as watcher:
        written = exports.simulate(
            wanted, out, lambda done: watcher.rows("exports", done, wanted.messages)
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


def _live(
    wanted: LiveWanted, address: str, topic: str, rate: float, *, steady: bool, as_json: bool
) -> int:
    """Put events into a topic, and say how many and how fast."""
    from headgate.cli import progress
    from headgate.core import clients, clock, settings
    from headgate.ingest.streams.producing import KafkaProducer
    from headgate.simulation import live

    try:
        config = clients.load(settings.find_root(), clients.KAFKA)
    except UsageError as error:  # nobody needs a project for this
        if isinstance(error, SettingError):
            raise
        config = {}
    sink = KafkaProducer(topic, {**config, "bootstrap.servers": address})
    times = live.by_the_clock(rate, steady=steady) if rate else live.by_days(wanted.seed)
    started, sent = clock.monotonic(), 0
    with progress.watch(quiet=as_json) as watcher:
        for those in live.events(wanted, times):
            sink.send(those)
            sent += len(those)
            watcher.rows(topic, sent, wanted.events)
        sink.flush()
    seconds = clock.monotonic() - started
    if as_json:
        output.json({"topic": topic, "events": sent, "seconds": round(seconds, 3)})
    else:
        output.out(f"Put {sent:,} events into {topic} in {seconds:.1f} s.")
    return 0
