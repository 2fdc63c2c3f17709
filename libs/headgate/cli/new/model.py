"""Drafting a model's contract: its columns are asked of the SQL, their meaning of what it reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from headgate.cli.new import draft
from headgate.cli.new.draft import DraftColumn
from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.contracts.names import DatasetName
from headgate.core.errors import UsageError
from headgate.orchestration.project import Project

_TYPES = {"VARCHAR": "string", "BIGINT": "long", "HUGEINT": "long", "INTEGER": "integer",
          "SMALLINT": "integer", "TINYINT": "integer", "UINTEGER": "long", "UBIGINT": "long",
          "DOUBLE": "double", "FLOAT": "double", "BOOLEAN": "boolean", "DATE": "date",
          "TIMESTAMP": "timestamp", "TIMESTAMP WITH TIME ZONE": "timestamp", "JSON": "json"}  # fmt: skip


def write(project: Project, dataset: str, *, of: str, key: Sequence[str], owner: str) -> list[Path]:
    """Write the contract (and with ``of`` the SQL, if there is none); gives the paths.

    Raises:
        UsageError: the name is taken or no model's, there is no SQL, or it cannot be understood.
    """
    name = DatasetName.parse(dataset)
    if name.layer not in ("silver", "gold"):
        raise UsageError(
            f"a model builds silver or gold, not {name.layer}.",
            remedy=f"Write gold.{name.domain}.{name.name}.",
        )
    folder = draft.folder_of(project, name)
    written: list[Path] = []
    sql = _sql_file(project, name)
    if not sql.is_file():
        if not of:
            raise UsageError(
                f"no {name.model}.sql yet.",
                remedy=f"Write {sql}, or give --of DATASET to draft it.",
            )
        sql.parent.mkdir(parents=True, exist_ok=True)
        sql.write_text(_draft_sql(project.contracts[of]), "utf-8")
        written.append(sql)
    reading = Reading(project)
    columns = reading.columns(sql)
    chosen = list(key) or _inherited_key(columns, reading.read)
    draft.set_key(columns, chosen, dataset)
    read = ", ".join(sorted(c.id for c in reading.read))
    document = draft.document(
        name,
        columns,
        purpose=f"{draft.words(name.name)}, made from {read or 'SQL alone'}.",
        grain=f"One row is one {' and '.join(chosen)}.",
        owner=owner or next((c.owner for c in reading.read), ""),
        custom={},
        # A row set aside would silently change an aggregate.
        severity="fail" if name.layer == "gold" else "",
    )
    return [*written, draft.write_contract(folder, document)]


def _sql_file(project: Project, name: DatasetName) -> Path:
    models = project.settings.dbt_path / "models"
    found = sorted(models.rglob(f"{name.model}.sql"))
    if found:
        return found[0]
    return models / ("marts" if name.layer == "gold" else "intermediate") / name.domain / (
        f"{name.model}.sql"
    )  # fmt: skip


def _draft_sql(contract: Contract) -> str:
    if contract.model:
        relation = f"ref('{contract.model}')"
    else:
        relation = f"source('{contract.name.schema}', '{contract.name.name}')"
    columns = ",\n    ".join(c.name for c in contract.columns)
    return f"select\n    {columns}\nfrom {{{{ {relation} }}}}\n"


def _inherited_key(columns: Sequence[DraftColumn], read: Sequence[Contract]) -> list[str]:
    """The key of an input, if the model gives all its columns; else the first column."""
    given = {c.name for c in columns}
    for contract in read:
        if given.issuperset(contract.key):
            return list(contract.key)
    return [columns[0].name]


class Reading:
    """A model's SQL, read without dbt and without data: refs and sources are empty typed tables."""

    def __init__(self, project: Project) -> None:
        self.project = project
        #: Contracts of the datasets that the model reads, in the order of the SQL.
        self.read: list[Contract] = []

    def columns(self, sql: Path) -> list[DraftColumn]:
        """What the SELECT gives, with the meaning that a column of the same name has upstream.

        Raises:
            UsageError: the SQL cannot be understood.
        """
        import duckdb

        try:
            with duckdb.connect(":memory:") as con:
                con.execute("SET TimeZone = 'UTC'")
                rows = con.execute(f"DESCRIBE ({self._render(sql)})").fetchall()
        except duckdb.Error as error:
            first = (str(error).splitlines() or [""])[0]
            raise UsageError(f"{sql}: {first}", remedy="Mend the SQL and try again.") from None
        return [self._column(row[0], row[1]) for row in rows]

    def _column(self, name: str, kind: str) -> DraftColumn:
        column = DraftColumn(name, _type(kind))
        for contract in self.read:
            for upstream in contract.columns:
                if upstream.name == name:
                    column.description = upstream.description
                    column.classification = upstream.classification
                    column.personal = upstream.personal
                    return column
        return column

    def _render(self, sql: Path) -> str:
        """The SQL with its Jinja filled in, for a full build."""
        import jinja2

        nothing: Callable[..., str] = lambda *_, **__: ""  # noqa: E731
        environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701
        try:
            return environment.from_string(sql.read_text("utf-8")).render(
                ref=self._ref,
                source=self._source,
                config=nothing,
                changed=lambda dataset, column: f"(SELECT NULL AS {column})",
                is_incremental=lambda: False,
                var=lambda _, default="": default,
                this="this",
            )
        except jinja2.TemplateError as error:
            raise UsageError(
                f"{sql}: {error}", remedy="Macros of your own cannot be read here; inline them."
            ) from None

    def _ref(self, model: str) -> str:
        contract = self.project.contracts.by_model(model)
        if contract:
            return self._empty(contract)
        found = sorted((self.project.settings.dbt_path / "models").rglob(f"{model}.sql"))
        if not found:
            raise UsageError(f"ref('{model}'): there is no such model.")
        return f"({_without_semicolon(self._render(found[0]))})"

    def _source(self, schema: str, name: str) -> str:
        return self._empty(self.project.contracts[DatasetName.from_schema(schema, name).id])

    def _empty(self, contract: Contract) -> str:
        if contract not in self.read:
            self.read.append(contract)
        columns = ", ".join(
            f'NULL::{types.duckdb_type(kind)} AS "{column}"'
            for column, kind in contract.table_columns.items()
        )
        return f"(SELECT {columns} WHERE FALSE)"


def _without_semicolon(text: str) -> str:
    return re.sub(r";\s*$", "", text.strip())


def _type(kind: str) -> str:
    """The column type of a DuckDB type."""
    if kind.endswith("[]"):
        return f"array<{_type(kind[:-2])}>"
    if kind.startswith("DECIMAL"):
        return kind.lower().replace(" ", "")
    if kind not in _TYPES:
        raise UsageError(
            f"a column of DuckDB type {kind} cannot be promised.",
            remedy=f"Cast it to one of {', '.join(_TYPES)}.",
        )
    return _TYPES[kind]
