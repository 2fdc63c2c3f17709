"""Verdicts as Great Expectations validation results: plain JSON, made without importing it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from headgate.contracts import gx
from headgate.contracts.model import Contract
from headgate.core import ids
from headgate.quality.verdict import RuleResult, Verdict

#: How observations tell of rows: `3 of 120 rows (2.5%)`.
_COUNTED = re.compile(r"^(\d+) of (\d+) rows")
#: Expectations whose result is one observed value instead of counts.
_OBSERVED = (
    gx.QUERY,
    gx.EXPECTATIONS["row_count"],
    gx.EXPECTATIONS["null_share"],
)


def validation_result(contract: Contract, verdict: Verdict, rows: int) -> dict[str, Any]:
    """A verdict as the JSON of an ``ExpectationSuiteValidationResult``.

    ``rows`` are those of the batch; a result that counted others says so itself. What the gate
    found beyond the contract's rules (records that cannot be read, conflicting keys) has no
    expectation, and is told in ``meta``.
    """
    by_rule = {r.rule_id: r for r in verdict.results}
    absent = {
        r.column: r.breaches for r in verdict.results if r.kind == "required" and r.scope == "row"
    }
    results = [
        _result(gx.expectation(contract, rule), by_rule[rule.id], verdict, rows, absent)
        for rule in contract.rules
        if rule.id in by_rule
    ]
    passed = sum(r["success"] for r in results)
    ours = {rule.id for rule in contract.rules}
    return {
        "success": passed == len(results),
        "suite_name": contract.id,
        "suite_parameters": {},
        "results": results,
        "statistics": {
            "evaluated_expectations": len(results),
            "successful_expectations": passed,
            "unsuccessful_expectations": len(results) - passed,
            "success_percent": 100.0 * passed / len(results) if results else None,
        },
        "meta": {
            "great_expectations_version": gx.VERSION,
            "batch_id": verdict.batch_id,
            "headgate": {
                "dataset": verdict.dataset,
                "outcome": verdict.outcome,
                "contract": contract.version,
                "beyond_rules": [
                    {"rule": r.rule_id, "breaches": r.breaches, "observed": r.observed}
                    for r in verdict.results
                    if r.rule_id not in ours and not r.passed
                ],
            },
        },
        "id": ids.name_based("validation", verdict.dataset, verdict.batch_id),
    }


def _result(
    config: dict[str, Any],
    found: RuleResult,
    verdict: Verdict,
    rows: int,
    absent: Mapping[str | None, int],
) -> dict[str, Any]:
    return {
        "success": found.passed,
        "expectation_config": {
            **config,
            "kwargs": {**config["kwargs"], "batch_id": verdict.batch_id},
        },
        "result": _numbers(config["type"], found, rows, absent),
        "meta": {},
        "exception_info": {
            "raised_exception": bool(found.detail),
            "exception_message": found.detail or None,
            "exception_traceback": None,
        },
    }


def _numbers(
    expectation: str, found: RuleResult, rows: int, absent: Mapping[str | None, int]
) -> dict[str, Any]:
    """What Great Expectations would report: one observed value, or counts of rows."""
    counted = _COUNTED.match(found.observed or "")
    elements = int(counted[2]) if counted else rows
    if found.kind == gx.OWN and not counted:
        return {"observed_value": _plain(found.observed)}
    if expectation in _OBSERVED:
        if expectation == gx.EXPECTATIONS["null_share"]:
            return {"observed_value": 1 - found.breaches / elements if elements else 1.0}
        if expectation == gx.EXPECTATIONS["row_count"]:
            return {"observed_value": int(found.observed or 0)}
        # A query for the table as a whole gives one row when it is broken.
        broken = found.breaches if found.scope == "row" else int(not found.passed)
        return {"observed_value": broken}
    of_all = _percent(found.breaches, elements)
    result: dict[str, Any] = {
        "element_count": elements,
        "unexpected_count": found.breaches,
        "unexpected_percent": of_all,
        "partial_unexpected_list": [],
    }
    if found.scope == "row" and found.kind != "required" and found.column in absent:
        # Great Expectations means the rows that have a value, where their number is known.
        missing = absent[found.column]
        share = _percent(found.breaches, elements - missing)
        result |= {
            "missing_count": missing,
            "missing_percent": _percent(missing, elements),
            "unexpected_percent": share,
            "unexpected_percent_nonmissing": share,
            "unexpected_percent_total": of_all,
        }
    return result


def _plain(observed: str | None) -> int | float | str | None:
    """What was observed as a number, if it is one."""
    for kind in (int, float):
        try:
            return kind(observed or "")
        except ValueError:
            continue
    return observed


def _percent(part: int, whole: int) -> float | None:
    return 100.0 * part / whole if whole else None
