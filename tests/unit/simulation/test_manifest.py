"""simulated.json is true: everything in it is counted here again, by parsing what was written."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from headgate.simulation.exports import simulate
from headgate.simulation.plan import Wanted

WANTED = Wanted(messages=12_000, seed=21, guilds=2, channels=8, faults=0.004)
Found = dict[str, list[int]]


def units(content: bytes) -> tuple[list[bytes], bool]:
    """The texts of the messages, and whether the array ends; no string holds a line's end."""
    _, _, rest = content.partition(b'"messages": [')
    body, ended, _ = rest.rpartition(b'\n  ],\n  "messageCount"')
    if not ended:
        body = rest
    if not body.strip():
        return [], bool(ended)
    found = body[len(b"\n    {\n") :].split(b",\n    {\n")
    return [b"{\n" + text for text in found], bool(ended)


def judged(text: bytes, before: dict[str, Any] | None) -> tuple[str, dict[str, Any] | None]:
    """The fault of a message's text, if any, and the message, if it is one."""
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        return "invalid_utf8", None
    try:
        message: dict[str, Any] = json.loads(decoded)
    except ValueError:
        return "malformed", None
    if before is not None and message["id"] == before["id"]:
        return ("repeat" if message == before else "conflict"), message
    content = message["content"]
    if not isinstance(message["isPinned"], bool):
        return "bad_type", message
    if "timestamp" not in message:
        return "missing_field", message
    if "poll" in message:
        return "unknown_field", message
    try:
        datetime.fromisoformat(message["timestamp"])
    except ValueError:
        return "bad_timestamp", message
    if any(0xD800 <= ord(c) <= 0xDFFF for c in content):
        return "lone_surrogate", message
    if "\0" in content:
        return "nul", message
    return ("too_long" if len(content) > 20_000 else ""), message


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("manifest")
    simulate(WANTED, folder)
    return folder, json.loads((folder / "simulated.json").read_bytes())


def recounted(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the manifest should say of a file, and its readable messages."""
    content = path.read_bytes()
    texts, ended = units(content)
    faults: Found = defaultdict(list)
    readable, before = [], None
    for position, text in enumerate(texts, 1):
        cut = not ended and position == len(texts)
        fault, message = ("cut_tail", None) if cut else judged(text, before)
        if fault:
            faults[fault].append(position)
        if message is not None:
            readable.append(message)
        before = message
    count = None
    if ended:
        count = int(content.rsplit(b": ", 1)[1].rstrip(b"}\n"))
        if count != len(texts):
            faults["wrong_count"].append(0)
    told = {
        "messages": len(texts),
        "message_count": count,
        "reactions": sum(len(m["reactions"]) for m in readable),
        "attachments": sum(len(m["attachments"]) for m in readable),
        "faults": dict(faults),
    }
    return told, readable


def test_files_faults_and_totals_are_as_told(written: tuple[Path, dict[str, Any]]) -> None:
    folder, manifest = written
    assert {f["path"] for f in manifest["files"]} == {
        str(p.relative_to(folder)) for p in folder.glob("*/*.json")
    }
    totals: dict[str, int] = defaultdict(int)
    put_in: dict[str, int] = defaultdict(int)
    members, at_first, names = set(), set(), set()
    guilds, channels = set(), set()
    inside: dict[str, set[str]] = {"reactions": set(), "attachments": set()}
    for told in manifest["files"]:
        found, readable = recounted(folder / told["path"])
        assert found == {name: told[name] for name in found}, told["path"]
        for kind, places in found["faults"].items():
            put_in[kind] += len(places)
        if told["delivery"] not in ("first", "later"):
            continue
        for name in ("messages", "reactions", "attachments"):
            totals[name] += found[name]
        totals["files"] += 1
        guilds.add(told["guild_id"])
        channels.add(told["channel_id"])
        for message in readable:
            author = message["author"]
            members.add((told["guild_id"], author["id"]))
            if told["delivery"] == "first":
                at_first.add((told["guild_id"], author["id"]))
            names.add((told["guild_id"], author["id"], author["nickname"]))
            for array, seen in inside.items():
                seen |= {message["id"] + json.dumps(item) for item in message[array]}
    assert dict(totals) == {name: manifest["totals"][name] for name in totals}
    assert manifest["totals"]["guilds"] == len(guilds)
    assert manifest["totals"]["channels"] == len(channels)
    assert manifest["totals"]["members"] == len(members)
    assert manifest["totals"]["names"] == len(names) > len(members)
    assert 0 < manifest["first"]["members"] <= len(members)
    assert manifest["first"]["names"] == manifest["first"]["members"] == len(at_first)
    for array, seen in inside.items():
        assert manifest["totals"][array] - manifest["totals"][f"{array}_again"] == len(seen)
    assert put_in == {kind: told["put_in"] for kind, told in manifest["faults"].items()}
    assert len(put_in) == 13, "every kind of fault occurs"


def test_each_kind_of_fault_has_its_share(written: tuple[Path, dict[str, Any]]) -> None:
    _, manifest = written
    # Not every file gets faults, and neighbours of faults are spared.
    able = sum(f["messages"] for f in manifest["files"] if len(f["faults"]) > 1)
    for kind, told in manifest["faults"].items():
        if kind not in ("cut_tail", "wrong_count"):
            assert 0.5 * WANTED.faults * able < told["put_in"] < 1.5 * WANTED.faults * able, kind


def test_changes_of_a_later_export_are_as_told(written: tuple[Path, dict[str, Any]]) -> None:
    folder, manifest = written
    compared = [f for f in manifest["files"] if f["delivery"] == "later"]
    assert compared
    for told in compared:
        old = json.loads((folder / told["path"].replace("later/", "first/")).read_bytes())
        new = json.loads((folder / told["path"]).read_bytes())
        before = {m["id"]: m for m in old["messages"]}
        after = {m["id"]: m for m in new["messages"]}
        last = max(map(int, before))
        added = after.keys() - before.keys()
        assert told["late"] + told["new"] == len(added)
        assert told["deleted"] == len(before.keys() - after.keys())
        both = before.keys() & after.keys()
        assert told["edited"] == sum(before[i]["content"] != after[i]["content"] for i in both)
        assert told["new"] >= sum(int(i) > last for i in added) - 1


def test_without_faults_nothing_is_wrong(tmp_path: Path) -> None:
    simulate(Wanted(messages=3000, seed=4), tmp_path)
    manifest = json.loads((tmp_path / "simulated.json").read_bytes())
    assert manifest["faults"] == {}
    assert {f["delivery"] for f in manifest["files"]} == {"first", "later"}
    for told in manifest["files"]:
        assert recounted(tmp_path / told["path"])[0]["faults"] == {}
