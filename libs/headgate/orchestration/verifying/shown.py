"""The catalogue: it shows the newest release, and each of its views gives that release's rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from headgate.contracts.names import DatasetName
from headgate.core.errors import UsageError
from headgate.lake import catalog
from headgate.lake.release import Release
from headgate.orchestration.verifying.finding import WARNING, Check, Fault
from headgate.orchestration.verifying.look import Look

REWRITE = "writes the catalogue anew from the newest release"
_FILE = re.compile(r"'((?:[^']|'')*\.parquet)'")


def _catalogue(look: Look) -> Iterator[Fault]:
    import duckdb

    newest, path = look.newest_release, look.project.lake.root / catalog.FILE_NAME
    if newest is None:
        return
    if not path.exists():
        if look.just_begun:
            return
        yield Fault(catalog.FILE_NAME, "the catalogue is missing.", severity=_unless(look))
        return
    try:
        with duckdb.connect(str(path), read_only=True) as con:
            told = con.execute("SELECT release_id FROM headgate_release").fetchall()
            views = con.execute(
                "SELECT schema_name, view_name, sql FROM duckdb_views() WHERE NOT internal"
            ).fetchall()
            shown = int(told[0][0])
            if shown > newest.id:
                return  # a run went on
            if shown != newest.id:
                if not look.running:
                    yield Fault(catalog.FILE_NAME, f"the catalogue shows release {shown}, the newest is "
                                f"{newest.id}.", severity=_unless(look))  # fmt: skip
                return
            found = {(s, v): sql for s, v, sql in views}
            yield from _views(look, con, newest, found)
    except (duckdb.Error, UnicodeDecodeError, IndexError, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        yield Fault(catalog.FILE_NAME, f"the catalogue cannot be read: {first.rstrip('.!')}.")


def _unless(look: Look) -> str | None:
    """How bad it is: what a dead run left, the next one puts right."""
    return WARNING if look.dead is not None else None


def _views(
    look: Look, con: object, newest: Release, views: dict[tuple[str, str], str]
) -> Iterator[Fault]:
    import duckdb

    assert isinstance(con, duckdb.DuckDBPyConnection)
    for dataset, table in sorted(newest.tables.items()):
        name = DatasetName.parse(dataset)
        sql = views.pop((name.schema, name.name), None)
        if not look.asked(dataset):
            continue
        folder = Path(look.project.lake.root, look.project.lake.key(dataset))
        files = [str(folder / f) for f in table.files]
        if sql is None:
            yield Fault(catalog.FILE_NAME, f"the catalogue has no view of {dataset}.", dataset)
        elif {f.replace("''", "'") for f in _FILE.findall(sql)} != set(files):
            yield Fault(catalog.FILE_NAME, f"the view of {dataset} reads other files than release "
                        f"{newest.id} has.", dataset, table.version)  # fmt: skip
        elif not look.damaged & set(files):
            try:
                rows = con.execute(f"SELECT count(*) FROM {name.relation}").fetchall()[0][0]
            except duckdb.Error as error:
                rows = (str(error).splitlines() or ["an error"])[0]
            if rows != table.rows:
                yield Fault(catalog.FILE_NAME, f"the view of {dataset} gives {rows}, release {newest.id} "
                            f"has {table.rows} rows.", dataset, table.version)  # fmt: skip
    for schema, view in sorted(views):
        if (schema, view) != ("main", "headgate_release") and not _ours(schema, view):
            yield Fault(catalog.FILE_NAME, f"the catalogue has a view {schema}.{view}, which release "
                        f"{newest.id} has not.", severity=WARNING)  # fmt: skip


def _ours(schema: str, view: str) -> bool:
    try:
        return DatasetName.from_schema(schema, view).layer == "system"
    except UsageError:
        return False


CHECKS = (
    Check("catalogue", "`catalog.duckdb` shows the newest release, and its views give that release's "
          "rows.", "`headgate fsck --repair` writes it anew from the release.", _catalogue, repair=REWRITE),
)  # fmt: skip
