"""The board of a curate run: what became of each dataset, and what a task that waits for one does.

The producer writes it and waiting tasks read it, as one XCom of the producer. No Airflow in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from headgate.core import json as hjson

if TYPE_CHECKING:
    from headgate.orchestration.parts import NodeState

#: The task of a curate DAG that builds, and the key of its XCom that is the board.
PRODUCER = "build"
BOARD = "nodes"
#: The key of a waiting task's XCom that says which entry it ended with.
SEEN = "node"
#: Task states after which a producer writes nothing any more, unless somebody clears it.
ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
#: Characters of a message that the board holds; the producer's log has all of it.
LONGEST = 2000

Step = Literal["wait", "succeed", "fail", "work"]


@dataclass(frozen=True)
class Decision:
    """What a task does next: wait on; end well or badly with ``entry``; or build by itself.

    ``why`` is a sentence for its log.
    """

    step: Step
    why: str = ""
    entry: Mapping[str, Any] | None = None


def entry(node: NodeState, report: str, attempt: int) -> dict[str, Any]:
    """A dataset's line on the board.

    ``report`` tells one try of a task that builds from all others, ``attempt`` is its number.
    """
    return {
        "state": node.state,
        "message": node.message[:LONGEST],
        "seconds": round(node.seconds, 3),
        "account": node.account.extra() if node.account else None,
        "try": attempt,
        "report": report,
    }


def report_of(seen: object) -> str | None:
    """The report that an earlier try of a task ended with, by its XCom :data:`SEEN`.

    What a trigger's event pushes is stored as text of JSON in JSON; what a worker pushes, as it is.
    """
    if isinstance(seen, str):
        seen = hjson.loads(seen)
    return seen.get("report") if isinstance(seen, Mapping) else None


def decide(
    dataset: str,
    found: Mapping[str, Any] | None,
    producer: str | None,
    *,
    attempt: int,
    seen: str | None,
) -> Decision:
    """What the task of ``dataset`` does, in its try ``attempt``.

    ``found`` is its line on the board, which was read after ``producer``, the producer's state;
    ``seen`` is the report of the line that an earlier try of it ended with.
    """
    if found is not None and (attempt <= 1 or found.get("report") != seen):
        return _by_line(dataset, found, ended=producer in ENDED)
    if producer not in ENDED:
        return Decision("wait")
    if found is not None:
        return Decision("work", f"{dataset} is tried again: it is built by this task, and what is "
                                "made from it.")  # fmt: skip
    if producer == "success":
        return Decision("work", f"{dataset} was not known yet when `{PRODUCER}` ran: it is built by "
                                "this task.")  # fmt: skip
    if attempt > 1:
        return Decision("work", f"`{PRODUCER}` said nothing of {dataset}: it is built by this task, "
                                "and what is made from it.")  # fmt: skip
    return Decision(
        "fail",
        f"`{PRODUCER}` ended ({producer}) before it could say what became of {dataset}: see its log. "
        f"Clear `{PRODUCER}` with all downstream to build the group again, or this task to build "
        f"{dataset} and what is made from it.",
    )


def _by_line(dataset: str, found: Mapping[str, Any], *, ended: bool) -> Decision:
    state = found.get("state")
    if state in ("built", "unchanged"):
        return Decision("succeed", told(dataset, found), found)
    if state == "skipped":
        # Airflow starts this task only once what it is made from succeeded, if by another try.
        if ended:
            return Decision("work", f"What {dataset} is made from was mended meanwhile: it is built "
                                    "by this task.")  # fmt: skip
        return Decision("wait")
    return Decision("fail", told(dataset, found), found)


def told(dataset: str, found: Mapping[str, Any]) -> str:
    """A line of the board in words: state, time, account, message, and where the rows are shown."""
    state, account = str(found.get("state")), found.get("account") or {}
    lines = [f"{dataset}: {state}"]
    if state == "built":
        lines[0] += f" in {found.get('seconds', 0.0):.2f} s"
    if state != "skipped" and account:
        lines.append(
            f"{account['read']:,} read = {account['published']:,} published + "
            f"{account['quarantined']:,} quarantined + {account['deduplicated']:,} deduplicated + "
            f"{account['refused']:,} refused ({account['verdict']})"
            + (f", version {account['version']}" if account.get("version") is not None else "")
        )
    if found.get("message"):
        lines.append(str(found["message"]))
    if account.get("quarantined") or state == "failed":
        lines.append(
            f"Rows: headgate quarantine list {dataset}; verdicts: headgate show verdicts {dataset}"
        )
    return "\n".join(lines)
