"""The tables of the store. Instants are whole microseconds since 1970, UTC; texts are as events have them.

What a job says of a dataset is kept as *spans*: from the first event that says it to the first
that says otherwise. Each span refers to a *statement*, a set of column edges that is stored once
however often it is said. The same holds of facets (``fact`` and ``fact_value``). All of it follows
from ``event`` alone, in whatever order events come.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
#: SQLite numbers rows by itself only where the key is called an INTEGER.
_ID = BigInteger().with_variant(Integer, "sqlite")


def _id() -> Column[int]:
    return Column("id", _ID, primary_key=True)


def _to(target: str, name: str, *, nullable: bool = False, key: bool = False) -> Column[int]:
    """The number of a row of ``target``.

    No foreign key: the one taker gives all numbers itself and no row that is referred to ever goes,
    while PostgreSQL would look up, lock and log a row of ``target`` for every number.
    """
    return Column(
        name, _ID, nullable=nullable, primary_key=key, autoincrement=False, info={"to": target}
    )


#: A dataset as events name it. ``canonical_id`` is the one that it is another name of, or itself.
#: ``transient`` is what cannot outlive its process (a table in memory): a walk goes through it.
#: ``revision`` is the store's when any of this last changed.
dataset = Table(
    "dataset", metadata, _id(),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    _to("dataset", "canonical_id", nullable=True),
    Column("transient", Boolean, nullable=False, default=False),
    Column("revision", BigInteger, nullable=False, default=0),
    UniqueConstraint("namespace", "name"),
)  # fmt: skip

#: Why one dataset is another name of the other: "symlink" (an event says so) or a rule's name.
alias = Table(
    "alias", metadata,
    _to("dataset", "dataset_id", key=True),
    _to("dataset", "other_id", key=True),
    Column("source", Text, nullable=False),
    Index(None, "other_id"),
)  # fmt: skip

#: A column; "" stands for the dataset as a whole and "*" for which rows it has.
field = Table(
    "field", metadata, _id(), _to("dataset", "dataset_id"),
    Column("name", Text, nullable=False),
    UniqueConstraint("dataset_id", "name"),
)  # fmt: skip

job = Table(
    "job", metadata, _id(),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("integration", Text),
    UniqueConstraint("namespace", "name"),
)  # fmt: skip

#: An execution. ``state`` is the last that was told, RUNNING where no end was. ``whole`` is the run
#: of a lake that it is a part of, ``parent`` and ``root`` who called for it, all by their UUIDs.
#: ``running_at`` is the first RUNNING, ``traits`` what :mod:`.runs` knows of it, as bits.
run = Table(
    "run", metadata, _id(), _to("job", "job_id"),
    Column("uuid", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("began_at", BigInteger), Column("ended_at", BigInteger), Column("told_at", BigInteger, nullable=False),
    Column("parent", Text), Column("parent_job", Text), Column("root", Text), Column("root_job", Text),
    Column("whole", Text),
    Column("error", Text),
    Column("running_at", BigInteger), Column("traits", Integer, nullable=False, default=0),
    Index(None, "job_id", "told_at"), Index(None, "whole"), Index(None, "parent"), Index(None, "told_at"),
)  # fmt: skip

#: Every event that was taken, as it came; ``digest`` is of its canonical form, so it is taken once.
event = Table(
    "event", metadata, _id(),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),  # run, job or dataset
    Column("state", Text),
    _to("run", "run_id", nullable=True), _to("job", "job_id", nullable=True),
    _to("dataset", "dataset_id", nullable=True),
    Column("producer", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # JSON, zlib
    _to("telling", "telling_id", nullable=True),
    Index(None, "run_id"), Index(None, "job_id", "at"),
)  # fmt: skip

_tells = event.c.telling_id.is_not(None)
Index(
    "ix_event_telling", event.c.telling_id, event.c.at, sqlite_where=_tells, postgresql_where=_tells
)

#: Which facets an event tells of, kept once for all events that tell of the same ones; ``digest`` is
#: of them. Of events of the first edition all that their job ever told.
telling = Table(
    "telling", metadata, _id(),
    Column("digest", LargeBinary, nullable=False, unique=True),
)  # fmt: skip
telling_facet = Table(
    "telling_facet", metadata,
    Column("told_by", BigInteger, primary_key=True, autoincrement=False),
    Column("subject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("subject", Text, primary_key=True),  # dataset, job
    Column("facet", Text, primary_key=True),
    _to("telling", "telling_id", key=True),
    sqlite_with_rowid=False,
)  # fmt: skip

#: What a run read or wrote; ``at`` is the newest event that says so. Of an output, ``told_id`` is
#: all that events said of its columns, and if it counts, ``statement_id`` is what the run says it
#: is made from, since ``stated_at``, in ``slot`` (see ``span``).
run_dataset = Table(
    "run_dataset", metadata,
    _to("run", "run_id", key=True),
    _to("dataset", "dataset_id", key=True),
    Column("role", Text, primary_key=True),  # in, out
    Column("at", BigInteger, nullable=False),
    Column("version", Text), Column("rows", BigInteger), Column("bytes", BigInteger), Column("files", BigInteger),
    _to("fact_value", "told_id", nullable=True),
    _to("statement", "statement_id", nullable=True),
    Column("stated_at", BigInteger), Column("slot", Text),
    Index(None, "dataset_id", "role", "at"), Index(None, "dataset_id", "version"),
)  # fmt: skip
_slot = run_dataset.c.slot.is_not(None)
Index("ix_run_dataset_stated", run_dataset.c.dataset_id, run_dataset.c.slot, run_dataset.c.stated_at,
      sqlite_where=_slot, postgresql_where=_slot)  # fmt: skip

#: What an event without a run says of a dataset for good: it is read or written by a job, or made
#: from others.
declared = Table(
    "declared", metadata,
    _to("event", "event_id", key=True),
    _to("dataset", "dataset_id", key=True),
    Column("role", Text, primary_key=True),  # in, out
    _to("job", "job_id", nullable=True),
    _to("statement", "statement_id", nullable=True),
    Column("stated_at", BigInteger), Column("slot", Text),
    Index(None, "dataset_id", "slot", "stated_at"),
)  # fmt: skip

statement = Table(
    "statement", metadata, _id(),
    Column("digest", LargeBinary, nullable=False, unique=True),
)  # fmt: skip

#: OpenLineage's type and subtype of how a column follows from another.
way = Table(
    "way", metadata, Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False), Column("subtype", Text, nullable=False),
    UniqueConstraint("type", "subtype"),
)  # fmt: skip

#: ``target_id`` follows from ``source_id``. Between whole datasets (fields "") all are here too, by
#: the way ("", ""); a column that follows from nothing follows so from itself.
statement_edge = Table(
    "statement_edge", metadata,
    _to("statement", "statement_id", key=True),
    _to("field", "target_id", key=True),
    _to("field", "source_id", key=True),
    Column("way_id", SmallInteger, primary_key=True, autoincrement=False, info={"to": "way"}),
)  # fmt: skip

#: From when until when (not included; None: still) a statement held of a dataset. ``slot`` is what
#: a newer statement takes the place of: of a lake's own datasets "made" or "looked up", whichever
#: job says it; otherwise the job (``job:<id>``), or nobody ("declared"). Where one is taken
#: back its row is gone, and the dataset's revision is new.
span = Table(
    "span", metadata, _id(), _to("dataset", "dataset_id"),
    Column("slot", Text, nullable=False),
    _to("job", "job_id", nullable=True), _to("statement", "statement_id"),
    Column("from_at", BigInteger, nullable=False), Column("to_at", BigInteger),
    Column("revision", BigInteger, nullable=False),
    UniqueConstraint("dataset_id", "slot", "from_at"), Index(None, "revision"), Index(None, "job_id"),
)  # fmt: skip

#: The value of a facet, stored once.
fact_value = Table(
    "fact_value", metadata, _id(),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("body", LargeBinary, nullable=False),  # JSON, zlib
)  # fmt: skip

#: From when until when a facet of a dataset or job had a value (schema, ownership, tags, sql and all
#: that is not of one run alone), as the job ``told_by`` tells it (0: an event of no job; of a job,
#: itself). Read it through :mod:`.facts`.
fact = Table(
    "fact", metadata, _id(),
    Column("subject", Text, nullable=False),  # dataset, job
    Column("subject_id", BigInteger, nullable=False),
    Column("facet", Text, nullable=False),
    Column("told_by", BigInteger, nullable=False),
    _to("fact_value", "value_id"),
    Column("from_at", BigInteger, nullable=False), Column("to_at", BigInteger),
    UniqueConstraint("subject", "subject_id", "facet", "told_by", "from_at"), Index(None, "facet"),
)  # fmt: skip
#: What holds now, found by whose it is; of facts by who tells them too, all at once.
for _table, _of in (
    (fact, (fact.c.subject, fact.c.subject_id, fact.c.told_by)), (span, (span.c.dataset_id, span.c.slot)),
):  # fmt: skip
    _holds = _table.c.to_at.is_(None)
    Index(f"ix_{_table.name}_holds", *_of, sqlite_where=_holds, postgresql_where=_holds)

#: What a run's data quality assertions say of a dataset; ``body`` has each rule.
verdict = Table(
    "verdict", metadata,
    _to("run", "run_id", key=True),
    _to("dataset", "dataset_id", key=True),
    Column("at", BigInteger, nullable=False),
    Column("passed", Integer, nullable=False), Column("failed", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "dataset_id", "at"),
)  # fmt: skip

#: A release of a lake, and the versions in which it moved datasets.
release = Table(
    "release", metadata, _id(), _to("run", "run_id"),
    Column("namespace", Text, nullable=False), Column("number", Integer, nullable=False),
    Column("parent", Integer), Column("at", BigInteger, nullable=False),
    UniqueConstraint("namespace", "number"),
)  # fmt: skip
release_version = Table(
    "release_version", metadata,
    _to("release", "release_id", key=True),
    _to("dataset", "dataset_id", key=True),
    Column("version", Text, nullable=False),
)  # fmt: skip

#: Who may do what over HTTP; only the token's digest is kept.
token = Table(
    "token", metadata, _id(),
    Column("name", Text, nullable=False, unique=True), Column("role", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False), Column("revoked_at", BigInteger),
    Column("used_at", BigInteger),
)  # fmt: skip

#: How far a file of events was taken: ``tail`` is a digest of what stands before ``size``.
taken_file = Table(
    "taken_file", metadata, Column("path", Text, primary_key=True),
    Column("size", BigInteger, nullable=False), Column("tail", Text, nullable=False),
)  # fmt: skip

#: Counts what has changed: one row, ``revision`` grows with every event that is taken.
state = Table(
    "state", metadata, Column("id", Integer, primary_key=True),
    Column("revision", BigInteger, nullable=False),
)  # fmt: skip
