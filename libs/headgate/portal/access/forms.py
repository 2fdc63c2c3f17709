"""Forms: a hidden field that a page of ours alone can write, and what comes back, within bounds."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

from fastapi import Request
from markupsafe import Markup

from headgate.core import ids
from headgate.core.errors import UsageError

#: What the hidden field is called.
FIELD = "form_token"
#: The cookie of a browser in which nobody is signed in yet, so that no other page can sign it in.
BROWSER = "headgate_browser"
_KIND = "application/x-www-form-urlencoded"
_MOST_FIELDS = 2_000
#: Of a process: what is written into forms of people who have no session.
_KEY = secrets.token_hex(32)


class StaleForm(UsageError):
    """A form was sent that no page of ours wrote for whoever sent it, or long ago."""


class Fields(Mapping[str, str]):
    """What was sent. A field that came more than once counts as the last; :meth:`all` has all."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs
        self._last = dict(pairs)

    def __getitem__(self, name: str) -> str:
        return self._last[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._last)

    def __len__(self) -> int:
        return len(self._last)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field, as of boxes that were ticked."""
        return tuple(value for key, value in self._pairs if key == name)


def token(request: Request) -> str:
    """What the hidden field holds for who asks: nobody else's page can know it."""
    session = getattr(request.state, "session", None)
    if session is not None:
        return ids.digest("form", session)
    browser = getattr(request.state, "browser", None) or request.cookies.get(BROWSER, "")
    return ids.digest("form of nobody", _KEY, browser)


def field(request: Request) -> Markup:
    """The hidden field."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, token(request))


async def read(request: Request, *, most: int = 64_000) -> Fields:
    """What a form sent.

    Args:
        request: a POST that the guard let through.
        most: bytes that it may be long.

    Raises:
        StaleForm: the hidden field is missing or another's.
        UsageError: it is too long, or no form.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _KIND:
        raise UsageError("this is no form.", remedy=f"Send fields as {_KIND}.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise UsageError(
                f"the form is longer than {most} bytes.", remedy="Write less, or in parts."
            )
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict",
            max_num_fields=_MOST_FIELDS,
        )  # fmt: skip
    except ValueError:
        raise UsageError("the form cannot be read.", remedy="Send it from its page.") from None
    found = Fields([(k, v.replace("\r\n", "\n").replace("\0", "")) for k, v in pairs])
    person = getattr(request.state, "person", None)
    if person is not None and person.is_machine:
        return found  # a token is sent on purpose, and by no browser of itself
    if not hmac.compare_digest(found.get(FIELD, "").encode(), token(request).encode()):
        raise StaleForm(
            "this form is out of date, or did not come from a page of the portal.",
            remedy="Go back, load the page anew, and send it again; nothing was done.",
        )
    return found
