"""What an incremental build replaces, where the model says so: its common table expression ``touched``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.core.errors import ModelError
from headgate.lake.engines.duckdb import identifier
from headgate.orchestration.dbt.canonical import Token, tokens

NAME = "touched"
_SAYS = re.compile(
    rf'\b{NAME}"?\s*(?:\([^()]*\))?\s+as\s*(?:not\s+)?(?:materialized\s*)?\(', re.IGNORECASE
)


def says(text: str) -> bool:
    """Whether a model's text, its comments left out, has a common table expression of that name."""
    return _SAYS.search(text) is not None


def scope(sql: str, contract: Contract, place: str) -> str:
    """A query for the unit's values that ``touched`` gives, from a model's compiled SQL.

    It has the values as the contract's unit of change, without NULL, for no row has that.

    Raises:
        ModelError: the name does not stand in the query's first WITH.
    """
    assert contract.unit_of_change is not None
    unit = contract.column(contract.unit_of_change)
    end = _end(sql)
    if end is None:
        raise ModelError(
            f"{NAME} is not among the common table expressions that the model begins with.",
            remedy=f"Begin the model with `with {NAME} as (…)`, or name it otherwise.",
            place=place,
        )
    kind, name = types.duckdb_type(unit.type), identifier(unit.name)
    return (
        f"{sql[:end]}\nSELECT DISTINCT CAST({name} AS {kind}) AS {name} FROM {NAME}"
        f" WHERE {name} IS NOT NULL"
    )


def _end(sql: str) -> int | None:
    """Where the expression ``touched`` of the query's first WITH ends."""
    found = tokens(sql)
    first = next(found, None)
    if first is None or first.word != "with":
        return None
    for name, end in _expressions(found):
        if name == NAME:
            return end
    return None


def _expressions(found: Iterator[Token]) -> Iterator[tuple[str, int]]:
    """The expressions of a WITH, of which the word itself was read: name, and where each ends."""
    name, depth, has_query = "", 0, False
    for token in found:
        if token.text == "(":
            depth += 1
        elif token.text == ")":
            depth -= 1
            if depth == 0 and has_query:
                yield name, token.end
                after = next(found, None)
                if after is None or after.text != ",":
                    return
                name, has_query = "", False
        elif depth == 0:
            if token.word == "as":
                has_query = True
            elif not name and token.word != "recursive":
                name = token.word
