"""The portal's tables: the log of who saw and did what, tokens, and who is signed in.

Times are microseconds since 1970, UTC. All begin with ``portal_``, so that one database may hold
them and the lineage store.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_ID = BigInteger().with_variant(Integer, "sqlite")

#: The log. Triggers let entries be put behind the last one, and nothing else be done; ``hash`` is
#: of the entry and of the ``hash`` before it. ``detail`` is canonical JSON.
entry = Table(
    "portal_entry", metadata, Column("number", _ID, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False), Column("who", Text, nullable=False),
    Column("role", Text, nullable=False), Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False), Column("detail", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index(None, "action", "number"), Index(None, "subject", "number"), Index(None, "who", "number"),
)  # fmt: skip

#: Who may come as a machine; only the token's digest is kept.
token = Table(
    "portal_token", metadata, Column("id", _ID, primary_key=True),
    Column("name", Text, nullable=False, unique=True), Column("role", Text, nullable=False),
    Column("teams", Text, nullable=False, default="[]"),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False), Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger), Column("used_at", BigInteger),
)  # fmt: skip

#: Who is signed in; of the number in their cookie only a digest is kept. ``teams`` is a JSON list.
session = Table(
    "portal_session", metadata, Column("digest", LargeBinary, primary_key=True),
    Column("who", Text, nullable=False), Column("role", Text, nullable=False),
    Column("teams", Text, nullable=False), Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False), Column("expires_at", BigInteger, nullable=False),
    Index(None, "who"), Index(None, "expires_at"),
)  # fmt: skip

#: Who is at the provider to sign in. ``browser`` is a digest of what their cookie holds, so that
#: nobody can have somebody else end what they began.
signing_in = Table(
    "portal_signing_in", metadata, Column("state", LargeBinary, primary_key=True),
    Column("browser", LargeBinary, nullable=False), Column("nonce", Text, nullable=False),
    Column("verifier", Text, nullable=False), Column("next", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False), Index(None, "created_at"),
)  # fmt: skip
