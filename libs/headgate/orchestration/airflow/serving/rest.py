"""A small client of Airflow's REST interface: JSON in, JSON out."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from headgate.core import clock
from headgate.core import json as hjson
from headgate.core.errors import ResourceError

API = "/api/v2/"
_PATIENCE = 60.0


class RestError(ResourceError):
    """The server refused, with an HTTP status, or did not answer (status 0)."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Rest:
    """Talks to the API server at ``address`` (``http://host:port``) as a user with a password."""

    def __init__(self, address: str, user: str, password: str) -> None:
        self.address = address
        self._user, self._password = user, password
        self._token = ""

    def get(self, path: str, **query: object) -> Any:
        """What stands at ``path`` (below ``/api/v2/``).

        Raises:
            RestError: nothing does, or the server refuses or does not answer.
        """
        asked = f"?{urlencode(query, doseq=True)}" if query else ""
        return self._ask("GET", API + path + asked, None)

    def post(self, path: str, body: object) -> Any:
        """The answer to ``body`` at ``path``; raises as :meth:`get`."""
        return self._ask("POST", API + path, body)

    def patch(self, path: str, body: object) -> Any:
        """The answer to a change at ``path``; raises as :meth:`get`."""
        return self._ask("PATCH", API + path, body)

    def page(self, path: str, *, patience: float = _PATIENCE) -> tuple[int, str, bytes]:
        """A page of the UI: status, content type, content.

        Raises:
            RestError: the server does not answer.
        """
        try:
            with urllib.request.urlopen(self.address + path, timeout=patience) as answer:  # noqa: S310
                return answer.status, answer.headers.get_content_type(), answer.read()
        except OSError as error:
            raise RestError(f"{self.address}{path} does not answer: {error}.") from None

    def until(
        self, path: str, holds: Callable[[Any], object], *, within: float, every: float = 0.5
    ) -> Any:
        """What stands at ``path`` once it ``holds``.

        Raises:
            ResourceError: it does not within so many seconds; the last answer is told.
        """
        end = clock.monotonic() + within
        while True:
            try:
                found = self.get(path)
            except RestError as error:
                if error.status != 404:
                    raise
                found = None
            if found is not None and holds(found):
                return found
            if clock.monotonic() > end:
                raise ResourceError(f"{path} is, after {within:.0f} s, still {str(found)[:2000]}.")
            clock.sleep(every)

    def _ask(self, method: str, path: str, body: object) -> Any:
        if not self._token:
            self._token = self._login()
        try:
            return self._send(method, path, body)
        except _Expired:
            self._token = self._login()
            return self._send(method, path, body)

    def _login(self) -> str:
        given = {"username": self._user, "password": self._password}
        found: str = self._send("POST", "/auth/token", given)["access_token"]
        return found

    def _send(self, method: str, path: str, body: object) -> Any:
        head = {"Content-Type": "application/json"}
        if self._token:
            head["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else hjson.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 (our own address)
            self.address + path, data=data, headers=head, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310
                content = answer.read()
        except urllib.error.HTTPError as error:
            said = error.read().decode("utf-8", "replace")[:2000]
            if error.code == 401 and path != "/auth/token":
                raise _Expired() from None
            raise RestError(f"{method} {path} gave {error.code}: {said}", error.code) from None
        except OSError as error:
            raise RestError(f"{self.address} does not answer: {error}.") from None
        return hjson.loads(content) if content else None


class _Expired(Exception):
    """The token is not valid any more."""
