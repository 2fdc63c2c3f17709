"""Changes that somebody may make on a branch, drawn from a seed: what a plan is held to account for."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

#: Columns that a model computes, each with another expression of the same type that no rule forbids:
#: whether values hold their rules is judged when they are built, and no plan can say it before.
EXPRESSIONS = (
    ("fct_messages", "length(messages.content) as characters", "2 * length(messages.content) as characters"),
    ("fct_messages", "[Hh][Tt][Tt][Pp][Ss]?://", "[Uu]buntu"),
    ("fct_messages", "answered.author_id as reply_to_author_id",
     "upper(answered.author_id) as reply_to_author_id"),
    ("fct_channel_activity_daily", "filter (where has_link) as links", "filter (where is_action) as links"),
    ("fct_user_activity_daily", "cast(sum(words) as bigint) as words",
     "cast(sum(words + 1) as bigint) as words"),
    ("fct_conversation_response", "median(minutes_to_first_answer)", "max(minutes_to_first_answer)"),
    ("dim_channels", "channel_type as type", "lower(channel_type) as type"),
    ("dim_users", "profiles.shown_name as name", "upper(profiles.shown_name) as name"),
    ("dim_users", "coalesce(written.active_days, 0) as active_days",
     "coalesce(written.active_days, 0) + 1 as active_days"),
    ("community_health_daily", "as reply_share", "* 0.5 as reply_share"),
    ("int_chat__messages", "chat.content,", "chat.content || '!' as content,"),
)  # fmt: skip
#: Expressions of private models, in which several datasets follow.
PRIVATE = (
    ("stg_irc__messages", "text as content", "trim(text) || '.' as content"),
    ("stg_irc__messages", "60 * cast(substr(time, 1, 2) as bigint)",
     "60 * cast(substr(time, 1, 2) as bigint) + 0"),
    ("stg_discord__messages", "    content,", "    content || '?' as content,"),
)  # fmt: skip
MARTS = {
    "fct_messages": "message_id", "fct_channel_activity_daily": "sent_date",
    "fct_user_activity_daily": "sent_date", "dim_users": "user_id", "dim_channels": "channel_id",
    "fct_conversation_response": "started_date", "community_health_daily": "sent_date",
}  # fmt: skip
Document = dict[str, Any]


class Branch:
    """A copy of the project, to be changed in one way."""

    def __init__(self, root: Path, rng: random.Random) -> None:
        self.root, self.rng = root, rng

    def sql(self, model: str, change: Callable[[str], str]) -> None:
        """Change a model's SQL; a change that changes nothing is a fault of the test."""
        path = next((self.root / "dbt_project" / "models").rglob(f"{model}.sql"))
        before = path.read_text()
        after = change(before)
        assert after != before, f"{model} is as it was"
        path.write_text(after)

    def contract(self, dataset: str, change: Callable[[Document, Document], None]) -> None:
        """Change a contract: its document, and its columns by name."""
        path = self.contract_path(dataset)
        document = yaml.safe_load(path.read_text())
        columns = {p["name"]: p for p in document["schema"][0]["properties"]}
        change(document, columns)
        path.write_text(yaml.safe_dump(document, sort_keys=False))

    def contract_path(self, dataset: str) -> Path:
        """Where the contract of a dataset stands."""
        for path in (self.root / "data_contracts").rglob("contract.odcs.yaml"):
            if re.search(rf"^name: {re.escape(dataset)}$", path.read_text(), re.MULTILINE):
                return path
        raise AssertionError(dataset)

    def mart(self) -> str:
        """Some model of a mart."""
        return self.rng.choice(sorted(MARTS))


def comment(branch: Branch) -> str:
    """Comments and layout of a model."""
    model = branch.rng.choice([*sorted(MARTS), "stg_irc__messages"])
    branch.sql(model, lambda sql: f"-- Said once more.\n{sql.replace(chr(10), '  ' + chr(10))}\n")
    return model


def description(branch: Branch) -> str:
    """What a contract says of its columns, in words."""
    model = branch.mart()

    def change(document: Document, columns: Document) -> None:
        columns[branch.rng.choice(sorted(columns))]["description"] += " In other words."
        document["version"] = "1.0.1"

    branch.contract(f"gold.community.{model}", change)
    return model


def expression(branch: Branch) -> str:
    """One column of one model."""
    model, old, new = branch.rng.choice(EXPRESSIONS)
    branch.sql(model, lambda sql: sql.replace(old, new, 1))
    return f"{model}: {new}"


def private(branch: Branch) -> str:
    """A private model that others are made from."""
    model, old, new = branch.rng.choice(PRIVATE)
    branch.sql(model, lambda sql: sql.replace(old, new, 1))
    return f"{model}: {new}"


def added(branch: Branch) -> str:
    """A new column, in SQL and contract."""
    model = branch.rng.choice(
        ["fct_messages", "fct_channel_activity_daily", "fct_user_activity_daily"]
    )
    expr = "messages.sent_date" if model == "fct_messages" else "sent_date"
    last = re.compile(r"(\n    [^\n]*? as (has_link|last_sent_at))\n")
    branch.sql(model, lambda sql: last.sub(rf"\1,\n    year({expr}) as year_sent\n", sql))
    new = {"name": "year_sent", "logicalType": "integer", "classification": "public",
           "description": "The year."}  # fmt: skip
    branch.contract(
        f"gold.community.{model}", lambda d, _: d["schema"][0]["properties"].append(new)
    )
    return model


def dropped(branch: Branch) -> str:
    """A column that goes, from SQL and contract; in one case others still read it."""
    model, line, column = branch.rng.choice([
        ("fct_channel_activity_daily", "    count(*) filter (where has_link) as links,\n", "links"),
        ("dim_channels", "    topic,\n    parent_channel_id,\n    is_known", "topic"),
        ("fct_messages", "    messages.is_action,\n", "is_action"),
    ])  # fmt: skip
    kept = line.replace("    topic,\n", "", 1) if column == "topic" else ""
    branch.sql(model, lambda sql: sql.replace(line, kept, 1))

    def change(document: Document, columns: Document) -> None:
        document["schema"][0]["properties"].remove(columns[column])
        for rule in document["schema"][0].get("quality", ()):
            text = str(rule.get("implementation", ""))
            if "links" in text and column == "links":
                rule["implementation"] = text.replace(" AND links <= messages", "")

    branch.contract(f"gold.community.{model}", change)
    return f"{model}.{column}"


def kept_rule(branch: Branch) -> str:
    """A tightened rule that every stored row holds."""
    model = branch.rng.choice(["fct_channel_activity_daily", "fct_user_activity_daily"])

    def change(_: Document, columns: Document) -> None:
        columns["characters"]["logicalTypeOptions"] = {"minimum": 0, "maximum": 100_000_000}

    branch.contract(f"gold.community.{model}", change)
    return model


def broken_rule(branch: Branch) -> str:
    """A tightened rule that stored rows of a model break, so that its next build is refused."""
    model = branch.rng.choice(["fct_channel_activity_daily", "fct_user_activity_daily"])

    def change(_: Document, columns: Document) -> None:
        columns["characters"]["logicalTypeOptions"] = {"minimum": 0, "maximum": 60}

    branch.contract(f"gold.community.{model}", change)
    return model


def source_rule(branch: Branch) -> str:
    """A tightened rule that stored rows of a source break, so that somebody has to act."""
    longest = branch.rng.choice([150, 200])

    def change(_: Document, columns: Document) -> None:
        columns["text"].setdefault("logicalTypeOptions", {})["maxLength"] = longest

    branch.contract("bronze.irc.messages", change)
    return f"bronze.irc.messages: {longest}"


def kept_source_rule(branch: Branch) -> str:
    """A tightened rule that all stored rows of a source hold, so that nobody has to act."""

    def change(_: Document, columns: Document) -> None:
        columns["text"]["logicalTypeOptions"]["maxLength"] = 500

    branch.contract("bronze.irc.messages", change)
    return "bronze.irc.messages"


def failing_source_rule(branch: Branch) -> str:
    """As that, but the rule refuses whole batches: no row is set aside for it."""

    def change(_: Document, columns: Document) -> None:
        rule = {"id": "short", "type": "custom", "engine": "headgate", "severity": "fail",
                "implementation": "length(text) < 150", "dimension": "conformity",
                "description": "Lines are short."}  # fmt: skip
        columns["text"]["quality"].append(rule)

    branch.contract("bronze.irc.messages", change)
    return "bronze.irc.messages"


def loosened(branch: Branch) -> str:
    """A rule that asks for less."""
    model = branch.rng.choice(["fct_channel_activity_daily", "fct_user_activity_daily"])

    def change(_: Document, columns: Document) -> None:
        del columns[branch.rng.choice(["replies", "actions", "links"])]["logicalTypeOptions"]

    branch.contract(f"gold.community.{model}", change)
    return model


def key(branch: Branch) -> str:
    """Another key: the table has to be made anew."""

    def change(_: Document, columns: Document) -> None:
        columns["platform"] |= {"primaryKey": True, "primaryKeyPosition": 2}
        columns["platform"]["customProperties"] = [
            {"property": "headgate.severity", "value": "fail"}
        ]

    branch.contract("gold.community.dim_channels", change)
    return "dim_channels"


def new_model(branch: Branch) -> str:
    """A model that was not there, made from one that was."""
    folder = branch.root / "dbt_project" / "models" / "marts" / "community"
    (folder / "fct_platforms.sql").write_text(
        "select platform, count(*) as messages\nfrom {{ ref('fct_messages') }}\ngroup by platform\n"
    )
    columns = [
        {"name": "platform", "logicalType": "string", "primaryKey": True, "classification": "public",
         "description": "The platform.",
         "customProperties": [{"property": "headgate.severity", "value": "fail"}]},
        {"name": "messages", "logicalType": "integer", "classification": "public",
         "description": "Messages."},
    ]  # fmt: skip
    document = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "platforms", "version": "1.0.0",
        "name": "gold.community.fct_platforms", "status": "active", "team": {"name": "newcomers"},
        "schema": [{"name": "fct_platforms", "dataGranularityDescription": "One row is one platform.",
                    "properties": columns}],
    }  # fmt: skip
    place = branch.root / "data_contracts" / "community" / "gold_fct_platforms"
    place.mkdir()
    (place / "contract.odcs.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    return "fct_platforms"


def removed(branch: Branch) -> str:
    """A model that goes, with its contract and with the tests that read it."""
    model = branch.rng.choice(
        ["dim_channels", "fct_user_retention_weekly", "community_health_daily"]
    )
    for path in (branch.root / "dbt_project").rglob("*"):
        if path.suffix in (".sql", ".yml") and (
            path.stem.startswith(model) or f"ref('{model}')" in path.read_text()
        ):
            path.unlink()
    branch.contract_path(f"gold.community.{model}").unlink()
    return model


def renamed_source(branch: Branch) -> str:
    """A column of a source goes by another name; the model that reads it follows."""

    def change(_: Document, columns: Document) -> None:
        columns["text"] |= {"name": "body", "physicalName": "text"}
        for rule in columns["text"].get("quality", ()):
            rule["implementation"] = rule["implementation"].replace("(text,", "(body,")

    branch.contract("bronze.irc.messages", change)
    branch.sql("stg_irc__messages", lambda sql: sql.replace("text as content", "body as content"))
    return "bronze.irc.messages.text"


def unit(branch: Branch) -> str:
    """Another unit of change: the model recomputes channels, not days."""

    def change(document: Document, _: Document) -> None:
        for prop in document["customProperties"]:
            if prop["property"] == "headgate.unitOfChange":
                prop["value"] = "channel_id"

    branch.contract("gold.community.fct_channel_activity_daily", change)
    branch.sql(
        "fct_channel_activity_daily",
        lambda sql: sql.replace("where sent_date in", "where channel_id in").replace(
            "select sent_date from {{ changed('gold.community.fct_messages', 'sent_date')",
            "select channel_id from {{ changed('gold.community.fct_messages', 'channel_id')",
        ),
    )
    return "fct_channel_activity_daily"


def owner(branch: Branch) -> str:
    """A dataset that goes to another team."""
    model = branch.mart()
    branch.contract(f"gold.community.{model}", lambda d, _: d["team"].update(name="another-team"))
    return model


KINDS: tuple[Callable[[Branch], str], ...] = (
    comment, description, expression, private, added, dropped, kept_rule, broken_rule, source_rule,
    kept_source_rule, failing_source_rule, loosened, key, new_model, removed, renamed_source, unit, owner,
)  # fmt: skip
