"""Expectations of Great Expectations' own vocabulary that no other kind says."""

from __future__ import annotations

from headgate.quality import gx_rules
from headgate.quality.kind import OwnJudgement, TableKind

KINDS = (
    TableKind(
        name="great_expectations",
        doc="An expectation of Great Expectations holds, judged by its own pandas engine in memory.",
        odcs="type: custom, engine: greatExpectations, implementation: {type: "
        "expect_column_mean_to_be_between, kwargs: {column: line, max_value: 500}}",
        example="lines whose mean is 700",
        arguments={
            "type": "the expectation's name; it must be able to judge pandas frames",
            "kwargs": "its arguments, as Great Expectations names them",
        },
        own=OwnJudgement(gx_rules.check, gx_rules.judge),
        counts_rows=False,
    ),
)
