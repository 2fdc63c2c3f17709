"""What the demo expects of the gate is counted here again from the bytes, by means of our own."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from headgate.cli import demo
from headgate.cli.demo.expected import of_first
from headgate.simulation.manifest import Manifest

COUNT = 6000
Key = tuple[str, ...]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    folder = tmp_path_factory.mktemp("demo")
    return folder, demo.write(folder, COUNT)


def refusal(message: dict[str, Any]) -> str:
    """Why the contract of messages does not take it, if so; each for one reason at most."""
    if "timestamp" not in message:
        return "sent_at.required"
    try:
        datetime.fromisoformat(message["timestamp"])
    except ValueError:
        return "invalid_timestamp"
    if any(0xD800 <= ord(sign) <= 0xDFFF for sign in message["content"]):
        return "lone_surrogate"
    if not isinstance(message["isPinned"], bool):
        return "type_mismatch"
    return "content.max_length" if len(message["content"]) > 20_000 else ""


def unreadable(text: bytes) -> str:
    """Why nothing of a message can be read, if so."""
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        return "invalid_utf8"
    try:
        json.loads(decoded)
    except ValueError:
        return "malformed_json"
    return ""


def messages(path: Path) -> list[bytes]:
    body = path.read_bytes().split(b'"messages": [\n    {\n')[1].rsplit(b'\n  ],\n  "mess', 1)[0]
    return [b"{\n" + text for text in body.split(b",\n    {\n")]


def test_the_expected_account_is_that_of_the_bytes(written: tuple[Path, Manifest]) -> None:
    folder, manifest = written
    expected = of_first(manifest)
    read: Counter[str] = Counter()
    keys: dict[str, set[Key]] = {name: set() for name in expected}
    unread: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    contents: dict[Key, list[bytes]] = {}
    for path in sorted((folder / "first").iterdir()):
        read["bronze.chat.guilds"] += 1
        keys["bronze.chat.guilds"].add((path.name.split(" - ")[0],))
        keys["bronze.chat.channels"].add((path.name,))
        for text in messages(path):
            read["bronze.chat.messages"] += 1
            if reason := unreadable(text):
                unread[reason] += 1
                continue
            message = json.loads(text)
            guild = path.name.split(" - ")[0]
            keys["bronze.chat.users"].add((guild, message["author"]["id"]))
            for reaction in message["reactions"]:
                read["bronze.chat.reactions"] += 1
                emoji = reaction["emoji"]
                keys["bronze.chat.reactions"].add((message["id"], emoji["id"], emoji["name"]))
            for attachment in message["attachments"]:
                read["bronze.chat.attachments"] += 1
                keys["bronze.chat.attachments"].add((attachment["id"],))
            if reason := refusal(message):
                broken[reason] += 1
            else:
                contents.setdefault((message["id"],), []).append(text)
    read["bronze.chat.channels"] = read["bronze.chat.guilds"]
    read["bronze.chat.users"] = read["bronze.chat.messages"]
    for name in ("reactions", "attachments"):
        read[f"bronze.chat.{name}"] += sum(unread.values())
    for key, texts in contents.items():
        if len(set(texts)) > 1:
            broken["conflicting_key"] += len(texts)
        else:
            keys["bronze.chat.messages"].add(key)
    for dataset, told in expected.items():
        assert told.read == read[dataset], dataset
        assert told.published == len(keys[dataset]), dataset
        assert told.quarantined == sum(told.reasons.values()), dataset
        assert told.deduplicated >= 0
    assert expected["bronze.chat.messages"].reasons == {**unread, **broken}
    assert expected["bronze.chat.users"].reasons == unread
    assert len(unread) == 2 and len(broken) == 6, "every kind of fault occurs"


def test_faults_leave_every_batch_below_its_limit(written: tuple[Path, Manifest]) -> None:
    folder, _ = written
    for path in (folder / "first").iterdir():
        found = messages(path)
        lost = sum(bool(unreadable(text)) for text in found)
        assert lost + sum(b'"attachments": [\n' in text for text in found) >= 10 * lost


def test_the_deliveries_of_the_tour_are_there(written: tuple[Path, Manifest]) -> None:
    folder, _ = written
    assert len(list((folder / "later").iterdir())) == 2
    assert len(list((folder / "wrong_count").iterdir())) == 1
    assert len(list((folder / "cut_tail").iterdir())) == 1
