"""Verdicts as Great Expectations validation results: plain JSON, made without importing it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from headgate.contracts import gx
from headgate.contracts.model import Contract
from headgate.core import ids
from headgate.quality.examples_of_breaches import Example
from headgate.quality.gx_suites import conditions
from headgate.quality.kinds import REGISTRY
from headgate.quality.unwritten import PRIMARY_KEY
from headgate.quality.verdict import NO_ANSWER, RuleResult, Verdict

#: How observations tell of rows: `3 of 120 rows (2.5%)`.
_COUNTED = re.compile(r"^(\d+) of (\d+) rows")
#: Expectations whose result is one observed value instead of counts.
_OBSERVED = (
    gx.QUERY,
    gx.EXPECTATIONS["row_count"],
    gx.EXPECTATIONS["null_share"],
)


def validation_result(
    contract: Contract,
    verdict: Verdict,
    rows: int,
    *,
    examples: Mapping[str, Sequence[Example]] | None = None,
    about: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A verdict as the JSON of an ``ExpectationSuiteValidationResult``.

    What the gate found beyond the contract's rules (records that cannot be read, conflicting keys)
    has no expectation, and is told in ``meta``. A rule that the contract no longer has is told as
    the query that nobody knows any more.

    Args:
        contract: the contract as it is now.
        verdict: of the gate, or as the ledger recorded it.
        rows: those of the batch; a result that counted others says so itself.
        examples: rows in quarantine that broke a rule, by its id.
        about: what else ``meta`` shall tell of the batch, in JSON.
    """
    by_rule = {r.rule_id: r for r in verdict.results}
    absent = {
        r.column: r.breaches for r in verdict.results if r.kind == "required" and r.scope == "row"
    }
    ours = {rule.id for rule in contract.rules}
    retired = [r for r in verdict.results if r.rule_id not in ours and is_rule(r)]
    asked = conditions(contract)
    configured = [
        (gx.expectation(contract, rule, asked.get(rule.id, "")), by_rule[rule.id])
        for rule in contract.rules
        if rule.id in by_rule
    ]
    configured += [(_retired(contract, r), r) for r in retired]
    shown = examples or {}
    results = [
        _result(config, found, verdict, _numbers(config["type"], found, rows, absent))
        for config, found in configured
    ]
    for entry, (_, found) in zip(results, configured, strict=True):
        if "unexpected_count" in entry["result"]:
            entry["result"] |= _examples(shown.get(found.rule_id, ()), found)
    passed = sum(r["success"] for r in results)
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
                    if r.rule_id not in ours and not is_rule(r) and not r.passed
                ],
            },
            **(about or {}),
        },
        "id": ids.name_based("validation", verdict.dataset, verdict.batch_id),
    }


def is_rule(found: RuleResult) -> bool:
    """Whether a contract wrote the rule down; some every contract has."""
    return found.kind in REGISTRY and found.rule_id != PRIMARY_KEY


def _retired(contract: Contract, found: RuleResult) -> dict[str, Any]:
    return {
        "type": gx.QUERY,
        "kwargs": {"unexpected_rows_query": "SELECT * FROM {batch} WHERE FALSE"},
        "id": ids.name_based("expectation", contract.id, found.rule_id),
        "description": f"{found.rule_id} (the contract no longer has it): {found.expected}",
        "severity": gx.SEVERITIES[found.severity],
        "meta": {
            "headgate": {
                "rule": found.rule_id,
                "kind": found.kind,
                "scope": found.scope,
                "severity": found.severity,
                "retired": True,
            }
        },
    }


def _examples(given: Sequence[Example], found: RuleResult) -> dict[str, Any]:
    """Examples as Great Expectations tells them: values, and where their rows stand."""
    if not given:
        return {}
    name = found.column or "row"
    values = [e.value for e in given]
    counts = {str(v): values.count(v) for v in values}
    return {
        "partial_unexpected_list": values,
        "partial_unexpected_counts": [{"value": v, "count": n} for v, n in counts.items()],
        "unexpected_index_column_names": ["source", "position"],
        "unexpected_index_list": [
            {name: e.value, "source": e.source, "position": e.position} for e in given
        ],
    }


def _result(
    config: dict[str, Any], found: RuleResult, verdict: Verdict, numbers: dict[str, Any]
) -> dict[str, Any]:
    # The ledger keeps what was observed, and no detail.
    unanswered = (found.observed or "").startswith(NO_ANSWER)
    why = found.detail or ((found.observed or "").removeprefix(NO_ANSWER) if unanswered else "")
    return {
        "success": found.passed,
        "expectation_config": {
            **config,
            "kwargs": {**config["kwargs"], "batch_id": verdict.batch_id},
        },
        "result": numbers,
        "meta": {},
        "exception_info": {
            "raised_exception": bool(why),
            "exception_message": why or None,
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
