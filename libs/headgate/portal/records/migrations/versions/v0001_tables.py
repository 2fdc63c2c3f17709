"""The first edition of the portal's records, as it was then: tables as they are now stand in :mod:`..tables`."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_ID = BigInteger().with_variant(Integer, "sqlite")

entry = Table(
    "portal_entry", metadata, Column("number", _ID, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False), Column("who", Text, nullable=False),
    Column("role", Text, nullable=False), Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False), Column("detail", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index(None, "action", "number"), Index(None, "subject", "number"), Index(None, "who", "number"),
)  # fmt: skip

token = Table(
    "portal_token", metadata, Column("id", _ID, primary_key=True),
    Column("name", Text, nullable=False, unique=True), Column("role", Text, nullable=False),
    Column("teams", Text, nullable=False, default="[]"),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False), Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger), Column("used_at", BigInteger),
)  # fmt: skip

session = Table(
    "portal_session", metadata, Column("digest", LargeBinary, primary_key=True),
    Column("who", Text, nullable=False), Column("role", Text, nullable=False),
    Column("teams", Text, nullable=False), Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False), Column("expires_at", BigInteger, nullable=False),
    Index(None, "who"), Index(None, "expires_at"),
)  # fmt: skip

signing_in = Table(
    "portal_signing_in", metadata, Column("state", LargeBinary, primary_key=True),
    Column("browser", LargeBinary, nullable=False), Column("nonce", Text, nullable=False),
    Column("verifier", Text, nullable=False), Column("next", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False), Index(None, "created_at"),
)  # fmt: skip

_IN_SQLITE = """
CREATE TRIGGER portal_entry_stays BEFORE UPDATE ON portal_entry
BEGIN SELECT RAISE(ABORT, 'an entry of the log is never changed'); END;

CREATE TRIGGER portal_entry_lasts BEFORE DELETE ON portal_entry
BEGIN SELECT RAISE(ABORT, 'an entry of the log is never removed'); END;

CREATE TRIGGER portal_entry_follows BEFORE INSERT ON portal_entry
WHEN NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM portal_entry)
BEGIN SELECT RAISE(ABORT, 'an entry of the log follows the last one'); END
"""
_IN_POSTGRESQL = """
CREATE FUNCTION portal_entry_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'an entry of the log is never changed or removed'; END $$;

CREATE FUNCTION portal_entry_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM portal_entry) THEN
    RAISE EXCEPTION 'an entry of the log follows the last one';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER portal_entry_stays BEFORE UPDATE OR DELETE ON portal_entry
FOR EACH ROW EXECUTE FUNCTION portal_entry_stays();

CREATE TRIGGER portal_entry_lasts BEFORE TRUNCATE ON portal_entry
FOR EACH STATEMENT EXECUTE FUNCTION portal_entry_stays();

CREATE TRIGGER portal_entry_follows BEFORE INSERT ON portal_entry
FOR EACH ROW EXECUTE FUNCTION portal_entry_follows()
"""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables, and what keeps the log from being changed."""
    connection = op.get_bind()
    metadata.create_all(connection)
    made = _IN_SQLITE if connection.dialect.name == "sqlite" else _IN_POSTGRESQL
    for statement in made.strip().split(";\n\n"):
        connection.exec_driver_sql(statement)
