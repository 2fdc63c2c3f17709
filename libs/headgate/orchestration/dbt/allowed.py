"""What the SQL of models and tests may read, and whether it does no more: judged before any of it runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb

from headgate.contracts.names import DatasetName
from headgate.core.errors import ModelError
from headgate.core.secrets import holds_value
from headgate.lake.engines.statements import ForbiddenSqlError, check_query
from headgate.orchestration import error_places
from headgate.orchestration.dbt.refs import SCHEMA

_REMEDY = "Write one SELECT over what ref() and source() give."


def relations(
    datasets: Iterable[str], *, model: str = "", labels: Iterable[str] = ()
) -> frozenset[str]:
    """The relations of dataset ids, and of a model's ``changed()`` by their labels."""
    names = [DatasetName.parse(d) for d in datasets]
    changed = {f"{SCHEMA}.{model}|{label}" for label in labels}
    return frozenset({f"{n.schema}.{n.name}" for n in names} | changed)


def check(sql: str, given: frozenset[str], files: Sequence[tuple[Path, str]]) -> None:
    """See that compiled SQL is one SELECT over ``given``; ``files`` are what it was compiled from.

    Raises:
        ModelError: it is not, holds a secret, or the engine cannot parse it.
    """
    if holds_value(sql):
        raise ModelError(
            "its SQL holds the value of a secret, and is kept where others read it.",
            remedy="Leave it out: a model is given its data, and needs no password for it.",
            place=str(files[0][0]),
        )
    try:
        check_query(sql, given)
    except ForbiddenSqlError as why:
        place = error_places.place(_as_told(sql, why.at), sql, files)
        raise ModelError(f"its SQL cannot be taken: {why}.", remedy=_REMEDY, place=place) from None
    except duckdb.Error as error:
        raise ModelError(
            error_places.told(error), place=error_places.place(error, sql, files)
        ) from None


def _as_told(sql: str, at: int | None) -> Exception:
    """The byte of a text as the engine tells of it: by its line."""
    if at is None:
        return Exception()
    before = sql.encode()[:at].decode(errors="ignore")
    number = before.count("\n") + 1
    return Exception(f"LINE {number}: {sql.splitlines()[number - 1]}")
