"""A query that Spark is to be asked one day, and why it will refuse it, if so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from headgate.core.errors import UsageError
from headgate.lake.engines.spark.carrying import CannotCarryError, carried

#: Where, and what.
Finding = tuple[str, str]
#: Columns and types by the name of a relation.
Schema = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Asked:
    """A query that Spark is to be asked: over which relations, where it was written, and whose it is."""

    query: str
    schema: Schema
    place: str
    what: str = ""


def refusals(asked: Asked) -> Iterator[Finding]:
    """Why a query cannot be carried, if so."""
    try:
        carried(asked.query, schema=asked.schema)
    except CannotCarryError as error:
        yield asked.place, f"{asked.what}{error.message} {error.remedy}"
    except UsageError:
        return  # no engine takes it, and others say so
