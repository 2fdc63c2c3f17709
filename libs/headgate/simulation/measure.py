"""Measures chat, real and simulated, in the same five ways, and writes the tables and their account.

``python -m headgate.simulation.measure CORPUS`` writes statistics.json and README.md beside it.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from headgate.core import json as hjson
from headgate.simulation import tables
from headgate.simulation.plan import Wanted

#: What is measured, and how both sides are read for it.
MEASURES = {
    "message_length": "code points of a message's text",
    "minute_of_day": "minute of the local day in which a message was written; of the corpus only "
    "files from 2007 on (earlier ones use a 12-hour clock)",
    "reply_delay": "minutes on the clock from a message to its answer (the corpus has no seconds)",
    "messages_per_author": "messages that one author wrote, over everything that is there",
    "messages_per_channel_day": "messages of one channel on one day: of the corpus, one file of "
    "#ubuntu, an excerpt of a day; of an export, a day of a channel that is no thread (here what "
    "Discord itself writes counts too, as in the export's own count)",
}
#: The run that the account is measured on.
MEASURED = Wanted(messages=200_000, seed=1, guilds=3, channels=8)
_SAID = {"Default", "Reply"}
_NO_THREAD = {"GuildTextChat", "GuildNews", "GuildVoiceChat", 0, 2, 5}
_LONGEST_DELAY = 600  # minutes; beyond it the corpus's clock went backwards

Samples = dict[str, np.ndarray]


def corpus(path: Path) -> Samples:
    """The samples of the IRC corpus (JSON lines, gzipped), by the names of :data:`MEASURES`."""
    length: list[int] = []
    minute: list[int] = []
    delay: list[int] = []
    authors: Counter[str] = Counter()
    days: Counter[str] = Counter()
    times: dict[tuple[str, int], int] = {}
    with gzip.open(path, "rb") as lines:
        for line in lines:
            record: dict[str, Any] = hjson.loads(line)
            time, file = record["time"], record["file"]
            if time:
                times[file, record["line"]] = at = int(time[:2]) * 60 + int(time[3:])
                turn = 720 if record["date"] < "2007" else 1440
                asked = (times.get((file, n)) for n in record.get("reply_to", ()))
                delay += [(at - since) % turn for since in asked if since is not None]
            if record["type"] == "message":
                length.append(len(record["text"]))
                authors[record["author"]] += 1
                days[file] += 1
                if turn == 1440:
                    minute.append(at)
    delays = np.array(delay)
    return {
        "message_length": np.array(length),
        "minute_of_day": np.array(minute),
        "reply_delay": delays[delays <= _LONGEST_DELAY],
        "messages_per_author": np.array(list(authors.values())),
        "messages_per_channel_day": np.array(list(days.values())),
    }


def exported(folder: Path) -> Samples:
    """The samples of the exports below ``folder``, each message counted once."""
    length: list[int] = []
    minute: list[int] = []
    delay: list[int] = []
    authors: Counter[str] = Counter()
    days: Counter[tuple[str, str]] = Counter()
    for channel, messages in _channels(folder):
        times = {m["id"]: _minutes(m["timestamp"]) for m in messages}
        for message in messages:
            if channel["type"] in _NO_THREAD:
                days[channel["id"], message["timestamp"][:10]] += 1
            if message["type"] not in _SAID:
                continue
            length.append(len(message["content"]))
            minute.append(times[message["id"]] % 1440)
            authors[message["author"]["id"]] += 1
            asked = (message.get("reference") or {}).get("messageId")
            if message["type"] == "Reply" and asked in times:
                delay.append(times[message["id"]] - times[asked])
    return {
        "message_length": np.array(length),
        "minute_of_day": np.array(minute),
        "reply_delay": np.array(delay),
        "messages_per_author": np.array(list(authors.values())),
        "messages_per_channel_day": np.array(list(days.values())),
    }


def _channels(folder: Path) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each channel with its messages from all deliveries, the first version of each."""
    paths: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*/*.json")):
        paths.setdefault(path.name, []).append(path)
    for found in paths.values():
        messages: dict[str, dict[str, Any]] = {}
        for path in found:
            document = hjson.loads(path.read_bytes())
            for message in document["messages"]:
                messages.setdefault(message["id"], message)
        yield document["channel"], list(messages.values())


def _minutes(timestamp: str) -> int:
    """The minutes on the clock since some day, of a timestamp as exports write it."""
    day = np.datetime64(timestamp[:10], "D").astype(int)
    return int(day) * 1440 + int(timestamp[11:13]) * 60 + int(timestamp[14:16])


def distances(real: Samples, simulated: Samples) -> dict[str, float]:
    """The Kolmogorov-Smirnov distance in each of :data:`MEASURES`, to four digits."""
    return {n: round(tables.distance(real[n], simulated[n]), 4) for n in MEASURES}


def statistics(real: Samples) -> str:
    """The content of statistics.json for a corpus's samples."""
    lines = []
    for name in MEASURES:
        table = tables.condensed(real[name])
        content = {"values": table.values.tolist(), "cumulative": table.cumulative.tolist()}
        lines.append(f"{hjson.dumps(name)}: {hjson.dumps(content)}")
    return '{"tables": {\n' + ",\n".join(lines) + "\n}}\n"


def account(real: Samples, simulated: Samples) -> str:
    """The content of README.md: what is measured, and how near the simulation comes."""
    found = distances(real, simulated)
    command = f"headgate simulate --messages {MEASURED.messages} --seed {MEASURED.seed}"
    rows = [
        f"| `{n}` | {MEASURES[n]} | {len(real[n]):,} | {len(simulated[n]):,} | {found[n]:.4f} |"
        for n in MEASURES
    ]
    return "\n".join(
        (
            "# How near the simulation comes to real chat",
            "",
            "<!-- Written by `python -m headgate.simulation.measure CORPUS`; a test measures it "
            "anew. -->",
            "",
            f"`{command}` against the IRC corpus of #ubuntu (153 day files of 2004 to 2018, "
            "196,146 messages). Each distance is Kolmogorov and Smirnov's and must stay within "
            "0.05. `statistics.json` holds the corpus's distributions as counts; no text of it.",
            "",
            "| measure | of | values, corpus | values, simulated | distance |",
            "| --- | --- | ---: | ---: | ---: |",
            *rows,
            "",
        )
    )


def main(path: Path) -> None:
    """Measure the corpus at ``path``, write its tables, simulate from them, write the account."""
    from headgate.simulation.exports import simulate

    real = corpus(path)
    tables.FILE.write_text(statistics(real), "utf-8")
    with tempfile.TemporaryDirectory() as folder:
        simulate(MEASURED, Path(folder))
        text = account(real, exported(Path(folder)))
    tables.FILE.with_name("README.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
