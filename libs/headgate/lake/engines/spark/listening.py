"""The lineage listener of Spark: how a session is told to have it, and what it does not tell itself.

The listener (OpenLineage's) calls a statement COMPLETE that failed; how statements ended is read
where Spark keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LISTENER = "io.openlineage.spark.agent.OpenLineageSparkListener"
#: How long the listener may take to write down what it was told, in milliseconds.
_FLUSH = 60_000
#: Of so many statements Spark keeps how they ended; what a statement does inside counts too.
_KEPT = "20000"
_AT_ONCE = 500


@dataclass(frozen=True)
class Execution:
    """A statement that Spark carried out: when it ended (milliseconds since 1970), and the error
    that it failed by."""

    ended_at: int
    error: str = ""


def to_file(path: Path, job: str, namespace: str) -> dict[str, str]:
    """What a session is told that shall have the listener write its events to a file."""
    return {
        "spark.app.name": job,
        "spark.extraListeners": _LISTENER,
        "spark.openlineage.transport.type": "file",
        "spark.openlineage.transport.location": str(path),
        "spark.openlineage.namespace": namespace,
        "spark.sql.ui.retainedExecutions": _KEPT,
    }


def to_server(url: str, namespace: str) -> dict[str, str]:
    """What a session is told that shall have the listener post its events to a lineage server."""
    return {
        "spark.extraListeners": _LISTENER,
        "spark.openlineage.transport.type": "http",
        "spark.openlineage.transport.url": url,
        "spark.openlineage.namespace": namespace,
    }


def executions(session: SparkSession) -> list[Execution]:
    """How the statements of this session's driver ended, once the listener has told of all."""
    context: Any = session.sparkContext._jsc.sc()
    context.listenerBus().waitUntilEmpty(_FLUSH)
    store = session._jsparkSession.sharedState().statusStore()
    found: list[Execution] = []
    for offset in range(0, store.executionsCount(), _AT_ONCE):
        some = store.executionsList(offset, _AT_ONCE).iterator()
        while some.hasNext():
            one = some.next()
            if one.completionTime().isDefined():
                error = one.errorMessage()
                said = str(error.get()) if error.isDefined() else ""
                found.append(Execution(int(one.completionTime().get().getTime()), said))
    return found
