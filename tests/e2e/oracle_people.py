"""An independent account of people and places: who they are, who comes back, how a community does.

Plain Python, importing nothing of ours; from what the tables are defined as, and not from the SQL.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from tests.e2e import oracle_conversations

Row = dict[str, Any]


def users(facts: Iterable[Row], known: Iterable[Row]) -> list[Row]:
    """gold.community.dim_users; ``known`` are rows of bronze.chat.users."""
    profiles: dict[str, Row] = {}
    for row in sorted(known, key=lambda r: r["guild_id"], reverse=True):
        name = f"discord:{row['user_id']}"
        if name not in profiles or row["exported_at"] >= profiles[name]["exported_at"]:
            profiles[name] = row
    days = _days(facts, "author_id")
    rows = []
    for user in days.keys() | profiles.keys():
        profile = profiles.get(user, {})
        called = profile.get("nickname")
        activity = _activity(days.get(user, []))
        first = activity["first_active_date"]
        rows.append(
            {
                "user_id": user,
                "platform": user.partition(":")[0],
                "name": profile.get("name") if called is None else called,
                "is_bot": profile.get("is_bot"),
                "is_known": user in profiles,
                **activity,
                "cohort_week": monday(first) if first else None,
            }
        )
    return rows


def channels(facts: Iterable[Row], known: Iterable[Row]) -> list[Row]:
    """gold.community.dim_channels; ``known`` are rows of bronze.chat.channels."""
    facts = list(facts)
    told = {f"discord:{row['channel_id']}": row for row in known}
    homes = {f["channel_id"]: f["community_id"] for f in facts}
    homes |= {name: f"discord:{row['guild_id']}" for name, row in told.items()}
    days = _days(facts, "channel_id")
    rows = []
    for channel, community in homes.items():
        platform, _, plain = channel.partition(":")
        row = told.get(channel, {})
        parent = row.get("parent_id")
        rows.append(
            {
                "channel_id": channel,
                "platform": platform,
                "community_id": community,
                "name": plain if platform == "irc" else row.get("name"),
                "type": row.get("type"),
                "topic": row.get("topic"),
                "parent_channel_id": None if parent is None else f"discord:{parent}",
                "is_known": channel in told,
                **_activity(days.get(channel, [])),
            }
        )
    return rows


def retention(facts: Iterable[Row]) -> list[Row]:
    """gold.community.fct_user_retention_weekly: one row a cohort and week in which some came back."""
    weeks: dict[str, set[date]] = defaultdict(set)
    for fact in facts:
        weeks[fact["author_id"]].add(monday(fact["sent_date"]))
    size: dict[tuple[str, date], int] = defaultdict(int)
    active: dict[tuple[str, date, int], int] = defaultdict(int)
    for user, seen in weeks.items():
        platform, first = user.partition(":")[0], min(seen)
        size[platform, first] += 1
        for week in seen:
            active[platform, first, (week - first).days // 7] += 1
    return [
        {
            "platform": platform,
            "cohort_week": first,
            "weeks_after": after,
            "cohort_users": size[platform, first],
            "active_users": count,
            "retention": count / size[platform, first],
        }
        for (platform, first, after), count in active.items()
    ]


def health(facts: Iterable[Row], conversations: Iterable[Row]) -> list[Row]:
    """gold.community.community_health_daily: one row a community and day with messages."""
    facts = list(facts)
    debut: dict[str, date] = {}
    said: dict[tuple[str, date], list[Row]] = defaultdict(list)
    for fact in facts:
        user, day = fact["author_id"], fact["sent_date"]
        debut[user] = min(day, debut.get(user, day))
        said[fact["community_id"], day].append(fact)
    begun: dict[tuple[str, date], list[Row]] = defaultdict(list)
    for one in conversations:
        begun[one["community_id"], one["started_date"]].append(one)
    rows = []
    for (community, day), found in said.items():
        authors = {f["author_id"] for f in found}
        annotated = sum(f["is_annotated"] for f in found)
        replies = sum(f["is_reply"] for f in found)
        response = oracle_conversations.answered(begun[community, day])
        del response["annotated_conversations"]
        rows.append(
            {
                "community_id": community,
                "sent_date": day,
                "platform": found[0]["platform"],
                "messages": len(found),
                "authors": len(authors),
                "new_authors": sum(debut[a] == day for a in authors),
                "active_channels": len({f["channel_id"] for f in found}),
                "annotated_messages": annotated,
                "replies": replies,
                "reply_share": replies / annotated if annotated else None,
                "conversations": len(begun[community, day]),
                **response,
                "messages_per_author": len(found) / len(authors),
            }
        )
    return rows


def monday(day: date) -> date:
    """The day on which the week of ``day`` begins."""
    return day - timedelta(days=day.isoweekday() - 1)


def _days(facts: Iterable[Row], by: str) -> dict[str, list[date]]:
    """The days of the messages of each author or channel, a day as often as it has messages."""
    found: dict[str, list[date]] = defaultdict(list)
    for fact in facts:
        found[fact[by]].append(fact["sent_date"])
    return found


def _activity(days: list[date]) -> Row:
    return {
        "messages": len(days),
        "active_days": len(set(days)),
        "first_active_date": min(days, default=None),
        "last_active_date": max(days, default=None),
    }
