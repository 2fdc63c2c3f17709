"""The custom properties under `headgate.`: what ODCS has no field for, each explained once, here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = "headgate."


@dataclass(frozen=True)
class Property:
    """One custom property: where it may stand, what it means, and an example of its value."""

    name: str
    level: str
    meaning: str
    example: str


PROPERTIES = (
    Property(
        "source", "contract", "Where rows come from: a format, and the path that is taken when a "
        "run names none; `{date}` in it stands for a day as 2024-05-31, for sources that come in a "
        "file or folder a day. For JSON: `records` is the path of the records in a document, `ignore` "
        "lists paths that no column takes on purpose, `controlTotal` is where the document says "
        "how many there are; a column's physicalName may be a path (`@.author.id` from the "
        "record, `$.guild.id` from the document), also into structs of Parquet. For CSV: `delimiter`, "
        "`quote`, `encoding`, `header`, `nulls` and more, see docs/how-to/read-csv.md.", "{format: jsonl, path: ../exports/irc}",
    ),
    Property(
        "delivery", "contract", "What a delivery is. By default rows to add or change. `snapshot: "
        "true`: it holds all rows, or all those of each value of the `scope` columns in it, and "
        "what it lacks is deleted. `tombstone`: an SQL condition; where a row holds it, the row of "
        "its key is deleted.", "{snapshot: true, scope: [channel_id]}",
    ),
    Property(
        "stream", "contract", "The topic that rows are taken from, message by message, by "
        "`headgate stream`: the table appends, and a row is known by topic, partition and offset, so "
        "that no primaryKey is marked. `codec` is json, avro or protobuf (with a schema registry). With "
        "`envelope: true` columns can also be taken from around the value: `$.key`, `$.timestamp`, "
        "`$.partition`, `$.offset`, `$.headers.name` as physicalName.", "{topic: chat.messages, codec: json}",
    ),
    Property(
        "schedule", "contract", "When the source is looked at for what is new: a cron line of five "
        "fields, `@hourly`, `@daily` or `@weekly`, or `manual`. Without it a quarter of the promised "
        "freshness (`slaProperties`), from 15 minutes to a day; `@daily` where none is promised; "
        "never by itself where `headgate.source` names no path.", "\"30 6 * * *\"",
    ),
    Property(
        "timezone", "contract", "The time zone of the schedule, by its IANA name; the default is UTC.",
        "Europe/Berlin",
    ),
    Property(
        "retries", "contract", "How often a task that makes the dataset is tried again where that can "
        "help, 0 to 100; the default is 3.", "5",
    ),
    Property(
        "retryMinutes", "contract", "Minutes until it is tried again the first time, 0 to 1440; the "
        "default is 1.", "10",
    ),
    Property(
        "model", "contract", "The dbt model that builds the dataset, where it is not called as the "
        "dataset's name says (gold: the name; silver: `int_<domain>__<name>`).", "int_chat__messages",
    ),
    Property(
        "transform", "contract", "The Polars transform that builds the dataset, in place of a dbt "
        "model: `<domain>.<module>` below libs/headgate/transforms.", "chat.conversations",
    ),
    Property(
        "inputs", "contract", "Datasets that a transform is given, in the order of its arguments; "
        "of a model those that it reads where its SQL does not say so.",
        "[bronze.irc.messages]",
    ),
    Property(
        "releaseGroup", "contract", "Datasets of one group are released together or not at all; "
        "the default is the domain, and for a stream a group of its own.", "community",
    ),
    Property(
        "engine", "contract", "What judges and writes the rows: `duckdb` on this machine, or `spark`; "
        "the default is the setting engine. Rules and models stay as they are. A table that one "
        "engine writes is refused to the other until `headgate rebuild` hands it over.", "spark",
    ),
    Property(
        "maxQuarantineShare", "contract", "Share of a batch's rows beyond which the whole batch is "
        "refused, 0 to 1; the default is the setting max_quarantine_share.", "0.05",
    ),
    Property(
        "orderColumn", "contract", "Of two rows with one key, the one with the greater value here "
        "is newer; without it, rows that contradict each other are all set aside.", "edited_at",
    ),
    Property(
        "lastStays", "contract", "Of several rows of one file that have one key, and of which none "
        "is newer, the last stays, as where a source repeats with each event what it knows of a "
        "person; without it, rows that contradict each other are all set aside.", "true",
    ),
    Property(
        "preservesRows", "contract", "The model gives one row for each row of its input, so that "
        "setting a row aside corrupts no aggregate; only then may a gold rule quarantine.", "true",
    ),
    Property(
        "unitOfChange", "contract", "The column whose touched values an incremental model "
        "recomputes.", "sent_date",
    ),
    Property(
        "live", "contract", "Windows of an incremental model that `headgate live` keeps up to date while "
        "messages come. `eventTime` is the column of what the model reads that tells when a message was "
        "sent; a window (`windowStart` and as many minutes as `windowMinutes` says) is closed when the "
        "newest of them, less the `watermark`, has passed its end. What comes later waits for a run.",
        "{watermark: 10m, eventTime: sent_at, windowStart: window_start, windowMinutes: window_minutes}",
    ),
    Property(
        "acceptsNumbers", "column", "A text column takes a number of the source as its digits, as "
        "identifiers come that some versions of a format write as numbers.", "true",
    ),
    Property(
        "ofDelivery", "column", "The value tells of the delivery and not of the row (when it was "
        "exported): two rows that differ in nothing else are the same.", "true",
    ),
    Property(
        "personalData", "column", "The column says something about a person. What is made of it "
        "(taken, computed, aggregated) must say so too, or be `headgate.anonymized`.", "true",
    ),
    Property(
        "anonymized", "column", "What the column is made from ends here: its values tell of nobody, "
        "and nothing that the class of an input protects. `how` says why in words; `of` lists the "
        "inputs (`<dataset>.<column>`) that this is true of, without it all are meant.",
        "{how: Only counted., of: [silver.chat.messages.author_id]}",
    ),
    Property(
        "unmaskedFor", "column", "The least role that the portal shows values of the column to: viewer, "
        "reviewer, owner (of the dataset) or admin; the others see of what kind a value is. Without "
        "it owner, where the column is personal data or its class is confidential or stricter, and "
        "viewer where it is not.", "reviewer",
    ),
    Property(
        "severity", "column", "What a breach of the column's own limits (required, length, "
        "pattern, range, format, enum) means: warn, quarantine or fail.", "warn",
    ),
    Property(
        "parent", "relationship", "Id of the dataset whose columns `to` names, where "
        "`<name>.<column>` may mean several or none.", "silver.chat.messages",
    ),
    Property(
        "missingParent", "relationship", "What a row without its parent meets: wait (until the parent "
        "comes), warn, quarantine or fail. A reference to the table itself is judged over the "
        "whole table, and can only warn or fail.", "quarantine",
    ),
    Property(
        "description", "relationship", "What the relationship means, for people.",
        "Each reply answers a message that is there.",
    ),
)  # fmt: skip
_KNOWN = {(p.level, p.name) for p in PROPERTIES}


def unknown(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Pointer and name of each `headgate.` property of an ODCS document that means nothing there."""
    return [
        (pointer, name)
        for level, pointer, element in _elements(document)
        for name in _names(element)
        if (level, name) not in _KNOWN
    ]


def _names(element: Mapping[str, Any]) -> Iterator[str]:
    for entry in element.get("customProperties") or ():
        name = str(entry.get("property", ""))
        if name.startswith(PREFIX):
            yield name.removeprefix(PREFIX)


def _elements(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    yield "contract", "", document
    for t, table in enumerate(document.get("schema") or ()):
        at = f"/schema/{t}"
        yield "table", at, table
        yield from _listed("relationship", f"{at}/relationships", table.get("relationships"))
        yield from _listed("quality", f"{at}/quality", table.get("quality"))
        for p, prop in enumerate(table.get("properties") or ()):
            where = f"{at}/properties/{p}"
            yield "column", where, prop
            yield from _listed("relationship", f"{where}/relationships", prop.get("relationships"))
            yield from _listed("quality", f"{where}/quality", prop.get("quality"))


def _listed(level: str, at: str, found: Any) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for index, element in enumerate(found or ()):
        yield level, f"{at}/{index}", element
