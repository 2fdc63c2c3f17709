"""The second edition: which facets an event tells of, found without reading the event.

Of events that were taken before it is not looked up what each of them tells: each is taken for one
that may tell of all that its job ever told, and is read where it counts.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text, select, text

revision = "0002"
down_revision = "0001"

metadata = MetaData(
    naming_convention={"uq": "uq_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"}
)
_ID = BigInteger().with_variant(Integer, "sqlite")
telling = Table(
    "telling", metadata,
    Column("id", _ID, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
)  # fmt: skip
telling_facet = Table(
    "telling_facet", metadata,
    Column("told_by", BigInteger, primary_key=True, autoincrement=False),
    Column("subject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("subject", Text, primary_key=True),
    Column("facet", Text, primary_key=True),
    Column("telling_id", _ID, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)  # fmt: skip

#: Tellings of events without a job are numbered from the newest job's number on.
_OWN = "(SELECT coalesce(max(id), 0) FROM job)"


def upgrade() -> None:
    """Make the tables, and fill them for the events that are there."""
    metadata.create_all(op.get_bind())
    op.add_column("event", Column("telling_id", _ID, nullable=True))
    op.drop_index("ix_event_dataset_id_at", "event")
    _fill()
    tells = text("telling_id IS NOT NULL")
    op.create_index(
        "ix_event_telling",
        "event",
        ["telling_id", "at"],
        sqlite_where=tells,
        postgresql_where=tells,
    )


def _fill() -> None:
    op.execute(
        "INSERT INTO telling_facet (told_by, subject_id, subject, facet, telling_id)"
        " SELECT DISTINCT told_by, subject_id, subject, facet,"
        f" CASE WHEN told_by <> 0 THEN told_by ELSE {_OWN} + subject_id END FROM fact"
    )
    connection = op.get_bind()
    numbers = connection.execute(select(telling_facet.c.telling_id).distinct()).scalars()
    rows = [{"id": number, "digest": f"edition 1, {number}".encode()} for number in numbers]
    if rows:
        connection.execute(telling.insert(), rows)
    op.execute(
        "UPDATE event SET telling_id = coalesce(job_id,"
        f" {_OWN} + dataset_id)"
        f" WHERE coalesce(job_id, {_OWN} + dataset_id) IN (SELECT id FROM telling)"
    )
