"""Opening the store: made with all its tables, by many at once; what is newer or broken is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from headgate.core.errors import LakeError, NotFoundError, UsageError
from headgate.lineage.store import tables
from headgate.lineage.store.edition import EDITION
from headgate.lineage.store.opening import Store, open_store
from headgate.lineage.store.taking import take
from tests.unit.lineage.store.small_events import JOBS, event


def differences(store: Store) -> list[object]:
    """What the steps made otherwise than the tables say."""
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        found = compare_metadata(context, tables.metadata)
    return list(found)


def indexes(store: Store) -> dict[str, set[tuple[str, ...]]]:
    """The indexes of each table by name, with their columns."""
    inspector = sa.inspect(store.engine)
    return {
        table.name: {
            (str(i["name"]), *map(str, i["column_names"]))
            for i in inspector.get_indexes(table.name)
        }
        for table in tables.metadata.sorted_tables
    }


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "deeper" / "lineage.db")


def test_the_steps_make_the_tables_as_they_are(store: Store, tmp_path: Path) -> None:
    assert differences(store) == []
    made = sa.create_engine(f"sqlite:///{tmp_path}/made.db")
    tables.metadata.create_all(made)
    assert indexes(store) == indexes(Store(made))
    assert sum(map(len, indexes(store).values())) > 10


def test_a_table_that_differs_would_be_seen(store: Store) -> None:
    with store.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE run ADD COLUMN more TEXT")
        connection.exec_driver_sql("DROP INDEX ix_run_whole")
    assert len(differences(store)) == 2


def test_what_is_acknowledged_is_durable_and_readers_do_not_wait(store: Store) -> None:
    with store.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        with store.writing() as writer:
            writer.execute(tables.state.update().values(revision=7))
        # What one reading sees stays as it was when it began to read.
        assert connection.execute(sa.select(tables.state.c.revision)).scalar() in (0, 7)
        seen = connection.execute(sa.select(tables.state.c.revision)).scalar()
        with store.writing() as writer:
            writer.execute(tables.state.update().values(revision=9))
        assert connection.execute(sa.select(tables.state.c.revision)).scalar() == seen


def test_opening_again_keeps_what_is_there(store: Store) -> None:
    take(store, [event(JOBS[0], 1)])
    with open_store(store.place, create=False).reading() as connection:
        assert (
            connection.execute(sa.select(sa.func.count()).select_from(tables.event)).scalar() == 1
        )


def test_many_may_open_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from headgate.lineage.store.opening import open_store;"
        "s = open_store(sys.argv[1]); s.writing().__enter__(); print('ok')"
    )
    began = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "lineage.db")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    for process in began:
        out, err = process.communicate(timeout=120)
        assert (out.strip(), process.returncode) == ("ok", 0), err
    assert differences(open_store(tmp_path / "lineage.db")) == []


def test_a_newer_store_is_refused(store: Store) -> None:
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(LakeError, match=f"edition 9999, and this Headgate knows {EDITION}"):
        open_store(store.place)


@pytest.mark.parametrize("spoil", ["head", "middle"])
def test_a_broken_file_says_to_delete_it(store: Store, spoil: str) -> None:
    take(store, [event(JOBS[0], n, run=n) for n in range(50)])
    store.close()
    path = Path(store.place)
    data = bytearray(path.read_bytes())
    start = 0 if spoil == "head" else 4096
    data[start : start + 60_000] = b"\xa5" * len(data[start : start + 60_000])
    path.write_bytes(data)
    for beside in path.parent.glob(f"{path.name}-*"):
        beside.unlink()
    with pytest.raises(LakeError, match=r"broken.*Delete the file") as caught:
        take(open_store(path), [event(JOBS[0], 59, run=99)])
    assert str(path) in str(caught.value)


def test_there_must_be_one_if_none_is_to_be_made(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        open_store(tmp_path / "lineage.db", create=False)
    assert not (tmp_path / "lineage.db").exists()


@pytest.mark.parametrize("url", ["mysql://host/name", "://", "sqlite://"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(UsageError):
        open_store(url)
