"""An independent reading of Discord exports: plain Python over the files, importing nothing of ours.

It says again, in other words than contracts and SQL, what bronze and silver must hold.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]
#: What a person or a bot wrote, and not Discord itself.
WRITTEN = {"Default", "0", "Reply", "19", "20", "23"}
#: The columns that identify a row of each dataset.
KEYS = {
    "bronze.chat.guilds": ("guild_id",),
    "bronze.chat.channels": ("channel_id",),
    "bronze.chat.users": ("guild_id", "user_id"),
    "bronze.chat.messages": ("message_id",),
    "bronze.chat.reactions": ("message_id", "emoji_id", "emoji_name"),
    "bronze.chat.attachments": ("attachment_id",),
}
#: Columns that hold JSON as text; their values are compared as what they mean.
NESTED = {"mentions", "embeds", "stickers", "inline_emojis", "components", "interaction",
          "forwarded_message", "roles", "users"}  # fmt: skip


def counted(path: Path) -> dict[str, int]:
    """How many records of each dataset an export holds."""
    document = json.loads(path.read_text("utf-8"))
    return {dataset: len(list(rows(document))) for dataset, rows in READ.items()}


def bronze(paths: Iterable[Path]) -> dict[str, list[Row]]:
    """The rows of each dataset after the exports were taken in this order, by key."""
    tables: dict[str, dict[tuple[str, ...], Row]] = {dataset: {} for dataset in KEYS}
    for path in paths:
        document = json.loads(path.read_text("utf-8"))
        for dataset, rows in READ.items():
            # Of what one export says several times (authors), the last counts.
            told = {tuple(row[k] for k in KEYS[dataset]): row for row in rows(document)}
            for key, row in told.items():
                known = tables[dataset].get(key)
                if known is None or (
                    _content(row) != _content(known) and row["exported_at"] >= known["exported_at"]
                ):
                    tables[dataset][key] = row
    return {d: [rows[key] for key in sorted(rows)] for d, rows in tables.items()}


def silver(messages: Iterable[Row]) -> list[Row]:
    """The messages that rows of bronze.chat.messages give."""
    return [
        {
            "message_id": f"discord:{m['message_id']}",
            "platform": "discord",
            "community_id": f"discord:{m['guild_id']}",
            "channel_id": f"discord:{m['channel_id']}",
            "author_id": f"discord:{m['author_id']}",
            "sent_date": m["sent_at"].astimezone(UTC).date(),
            "sent_at": m["sent_at"],
            "is_action": False,
            "content": m["content"],
            "reply_to_message_id": _answered(m),
            "is_annotated": True,
            "source_file": f"discord:{m['channel_id']}",
            "source_line": int(m["message_id"]),
        }
        for m in messages
        if m["type"] in WRITTEN
    ]


def _answered(message: Row) -> str | None:
    named = message["reference_message_id"]
    forwarded = message["reference_type"] == "Forward"
    if message["type"] not in {"Reply", "19"} or named is None or forwarded:
        return None
    return f"discord:{named}"


def _content(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "exported_at"}


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, int) else value


def _time(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).astimezone(UTC)


def _guilds(export: Row) -> Iterator[Row]:
    guild = export["guild"]
    yield {
        "guild_id": _text(guild["id"]),
        "name": guild["name"],
        "icon_url": guild.get("iconUrl"),
        "exported_at": _time(export["exportedAt"]),
    }


def _channels(export: Row) -> Iterator[Row]:
    channel = export["channel"]
    yield {
        "channel_id": _text(channel["id"]),
        "guild_id": _text(export["guild"]["id"]),
        "type": _text(channel["type"]),
        "parent_id": _text(channel.get("categoryId")),
        "parent_name": channel.get("category"),
        "name": channel["name"],
        "topic": channel.get("topic"),
        "icon_url": channel.get("iconUrl"),
        "exported_at": _time(export["exportedAt"]),
    }


def _users(export: Row) -> Iterator[Row]:
    for message in export["messages"]:
        author = message["author"]
        yield {
            "guild_id": _text(export["guild"]["id"]),
            "user_id": _text(author["id"]),
            "name": author["name"],
            "discriminator": _text(author.get("discriminator")),
            "nickname": author.get("nickname"),
            "color": author.get("color"),
            "is_bot": author["isBot"],
            "roles": author.get("roles"),
            "avatar_url": author.get("avatarUrl"),
            "exported_at": _time(export["exportedAt"]),
        }


def _messages(export: Row) -> Iterator[Row]:
    for message in export["messages"]:
        reference = message.get("reference") or {}
        yield {
            "message_id": _text(message["id"]),
            "guild_id": _text(export["guild"]["id"]),
            "channel_id": _text(export["channel"]["id"]),
            "author_id": _text(message["author"]["id"]),
            "type": _text(message["type"]),
            "sent_at": _time(message["timestamp"]),
            "edited_at": _time(message.get("timestampEdited")),
            "call_ended_at": _time(message.get("callEndedTimestamp")),
            "is_pinned": message["isPinned"],
            "content": message["content"],
            "reference_type": _text(reference.get("type")),
            "reference_message_id": _text(reference.get("messageId")),
            "reference_channel_id": _text(reference.get("channelId")),
            "reference_guild_id": _text(reference.get("guildId")),
            "mentions": message.get("mentions"),
            "embeds": message.get("embeds"),
            "stickers": message.get("stickers"),
            "inline_emojis": message.get("inlineEmojis"),
            "components": message.get("components"),
            "interaction": message.get("interaction"),
            "forwarded_message": message.get("forwardedMessage"),
            "exported_at": _time(export["exportedAt"]),
        }


def _reactions(export: Row) -> Iterator[Row]:
    for message in export["messages"]:
        for reaction in message["reactions"]:
            emoji = reaction["emoji"]
            yield {
                "message_id": _text(message["id"]),
                "emoji_id": _text(emoji["id"]),
                "emoji_name": emoji["name"],
                "emoji_code": emoji.get("code"),
                "is_animated": emoji.get("isAnimated"),
                "image_url": emoji.get("imageUrl"),
                "reaction_count": reaction["count"],
                "users": reaction.get("users"),
                "channel_id": _text(export["channel"]["id"]),
                "guild_id": _text(export["guild"]["id"]),
                "exported_at": _time(export["exportedAt"]),
            }


def _attachments(export: Row) -> Iterator[Row]:
    for message in export["messages"]:
        for attachment in message["attachments"]:
            yield {
                "attachment_id": _text(attachment["id"]),
                "message_id": _text(message["id"]),
                "file_name": attachment["fileName"],
                "file_size_bytes": attachment["fileSizeBytes"],
                "url": attachment["url"],
                "channel_id": _text(export["channel"]["id"]),
                "guild_id": _text(export["guild"]["id"]),
                "exported_at": _time(export["exportedAt"]),
            }


READ: dict[str, Callable[[Row], Iterator[Row]]] = {
    "bronze.chat.guilds": _guilds,
    "bronze.chat.channels": _channels,
    "bronze.chat.users": _users,
    "bronze.chat.messages": _messages,
    "bronze.chat.reactions": _reactions,
    "bronze.chat.attachments": _attachments,
}
