"""Suites whose queries are what the gate itself asks, for rules that the vocabulary has no word for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headgate.contracts import gx
from headgate.contracts.model import Contract
from headgate.quality.predicates import compile_row_rules


def suite(contract: Contract) -> dict[str, Any]:
    """The expectation suite of a contract, as :func:`headgate.contracts.gx.suite` gives it.

    Raises:
        ContractError: a rule cannot be judged; its place is named.
    """
    return gx.suite(contract, conditions(contract))


def conditions(contract: Contract) -> Mapping[str, str]:
    """For each row rule's id the SQL condition that the gate holds rows to; foreign keys have none.

    Raises:
        ContractError: a rule cannot be judged; its place is named.
    """
    return {compiled.rule.id: compiled.holds for compiled in compile_row_rules(contract)}
