"""The bare script that an audit is held against: the benchmark's rules by hand, each failing key."""

from __future__ import annotations

import sys

import duckdb

files, channels, target = sys.argv[1:4]
#: Each rule as somebody would write it who knows which columns are never NULL.
RULES = {
    "id.required": "id IS NOT NULL",
    "id.minimum": "id >= 1",
    "id.maximum": "id <= 9000000000000",
    "guild.required": "guild IS NOT NULL",
    "guild.minimum": "guild >= 0",
    "guild.maximum": "guild <= 1000",
    "channel.required": "channel IS NOT NULL",
    "channel.pattern": "regexp_matches(channel, '^c[0-9]{4}$')",
    "channel.max_length": "length(channel) <= 10",
    "channel.foreign_key": "channel IN (SELECT channel FROM parents)",
    "author.required": "author IS NOT NULL",
    "author.pattern": "regexp_matches(author, '^u_[0-9a-f]{10}$')",
    "author.min_length": "length(author) >= 3",
    "author.max_length": "length(author) <= 20",
    "sent_at.required": "sent_at IS NOT NULL",
    "sent_at.minimum": "sent_at >= TIMESTAMPTZ '2015-01-01 00:00:00+00'",
    "sent_at.maximum": "sent_at <= TIMESTAMPTZ '2100-01-01 00:00:00+00'",
    "type.required": "type IS NOT NULL",
    "type.enum": "type IN ('message', 'action', 'system')",
    "text.required": "text IS NOT NULL",
    "text.min_length": "length(text) >= 1",
    "text.max_length": "length(text) <= 4000",
    "edited.required": "edited IS NOT NULL",
    "reactions.required": "reactions IS NOT NULL",
    "reactions.minimum": "reactions >= 0",
    "reactions.maximum": "reactions <= 17",
    "score.minimum": "score >= 0",
    "score.maximum": "score <= 99.5",
    "lang.required": "lang IS NOT NULL",
    "lang.pattern": "regexp_matches(lang, '^[a-z]{2}$')",
    "answers_an_earlier_one": "coalesce(reply_to < id, TRUE)",
}
con = duckdb.connect(":memory:")
con.execute("SET memory_limit = '1GB'; SET preserve_insertion_order = false")
con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
con.execute(f"CREATE TABLE parents AS SELECT channel FROM read_json('{channels}')")
held = " AND ".join(f"({sql})" for sql in RULES.values())
broken = ", ".join(f"CASE WHEN NOT ({sql}) THEN '{name}' END" for name, sql in RULES.items())
con.execute(
    f"COPY (SELECT id, list_filter([{broken}], lambda r: r IS NOT NULL) AS broken_rules"
    f" FROM read_parquet('{files}') WHERE NOT coalesce({held}, FALSE))"
    f" TO '{target}' (FORMAT parquet)"
)
