"""A bench on which models of the working tree are tried over the tables as they are."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.contracts.names import LAYERS, DatasetName
from headgate.core.errors import ModelError, UsageError
from headgate.lake import catalog
from headgate.lake.engines import duckdb as engine
from headgate.lake.engines.duckdb import Connection, identifier, literal
from headgate.lake.engines.statements import ForbiddenSqlError, check_condition
from headgate.lake.release import Release
from headgate.lake.snapshot import Snapshot, relation
from headgate.orchestration import released
from headgate.orchestration.dbt import refs
from headgate.orchestration.dbt.compile import Sources, Text, compile_models
from headgate.orchestration.dbt.refs import ModelCode
from headgate.orchestration.error_places import told
from headgate.orchestration.project import Project


@dataclass(frozen=True)
class Target:
    """What is looked at: a dbt model (``code``), or a transform; ``contract`` if it has one."""

    name: str
    contract: Contract | None = None
    code: ModelCode | None = None


def target(project: Project, name: str) -> Target:
    """What ``name`` means: a dataset id, a dbt model (private ones too), or a transform.

    Raises:
        UsageError: nothing is called so, or it is taken in and not made.
    """
    known = refs.models(project)
    contract = project.contracts.get(name) if name in project.contracts else None
    if contract is None:
        contract = project.contracts.by_model(name)
    if contract is None:
        contract = next((c for c in project.contracts.transforms if c.transform == name), None)
    if contract is not None and contract.transform:
        return Target(contract.id, contract)
    if contract is not None and contract.model:
        if contract.model not in known:
            raise refs.without_sql(project, contract)
        return Target(contract.model, contract, known[contract.model])
    if contract is not None:
        raise UsageError(
            f"{contract.id} is taken in and not made by a model.",
            remedy=f'To look at its rows: headgate sql "from {contract.id} limit 20"',
        )
    model = DatasetName.parse(name).model if name.split(".")[0] in LAYERS else name
    if model in known:
        return Target(model, None, known[model])
    every = {*known, *(c.id for c in project.contracts.curated)}
    raise UsageError(f"there is no model {name!r}.", remedy=released.nearest(name, every))


def text_of(sources: Sources, found: Target) -> Text:
    """A model's SQL in both modes, and what it reads.

    Raises:
        ModelError: its template is wrong, or only dbt can compile it and it has no contract.
    """
    assert found.code is not None
    text = sources.texts([found.name])[found.name]
    if text.wrong:
        raise ModelError(text.wrong)
    if not text.not_plain:
        return text
    if found.contract is None:
        raise ModelError(
            f"only dbt can compile it: {text.not_plain}.",
            remedy=f"headgate dbt show --select {found.name}",
            place=str(found.code.path),
        )
    compiled = compile_models(sources.project, [found.name])[found.name]
    return Text(compiled.full, compiled.incremental, tuple(sources.inputs[found.contract.id]))


@contextmanager
def bench(project: Project, *, release: int | None = None, fresh: bool = False) -> Iterator[Bench]:
    """A connection on which models can be tried; all that is made on it is gone afterwards."""
    pinned = project.releases.get(release) if release is not None else None
    with (
        tempfile.TemporaryDirectory(prefix="headgate-") as folder,
        engine.connect(project.settings, [Path(folder)]) as con,
    ):
        yield Bench(project, con, Path(folder), pinned, fresh)


@dataclass
class Bench:
    """Where models are tried: datasets are views of the pinned release, or of the newest commits.

    ``stale`` are datasets that the working tree builds otherwise than their table was built,
    ``missing`` those that have no table; ``built`` were built here instead.
    """

    project: Project
    con: Connection
    folder: Path
    pinned: Release | None
    fresh: bool
    stale: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    built: list[str] = field(default_factory=list)
    _provided: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._sources = Sources(self.project)
        self._texts: dict[str, Text] = {}

    def use(self, found: Target) -> None:
        """Provide all that a target reads.

        Raises:
            ModelError: it, or with ``fresh`` something that it reads, is wrong.
        """
        for dataset in self.reads(found):
            self._provide(dataset)
        if found.contract is not None and found.contract.transform:
            self._transform(found.contract)

    def query(self, found: Target) -> str:
        """The target's full SQL, over what :meth:`use` provided."""
        if found.code is None:
            return f"FROM {self._file(found.name)}"
        return self.text(found).full

    def text(self, found: Target) -> Text:
        """The target's SQL in both modes; raises as :func:`text_of`."""
        if found.name not in self._texts:
            self._texts[found.name] = text_of(self._sources, found)
        return self._texts[found.name]

    def reads(self, found: Target) -> Sequence[str]:
        """The datasets that a target reads, itself or through private models."""
        if found.code is None:
            assert found.contract is not None
            return found.contract.inputs
        return self.text(found).reads

    def columns(self, found: Target) -> tuple[tuple[str, str], ...]:
        """The columns that a target gives, and DuckDB's types."""
        rows = self._ask(found, f"DESCRIBE (\n{self.query(found)}\n)")
        return tuple((row[0], row[1]) for row in rows)

    def rows(self, found: Target, where: str | None, limit: int) -> tuple[tuple[Any, ...], ...]:
        """The first rows that a target gives."""
        query = f"SELECT * FROM (\n{self.query(found)}\n)"
        if where is not None:
            self._check_condition(found, where)
            query += f" WHERE (\n{where}\n)"
        return tuple(self._ask(found, f"{query}\nLIMIT {int(limit)}"))

    def table(self, found: Target) -> str:
        """All rows that a target gives, worked out once: a table expression, in the columns and
        types of its contract."""
        if found.code is None:
            return self._file(found.name)
        assert found.contract is not None
        return self._keep(found, self.query(found), found.contract)

    def snapshot(self, dataset: str) -> Snapshot | None:
        """The dataset's table that is read here."""
        if self.pinned is not None:
            return released.snapshot(self.project, self.pinned, dataset)
        return self.project.lake.snapshot(dataset)

    def differs(self, contract: Contract) -> bool:
        """Whether the working tree builds a dataset otherwise than its table was built."""
        snapshot = self.snapshot(contract.id)
        if snapshot is None or snapshot.meta is None:
            return True
        return snapshot.meta.code_hash != self._code_hash(contract)

    def notes(self) -> list[str]:
        """What somebody who looks at the rows should know of the tables that they are made from."""
        found = []
        if self.missing:
            found.append(f"Nothing is stored yet of {', '.join(self.missing)}: empty here.")
        if self.stale:
            told = ", ".join(self.stale)
            found.append(
                f"Read as stored, though the working tree would build it otherwise: {told}."
            )
        made = [d for d in self.missing if self.project.contracts[d].curated]
        if (self.stale or made) and not self.fresh:
            found.append("With --fresh what is made from others is built here first, in memory.")
        if self.built:
            found.append(f"Built here, in memory: {', '.join(self.built)}.")
        return found

    def _code_hash(self, contract: Contract) -> str:
        if contract.transform:
            from headgate.orchestration import transforming

            return transforming.code_hash(contract)
        assert contract.model is not None
        return self._sources.hashes([contract.model])[contract.model]

    def _provide(self, dataset: str) -> bool:
        """Show a dataset to the models; tells whether its rows are other than those stored."""
        if dataset in self._provided:
            return self._provided[dataset]
        self._provided[dataset] = False
        contract = self.project.contracts[dataset]
        snapshot, other = self.snapshot(dataset), False
        if contract.curated:
            made = target(self.project, dataset)
            other = self.differs(contract)
            # All of them are provided, whatever the first of them says.
            other = max([self._provide(d) for d in self.reads(made)], default=False) or other
        if other and self.fresh:
            made = target(self.project, dataset)
            if contract.transform:
                self._transform(contract)
            catalog.define_view(self.con, contract.name, self.table(made))
            self.built.append(dataset)
        else:
            empty = relation((), contract.table_columns)
            catalog.define_view(self.con, contract.name, snapshot.relation() if snapshot else empty)
            if snapshot is None:
                self.missing.append(dataset)
            elif other:
                self.stale.append(dataset)
        self._provided[dataset] = other
        return other

    def _file(self, name: str) -> str:
        path = literal(str(self.folder / f"{name}.parquet"))
        return f"read_parquet({path}, hive_partitioning=false)"

    def _keep(self, found: Target, query: str, contract: Contract) -> str:
        casts = ", ".join(
            f"CAST({identifier(c)} AS {types.duckdb_type(t)}) AS {identifier(c)}"
            for c, t in contract.table_columns.items()
        )
        path = literal(str(self.folder / f"{found.name}.parquet"))
        self._ask(found, f"COPY (SELECT {casts} FROM (\n{query}\n)) TO {path} (FORMAT parquet)")
        return self._file(found.name)

    def _transform(self, contract: Contract) -> None:
        """Run a transform over what it reads here; its rows go to a file in the folder."""
        from headgate.orchestration import frames, transforming

        inputs = []
        for dataset in contract.inputs:
            read = self.project.contracts[dataset]
            snapshot = self.snapshot(dataset)
            if dataset in self.built:
                path = self.folder / f"{target(self.project, dataset).name}.parquet"
                inputs.append(frames.scan_files([path], read.table_columns))
            elif snapshot is not None:
                inputs.append(frames.scan(snapshot))
            else:
                inputs.append(frames.scan_files([], read.table_columns))
        transforming.write(contract, inputs, self.folder / f"{contract.id}.parquet")

    def _check_condition(self, found: Target, where: str) -> None:
        """A mistake in the condition is not one of the model."""
        query = f"SELECT 1 FROM (\n{self.query(found)}\n) WHERE (\n{where}\n)"
        self.columns(found)
        try:
            check_condition(where)
            self.con.execute(f"EXPLAIN {query}").fetchall()
        except ForbiddenSqlError as why:
            raise UsageError(
                f"--where {where!r}: {why}.", remedy="Write one condition over the model's columns."
            ) from None
        except duckdb.Error as error:
            raise UsageError(f"--where {where!r}: {told(error)}") from None

    def _ask(self, found: Target, query: str) -> list[tuple[Any, ...]]:
        try:
            return self.con.execute(query).fetchall()
        except duckdb.Error as error:
            codes: list[ModelCode] = []
            if found.code is not None:
                codes = refs.with_private(self.project, found.code.name, self._sources.known)
            raise ModelError(told(error), place=_place(error, query, codes)) from None


def _place(error: duckdb.Error, query: str, codes: Sequence[ModelCode]) -> str:
    from headgate.orchestration.error_places import place

    return place(error, query, [(c.path, c.sql) for c in codes])
