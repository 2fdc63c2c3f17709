"""What is told once after a form was sent: kept in a cookie until the next page shows it."""

from __future__ import annotations

import base64
import binascii

from fastapi import Request, Response

_COOKIE = "headgate_said"
_MOST = 1_000


def say(request: Request, answer: Response, text: str) -> None:
    """Have the next page of who asks show a sentence."""
    packed = base64.urlsafe_b64encode(text[:_MOST].encode("utf-8", "replace")).decode()
    answer.set_cookie(
        _COOKIE,
        packed,
        max_age=60,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def heard(request: Request) -> str:
    """What is to be shown on this page; empty if nothing."""
    packed = request.cookies.get(_COOKIE, "")
    try:
        return base64.urlsafe_b64decode(packed.encode("ascii", "replace")).decode()[:_MOST]
    except (binascii.Error, ValueError):
        return ""


def forget(request: Request, answer: Response) -> None:
    """It has been shown."""
    if _COOKIE in request.cookies:
        answer.delete_cookie(_COOKIE)
