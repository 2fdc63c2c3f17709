"""How a lineage store of an earlier edition becomes one of this: Alembic's steps, in order."""
