"""Exports are the exporter's: valid JSON, its fields, its indents, its names; and always the same bytes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from headgate.core.errors import UsageError
from headgate.simulation.exports import simulate
from headgate.simulation.plan import Wanted

SMALL = Wanted(messages=6000, seed=5, guilds=2, channels=12)
#: Of all files of the simulations below, names and bytes; a change of it breaks "same seed, same
#: bytes" for whoever keeps a seed.
DIGEST = "f39a0df60a53ea60980755e9979f964edc8121fb8d54f55627542722bf55d908"
Document = dict[str, Any]


def digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        found.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    simulate(SMALL, folder)
    return folder


@pytest.fixture(scope="module")
def documents(small: Path) -> dict[str, Document]:
    paths = sorted(small.glob("*/*.json"))
    return {str(p.relative_to(small)): json.loads(p.read_bytes()) for p in paths}


def messages(documents: dict[str, Document]) -> Iterator[tuple[Document, Document]]:
    for document in documents.values():
        for message in document["messages"]:
            yield document, message


def test_the_same_wish_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    simulate(Wanted(messages=3000, seed=11, guilds=2, channels=9, faults=0.003), folder)
    first = digest(folder)
    # Again, over what is there: nothing of another simulation stays.
    simulate(Wanted(messages=50, seed=2), folder)
    assert digest(folder) != first
    simulate(Wanted(messages=3000, seed=11, guilds=2, channels=9, faults=0.003), folder)
    assert digest(folder) == first == DIGEST


def test_another_seed_gives_other_messages(tmp_path: Path) -> None:
    for seed in (1, 2):
        simulate(Wanted(messages=100, seed=seed, guilds=1, channels=1), tmp_path / str(seed))
    assert digest(tmp_path / "1") != digest(tmp_path / "2")


def test_files_hold_as_many_messages_as_were_wanted(documents: dict[str, Document]) -> None:
    assert sum(1 for _ in messages(documents)) == SMALL.messages
    for document in documents.values():
        assert document["messageCount"] == len(document["messages"])
    assert any(document["messageCount"] == 0 for document in documents.values())


@pytest.mark.parametrize("count", [1, 2, 7, 60, 777])
@pytest.mark.parametrize(("guilds", "channels"), [(1, 1), (1, 2), (2, 3), (3, 13)])
def test_small_simulations_are_whole_too(
    tmp_path: Path, count: int, guilds: int, channels: int
) -> None:
    wanted = Wanted(messages=count, guilds=guilds, channels=channels, faults=0.02)
    manifest = simulate(wanted, tmp_path)
    assert sum(f.messages for f in manifest.files if f.delivery in ("first", "later")) == count


def test_files_are_named_as_the_exporter_names_them(documents: dict[str, Document]) -> None:
    for name, document in documents.items():
        channel = document["channel"]
        parts = (document["guild"]["name"], channel["category"], channel["name"])
        expected = " - ".join(filter(None, parts)) + f" [{channel['id']}].json"
        assert name.split("/")[1] == expected


def test_the_text_is_indented_as_the_exporter_indents(small: Path, real_data: Path) -> None:
    folder = real_data / "discord_export_fixtures" / "dce_2_47_1_captured"
    for path in [*small.glob("*/*.json"), *folder.glob("*.json")]:
        text = path.read_text("utf-8")
        again = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        plain = re.sub(r"\\u[0-9A-F]{4}\\u[0-9A-F]{4}", lambda m: json.loads(f'"{m[0]}"'), text)
        assert plain == again, path


def test_minified_exports_hold_the_same_values(
    tmp_path: Path, documents: dict[str, Document]
) -> None:
    wanted = Wanted(**{**SMALL.__dict__, "minified": True})
    simulate(wanted, tmp_path)
    for name, document in documents.items():
        text = (tmp_path / name).read_text("utf-8")
        assert json.loads(text) == document
        assert "\n" not in text


def keys(value: Any, at: str = "") -> set[str]:
    """Every field of a value by its path."""
    if isinstance(value, list):
        return {k for item in value for k in keys(item, at + "[]")}
    if isinstance(value, dict):
        return {at + "." + k for k in value} | {
            f for k, child in value.items() for f in keys(child, f"{at}.{k}")
        }
    return set()


def test_every_field_is_one_that_real_exports_have(
    documents: dict[str, Document], real_data: Path
) -> None:
    folder = real_data / "discord_export_fixtures"
    real = {k for path in folder.rglob("*.json") for k in keys(json.loads(path.read_bytes()))}
    emojis = {f".messages[].inlineEmojis[].{f}" for f in ("id", "name", "isAnimated", "imageUrl")}
    for name, document in documents.items():
        assert keys(document) <= real | emojis, name


def test_the_order_of_fields_is_that_of_a_real_export(
    documents: dict[str, Document], real_data: Path
) -> None:
    (path,) = (real_data / "discord_export_fixtures").rglob("*Cool Thread*.json")
    real = json.loads(path.read_bytes())
    new = [d for d in documents.values() if isinstance(d["channel"]["type"], str)]
    for document in new:
        assert list(document) == list(real)
        assert list(document["channel"]) == list(real["channel"])
    starter = next(m for d in new for m in d["messages"] if m["type"] == "21")
    assert list(starter) == list(real["messages"][0])
    assert list(starter["author"]) == list(real["messages"][0]["author"])
    assert list(starter["reference"]) == list(real["messages"][0]["reference"])


def test_ids_are_snowflakes_of_their_time_and_ascend(documents: dict[str, Document]) -> None:
    for document in documents.values():
        before = 0
        for message in document["messages"]:
            own = int(message["id"])
            assert own > max(before, 1 << 53)
            before = own
            sent = datetime.fromisoformat(message["timestamp"])
            assert (own >> 22) + 1_420_070_400_000 == round(sent.timestamp() * 1000)
            assert sent < datetime.fromisoformat(document["exportedAt"])
            for attachment in message["attachments"]:
                assert int(attachment["id"]) < own


def test_ids_are_used_once(documents: dict[str, Document]) -> None:
    first = {n: d for n, d in documents.items() if n.startswith("first/")}
    seen = [m["id"] for _, m in messages(first)]
    seen += [a["id"] for _, m in messages(first) for a in m["attachments"]]
    assert len(set(seen)) == len(seen)


def test_an_author_is_the_same_in_all_of_a_delivery(documents: dict[str, Document]) -> None:
    for delivery in ("first", "later"):
        authors: dict[tuple[str, str], str] = {}
        for name, document in documents.items():
            if name.startswith(delivery):
                for message in document["messages"]:
                    who = (document["guild"]["id"], message["author"]["id"])
                    text = json.dumps(message["author"])
                    assert authors.setdefault(who, text) == text


def test_threads_grow_from_messages(documents: dict[str, Document]) -> None:
    known = {m["id"]: d["channel"]["id"] for d, m in messages(documents)}
    announced = {
        m["reference"]["channelId"] for _, m in messages(documents) if m["type"] == "ThreadCreated"
    }
    grown = set()
    for document, message in messages(documents):
        channel = document["channel"]
        if message["type"] == "21":
            assert message["reference"]["messageId"] == channel["id"]
            assert known[channel["id"]] == message["reference"]["channelId"]
            assert channel["categoryId"] == message["reference"]["channelId"]
            grown.add(channel["id"])
    assert grown == announced and len(grown) > 2
    posts = [d for d in documents.values() if d["channel"]["category"] == "questions"]
    assert posts
    for post in posts:
        assert post["channel"]["id"] == post["messages"][0]["id"]


def test_everything_that_exports_may_hold_occurs(documents: dict[str, Document]) -> None:
    both = list(messages(documents))
    kinds = {m["type"] for _, m in both}
    assert {"Default", "Reply", "21", "ThreadCreated", "GuildMemberJoin"} <= kinds
    types = {d["channel"]["type"] for d in documents.values()}
    assert {"GuildTextChat", "GuildNews", "GuildPublicThread", "GuildPrivateThread"} <= types
    assert any(isinstance(t, int) for t in types)
    for field in ("attachments", "embeds", "stickers", "reactions", "mentions"):
        assert any(m[field] for _, m in both), field
    emojis = [r["emoji"]["id"] for _, m in both for r in m["reactions"]]
    assert "" in emojis and any(emojis)
    assert any(m["author"]["isBot"] for _, m in both)
    assert any(m["isPinned"] for _, m in both)
    assert any(m["timestampEdited"] for _, m in both)
    assert any("forwardedMessage" in m for _, m in both)
    known = {m["id"] for _, m in both}
    answered = [m["reference"]["messageId"] for _, m in both if m["type"] == "Reply"]
    assert 0 < sum(a not in known for a in answered) < 0.05 * len(answered)


def test_a_later_export_tells_of_edits_deletions_and_late_messages(
    documents: dict[str, Document],
) -> None:
    pairs = [
        (documents[n.replace("later/", "first/")], documents[n])
        for n in documents
        if n.startswith("later/")
    ]
    assert len(pairs) > 1
    for first, later in pairs:
        old = {m["id"]: m for m in first["messages"]}
        new = {m["id"]: m for m in later["messages"]}
        last = max(map(int, old))
        assert old.keys() - new.keys(), "deleted"
        assert [i for i in new.keys() - old.keys() if int(i) < last], "late"
        edited = [i for i in old.keys() & new.keys() if old[i]["content"] != new[i]["content"]]
        assert edited
        for i in edited:
            assert new[i]["timestampEdited"] > old[i]["timestamp"]
        assert later["exportedAt"] > first["exportedAt"]
        assert {**later["channel"]} == first["channel"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"messages": 0},
        {"guilds": 0},
        {"channels": -1},
        {"faults": 0.5},
        {"faults": -0.1},
        {"guilds": 40, "channels": 40},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Wanted(**{"messages": 10, **wrong})


def test_a_channel_older_than_discord_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="days"):
        simulate(Wanted(messages=20_000_000, guilds=1, channels=1), tmp_path)


def test_an_interrupted_simulation_is_written_over(tmp_path: Path) -> None:
    def stop(done: int) -> None:
        raise KeyboardInterrupt

    wanted = Wanted(messages=500, seed=9, guilds=1, channels=3)
    with pytest.raises(KeyboardInterrupt):
        simulate(Wanted(messages=900, seed=8, faults=0.01), tmp_path / "a", stop)
    simulate(wanted, tmp_path / "a")
    simulate(wanted, tmp_path / "b")
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(UsageError, match="empty folder"):
        simulate(Wanted(messages=1), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
