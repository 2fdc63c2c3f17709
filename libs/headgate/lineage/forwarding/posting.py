"""Events posted over HTTP, by the configuration of openlineage-python's transport and in its form.

It is spoken here since importing that client takes longer than a run may spend on lineage, and since
here redirects are not followed, an event is sent as it was written, and an answer is judged by us.
"""

from __future__ import annotations

import gzip
import http.client
import ssl
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from headgate.core import clock
from headgate.core import json as hjson
from headgate.core.errors import SettingError
from headgate.lineage.forwarding import answers
from headgate.lineage.forwarding.answers import NotTaken, Refusal

#: What is understood here; a configuration with more is left to openlineage-python.
KEYS = frozenset(
    {"url", "endpoint", "timeout", "verify", "auth", "compression", "custom_headers", "ssl_context",
     "sslContext"}
)  # fmt: skip
_AUTHS = ("", "api_key")
#: Bytes of an answer that are read.
_ANSWER = 1 << 20
#: A batch for one of our own servers: so many events, of so many bytes in all.
BATCH, BATCH_BYTES = 500, 4 << 20


@dataclass(frozen=True)
class Endpoint:
    """Where to post, and how: all that a configuration says."""

    url: SplitResult
    headers: Mapping[str, str] = field(repr=False)
    timeout: float = 5.0
    gzip: bool = False
    verify: bool = True
    ca: str | None = None
    certificate: tuple[str, str | None] | None = None

    @property
    def host(self) -> str:
        """Whom to name when something is wrong."""
        host, port = self.url.hostname or "", self.url.port
        return f"{host}:{port}" if port else host


def speaks(config: Mapping[str, Any]) -> bool:
    """Whether a configuration asks for nothing but what is understood here."""
    auth = config.get("auth") or {}
    url = str(config.get("url", ""))
    return (
        set(config) <= KEYS
        and isinstance(auth, Mapping)
        and auth.get("type", "") in _AUTHS
        and "@" not in url.partition("?")[0]
        and not _by_proxy(url)
    )


def endpoint(config: Mapping[str, Any], default: str = "api/v1/lineage") -> Endpoint:
    """What a configuration says.

    Raises:
        SettingError: a value is none that can be; the text tells no secret.
    """
    url = urlsplit(urljoin(_text(config, "url"), str(config.get("endpoint") or default)))
    try:
        sound = url.scheme in ("http", "https") and bool(url.hostname) and (url.port or 1)
    except ValueError:
        sound = False
    if not sound:
        raise SettingError("its url is no http or https address with a host.")
    headers = {"Content-Type": "application/json", "User-Agent": "headgate"}
    auth = config.get("auth") or {}
    if auth.get("type"):
        key = auth.get("apiKey") or auth.get("apikey") or auth.get("api_key")
        if not key:
            raise SettingError("its auth has no apiKey.")
        headers["Authorization"] = f"Bearer {key}"
    headers |= {str(k): str(v) for k, v in (config.get("custom_headers") or {}).items()}
    if any(not v.isprintable() for v in headers.values()):
        raise SettingError("a header has a sign in it that headers cannot have.")
    compression = config.get("compression")
    if compression not in (None, "", "gzip"):
        raise SettingError("its compression is not gzip.")
    if compression:
        headers["Content-Encoding"] = "gzip"
    tls = config.get("sslContext") or config.get("ssl_context") or {}
    certificate = tls.get("clientCertPath") or tls.get("client_cert_path")
    key = tls.get("clientKeyPath") or tls.get("client_key_path")
    try:
        timeout = float(config.get("timeout", 5.0))
    except (TypeError, ValueError):
        raise SettingError("its timeout is no number of seconds.") from None
    return Endpoint(
        url, headers, timeout, bool(compression), bool(config.get("verify", True)),
        tls.get("caCertPath") or tls.get("ca_cert_path"),
        (certificate, key) if certificate else None,
    )  # fmt: skip


class Poster:
    """Posts bodies to one endpoint, over one connection as long as that lasts."""

    def __init__(self, to: Endpoint) -> None:
        self.to = to
        self._connection: http.client.HTTPConnection | None = None

    def post(self, body: bytes, seconds: float) -> tuple[int, str, str | None]:
        """Post a body; gives the status, what was said, and the header Retry-After.

        Raises:
            NotTaken: no answer came within ``seconds``, or not the whole of it.
        """
        data = gzip.compress(body, compresslevel=3) if self.to.gzip else body
        kept = self._connection is not None
        try:
            return self._once(data, seconds)
        except (http.client.RemoteDisconnected, ConnectionError) as error:
            self.close()
            if not kept:
                raise self._unanswered(error) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise self._unanswered(error) from None
        # A connection that was kept was closed meanwhile, as servers do.
        try:
            return self._once(data, seconds)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise self._unanswered(error) from None

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(self, data: bytes, seconds: float) -> tuple[int, str, str | None]:
        until = clock.monotonic() + seconds
        limit = max(0.05, min(self.to.timeout, seconds))
        if self._connection is None:
            self._connection = self._connect(limit)
        connection = self._connection
        connection.timeout = limit
        if connection.sock is not None:
            connection.sock.settimeout(limit)
        path = (self.to.url.path or "/") + (f"?{self.to.url.query}" if self.to.url.query else "")
        connection.request("POST", path, body=data, headers=dict(self.to.headers))
        answer = connection.getresponse()
        text = _read(answer, until)
        if answer.will_close or not answer.isclosed():
            self.close()
        return answer.status, text, answer.getheader("Retry-After")

    def _connect(self, limit: float) -> http.client.HTTPConnection:
        url = self.to.url
        assert url.hostname is not None
        if url.scheme == "http":
            return http.client.HTTPConnection(url.hostname, url.port, timeout=limit)
        context = ssl.create_default_context(cafile=self.to.ca)
        if not self.to.verify and not self.to.ca:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if self.to.certificate:
            context.load_cert_chain(*self.to.certificate)
        return http.client.HTTPSConnection(url.hostname, url.port, timeout=limit, context=context)

    def _unanswered(self, error: Exception) -> NotTaken:
        if isinstance(error, TimeoutError):
            return NotTaken(f"{self.to.host} did not answer in time", silent=True)
        if isinstance(error, ssl.SSLCertVerificationError):
            why = f"{self.to.host}: its certificate cannot be verified ({error.verify_message})"
            return NotTaken(why, lasting=True)
        why = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
        return NotTaken(f"{self.to.host} cannot be reached ({why})", silent=True)


class Single:
    """To any endpoint of OpenLineage: one event a request."""

    most = 1

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._poster = Poster(endpoint(config))

    def send(self, events: Sequence[bytes], seconds: float) -> tuple[Refusal, ...]:
        """Post the one event.

        Raises:
            NotTaken: it is not known to be taken.
        """
        (event,) = events
        status, text, after = self._poster.post(event, seconds)
        refused = answers.of_status(self._poster.to.host, status, text, after)
        return (refused,) if refused else ()

    def close(self) -> None:
        """Let go of the connection."""
        self._poster.close()


class Batches:
    """To one of our own servers: many events a request, each with an answer of its own."""

    most = BATCH

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._poster = Poster(endpoint(config, default="api/v1/lineage/batch"))

    def send(self, events: Sequence[bytes], seconds: float) -> tuple[Refusal, ...]:
        """Post the events; where the whole batch is refused, its halves.

        Raises:
            NotTaken: perhaps some, perhaps none of them were taken.
        """
        until = clock.monotonic() + seconds
        if len(events) > 1 and sum(map(len, events)) > BATCH_BYTES:
            return self._halves(events, seconds)
        status, text, after = self._poster.post(b"[" + b",".join(events) + b"]", seconds)
        refused = answers.of_status(self._poster.to.host, status, text, after)
        told = _refusals(self._poster.to.host, text, len(events))
        if refused is None:
            if told is None:
                raise NotTaken(
                    f"{self._poster.to.host} does not answer as a lineage server does", lasting=True
                )
            return told
        if told is not None and len(told) == len(events):
            return told
        if len(events) == 1:
            return (refused,)
        return self._halves(events, until - clock.monotonic())

    def _halves(self, events: Sequence[bytes], seconds: float) -> tuple[Refusal, ...]:
        until, middle = clock.monotonic() + seconds, len(events) // 2
        first = self.send(events[:middle], seconds)
        second = self.send(events[middle:], max(0.05, until - clock.monotonic()))
        return (*first, *(Refusal(r.index + middle, r.why, r.status) for r in second))

    def close(self) -> None:
        """Let go of the connection."""
        self._poster.close()


def _refusals(host: str, text: str, sent: int) -> tuple[Refusal, ...] | None:
    """The events that a batch's answer refuses, by their index; None if it says nothing of that."""
    try:
        refused = hjson.loads(text)["refused"]
        told = [Refusal(int(r["index"]), f"{host}: {answers.said(_why(r))}", 422) for r in refused]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return tuple(told) if all(0 <= r.index < sent for r in told) else None


def _why(refused: Mapping[str, Any]) -> str:
    told = str(refused.get("detail") or "refused")
    place = refused.get("place")
    return f"{place}: {told}" if place else told


def _read(answer: http.client.HTTPResponse, until: float) -> str:
    """The answer's text, as far as it is of use; who trickles is not listened to for long."""
    found = b""
    while len(found) < _ANSWER:
        part = answer.read1(65_536)
        if not part:
            answer.read()  # lets go of the connection for the next request
            break
        found += part
        if clock.monotonic() > until:
            raise TimeoutError
    return found.decode("utf-8", "replace")


def _text(config: Mapping[str, Any], key: str) -> str:
    value = config.get(key)
    if not isinstance(value, str) or not value.strip():
        raise SettingError(f"it does not say its {key}.")
    return value.strip()


def _by_proxy(url: str) -> bool:
    """Whether the environment says that this address is asked through a proxy."""
    parts = urlsplit(url)
    proxies = urllib.request.getproxies()
    named = proxies.get(parts.scheme) or proxies.get("all")
    return bool(named) and not urllib.request.proxy_bypass(parts.hostname or "")
