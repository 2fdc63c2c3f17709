"""A Spark session as the engine needs it: on this machine, on a cluster, or behind Spark Connect."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from headgate.core import clock
from headgate.core.errors import LakeError, UsageError
from headgate.core.settings import Settings
from headgate.lake.engines.spark import configuration, gateway, reachable
from headgate.lake.engines.spark.configuration import MEANING, STATIC

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["MEANING", "STATIC", "connect", "end"]

#: How long a cluster may take to lend the first worker, in seconds.
_FIRST_WORKER = 30.0
_PYTHON = "spark.pyspark.python"
_EXTENSIONS = "spark.sql.extensions"


def connect(settings: Settings, also: Mapping[str, str] | None = None) -> SparkSession:
    """The session that the settings name; the one of this process, if there is one already.

    ``also`` is told to a driver that is new, by Spark's names: a session that is there is refused.

    Raises:
        UsageError: pyspark, its jars or Java are not installed, a setting is wrong, or a session
            is there that cannot be told.
        LakeError: the cluster does not answer, or lends no worker.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError(
            "the engine spark is not installed.", remedy="Run make spark-deps (extra: spark)."
        ) from None
    # What a statement failed by is told by the command, not beside it.
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL + 1)
    if settings.spark_remote:
        return _remote(settings, SparkSession)
    if SparkSession.getActiveSession() is None:
        reachable.demand_master(settings.spark_master)
    elif also:
        raise UsageError(
            "Spark runs in this process already.", remedy="Let it have a process of its own."
        )
    told = configuration.of_driver(settings) | dict(also or {})
    gateway.start(told)
    builder = SparkSession.builder.appName("headgate").master(settings.spark_master)
    for key, value in told.items():
        builder = builder.config(key, value)
    try:
        session = builder.getOrCreate()
    except Exception as error:
        raise LakeError(
            f"Spark did not start at {settings.spark_master}: {_first_line(error)}",
            remedy="See spark_master, and [spark] in headgate.toml.",
        ) from error
    # Workers run our own Python: what is carried to them is of this one.
    session.sparkContext.pythonExec = told.get(_PYTHON, sys.executable)
    if settings.spark_master.startswith("spark://"):
        try:
            _demand_worker(session, settings.spark_master)
        except LakeError:
            end(session)
            raise
    return session


def end(session: SparkSession) -> None:
    """End a session, and what it holds of a cluster; the Java process ends with ours."""
    # What is out of reach has ended already.
    with suppress(Exception):
        session.stop()


def _remote(settings: Settings, kind: type[SparkSession]) -> SparkSession:
    reachable.demand_connect(settings.spark_remote)
    try:
        session = kind.builder.remote(settings.spark_remote).getOrCreate()
        for key, value in MEANING.items():
            session.conf.set(key, value)
        extensions = session.conf.get(_EXTENSIONS, "") or ""
    except Exception as error:
        raise LakeError(
            f"the Spark Connect server refused a session: {_first_line(error)}",
            remedy="Its version must be this one's, and its configuration headgate spark config's.",
        ) from error
    if STATIC[_EXTENSIONS] not in extensions:
        end(session)
        raise LakeError(
            "the Spark Connect server has no Delta.",
            remedy="Start it as headgate spark config --for standalone says, or by headgate spark up"
            " --connect.",
        )
    return session


def _demand_worker(session: SparkSession, master: str) -> None:
    """Wait until a worker is lent: without one, a job would wait for ever and say nothing."""
    tracker = session.sparkContext._jsc.sc().statusTracker()
    until = clock.monotonic() + _FIRST_WORKER
    while len(tracker.getExecutorInfos()) < 2:  # the driver is one of them
        if clock.monotonic() > until:
            raise LakeError(
                f"no worker of {master} took this run within {_FIRST_WORKER:.0f} s.",
                remedy="Start workers, or ask for less: spark.executor.memory and spark.cores.max in"
                " [spark] of headgate.toml.",
            )
        clock.sleep(0.1)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line for line in lines if line.startswith(("Caused by:", ": "))]
    return (
        causes[-1].removeprefix(": ") if causes else lines[0] if lines else type(error).__name__
    )[:300]
