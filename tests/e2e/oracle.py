"""An independent account of silver and gold: plain Python over the files, importing nothing of ours.

It says again, in other words than SQL and Polars, what the curated tables must hold for clean
sources. Each family of tables has a module of its own beside this one.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.e2e import (
    oracle_conversations,
    oracle_irc,
    oracle_messages,
    oracle_people,
    oracle_velocity,
)

Row = dict[str, Any]
#: A table as rows by key; the first row holds the names of the columns.
Table = list[tuple[Any, ...]]

SILVER = "silver.chat.messages"
CONVERSATIONS = "silver.chat.conversations"
MESSAGES = "gold.community.fct_messages"
DAILY = "gold.community.fct_channel_activity_daily"
USERS_DAILY = "gold.community.fct_user_activity_daily"
USERS = "gold.community.dim_users"
CHANNELS = "gold.community.dim_channels"
RETENTION = "gold.community.fct_user_retention_weekly"
RESPONSE = "gold.community.fct_conversation_response"
HEALTH = "gold.community.community_health_daily"
VELOCITY = "gold.chat.channel_velocity"
#: What follows from a stream alone is accounted for where streams are tried.
STREAMED = {"silver.live.messages"}
#: How many of the first columns make the key of each table.
KEYS = {
    SILVER: 1, CONVERSATIONS: 1, MESSAGES: 1, DAILY: 3, USERS_DAILY: 3,
    USERS: 1, CHANNELS: 1, RETENTION: 3, RESPONSE: 3, HEALTH: 2, VELOCITY: 3,
}  # fmt: skip


def gold(
    *paths: Path,
    others: Iterable[Row] = (),
    users: Iterable[Row] = (),
    channels: Iterable[Row] = (),
) -> dict[str, Table]:
    """Every table that the lines at ``paths`` (JSON lines of IRC, perhaps gzipped) must give.

    ``others`` are silver messages of other platforms, ``users`` and ``channels`` the rows of
    bronze.chat.users and bronze.chat.channels. Gives dataset to table.
    """
    silver = [*oracle_irc.silver(paths), *others]
    facts = oracle_messages.facts(silver)
    conversations = oracle_conversations.conversations(silver)
    tables = {
        SILVER: silver,
        CONVERSATIONS: conversations,
        MESSAGES: facts,
        DAILY: oracle_messages.by_channel(facts),
        USERS_DAILY: oracle_messages.by_user(facts),
        USERS: oracle_people.users(facts, users),
        CHANNELS: oracle_people.channels(facts, channels),
        RETENTION: oracle_people.retention(facts),
        RESPONSE: oracle_conversations.responses(conversations),
        HEALTH: oracle_people.health(facts, conversations),
        VELOCITY: oracle_velocity.windows(silver),
    }
    return {dataset: _table(rows, KEYS[dataset]) for dataset, rows in tables.items()}


def together(*accounts: dict[str, Table]) -> dict[str, Table]:
    """One account of platforms that were accounted for each by itself.

    Nothing in any table counts two platforms in one row, so the rows of one stand beside those of
    the other.
    """
    joined = {}
    for dataset, key in KEYS.items():
        tables = [a[dataset] for a in accounts if a[dataset]]
        rows = sorted((row for t in tables for row in t[1:]), key=lambda row: row[:key])
        joined[dataset] = [tables[0][0], *rows] if tables else []
    return joined


def _table(rows: list[Row], key: int) -> Table:
    if not rows:
        return []
    values = sorted((tuple(row.values()) for row in rows), key=lambda row: row[:key])
    return [tuple(rows[0]), *values]
