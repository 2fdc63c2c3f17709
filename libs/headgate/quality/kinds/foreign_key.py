"""References to rows of another dataset."""

from __future__ import annotations

from headgate.contracts.model import Rule
from headgate.core.errors import UsageError
from headgate.quality.kind import RowKind, RowScope
from headgate.quality.literals import quoted


def _holds(rule: Rule, scope: RowScope) -> str:
    if rule.id not in scope.parents:
        raise UsageError(f"{scope.contract.id}: no keys are given for foreign key {rule.id!r}.")
    columns = [quoted(str(c)) for c in rule.arguments["columns"]]
    # NULL IN (nothing) is FALSE, so absence is asked for first. No column of a contract starts with
    # an underscore, so the parent's names hide none of the row's.
    absent = " OR ".join(f"{c} IS NULL" for c in columns)
    keys = ", ".join(f"k{i} AS _k{i}" for i in range(len(columns)))
    same = " AND ".join(f"_k{i} = {c}" for i, c in enumerate(columns))
    parent = f"(SELECT {keys} FROM {scope.parents[rule.id]}) AS _parent"
    return f"({absent} OR EXISTS (SELECT 1 FROM {parent} WHERE {same}))"


KINDS = (
    RowKind(
        name="foreign_key",
        doc="Another dataset has a row with this key. A key with a NULL in it refers to nothing.",
        odcs="relationships: [{to: silver.chat.messages.message_id}]",
        example="message_id: 'irc:no-such-log:1'",
        arguments={
            "columns": "the columns that refer",
            "parent": "the dataset they refer to",
            "parent_columns": "its columns, in the same order",
            "missing": "what becomes of a row without a parent: wait, warn or quarantine",
        },
        holds=_holds,
    ),
)
