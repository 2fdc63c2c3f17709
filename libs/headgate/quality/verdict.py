"""What the gate decided about a batch, and what each rule found: plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass

OUTCOMES = ("published", "published_with_quarantine", "refused")
#: How ``observed`` begins where a rule could not be judged; the reason follows.
NO_ANSWER = "no answer: "


@dataclass(frozen=True)
class RuleResult:
    """What one rule found in one batch.

    ``breaches`` counts rows where the rule counts rows; a rule that measures something else has 1
    when it is broken. ``observed`` and ``expected`` are texts for people; ``detail`` says what went
    wrong when the rule itself could not be judged.
    """

    rule_id: str
    kind: str
    severity: str
    column: str | None
    scope: str
    passed: bool
    breaches: int
    observed: str | None
    expected: str
    detail: str = ""


@dataclass(frozen=True)
class Verdict:
    """The gate's decision about one batch; ``outcome`` is one of :data:`OUTCOMES`."""

    dataset: str
    batch_id: str
    outcome: str
    results: tuple[RuleResult, ...]

    @property
    def failed(self) -> tuple[RuleResult, ...]:
        """The rules that were broken, of whatever severity."""
        return tuple(r for r in self.results if not r.passed)
