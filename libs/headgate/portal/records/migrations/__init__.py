"""How records of an earlier edition become ones of this: Alembic's steps, in order."""
