"""A model's SQL as a draft sees it: its columns, their types, and what each is made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from headgate.cli.new.draft import DraftColumn
from headgate.contracts import types
from headgate.contracts.model import Column, Contract
from headgate.contracts.protection import strictness
from headgate.core.errors import ModelError, UsageError
from headgate.lineage.columns import ColumnLineage, UntraceableError, of_sql
from headgate.lineage.steps import ColumnInput
from headgate.orchestration.dbt.compile import Text
from headgate.orchestration.dbt.refs import ModelCode
from headgate.orchestration.project import Project

_TYPES = {"VARCHAR": "string", "BIGINT": "long", "INTEGER": "integer", "DOUBLE": "double",
          "BOOLEAN": "boolean", "DATE": "date", "TIMESTAMP WITH TIME ZONE": "timestamp"}  # fmt: skip
#: What to write instead of a column whose type no contract has.
_CASTS = {
    **dict.fromkeys(("HUGEINT", "UHUGEINT", "UBIGINT", "UINTEGER"), "cast({0} as bigint)"),
    **dict.fromkeys(("SMALLINT", "TINYINT", "USMALLINT", "UTINYINT"), "cast({0} as integer)"),
    "FLOAT": "cast({0} as double)",
    **dict.fromkeys(
        ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), "{0} at time zone 'UTC'"
    ),
    **dict.fromkeys(("STRUCT", "MAP", "UNION"), "cast(to_json({0}) as varchar)"),
}


@dataclass(frozen=True)
class Query:
    """A model's SQL: its file, both compiled texts, and the contracts that it reads."""

    code: ModelCode
    text: Text
    read: tuple[Contract, ...]


def compiled(project: Project, model: str) -> Query:
    """The model of that name, compiled; it needs no contract.

    Raises:
        ModelError: its SQL cannot be compiled without dbt, or reads what does not exist.
    """
    from headgate.orchestration.dbt.compile import Sources

    sources = Sources(project)
    code = sources.known[model]
    text = sources.texts([model])[model]
    if text.wrong:
        raise ModelError(text.wrong)
    if text.not_plain:
        raise ModelError(
            f"its SQL cannot be read without dbt: {text.not_plain}.",
            remedy="Write the contract by hand, beside one of its neighbours.",
            place=str(code.path),
        )
    return Query(code, text, tuple(project.contracts[d] for d in text.reads))


def columns(query: Query) -> tuple[list[DraftColumn], list[str]]:
    """The columns that the SELECT gives, with what they take over; and sentences on what they do not.

    A column that is another one under whatever name keeps its meaning and class. What is computed
    has the strictest class of all that it is computed from, and is personal if any of that is.

    Raises:
        ModelError: the SQL does not fit what it reads; the place is its file and line.
        UsageError: a column has a type, or no name, that no contract can promise.
    """
    shapes = _shapes(query)
    kinds = _types(query, _described(query, shapes))
    lineage, notes = _traced(query)
    known = {c.id: {column.name: column for column in c.columns} for c in query.read}
    found = []
    for name, kind in kinds.items():
        column = DraftColumn(name, kind)
        if lineage is None:
            _inherit(column, [c[name] for c in known.values() if name in c][:1], same=True)
        else:
            inputs = [i for i in lineage.columns.get(name, ()) if i.type == "DIRECT"]
            made_of = [known[i.dataset][i.column] for i in inputs
                       if i.dataset in known and i.column in known[i.dataset]]  # fmt: skip
            same = len({c.description for c in made_of}) == 1 and _identical(inputs)
            _inherit(column, made_of, same=same)
        found.append(column)
    return found, notes


def _identical(inputs: list[ColumnInput]) -> bool:
    return all(i.subtype == "IDENTITY" for i in inputs)


def _inherit(column: DraftColumn, made_of: list[Column], *, same: bool) -> None:
    if not made_of:
        return
    column.classification = max((c.classification for c in made_of), key=strictness)
    column.personal = any(c.personal for c in made_of)
    if same:
        column.description = made_of[0].description
        return
    told = ", ".join(dict.fromkeys(c.name for c in made_of))
    personal = ", ".join(dict.fromkeys(c.name for c in made_of if c.personal))
    column.description = f"TODO: say what it means. It is computed from {told}."
    if personal:
        column.description += f" It counts as personal, since {personal} is; if it tells of nobody, say how in headgate.anonymized."


def _shapes(query: Query) -> dict[str, dict[str, str]]:
    return {c.id: dict(c.table_columns) for c in query.read}


def _described(query: Query, shapes: dict[str, dict[str, str]]) -> dict[str, str]:
    """Columns and DuckDB types, asked of the engine over empty tables."""
    import duckdb

    from headgate.lake.engines.duckdb import empty
    from headgate.orchestration import error_places
    from headgate.orchestration.planning.binding import EmptyTables

    with empty() as con:
        asked = f"(\n{query.text.full}\n)"
        try:
            return EmptyTables(con, shapes).columns_of(asked, shapes)
        except duckdb.Error as error:
            raise ModelError(
                error_places.told(error),
                remedy="Mend the SQL and try again.",
                place=error_places.place(error, asked, [(query.code.path, query.code.sql)]),
            ) from None


def _types(query: Query, given: dict[str, str]) -> dict[str, str]:
    from headgate.cli.new.draft import snake

    wrong = []
    found = {}
    for name, kind in given.items():
        promised = _type(kind)
        if promised is None:
            bare = kind.partition("(")[0].strip()
            cast = _CASTS.get(bare, "cast({0} as varchar)").format(name)
            cast = f"list_transform({name}, …)" if kind.endswith("]") else cast
            wrong.append(f"{name} is {kind}; write {cast} as {snake(name)}")
        elif snake(name) != name:
            wrong.append(f"{name!r} is no column's name; write … as {snake(name)}")
        else:
            found[name] = promised
    if wrong:
        raise UsageError(
            f"these columns cannot be promised: {'; '.join(wrong)}.",
            remedy="Then draft the contract again.",
            place=str(query.code.path),
        )
    return found


def _type(kind: str) -> str | None:
    """The column type of a DuckDB type, if there is one."""
    if kind.endswith("[]"):
        inner = _type(kind[:-2])
        return f"array<{inner}>" if inner else None
    if kind.startswith("DECIMAL("):
        return kind.lower().replace(" ", "")
    return _TYPES.get(kind)


def _traced(query: Query) -> tuple[ColumnLineage | None, list[str]]:
    schemas = {
        f"{c.name.schema}.{c.name.name}": {
            n: types.duckdb_type(k) for n, k in c.table_columns.items()
        }
        for c in query.read
    }
    try:
        return of_sql(query.text.full, schemas), []
    except UntraceableError as error:
        told = f"{error.message} Meaning and classes are taken over by equal names only."
        return None, [f"Where its columns come from cannot be told: {told}"]


def inherited_key(query: Query, found: list[DraftColumn]) -> Iterator[list[str]]:
    """Keys of inputs of which the model gives every column, under whatever name."""
    lineage, _ = _traced(query)
    for contract in query.read:
        given: dict[str, str] = {}
        for column in found:
            inputs = lineage.columns.get(column.name, ()) if lineage else ()
            direct = [i for i in inputs if i.type == "DIRECT"]
            if len(direct) == 1 and direct[0].subtype == "IDENTITY":
                if direct[0].dataset == contract.id:
                    given.setdefault(direct[0].column, column.name)
            elif lineage is None:
                given.setdefault(column.name, column.name)
        if contract.key and given.keys() >= set(contract.key):
            yield [given[k] for k in contract.key]
