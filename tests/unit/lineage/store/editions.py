"""A store as an older Headgate left it: the tables of an edition by its own step, and the rows that it had."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from headgate.lineage.store.migrations.versions import v0001_tables
from headgate.lineage.store.opening import open_store
from headgate.lineage.store.taking import take


def first_edition(where: str, portions: list[list[Any]]) -> None:
    """Make a store of the first edition that has taken these events, at a path or a URL of SQLAlchemy's."""
    made = sa.create_engine(where if "://" in where else f"sqlite:///{where}")
    with tempfile.TemporaryDirectory() as folder:
        newest = open_store(Path(folder, "lineage.db"))
        for portion in portions:
            assert not take(newest, portion, lake="local").refused
        with newest.reading() as reading, made.begin() as writing:
            v0001_tables.metadata.create_all(writing)
            for table in v0001_tables.metadata.sorted_tables:
                if rows := [dict(row._mapping) for row in reading.execute(sa.select(table))]:
                    writing.execute(table.insert(), rows)
            writing.exec_driver_sql(
                "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"
            )
            writing.exec_driver_sql("INSERT INTO alembic_version VALUES ('0001')")
        newest.close()
    made.dispose()
