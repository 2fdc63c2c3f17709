"""What each dbt model reads, from its SQL and without dbt: enough for run order and staleness."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from headgate.contracts.model import Contract
from headgate.contracts.names import LAYERS, DatasetName
from headgate.core.errors import ModelError
from headgate.orchestration.dbt import mentions, touched
from headgate.orchestration.project import Project

#: The schema in which models find what changed; macros/changed.sql names it too.
SCHEMA = "headgate_changed"
_SQL_COMMENT = re.compile(r"--[^\n]*")


@dataclass(frozen=True)
class Changed:
    """One ``changed()``: the touched values of a dataset's column, perhaps through a link.

    ``link`` is a column that refers to another row of the dataset, and the one that it refers to.
    """

    dataset: str
    column: str
    link: tuple[str, str] | None = None

    @property
    def label(self) -> str:
        """What macros/changed.sql calls it."""
        return "|".join((self.dataset, self.column, *(self.link or ())))


@dataclass(frozen=True)
class ModelCode:
    """A model's SQL file. ``refs`` are model names, ``sources`` dataset ids;

    ``changed`` are its ``changed()`` calls, in order; ``touched`` tells whether it says itself
    what an incremental build replaces.
    """

    name: str
    path: Path
    sql: str
    refs: tuple[str, ...]
    sources: tuple[str, ...]
    changed: tuple[Changed, ...]
    touched: bool = False


def models(project: Project) -> dict[str, ModelCode]:
    """Every SQL model of the dbt project, by name.

    Raises:
        ModelError: two files are named alike.
    """
    found: dict[str, ModelCode] = {}
    for path in sorted((project.settings.dbt_path / "models").rglob("*.sql")):
        if path.stem in found:
            raise ModelError(
                f"two models are called {path.stem}: the other is {found[path.stem].path}.",
                remedy="Rename one of the files.",
                place=str(path),
            )
        found[path.stem] = read(path, path.read_text("utf-8"))
    return found


def inputs(
    project: Project, code: Mapping[str, ModelCode] | None = None
) -> dict[str, tuple[str, ...]]:
    """The datasets that each contracted model is made from, itself or through private models.

    Gives dataset id to dataset ids, sorted.

    Raises:
        ModelError: a contract's model has no SQL, a model reads what does not exist, or a
            ``changed()`` cannot be answered.
    """
    known = models(project) if code is None else code
    found = {}
    for contract in project.contracts.models:
        assert contract.model is not None
        if contract.model not in known:
            raise without_sql(project, contract)
        found_reads = reads(project, with_private(project, contract.model, known))
        # What the contract names as well, for SQL that says it through macros of its own.
        found_reads |= {project.contracts[d].id for d in contract.inputs}
        _check_changed(project, contract, known[contract.model], found_reads)
        found[contract.id] = tuple(sorted(found_reads))
    return found


def without_sql(project: Project, contract: Contract) -> ModelError:
    """What is to be said of a contract whose model has no file."""
    return ModelError(
        f"no {contract.model}.sql under {project.settings.dbt_path / 'models'} builds "
        f"{contract.id}.",
        remedy="Write it, or name another model in headgate.model.",
        place=str(contract.path),
    )


def with_private(project: Project, model: str, known: Mapping[str, ModelCode]) -> list[ModelCode]:
    """The model and the private models that are compiled into it, in the order they are met.

    Raises:
        ModelError: a model that is read does not exist.
    """
    found: dict[str, ModelCode] = {}
    waiting = [(model, "")]
    while waiting:
        name, reader = waiting.pop(0)
        if name in found:
            continue
        if name not in known:
            raise ModelError(f"ref('{name}'): there is no such model.", place=reader)
        code = found[name] = known[name]
        if name != model and code.changed:
            raise ModelError(
                "changed() belongs in a model with a contract.",
                remedy="Filter in the models that read this one.",
                place=str(code.path),
            )
        waiting += [(r, str(code.path)) for r in code.refs if not project.contracts.by_model(r)]
    return list(found.values())


def reads(project: Project, parts: Iterable[ModelCode]) -> set[str]:
    """The ids of the datasets that a model and the private models inside it read.

    Raises:
        ModelError: one of them has no contract.
    """
    return {d for part in parts for d in _datasets(project, part)}


def _datasets(project: Project, code: ModelCode) -> Iterator[str]:
    for name in code.refs:
        contract = project.contracts.by_model(name)
        if contract:
            yield contract.id
    for dataset in code.sources:
        if dataset not in project.contracts:
            raise ModelError(
                f"source {dataset}: no contract describes it.",
                remedy="Write source('<layer>_<domain>', '<name>') of a dataset with a contract.",
                place=str(code.path),
            )
        yield dataset


def _check_changed(project: Project, contract: Contract, code: ModelCode, reads: set[str]) -> None:
    place = str(code.path)
    for asked in code.changed:
        dataset = asked.dataset
        if dataset not in reads:
            raise ModelError(
                f"changed('{dataset}', '{asked.column}'): the model does not read that dataset.",
                remedy=f"It reads {', '.join(sorted(reads)) or 'nothing'}.",
                place=place,
            )
        if not contract.unit_of_change:
            raise ModelError(
                f"changed() says what to compute anew, but the contract of {contract.id} does "
                "not say in which column.",
                remedy="Name the column in headgate.unitOfChange.",
                place=place,
            )
        for name in (asked.column, *(asked.link or ())):
            if name not in project.contracts[dataset].table_columns:
                raise ModelError(
                    f"changed('{dataset}', …): there is no column {name!r}"
                    f"{'' if name == asked.column else ' to link by'}.",
                    remedy="Name a column of that dataset."
                    if name == asked.column
                    else "Name the column that refers, then the one that it refers to.",
                    place=place,
                )
        # What `touched` gives is the scope; without it the columns themselves are.
        asked_column = [] if code.touched else [(project.contracts[dataset], asked.column)]
        for owner, name in (*asked_column, (contract, contract.unit_of_change)):
            if not _never_null(owner, name):
                raise ModelError(
                    f"changed() needs a column that is never empty, and {owner.id}.{name} may be.",
                    remedy="Make it required, with a severity other than warn.",
                    place=place,
                )


def _never_null(contract: Contract, column: str) -> bool:
    return any(
        r.kind == "required" and r.column == column and r.severity != "warn"
        for r in contract.row_rules
    )


@lru_cache(maxsize=10_000)
def read(path: Path, sql: str) -> ModelCode:
    """What a file of SQL refers to."""
    code = mentions.uncommented(sql)
    sources = [_dataset(*named, path) for named in mentions.sources(code)]
    changed = [_asked(m.groups()) for m in mentions.calls(mentions.CHANGED, code)]
    return ModelCode(
        path.stem, path, sql, mentions.refs(code), tuple(dict.fromkeys(sources)),
        tuple(dict.fromkeys(changed)),
        touched.NAME in code.lower() and touched.says(_SQL_COMMENT.sub("", code)),
    )  # fmt: skip


def _asked(groups: tuple[str | None, ...]) -> Changed:
    dataset, column, *link = (g for g in groups if g is not None)
    return Changed(dataset, column, (link[0], link[1]) if link else None)


def _dataset(schema: str, name: str, path: Path) -> str:
    if schema.partition("_")[0] not in LAYERS:
        raise ModelError(
            f"source('{schema}', '{name}') names no dataset.",
            remedy="Write source('<layer>_<domain>', '<name>').",
            place=str(path),
        )
    return DatasetName.from_schema(schema, name).id
