"""An independent account of a stream: each message of a topic against what a table made of it.

It knows nothing of Headgate: a plain consumer reads the topic, delta-rs the table and its
quarantine. What a message says of its producer and number is compared with what stands in its row.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

#: What stands for a message that says no number.
NONE = -1
_PLACES = ("_source", "_position")


@dataclass
class Account:
    """What became of the messages of a topic; ``examples`` are places of what is wrong."""

    messages: int = 0
    rows: int = 0
    set_aside: int = 0
    lost: int = 0
    doubled: int = 0
    foreign: int = 0
    changed: int = 0
    repeats: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether each message is in the table or set aside, once, and nothing else is."""
        return not (self.lost or self.doubled or self.foreign or self.changed)


def account(address: str, topic: str, table: Path, quarantine: Path) -> Account:
    """Hold a table and its quarantine to the topic that they were taken from."""
    found = Account()
    rows = _rows(table)
    aside = _aside(quarantine, found.reasons)
    seen: Counter[tuple[str, int]] = Counter()
    for partition, offsets, numbers, producers in _partitions(address, topic):
        found.messages += len(offsets)
        own = rows.pop(f"{topic}/{partition}", _EMPTY)
        beside = aside.pop(f"{topic}/{partition}", _EMPTY[0])
        found.rows += len(own[0])
        found.set_aside += len(beside)
        places = np.concatenate((own[0], beside))
        _hold(found, partition, offsets, places)
        _compare(found, partition, (offsets, numbers), own)
        for key in zip(producers, numbers.tolist(), strict=True):
            if key[1] != NONE:
                seen[key] += 1
    for name, left in rows.items():
        found.foreign += len(left[0])
        found.examples.append(f"foreign: {name}")
    for name, beside in aside.items():
        found.foreign += len(beside)
        found.examples.append(f"foreign, set aside: {name}")
    found.repeats = sum(count - 1 for count in seen.values())
    return found


_EMPTY = (np.empty(0, np.int64), np.empty(0, np.int64))


def _hold(found: Account, partition: int, offsets: np.ndarray, places: np.ndarray) -> None:
    """Count what is lost, there twice, or no message's."""
    there, counts = np.unique(places, return_counts=True)
    lost = np.setdiff1d(offsets, there)
    doubled = there[counts > 1]
    foreign = np.setdiff1d(there, offsets)
    found.lost += len(lost)
    found.doubled += int((counts - 1).sum())
    found.foreign += len(foreign)
    for what, those in (("lost", lost), ("doubled", doubled), ("foreign", foreign)):
        found.examples += [f"{what}: {partition}@{o}" for o in those[:3].tolist()]


def _compare(
    found: Account, partition: int, told: tuple[np.ndarray, np.ndarray], own: tuple[Any, Any]
) -> None:
    """Count rows that say another number than the message at their place."""
    offsets, numbers = told
    if not len(offsets):
        return
    at = np.minimum(np.searchsorted(offsets, own[0]), len(offsets) - 1)
    wrong = (offsets[at] == own[0]) & (numbers[at] != own[1])
    found.changed += int(wrong.sum())
    found.examples += [f"changed: {partition}@{o}" for o in own[0][wrong][:3].tolist()]


def _rows(table: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Positions and numbers of a table's rows, by where they came from."""
    from deltalake import DeltaTable

    if not (table / "_delta_log").exists():
        return {}
    dataset = DeltaTable(table).to_pyarrow_dataset()
    parts: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for batch in dataset.to_batches(columns=[*_PLACES, "sequence"]):
        sources = batch.column("_source").to_numpy(zero_copy_only=False)
        positions = batch.column("_position").to_numpy()
        numbers = batch.column("sequence").fill_null(NONE).to_numpy().astype(np.int64)
        for source in set(sources.tolist()):
            own = sources == source
            parts.setdefault(str(source), []).append((positions[own], numbers[own]))
    return {
        name: (np.concatenate([p for p, _ in those]), np.concatenate([n for _, n in those]))
        for name, those in parts.items()
    }


def _aside(quarantine: Path, reasons: Counter[str]) -> dict[str, np.ndarray]:
    """Positions of what is set aside, by where it came from; its reasons are counted."""
    from deltalake import DeltaTable

    if not (quarantine / "_delta_log").exists():
        return {}
    found: dict[str, list[int]] = {}
    columns = ["source", "position", "codes"]
    for row in DeltaTable(quarantine).to_pyarrow_table(columns=columns).to_pylist():
        found.setdefault(row["source"], []).append(row["position"])
        reasons.update(row["codes"])
    return {name: np.array(those, np.int64) for name, those in found.items()}


def _partitions(
    address: str, topic: str
) -> Iterator[tuple[int, np.ndarray, np.ndarray, list[str]]]:
    """Of each partition the offsets of its messages, ascending, and the numbers and producers that
    they say."""
    from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

    consumer = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": "sequences",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    try:
        for partition in sorted(consumer.list_topics(topic, timeout=60).topics[topic].partitions):
            consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
            offsets: list[int] = []
            numbers: list[int] = []
            producers: list[str] = []
            ended = False
            while not ended:
                for message in consumer.consume(10_000, 1.0):
                    if message.error() is not None:
                        ended = True  # its end, or what must not be
                        assert message.error().code() == -191, message.error()
                        continue
                    producer, number = _said(message.value())
                    offsets.append(message.offset())
                    numbers.append(number)
                    producers.append(producer)
            yield partition, np.array(offsets, np.int64), np.array(numbers, np.int64), producers
    finally:
        consumer.close()


def _said(value: bytes | None) -> tuple[str, int]:
    try:
        told = json.loads(value or b"")
        number = told["sequence"]
        return str(told["producer"]), number if type(number) is int else NONE
    except (ValueError, TypeError, KeyError):
        return "", NONE


def main() -> None:
    """``python -m tests.reliability.harness.sequences BOOTSTRAP TOPIC TABLE``."""
    words = argparse.ArgumentParser()
    words.add_argument("address")
    words.add_argument("topic")
    words.add_argument("table", type=Path)
    told = words.parse_args()
    aside = told.table.with_name(told.table.name + "__quarantine")
    found = account(told.address, told.topic, told.table, aside)
    print(found)
    raise SystemExit(0 if found.whole else 1)


if __name__ == "__main__":
    main()
