"""What a kind of rule is: how it documents itself, and how it becomes SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import duckdb

from headgate.contracts import gx
from headgate.contracts.model import Contract, Rule
from headgate.core.errors import ContractError


@dataclass(frozen=True)
class Kind:
    """One kind of rule: its documentation.

    ``doc`` says in a sentence what holds; ``arguments`` maps each argument to its meaning;
    ``odcs`` is how a contract writes it (YAML), ``example`` a value or table that breaks it.
    """

    name: str
    doc: str
    odcs: str
    example: str
    arguments: Mapping[str, str] = field(default_factory=dict)

    scope = ""

    @property
    def expectation(self) -> str:
        """The Great Expectations expectation that says the same."""
        return gx.EXPECTATIONS.get(self.name, gx.QUERY)


@dataclass(frozen=True)
class RowScope:
    """What a row rule is compiled against.

    ``parents`` maps a foreign key's rule id to an SQL relation with the parent's distinct keys in
    columns k0, k1, …
    """

    contract: Contract
    parents: Mapping[str, str] = field(default_factory=dict)

    def type_of(self, rule: Rule, *allowed: str) -> str:
        """The type of the rule's column; with ``allowed``, one of these (``decimal`` means any).

        Raises:
            ContractError: the rule has no column, or the kind does not fit its type.
        """
        kind = self.contract.table_columns.get(rule.column or "")
        if kind is None:
            raise ContractError(
                f"rule {rule.id!r} of kind {rule.kind} judges no column of {self.contract.id}.",
                remedy="Write it below a column.",
                place=rule.place,
            )
        if allowed and kind.partition("(")[0] not in allowed:
            raise ContractError(
                f"rule {rule.id!r}: {rule.kind} does not fit column {rule.column!r} of type "
                f"{kind}.",
                remedy=f"It fits {', '.join(allowed)}.",
                place=rule.place,
            )
        return kind


@dataclass(frozen=True)
class RowKind(Kind):
    """A kind that judges one row.

    ``holds`` gives an SQL condition over the row's columns that is never NULL and never raises.
    """

    holds: Callable[[Rule, RowScope], str] = field(kw_only=True)

    scope = "row"


@dataclass(frozen=True)
class Measured:
    """What a kind that judges a table by itself found; the fields are those of ``RuleResult``."""

    passed: bool
    breaches: int
    observed: str | None
    detail: str = ""


@dataclass(frozen=True)
class OwnJudgement:
    """How a kind judges a table without SQL of its own.

    ``check`` raises ContractError for a rule that cannot be judged. ``judge`` gives what it finds
    in a relation of ``con``; the last argument is the number of rows beyond which it declines.
    """

    check: Callable[[Rule, Contract], None]
    judge: Callable[[duckdb.DuckDBPyConnection, Rule, Contract, str, int], Measured]


@dataclass(frozen=True)
class TableKind(Kind):
    """A kind that judges the whole table by one number, which the rule's operator compares.

    Exactly one of the three is given. ``aggregate`` gives an SQL aggregate, so that all rules
    share one scan; ``query`` gives a query of its own, in which ``{table}`` stands for the table;
    ``own`` judges without either, and compares nothing with an operator.
    ``counts_rows``: the number counts breaching rows, so it can be compared in percent.
    ``compares_rows``: a row can break the rule only beside another one that has the same values in
    the rule's ``columns``; where no row of a table did, only those beside an added one can.
    """

    aggregate: Callable[[Rule, Contract], str] | None = field(default=None, kw_only=True)
    query: Callable[[Rule, Contract], str] | None = field(default=None, kw_only=True)
    own: OwnJudgement | None = field(default=None, kw_only=True)
    counts_rows: bool = field(default=True, kw_only=True)
    compares_rows: bool = field(default=False, kw_only=True)

    scope = "table"
