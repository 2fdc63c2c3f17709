"""Putting on record what somebody sees or does, before they see or do it."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from headgate.portal import served
from headgate.portal.pages.problems import Problem
from headgate.portal.records import chain


def record(request: Request, action: str, subject: str, **detail: Any) -> None:
    """Append to the log who does what; it is durable when this returns.

    Raises:
        Problem: there is no log, so that it must not happen.
        LakeError: the log cannot be written.
    """
    records = served.of(request).records
    if records is None:
        raise Problem(
            503, "This portal keeps no records, and shows nothing that has to be recorded."
        )
    chain.append(records, by=served.person(request), action=action, subject=subject, **detail)
