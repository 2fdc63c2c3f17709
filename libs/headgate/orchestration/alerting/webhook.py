"""Alerts by webhook: one POST of a JSON document, never redirected."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

from headgate.core import json as hjson
from headgate.core import owners
from headgate.orchestration.alerting.routes import NotSent


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Who redirects a POST would have it turned into a GET: nobody would read it."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def post(address: str, document: Mapping[str, str], seconds: float) -> None:
    """Post the document to an address, or the one that ``${NAME}`` holds, waiting that long.

    Raises:
        NotSent: the server did not take it; the text names its host, and no more of the address.
    """
    address = owners.webhook_of(address)
    if not owners.is_web_address(address):
        raise NotSent("its address is none of http or https, or not set", again=False)
    host = urlsplit(address).hostname
    request = urllib.request.Request(  # noqa: S310  # http or https, as seen above
        address,
        data=hjson.dumps(document).encode(),
        headers={"Content-Type": "application/json; charset=utf-8", "User-Agent": "headgate"},
        method="POST",
    )
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=seconds):
            return
    except urllib.error.HTTPError as error:
        error.close()
        busy = error.code in (408, 425, 429) or error.code >= 500
        raise NotSent(f"{host} answered {error.code}", again=busy) from None
    except (OSError, http.client.HTTPException) as error:
        raise NotSent(f"{host} cannot be reached ({_why(error)})", again=True) from None
    except ValueError:
        raise NotSent("its address is not one that can be asked", again=False) from None


def _why(error: BaseException) -> str:
    """In the system's words; a library's may quote the address."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return type(reason if isinstance(reason, BaseException) else error).__name__
