"""Drafting a model's contract: its columns are asked of the SQL, their meaning of what it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headgate.cli.new import draft, grain, query
from headgate.cli.new.draft import DraftColumn
from headgate.cli.new.query import Query
from headgate.contracts.model import Contract
from headgate.contracts.names import DatasetName
from headgate.core.errors import UsageError
from headgate.orchestration.project import Project


@dataclass(frozen=True)
class Drafted:
    """What was written: ``files``, and ``notes`` on what was guessed and on what a person has to say."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]


def write(project: Project, dataset: str, *, of: str, key: Sequence[str], owner: str) -> Drafted:
    """Write the contract, and with ``of`` the SQL if there is none.

    Raises:
        UsageError: the name is taken or no model's, there is no SQL, or a column has a type that
            cannot be promised.
        ModelError: the SQL cannot be understood; its file and line are named.
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
        text = _draft_sql(project.contracts[of])
        sql.parent.mkdir(parents=True, exist_ok=True)
        sql.write_text(text, "utf-8")
        written.append(sql)
    found = query.compiled(project, name.model)
    columns, notes = query.columns(found)
    chosen, why = _key(found, columns, key)
    draft.set_key(columns, chosen, dataset)
    notes.append(why)
    custom, more = _unit(found, columns)
    document = _document(name, found, columns, chosen, owner, custom)
    notes += more + _left(columns)
    return Drafted((*written, draft.write_contract(folder, document)), tuple(notes))


def _document(
    name: DatasetName, found: Query, columns: Sequence[DraftColumn], key: Sequence[str],
    owner: str, custom: dict[str, str],
) -> dict[str, object]:  # fmt: skip
    read = ", ".join(c.id for c in found.read)
    for column in columns:
        column.description = column.description or "TODO: say what it means."
    return draft.document(
        name,
        columns,
        purpose=f"TODO: say what it is for. Made from {read or 'SQL alone'}.",
        grain=f"TODO: say it in words. One row is one {' and '.join(key)}.",
        owner=owner or next((c.owner for c in found.read), ""),
        custom=custom,
        # A row set aside would silently change an aggregate.
        severity="fail" if name.layer == "gold" else "",
    )


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


def _key(found: Query, columns: list[DraftColumn], asked: Sequence[str]) -> tuple[list[str], str]:
    """The key's columns, and how they were found."""
    if asked:
        return list(asked), f"Key: {', '.join(asked)}, as you said."
    names = {c.name for c in columns}
    grouped = grain.grain(found.text.full)
    if grouped and set(grouped) <= names:
        return grouped, f"Key: {', '.join(grouped)}, for the SQL gives one row of each."
    for inherited in query.inherited_key(found, columns):
        return inherited, f"Key: {', '.join(inherited)}, guessed from what it reads."
    first = columns[0].name
    return [first], f"Key: {first}, the first column, for want of a better guess; --key says it."


def _unit(found: Query, columns: list[DraftColumn]) -> tuple[dict[str, str], list[str]]:
    """The unit of change of a model that uses changed(), which must never be empty."""
    if not found.code.changed:
        return {}, []
    known = {c.name: c for c in columns}
    guesses = [grain.touched_unit(found.code.sql), *(c.column for c in found.code.changed)]
    unit = next((g for g in guesses if g in known), None)
    if unit is None:
        return {}, [
            "It uses changed(), but which of its columns is recomputed as a whole cannot be told: "
            "say it in headgate.unitOfChange."
        ]
    known[unit].required = True
    return {"unitOfChange": unit}, [f"Unit of change: {unit}, as its changed() says."]


def _left(columns: Sequence[DraftColumn]) -> list[str]:
    """What only a person can say."""
    unsaid = [c.name for c in columns if not c.description or c.description.startswith("TODO")]
    personal = [c.name for c in columns if c.personal or draft.about_people(c.name)]
    notes = [f"To say: what it is for, what one row is{', and what is in' * bool(unsaid)} "
             f"{', '.join(unsaid)}".rstrip() + "."]  # fmt: skip
    if personal:
        notes.append(f"Personal data: {', '.join(personal)}. Look whether that is all, and right.")
    return notes
