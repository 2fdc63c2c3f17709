"""Who outside called for the steps of a run: a scheduler's task, told as their parent, and its root."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from headgate.lineage import names
from headgate.lineage.facets import RUN_TAG
from headgate.lineage.steps import Caller, Step

__all__ = ["Caller", "Callers", "calling", "run_of", "tied", "told_by"]


@dataclass(frozen=True)
class Callers:
    """``part`` called for the run; ``nodes`` are those whose own work making one dataset is."""

    part: Caller
    nodes: Mapping[str, Caller] = field(default_factory=dict)

    def of(self, dataset: str | None) -> Caller:
        """Who called for a step on that dataset; None is a step of the run itself."""
        return self.nodes.get(dataset, self.part) if dataset else self.part


# dbt runs nodes in threads of its own, which would not inherit a context variable.
_current: Callers | None = None


@contextmanager
def calling(callers: Callers) -> Iterator[None]:
    """While it holds, whatever this process tells lineage names ``callers`` as those it works for."""
    global _current
    before, _current = _current, callers
    try:
        yield
    finally:
        _current = before


def tied(step: Step) -> Step:
    """The step with who called for it, if anybody did and it does not say so itself."""
    if _current is None or step.caller is not None:
        return step
    return dataclasses.replace(step, caller=_current.of(step.dataset))


def told_by(event: Mapping[str, Any]) -> Caller | None:
    """Who outside called for an event's step, as the event has it; None if nobody did.

    Raises:
        KeyError, TypeError, AttributeError: the event is none of OpenLineage.
    """
    parent = (event["run"].get("facets") or {}).get("parent")
    if not parent or parent["job"]["name"] == names.RUN:
        return None
    root = parent.get("root") or parent
    return Caller(
        str(parent["job"]["namespace"]), str(parent["job"]["name"]), str(parent["run"]["runId"]),
        str(root["job"]["name"]), str(root["run"]["runId"]), str(root["job"]["namespace"]),
    )  # fmt: skip


def run_of(event: Mapping[str, Any]) -> str | None:
    """The run of ours that a step's event belongs to; None for the run's own events.

    Without a caller it is the parent. With one, the parent is the caller, and a tag says the run.

    Raises:
        KeyError, TypeError, AttributeError: the event is none of OpenLineage.
    """
    facets = event["run"].get("facets") or {}
    for tag in (facets.get("tags") or {}).get("tags") or ():
        if tag["key"] == RUN_TAG and tag.get("source") == "HEADGATE":
            return str(tag["value"])
    parent = facets.get("parent")
    return str(parent["run"]["runId"]) if parent and parent["job"]["name"] == names.RUN else None
