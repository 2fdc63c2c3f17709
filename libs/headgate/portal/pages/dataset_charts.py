"""The charts of a dataset's page: accounts, verdicts and freshness over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from headgate.portal import addresses
from headgate.portal.drawing import bars, lines, strips
from headgate.portal.drawing.chart import Chart, Series
from headgate.portal.told.batches import Account, Judged
from headgate.portal.told.freshness import Publication

#: Rules that are drawn; those that were broken come first.
MOST_RULES = 30
_OUTCOMES = {"warn": "warned", "quarantine": "quarantined", "fail": "refused"}
ByRule = Mapping[str, Sequence[tuple[Account, Judged | None]]]


def accounts(dataset: str, batches: Sequence[Account]) -> Chart:
    """What became of the rows of each batch, the oldest first; in figures each is a link."""
    in_time = list(reversed(batches))
    return bars.stacked(
        "Rows of the last batches",
        [
            (f"{b.at:%m-%d}", (b.published, b.quarantined, b.deduplicated, b.refused))
            for b in in_time
        ],
        shown=[_link(dataset, b) for b in in_time],
    )


def rules(by_rule: ByRule) -> Chart:
    """How each rule did in each batch."""
    drawn = list(by_rule.items())[:MOST_RULES]
    batches = [batch for batch, _ in drawn[0][1]] if drawn else []
    return strips.outcomes(
        "How each rule was judged",
        [f"{b.at:%m-%d}" for b in batches],
        [(rule, [_outcome(one) for _, one in told]) for rule, told in drawn],
        heads=[f"{b.at:%Y-%m-%d %H:%M:%S}" for b in batches],
    )


def quality(by_rule: ByRule) -> Chart:
    """Which share of each batch's rows was taken in, and which share of its rules held."""
    told: dict[str, list[Judged]] = {}
    batches: dict[str, Account] = {}
    for found in by_rule.values():
        for batch, one in found:
            batches[batch.batch_id] = batch
            if one is not None:
                told.setdefault(batch.batch_id, []).append(one)
    points = []
    for number, batch in batches.items():
        judged = told.get(number, [])
        taken = (batch.published + batch.deduplicated) / batch.read if batch.read else None
        held = sum(one.passed for one in judged) / len(judged) if judged else None
        points.append((batch.at, (taken, held)))
    return lines.series(
        "Quality of the last batches",
        points,
        series=(Series("rows taken in", "one"), Series("rules that held", "two")),
        as_share=True,
    )


def ages(publications: Sequence[Publication], allowed: float | None) -> Chart:
    """How many hours lay between publications, beside what the contract allows."""
    return lines.series(
        "Hours between publications",
        [(p.at, (p.hours,)) for p in publications if p.hours is not None],
        series=(Series("hours since the one before", "one"),),
        limit=allowed,
        limit_name="allowed",
    )


def _outcome(one: Judged | None) -> str | None:
    if one is None:
        return None
    return "held" if one.passed else _OUTCOMES.get(one.severity, "broken")


def _link(dataset: str, batch: Account) -> Markup:
    return Markup('<a href="{}">{}</a>').format(
        addresses.batch(dataset, batch.batch_id), f"{batch.at:%Y-%m-%d %H:%M} UTC"
    )
