"""The first edition of the store, as it was then: tables as they are now stand in :mod:`..tables`."""

from __future__ import annotations

from alembic import op
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
_ID = BigInteger().with_variant(Integer, "sqlite")


def _id() -> Column[int]:
    return Column("id", _ID, primary_key=True)


def _to(name: str, *, nullable: bool = False, key: bool = False) -> Column[int]:
    return Column(name, _ID, nullable=nullable, primary_key=key, autoincrement=False)


dataset = Table(
    "dataset", metadata, _id(),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    _to("canonical_id", nullable=True),
    Column("transient", Boolean, nullable=False, default=False),
    Column("revision", BigInteger, nullable=False, default=0),
    UniqueConstraint("namespace", "name"),
)  # fmt: skip

alias = Table(
    "alias", metadata,
    _to("dataset_id", key=True),
    _to("other_id", key=True),
    Column("source", Text, nullable=False),
    Index(None, "other_id"),
)  # fmt: skip

field = Table(
    "field", metadata, _id(), _to("dataset_id"),
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

run = Table(
    "run", metadata, _id(), _to("job_id"),
    Column("uuid", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("began_at", BigInteger), Column("ended_at", BigInteger), Column("told_at", BigInteger, nullable=False),
    Column("parent", Text), Column("parent_job", Text), Column("root", Text), Column("root_job", Text),
    Column("whole", Text),
    Column("error", Text),
    Column("running_at", BigInteger), Column("traits", Integer, nullable=False, default=0),
    Index(None, "job_id", "told_at"), Index(None, "whole"), Index(None, "parent"), Index(None, "told_at"),
)  # fmt: skip

event = Table(
    "event", metadata, _id(),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),  # run, job or dataset
    Column("state", Text),
    _to("run_id", nullable=True), _to("job_id", nullable=True),
    _to("dataset_id", nullable=True),
    Column("producer", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # JSON, zlib
    Index(None, "run_id"), Index(None, "job_id", "at"), Index(None, "dataset_id", "at"),
)  # fmt: skip

run_dataset = Table(
    "run_dataset", metadata,
    _to("run_id", key=True),
    _to("dataset_id", key=True),
    Column("role", Text, primary_key=True),  # in, out
    Column("at", BigInteger, nullable=False),
    Column("version", Text), Column("rows", BigInteger), Column("bytes", BigInteger), Column("files", BigInteger),
    _to("told_id", nullable=True),
    _to("statement_id", nullable=True),
    Column("stated_at", BigInteger), Column("slot", Text),
    Index(None, "dataset_id", "role", "at"), Index(None, "dataset_id", "version"),
)  # fmt: skip
_slot = run_dataset.c.slot.is_not(None)
Index("ix_run_dataset_stated", run_dataset.c.dataset_id, run_dataset.c.slot, run_dataset.c.stated_at,
      sqlite_where=_slot, postgresql_where=_slot)  # fmt: skip

declared = Table(
    "declared", metadata,
    _to("event_id", key=True),
    _to("dataset_id", key=True),
    Column("role", Text, primary_key=True),  # in, out
    _to("job_id", nullable=True),
    _to("statement_id", nullable=True),
    Column("stated_at", BigInteger), Column("slot", Text),
    Index(None, "dataset_id", "slot", "stated_at"),
)  # fmt: skip

statement = Table(
    "statement", metadata, _id(),
    Column("digest", LargeBinary, nullable=False, unique=True),
)  # fmt: skip

way = Table(
    "way", metadata, Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False), Column("subtype", Text, nullable=False),
    UniqueConstraint("type", "subtype"),
)  # fmt: skip

statement_edge = Table(
    "statement_edge", metadata,
    _to("statement_id", key=True),
    _to("target_id", key=True),
    _to("source_id", key=True),
    Column("way_id", SmallInteger, primary_key=True, autoincrement=False),
)  # fmt: skip

span = Table(
    "span", metadata, _id(), _to("dataset_id"),
    Column("slot", Text, nullable=False),
    _to("job_id", nullable=True), _to("statement_id"),
    Column("from_at", BigInteger, nullable=False), Column("to_at", BigInteger),
    Column("revision", BigInteger, nullable=False),
    UniqueConstraint("dataset_id", "slot", "from_at"), Index(None, "revision"), Index(None, "job_id"),
)  # fmt: skip

fact_value = Table(
    "fact_value", metadata, _id(),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("body", LargeBinary, nullable=False),  # JSON, zlib
)  # fmt: skip

fact = Table(
    "fact", metadata, _id(),
    Column("subject", Text, nullable=False),  # dataset, job
    Column("subject_id", BigInteger, nullable=False),
    Column("facet", Text, nullable=False),
    Column("told_by", BigInteger, nullable=False),
    _to("value_id"),
    Column("from_at", BigInteger, nullable=False), Column("to_at", BigInteger),
    UniqueConstraint("subject", "subject_id", "facet", "told_by", "from_at"), Index(None, "facet"),
)  # fmt: skip
for _table, _of in (
    (fact, (fact.c.subject, fact.c.subject_id, fact.c.told_by)), (span, (span.c.dataset_id, span.c.slot)),
):  # fmt: skip
    _holds = _table.c.to_at.is_(None)
    Index(f"ix_{_table.name}_holds", *_of, sqlite_where=_holds, postgresql_where=_holds)

verdict = Table(
    "verdict", metadata,
    _to("run_id", key=True),
    _to("dataset_id", key=True),
    Column("at", BigInteger, nullable=False),
    Column("passed", Integer, nullable=False), Column("failed", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "dataset_id", "at"),
)  # fmt: skip

release = Table(
    "release", metadata, _id(), _to("run_id"),
    Column("namespace", Text, nullable=False), Column("number", Integer, nullable=False),
    Column("parent", Integer), Column("at", BigInteger, nullable=False),
    UniqueConstraint("namespace", "number"),
)  # fmt: skip
release_version = Table(
    "release_version", metadata,
    _to("release_id", key=True),
    _to("dataset_id", key=True),
    Column("version", Text, nullable=False),
)  # fmt: skip

token = Table(
    "token", metadata, _id(),
    Column("name", Text, nullable=False, unique=True), Column("role", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False), Column("revoked_at", BigInteger),
    Column("used_at", BigInteger),
)  # fmt: skip

taken_file = Table(
    "taken_file", metadata, Column("path", Text, primary_key=True),
    Column("size", BigInteger, nullable=False), Column("tail", Text, nullable=False),
)  # fmt: skip

state = Table(
    "state", metadata, Column("id", Integer, primary_key=True),
    Column("revision", BigInteger, nullable=False),
)  # fmt: skip

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    metadata.create_all(op.get_bind())
