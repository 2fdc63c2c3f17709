"""`headgate sql`: questions to the newest release, or to an older one, without changing anything."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import typer

from headgate.cli import output
from headgate.core import json as hjson
from headgate.core.errors import UsageError

if TYPE_CHECKING:
    from headgate.lake.engines.duckdb import Connection
    from headgate.orchestration.project import Project

EXAMPLE = 'Example: headgate sql "select channel_id, count(*) from gold.community.fct_messages group by 1"'
#: What a person is shown of a long answer; programs get all of it.
SHOWN_ROWS = 50
_BATCH = 10_000
#: Quoted text and comments, which are left alone, or a dataset id (perhaps its quarantine's).
_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | \$\$.*?\$\$
      | (?<![\w.])(?P<id>(?:bronze|silver|gold|system)\.[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*)\b""",
    re.VERBOSE | re.DOTALL,
)


def sql(
    query: str = typer.Argument(..., help="One SELECT in DuckDB's SQL; - reads it from stdin."),
    release: int | None = typer.Option(
        None, "--release", metavar="ID", help="Ask this release instead of the newest."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print all rows as a JSON array."),
    as_csv: bool = typer.Option(False, "--csv", help="Print all rows as CSV."),
) -> int:
    """Ask the newest release (or an older one) in SQL. Datasets go by their ids.

    The ledgers (system.ledger.*) and quarantines (<dataset>__quarantine) are seen as they are now.
    """
    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other.", remedy="Give one of them.")
    from headgate.orchestration.project import Project

    text = sys.stdin.read() if query == "-" else query
    con = connect(Project.open(), release, text)
    names, rows = answer(con, text)
    if as_json:
        _print_json(names, rows)
    elif as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(names)
        writer.writerows(rows)
    else:
        _print_table(names, rows)
    return 0


def connect(project: Project, number: int | None, query: str = "") -> Connection:
    """A connection with a view of each dataset that ``query`` may mean, pinned to a release.

    Raises:
        NotFoundError: there is no such release.
    """
    from headgate.lake import catalog
    from headgate.lake.engines import duckdb as engine
    from headgate.orchestration import released

    release = released.release_at(project, number)
    con = engine.connect(project.settings)
    every = {*project.contracts, *(release.tables if release else ())}
    wanted = {d for d in every if d.rpartition(".")[2] in query} or every
    found = {d: released.snapshot(project, release, d) for d in wanted}
    catalog.define_views(con, {d: s for d, s in found.items() if s is not None})
    for dataset in wanted:
        _define_quarantine(con, project, dataset)
    return con


def _define_quarantine(con: Connection, project: Project, dataset: str) -> None:
    from headgate.contracts.names import DatasetName
    from headgate.lake.engines.duckdb import identifier

    snapshot = project.lake.snapshot(dataset, quarantine=True)
    if snapshot is None:
        return
    name = DatasetName.parse(dataset)
    schema = identifier(name.schema)
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    view = f"{schema}.{identifier(name.quarantine_path.rpartition('/')[2])}"
    con.execute(f"CREATE VIEW {view} AS FROM {snapshot.relation()}")


def with_relations(query: str) -> str:
    """``query`` with dataset ids as the relations that hold them: gold.a.b -> "gold_a"."b"."""

    def replace(match: re.Match[str]) -> str:
        if match["id"] is None:
            return match[0]
        layer, domain, name = match["id"].split(".")
        return f'"{layer}_{domain}"."{name}"'

    return _TOKEN.sub(replace, query)


def answer(con: Connection, query: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """Column names and rows (fetched as they are taken) of one question.

    Raises:
        UsageError: it is no single question, would change something, or DuckDB cannot answer it.
    """
    import duckdb

    from headgate.lake.engines.statements import ForbiddenSqlError, check_query

    asked = with_relations(query)
    try:
        check_query(asked, _shown(con), asking=True)
        found = con.execute(asked)
    except ForbiddenSqlError as why:
        raise UsageError(f"headgate sql takes one question: {why}.", remedy=_remedy(con)) from None
    except duckdb.Error as error:
        raise UsageError(_first_line(error), remedy=_hint(con, error)) from None
    names = [column[0] for column in found.description or ()]
    return names, _rows(found)


def _rows(found: Connection) -> Iterator[tuple[Any, ...]]:
    import duckdb

    try:
        while batch := found.fetchmany(_BATCH):
            yield from batch
    except duckdb.Error as error:
        raise UsageError(_first_line(error)) from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _hint(con: Connection, error: Exception) -> str:
    if type(error).__name__ != "CatalogException":
        return ""
    return _to_ask(con)


def _remedy(con: Connection) -> str:
    return f"Data changes only through the gate; write a single SELECT. {_to_ask(con)}"


def _to_ask(con: Connection) -> str:
    names = [name.replace("_", ".", 1) for name in _shown(con)]
    return f"To ask: {', '.join(names)}." if names else "Nothing is released yet: headgate run."


def _shown(con: Connection) -> list[str]:
    """The views that there are to ask, as ``schema.name``."""
    listed = con.execute(
        "SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1"
    ).fetchall()
    return [name for (name,) in listed]


def _print_json(names: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """One JSON array, a row a line, written as the rows come."""
    opened = False
    for row in rows:
        record = dict(zip(names, map(output.plain, row), strict=True))
        sys.stdout.write(("," if opened else "[") + "\n" + hjson.dumps(record))
        opened = True
    sys.stdout.write("\n]\n" if opened else "[]\n")


def _print_table(names: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    shown = [row for _, row in zip(range(SHOWN_ROWS), rows, strict=False)]
    output.table(names, shown)
    if next(rows, None) is not None:
        output.say(f"The first {SHOWN_ROWS} rows; --csv or --json prints all.")
