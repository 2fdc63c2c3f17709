"""Conversations: messages that answer or continue one another, as trees, one row each."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from headgate.transforms.chat.affected import conversations_of
from headgate.transforms.chat.threads import linked, rooted
from headgate.transforms.transform import Part, Transform

#: What a conversation follows from; the text of messages is not read.
COLUMNS = (
    "message_id", "platform", "community_id", "channel_id", "author_id", "sent_date", "sent_at",
    "reply_to_message_id", "is_annotated", "source_file", "source_line",
)  # fmt: skip


def build(messages: pl.LazyFrame) -> pl.LazyFrame:
    """All conversations of all messages (``silver.chat.messages``)."""
    return summarised(linked(messages.select(COLUMNS)))


def summarised(messages: pl.LazyFrame) -> pl.LazyFrame:
    """One row a conversation, in the order of their first messages.

    ``messages`` are linked, and hold whole conversations.
    """
    # Asked three times below, and worked out once.
    said = rooted(messages).cache()
    starts = said.filter(pl.col("at") == pl.col("root"))
    answers = (
        said.join(starts.select("root", starter_id="author_id"), on="root")
        .filter(pl.col("author_id") != pl.col("starter_id"))
        .group_by("root")
        .agg(at=pl.col("at").min())
        .join(said.select("at", "message_id", "author_id", "sent_at"), on="at")
        .select(
            "root",
            first_answer_message_id="message_id",
            first_answer_author_id="author_id",
            first_answer_at="sent_at",
        )
    )
    return (
        said.sort("at")
        .group_by("root")
        .agg(
            last_date=pl.col("sent_date").max(),
            last_at=pl.col("sent_at").max(),
            messages=pl.len().cast(pl.Int64),
            participants=pl.col("author_id").n_unique().cast(pl.Int64),
            replies=pl.col("is_reply").sum().cast(pl.Int64),
            depth=pl.col("depth").max(),
            is_annotated=pl.col("is_annotated").all(),
            message_ids=pl.col("message_id"),
        )
        .join(
            starts.select(
                "root",
                "platform",
                "community_id",
                "channel_id",
                conversation_id="message_id",
                starter_id="author_id",
                started_date="sent_date",
                started_at="sent_at",
            ),
            on="root",
        )
        .join(answers, on="root", how="left")
        .sort("root")
        .select(
            "conversation_id", "platform", "community_id", "channel_id", "starter_id",
            "started_date", "started_at", "last_date", "last_at", "messages", "participants",
            "replies", "depth", "is_annotated", "first_answer_message_id",
            "first_answer_author_id", "first_answer_at", "message_ids",
        )
    )  # fmt: skip


def rebuild(
    current: pl.LazyFrame, changes: Sequence[pl.LazyFrame], /, *inputs: pl.LazyFrame
) -> Part:
    """The conversations that messages which came or went belong to, or belonged to."""
    (messages,) = inputs
    units, said = conversations_of(current, changes[0], messages.select(COLUMNS))
    return Part(units, summarised(said))


TRANSFORM = Transform(build, rebuild, groups=("community_id",))
