"""Column lineage of the project's own models, written down by hand before anything told it.

In the words of ``column_truth``. Private models are no datasets: what they read is told instead.
"""

from __future__ import annotations

DATASETS = {
    "i": "bronze.irc.messages",
    "b": "bronze.chat.messages",
    "u": "bronze.chat.users",
    "h": "bronze.chat.channels",
    "m": "silver.chat.messages",
    "k": "silver.chat.conversations",
    "f": "gold.community.fct_messages",
    "a": "gold.community.fct_channel_activity_daily",
    "d": "gold.community.fct_user_activity_daily",
    "p": "gold.community.dim_users",
    "q": "gold.community.fct_conversation_response",
    "l": "bronze.live.messages",
    "v": "silver.live.messages",
}

#: Model to its columns and its rows.
MODELS: dict[str, tuple[dict[str, str], str]] = {
    "int_chat__messages": (
        {
            "message_id": "i.file TRANSFORMATION, i.line TRANSFORMATION, b.message_id TRANSFORMATION",
            "platform": "",
            "community_id": "b.guild_id TRANSFORMATION",
            "channel_id": "i.channel TRANSFORMATION, b.channel_id TRANSFORMATION",
            "author_id": "i.author TRANSFORMATION, b.author_id TRANSFORMATION",
            "sent_date": "i.date IDENTITY, b.sent_at TRANSFORMATION",
            "sent_at": "i.date TRANSFORMATION WINDOW CONDITIONAL, "
            "i.time TRANSFORMATION AGGREGATION CONDITIONAL, i.file WINDOW CONDITIONAL, "
            "i.line WINDOW CONDITIONAL, b.sent_at IDENTITY",
            "is_action": "i.type TRANSFORMATION",
            "content": "i.text IDENTITY, b.content IDENTITY",
            "reply_to_message_id": "i.file TRANSFORMATION, i.reply_to AGGREGATION, "
            "b.reference_message_id TRANSFORMATION, b.type CONDITIONAL, b.reference_type CONDITIONAL",
            "is_annotated": "i.reply_to TRANSFORMATION",
            "source_file": "i.file IDENTITY, b.channel_id TRANSFORMATION",
            "source_line": "i.line IDENTITY, b.message_id TRANSFORMATION",
        },
        "i.type FILTER, i.reply_to JOIN, i.file JOIN GROUP_BY, i.line JOIN GROUP_BY, i.date JOIN, "
        "b.type FILTER",
    ),
    "int_live__messages": (
        {
            "message_id": "l.message_id TRANSFORMATION",
            "channel_id": "l.channel_id TRANSFORMATION",
            "author_id": "l.author_id TRANSFORMATION",
            "sent_at": "l.sent_at IDENTITY",
            "edited_at": "l.edited_at IDENTITY",
            "content": "l.text IDENTITY CONDITIONAL",
            "reply_to_message_id": "l.reply_to_message_id TRANSFORMATION",
        },
        "l.message_id FILTER, l.edited_at FILTER, l.sent_at FILTER, l._source FILTER, "
        "l._position FILTER",
    ),
    "channel_velocity": (
        {
            "channel_id": "m.channel_id IDENTITY, v.channel_id IDENTITY",
            "window_minutes": "",
            "window_start": "m.sent_at TRANSFORMATION, v.sent_at TRANSFORMATION",
            "window_hour": "m.sent_at TRANSFORMATION, v.sent_at TRANSFORMATION",
            "messages": "",
            "authors": "m.author_id AGGREGATION, v.author_id AGGREGATION",
            "annotated_messages": "m.is_annotated FILTER",
            "replies": "m.reply_to_message_id FILTER, v.reply_to_message_id FILTER",
            "reply_rate": "m.reply_to_message_id FILTER, v.reply_to_message_id FILTER, "
            "m.is_annotated CONDITIONAL FILTER",
        },
        "m.sent_at FILTER GROUP_BY, v.sent_at GROUP_BY, m.channel_id GROUP_BY, "
        "v.channel_id GROUP_BY",
    ),
    "fct_messages": (
        {
            "message_id": "m.message_id IDENTITY",
            "platform": "m.platform IDENTITY",
            "community_id": "m.community_id IDENTITY",
            "channel_id": "m.channel_id IDENTITY",
            "author_id": "m.author_id IDENTITY",
            "sent_date": "m.sent_date IDENTITY",
            "sent_at": "m.sent_at IDENTITY",
            "is_action": "m.is_action IDENTITY",
            "is_annotated": "m.is_annotated IDENTITY",
            "is_reply": "m.reply_to_message_id TRANSFORMATION",
            "reply_to_message_id": "m.reply_to_message_id IDENTITY",
            "reply_to_author_id": "m.author_id IDENTITY",
            "minutes_to_reply": "m.sent_at TRANSFORMATION",
            "characters": "m.content TRANSFORMATION",
            "words": "m.content TRANSFORMATION",
            "has_link": "m.content TRANSFORMATION",
        },
        "m.reply_to_message_id JOIN, m.message_id JOIN",
    ),
    "fct_channel_activity_daily": (
        {
            "community_id": "f.community_id IDENTITY",
            "channel_id": "f.channel_id IDENTITY",
            "sent_date": "f.sent_date IDENTITY",
            "messages": "",
            "actions": "f.is_action FILTER",
            "authors": "f.author_id AGGREGATION",
            "annotated_messages": "f.is_annotated FILTER",
            "replies": "f.is_reply FILTER",
            "characters": "f.characters AGGREGATION",
            "links": "f.has_link FILTER",
            "first_sent_at": "f.sent_at AGGREGATION",
            "last_sent_at": "f.sent_at AGGREGATION",
        },
        "f.community_id GROUP_BY, f.channel_id GROUP_BY, f.sent_date GROUP_BY",
    ),
    "fct_user_activity_daily": (
        {
            "community_id": "f.community_id IDENTITY",
            "user_id": "f.author_id IDENTITY",
            "sent_date": "f.sent_date IDENTITY",
            "platform": "f.platform IDENTITY",
            "messages": "",
            "actions": "f.is_action FILTER",
            "channels": "f.channel_id AGGREGATION",
            "annotated_messages": "f.is_annotated FILTER",
            "replies": "f.is_reply FILTER",
            "characters": "f.characters AGGREGATION",
            "words": "f.words AGGREGATION",
            "links": "f.has_link FILTER",
            "first_sent_at": "f.sent_at AGGREGATION",
            "last_sent_at": "f.sent_at AGGREGATION",
        },
        "f.community_id GROUP_BY, f.author_id GROUP_BY, f.sent_date GROUP_BY, f.platform GROUP_BY",
    ),
    "dim_users": (
        {
            "user_id": "d.user_id IDENTITY CONDITIONAL, u.user_id TRANSFORMATION CONDITIONAL",
            "platform": "d.platform AGGREGATION CONDITIONAL",
            "name": "u.nickname IDENTITY CONDITIONAL, u.name IDENTITY CONDITIONAL",
            "is_bot": "u.is_bot IDENTITY",
            "is_known": "u.user_id TRANSFORMATION",
            "messages": "d.messages AGGREGATION CONDITIONAL",
            "active_days": "d.sent_date AGGREGATION CONDITIONAL",
            "first_active_date": "d.sent_date AGGREGATION",
            "last_active_date": "d.sent_date AGGREGATION",
            "cohort_week": "d.sent_date AGGREGATION",
        },
        "d.user_id GROUP_BY JOIN, u.user_id FILTER JOIN, u.exported_at FILTER, u.guild_id FILTER",
    ),
    "dim_channels": (
        {
            "channel_id": "a.channel_id IDENTITY CONDITIONAL, h.channel_id TRANSFORMATION CONDITIONAL",
            "platform": "a.channel_id TRANSFORMATION CONDITIONAL, "
            "h.channel_id TRANSFORMATION CONDITIONAL",
            "community_id": "h.guild_id TRANSFORMATION CONDITIONAL, "
            "a.community_id AGGREGATION CONDITIONAL",
            "name": "a.channel_id TRANSFORMATION CONDITIONAL, "
            "h.channel_id TRANSFORMATION CONDITIONAL, h.name IDENTITY",
            "type": "h.type IDENTITY",
            "topic": "h.topic IDENTITY",
            "parent_channel_id": "h.parent_id TRANSFORMATION",
            "is_known": "h.channel_id TRANSFORMATION",
            "messages": "a.messages AGGREGATION CONDITIONAL",
            "active_days": "a.sent_date AGGREGATION CONDITIONAL",
            "first_active_date": "a.sent_date AGGREGATION",
            "last_active_date": "a.sent_date AGGREGATION",
        },
        "a.channel_id GROUP_BY JOIN, h.channel_id JOIN",
    ),
    "fct_user_retention_weekly": (
        {
            "platform": "p.platform IDENTITY",
            "cohort_week": "p.cohort_week IDENTITY",
            "weeks_after": "p.cohort_week TRANSFORMATION, d.sent_date TRANSFORMATION",
            "cohort_users": "",
            "active_users": "d.user_id AGGREGATION",
            "retention": "d.user_id AGGREGATION",
        },
        "p.cohort_week FILTER GROUP_BY JOIN, p.platform GROUP_BY JOIN, d.user_id JOIN, "
        "p.user_id JOIN, d.sent_date GROUP_BY",
    ),
    "fct_conversation_response": (
        {
            "community_id": "k.community_id IDENTITY",
            "channel_id": "k.channel_id IDENTITY",
            "started_date": "k.started_date IDENTITY",
            "platform": "k.platform IDENTITY",
            "conversations": "",
            "annotated_conversations": "k.is_annotated FILTER",
            "answered": "k.is_annotated FILTER, k.first_answer_message_id FILTER",
            "unanswered": "k.is_annotated FILTER, k.first_answer_message_id FILTER",
            "unanswered_share": "k.is_annotated FILTER CONDITIONAL, k.first_answer_message_id FILTER",
            "timed_answers": "k.started_at AGGREGATION, k.first_answer_at AGGREGATION, "
            "k.is_annotated FILTER, k.first_answer_message_id FILTER",
            "median_minutes_to_first_answer": "k.started_at AGGREGATION, "
            "k.first_answer_at AGGREGATION, k.is_annotated FILTER, k.first_answer_message_id FILTER",
            "messages": "k.messages AGGREGATION",
            "participants_average": "k.participants AGGREGATION",
        },
        "k.community_id GROUP_BY, k.channel_id GROUP_BY, k.started_date GROUP_BY, k.platform GROUP_BY",
    ),
    "community_health_daily": (
        {
            "community_id": "a.community_id IDENTITY",
            "sent_date": "a.sent_date IDENTITY",
            "platform": "d.platform AGGREGATION",
            "messages": "a.messages AGGREGATION",
            "authors": "",
            "new_authors": "p.user_id AGGREGATION",
            "active_channels": "",
            "annotated_messages": "a.annotated_messages AGGREGATION",
            "replies": "a.replies AGGREGATION",
            "reply_share": "a.replies AGGREGATION, a.annotated_messages AGGREGATION CONDITIONAL",
            "conversations": "q.conversations AGGREGATION CONDITIONAL",
            "answered": "q.answered AGGREGATION CONDITIONAL",
            "unanswered": "q.unanswered AGGREGATION CONDITIONAL",
            "unanswered_share": "q.unanswered AGGREGATION, "
            "q.annotated_conversations AGGREGATION CONDITIONAL",
            "messages_per_author": "a.messages AGGREGATION",
        },
        "a.community_id GROUP_BY JOIN, a.sent_date GROUP_BY JOIN, d.community_id GROUP_BY JOIN, "
        "d.sent_date GROUP_BY JOIN, d.user_id JOIN, p.user_id JOIN, p.first_active_date JOIN, "
        "q.community_id GROUP_BY JOIN, q.started_date GROUP_BY JOIN",
    ),
}
