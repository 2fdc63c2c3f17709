"""What one task of the engine does with one file: our own reader takes it, on whatever machine that is.

Rows are staged in the lake's folder, which every machine sees; what came of the file is told as
JSON, in the words that reading processes have (:mod:`headgate.ingest.isolation.report`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import pickle

from headgate.core import ids
from headgate.core.errors import HeadgateError
from headgate.ingest.isolation import report, supervisor
from headgate.ingest.isolation.request import Desk, Request, carry_out, in_folder
from headgate.ingest.readers.base import Reason, Unsafe
from headgate.ingest.taken import Taken


def take(asked: bytes) -> str:
    """Take the file of a pickled request, within the limits that it has on any machine.

    Each attempt stages in a folder of its own: one that was given up by the engine, and lives on,
    touches nothing of the next.
    """
    # From the run itself, by the engine's own means.
    request: Request = pickle.loads(asked)  # noqa: S301
    own = dataclasses.replace(request, folder=request.folder / ids.new_id())
    try:
        found = _taken(own)
    except HeadgateError as error:
        return report.error_text(error)
    if isinstance(found, Reason):
        return report.reason_text(found)
    return report.taken_text(found, request.folder)


def _taken(request: Request) -> Taken | Reason:
    if request.settings.readers == "child":
        return supervisor.take(request)
    own = in_folder(request, request.folder / "spill")
    with contextlib.closing(Desk()) as desk:
        try:
            return carry_out(own, desk.prepare(own))
        except Unsafe as error:
            return error.reason
