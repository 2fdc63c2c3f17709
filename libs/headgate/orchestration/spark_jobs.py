"""Jobs of engineers on Spark, told as lineage: each begins, and ends well or not, as it really did.

    with job("chat.enrich") as spark:
        spark.sql("MERGE INTO …")

Spark's own listener tells which columns each statement makes of which; the job says how it ended.
"""

from __future__ import annotations

import runpy
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from headgate.core import ids
from headgate.core import json as hjson
from headgate.core import settings as core_settings
from headgate.core.errors import UsageError
from headgate.core.secrets import redact
from headgate.core.settings import Settings
from headgate.lineage import log, names, spark_events
from headgate.lineage.event_file import EventFile
from headgate.lineage.spark_events import Job
from headgate.lineage.steps import State
from headgate.orchestration.forwarding_lineage import spark_events_file

__all__ = ["NAMESPACE", "job", "submit"]

#: The namespace of jobs that are not ours, and nobody else's.
NAMESPACE = "spark"
_TOLD = "events.jsonl"


@contextmanager
def job(
    name: str, settings: Settings | None = None, *, namespace: str = NAMESPACE
) -> Iterator[Any]:
    """A ``SparkSession`` for one job, whose statements are told as lineage of the project's lake.

    The job is COMPLETE if the block ends, FAIL if it raises, ABORT if it is interrupted; each
    statement is FAIL by itself if Spark failed it, also where the block went on. Lineage that
    cannot be written down fails no job.

    Args:
        name: what the job is called, the same each time that it runs.
        settings: the project's; those of the working folder otherwise.
        namespace: tells jobs of one name apart.

    Raises:
        UsageError: Spark is not installed, runs in this process already, or is behind Connect.
        LakeError: the cluster does not answer.
    """
    from headgate.lake.engines.spark import listening, session

    found = settings or core_settings.load()
    if found.spark_remote:
        raise UsageError(
            "a job's statements cannot be told from this side of Spark Connect.",
            remedy="Give the server the listener (headgate spark config --lineage URL), or unset"
            " spark_remote.",
        )
    about = Job(name, namespace, ids.new_id(), found.lake_name, PurePosixPath(str(found.lake_path)))
    _demand_foreign(name)
    file = EventFile(spark_events_file(found))
    with tempfile.TemporaryDirectory(prefix="headgate-spark-") as folder:
        told = Path(folder) / _TOLD
        running = session.connect(found, also=listening.to_file(told, name, namespace))
        kept, running.stop = running.stop, _not_yet
        _tell(file, [spark_events.of_job(about, State.START)])
        state, error = State.COMPLETE, ""
        try:
            yield running
        except SystemExit as leave:
            if leave.code not in (None, 0):
                state, error = State.FAIL, f"exit code {leave.code}"
            raise
        except Exception as failed:
            state, error = State.FAIL, f"{type(failed).__name__}: {failed}"
            raise
        except BaseException as interrupted:
            state, error = State.ABORT, type(interrupted).__name__
            raise
        finally:
            try:
                ends = _ends(running, listening)
            finally:
                running.stop = kept
                session.end(running)
            statements = spark_events.mended(log.read(told), about, ends)
            _tell(file, [*statements, spark_events.of_job(about, state, error=error)])
            _close(file)


def submit(script: Path, arguments: Sequence[str], name: str, settings: Settings) -> None:
    """Run a Python script as a job; ``SparkSession.builder.getOrCreate()`` in it is the job's.

    Raises:
        UsageError: there is no such script, or Spark cannot be had.
        LakeError: the cluster does not answer.
        BaseException: whatever the script raises.
    """
    if not script.is_file():
        raise UsageError(f"there is no script {script}.")
    with job(name, settings):
        before = sys.argv, sys.path[0]
        sys.argv, sys.path[0] = [str(script), *arguments], str(script.resolve().parent)
        try:
            runpy.run_path(str(script), run_name="__main__")
        finally:
            sys.argv, sys.path[0] = before


def _ends(running: Any, listening: Any) -> dict[int, str]:
    """Errors of what Spark carried out, by when it ended; what nobody can tell any more is left out."""
    try:
        found = listening.executions(running)
    except Exception:  # the driver is gone, and what it knew
        return {}
    # Of two that ended within one millisecond the one that failed counts.
    return {e.ended_at: e.error for e in sorted(found, key=lambda e: bool(e.error))}


def _not_yet() -> None:
    """Stopping the session is the job's: what it did would be forgotten before it is told."""


def _demand_foreign(name: str) -> None:
    """See that the name is none of our own steps', which lineage knows more of."""
    try:
        names.parse_job(name)
    except UsageError:
        return
    raise UsageError(
        f"{name!r} is what Headgate calls a step of its own.", remedy="Call the job otherwise."
    )


def _tell(file: EventFile, events: Sequence[dict[str, Any]]) -> None:
    for event in events:
        try:
            file.append(redact(hjson.dumps(event)))
        except OSError:
            return  # lineage fails no job


def _close(file: EventFile) -> None:
    try:
        file.close()
    except OSError:
        return
