"""The error that a query means something that Spark cannot be made to mean exactly."""

from __future__ import annotations

from headgate.core.errors import HeadgateError


class CannotCarryError(HeadgateError):
    """A query has a part that Spark does not know, or does not know to be equal; it is named."""

    exit_code = 2


def refused(what: str, why: str = "it is not known to give the same on Spark") -> CannotCarryError:
    """The error that ``what`` (a function, an operator, a form of query) is not carried."""
    return CannotCarryError(
        f"{what} cannot be carried to the engine spark: {why}.",
        remedy="Write it another way, or keep the dataset on the engine duckdb.",
    )
