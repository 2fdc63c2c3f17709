"""Putting on record what somebody sees or does, before they see or do it."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from headgate.portal import served
from headgate.portal.records import chain


def record(request: Request, action: str, subject: str, **detail: Any) -> None:
    """Append to the log who does what; it is durable when this returns.

    Raises:
        LakeError: the log cannot be written, and so it must not happen.
    """
    parts, person = served.of(request), served.person(request)
    chain.append(parts.records, by=person, action=action, subject=subject, **detail)
