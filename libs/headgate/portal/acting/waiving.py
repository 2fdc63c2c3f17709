"""Waiving refused rows from a page: on record before it is done, and what came of it."""

from __future__ import annotations

from fastapi import Request

from headgate.core.errors import HeadgateError
from headgate.orchestration import waiving
from headgate.portal import served
from headgate.portal.acting import choosing
from headgate.portal.acting.choosing import Choice
from headgate.portal.acting.recording import record
from headgate.portal.told.subject import Subject


def waive(request: Request, subject: Subject, choice: Choice) -> int:
    """Let the chosen rows stay out for good, decided by who asks; tells how many they are.

    Raises:
        Problem: who asks may not decide about this dataset.
        UsageError: which rows, or why, is not said.
        NotFoundError: none of them is open.
        LakeBusyError: a run holds the lake.
    """
    person = served.person(request)
    choosing.may_decide(subject.contract, person)
    choosing.demand(choice)
    told = {**choice.chosen, "why": choice.why}
    record(request, "waived", subject.id, step="asked", **told)
    try:
        rows = waiving.waive(
            subject.known.project,
            subject.id,
            by=person.name,
            why=choice.why,
            everything=choice.which == choosing.ALL,
            **choosing.selection(choice),
        )
    except HeadgateError as error:
        record(request, "waived", subject.id, step="failed", **told, error=error.message)
        raise
    record(request, "waived", subject.id, step="done", **told, waived=rows)
    return rows
