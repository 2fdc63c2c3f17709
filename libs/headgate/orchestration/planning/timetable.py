"""What changed in when, from what and for whom a table is made: all that a schedule follows from."""

from __future__ import annotations

from collections.abc import Iterator

from headgate.contracts.model import Contract
from headgate.contracts.timing import schedule_of
from headgate.orchestration.planning.before import Code


def timetable(
    old: Contract, new: Contract, old_code: Code | None, new_code: Code | None
) -> tuple[str, ...]:
    """What changed, a sentence each."""
    found = [*_said(old, new)]
    before = set(old_code.inputs if old_code else old.inputs)
    now = set(new_code.inputs if new_code else new.inputs)
    for told, datasets in (("It is also made from", now - before),
                           ("It is no longer made from", before - now)):  # fmt: skip
        if datasets:
            found.append(f"{told} {', '.join(sorted(datasets))}.")
    return tuple(found)


def _said(old: Contract, new: Contract) -> Iterator[str]:
    for what, before, now in (
        ("owner", old.owner, new.owner),
        ("source", _source(old), _source(new)),
        ("maker", old.maker, new.maker),
        ("release group", old.release_group, new.release_group),
        ("promised freshness", _hours(old.freshness_hours), _hours(new.freshness_hours)),
        ("schedule", _schedule(old), _schedule(new)),
        ("tries", _tries(old), _tries(new)),
        ("retention", _days(old.retention_days), _days(new.retention_days)),
    ):
        if before != now:
            yield f"Its {what} was {before or 'not said'} and is {now or 'not said'}."


def _source(contract: Contract) -> str:
    source = contract.source
    if source is None:
        return ""
    return f"{source.format} at {source.path}" if source.path else source.format


def _schedule(contract: Contract) -> str:
    if contract.source is None:
        return ""
    line = schedule_of(contract)
    return f"{line} ({contract.timing.timezone})" if line else "by hand only"


def _tries(contract: Contract) -> str:
    return f"{contract.timing.retries + 1}, {contract.timing.retry_minutes:g} min apart at first"


def _hours(value: float | None) -> str:
    return "" if value is None else f"{value:g} h"


def _days(value: int | None) -> str:
    return "" if value is None else f"{value} days"
