"""A file handed to a task of the engine, and what came of it; rows stay where they were staged."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from headgate.core.errors import HeadgateError, LakeError
from headgate.ingest.distributed import task
from headgate.ingest.isolation import report
from headgate.ingest.isolation.limits import crashed
from headgate.ingest.isolation.request import Request
from headgate.ingest.isolation.supervisor import Stopped
from headgate.ingest.readers.base import Reason
from headgate.ingest.taken import Taken
from headgate.lake.engines import EngineError
from headgate.lake.session import Session

if TYPE_CHECKING:
    from headgate.lake.engines.spark.connection import SparkConnection


def take(request: Request, session: Session, stopped: Callable[[], bool] = bool) -> Taken | Reason:
    """Have a task read the file; every row that its reader can type is staged, judged by nobody yet.

    A reason, if the file is set aside as a whole.

    Raises:
        HeadgateError: the file cannot be read, or nothing can be staged.
        Stopped: nobody wants it any more.
    """
    if stopped():
        raise Stopped
    con = cast("SparkConnection", session.engine(request.contract))
    # The task judges nothing: no keys of parents have to travel to it.
    asked = dataclasses.replace(request, parents=(), judges=False)
    asked.folder.mkdir(parents=True, exist_ok=True)
    try:
        told = con.task(task.take, pickle.dumps(asked))
    except EngineError as error:
        if stopped():
            raise Stopped from None
        raise LakeError(
            f"no task of the engine could take {request.source.name}: {error}",
            remedy="Nothing of it was published; run again when the cluster is well.",
        ) from None
    try:
        found = report.read(told.encode(), asked.folder)
    except report.Nonsense as error:
        return crashed(f"reading it gave no sensible account ({error})")
    if isinstance(found, HeadgateError):
        raise found
    return found
