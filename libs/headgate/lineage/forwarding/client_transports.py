"""Events sent by the transports of openlineage-python, as its own configuration describes them.

Importing it takes half a second, so that only who sends by it does.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from headgate.core import json as hjson
from headgate.core.errors import SettingError
from headgate.lineage.forwarding import answers
from headgate.lineage.forwarding.answers import NotTaken, Refusal

#: Transports that return before an event has arrived, or although none has.
_UNSURE: Mapping[str, str] = {
    "async_http": "it returns before an event is taken; write http",
    "composite": "it hides which of its destinations took an event; write a table for each",
    "console": "it prints",
    "datadog": "it returns before an event is taken",
    "noop": "it sends nothing",
}
#: Our own retries come after: an answer is wanted soon, and what it says is kept.
_ONCE: Mapping[str, Any] = {
    "total": 0, "status_forcelist": (), "respect_retry_after_header": False, "redirect": False
}  # fmt: skip


def of(kind: str, config: Mapping[str, Any]) -> ClientTransport:
    """The sender for a type of transport: one that the client knows, or a class by its dotted name.

    Raises:
        SettingError: there is no such transport, what it needs is not installed, or it cannot be
            known of it whether an event arrived.
    """
    if kind in _UNSURE:
        raise SettingError(f"its type {kind} cannot be used: {_UNSURE[kind]}.")
    transport = _made(kind, config)
    if kind in ("kafka", "msk-iam"):
        return ByKafka(transport)
    return ClientTransport(transport)


def _made(kind: str, config: Mapping[str, Any]) -> Any:
    # Not by the client's factory, which sends nothing at all where OPENLINEAGE_DISABLED is set.
    from openlineage.client.transport import get_default_factory
    from openlineage.client.transport.transport import Transport
    from openlineage.client.utils import import_from_string

    known: Any
    known = get_default_factory().transports.get(kind, kind)
    try:
        if isinstance(known, str):
            if "." not in known:
                raise SettingError(f"there is no transport of type {kind!r}.")
            known = import_from_string(known)
        if not (isinstance(known, type) and issubclass(known, Transport)):
            raise SettingError(f"{kind} is no transport of openlineage-python.")
        settings: dict[str, Any] = dict(config)
        if kind == "http":
            settings["retry"] = {**_ONCE, **settings.get("retry", {})}
        make: Any = known
        made = make(make.config_class.from_dict(settings))
    except ImportError as error:
        raise SettingError(
            f"its type {kind} needs what is not installed here ({answers.said(str(error))})."
        ) from None
    except SettingError:
        raise
    except Exception as error:  # whatever a configuration may be refused with
        raise SettingError(
            f"its type {kind} cannot be set up: {type(error).__name__}: {answers.said(str(error))}."
        ) from None
    if kind == "http":
        # Who is sent elsewhere would find a GET there, and take its answer for success.
        made.session.max_redirects = 0
    return made


class ClientTransport:
    """One event at a time, over a transport of the client."""

    most = 1

    def __init__(self, transport: Any) -> None:
        self.transport = transport

    def send(self, events: Sequence[bytes], seconds: float) -> tuple[Refusal, ...]:
        """Emit the one event.

        Raises:
            NotTaken: it is not known to be taken.
        """
        (event,) = events
        try:
            self.transport.emit(hjson.loads(event))
        except Exception as error:
            return _judged(error)
        return ()

    def close(self) -> None:
        """Let go of what the transport holds."""
        self.transport.close(1.0)


class ByKafka(ClientTransport):
    """To a topic. The client's own emit tells of no event that a broker did not confirm; this does."""

    most = 200

    def send(self, events: Sequence[bytes], seconds: float) -> tuple[Refusal, ...]:
        """Produce the events and wait until all are confirmed.

        Raises:
            NotTaken: one is not; perhaps others are.
        """
        transport, failed = self.transport, list[Any]()

        def told(error: Any, _: Any) -> None:
            if error is not None:
                failed.append(error)

        try:
            for event in events:
                transport.producer.produce(
                    topic=transport.topic, value=event, on_delivery=told,
                    key=transport.message_key or key_of(hjson.loads(event)),
                )  # fmt: skip
            left = transport.producer.flush(seconds)
        except Exception as error:
            raise NotTaken(f"kafka: {type(error).__name__}: {error}") from None
        if failed:
            raise NotTaken(f"kafka did not take {len(failed)} events: {failed[0]}")
        if left:
            raise NotTaken(f"kafka has not confirmed {left} events in time", silent=True)
        return ()


def key_of(event: Mapping[str, Any]) -> str | None:
    """The key under which the client would send an event, so that what belongs together keeps its
    order: that of the outermost job that called for a run, else of the run's job."""
    try:
        if "run" in event:
            parent = (event["run"].get("facets") or {}).get("parent") or {}
            job = (parent.get("root") or parent).get("job") or event["job"]
            return f"run:{job['namespace']}/{job['name']}"
        kind = "job" if "job" in event else "dataset"
        return f"{kind}:{event[kind]['namespace']}/{event[kind]['name']}"
    except (KeyError, TypeError, AttributeError):
        return None


def _judged(error: Exception) -> tuple[Refusal, ...]:
    """What an error of a transport means.

    Raises:
        NotTaken: it is nothing about the event.
    """
    answer: Any = getattr(error, "response", None)
    status = getattr(answer, "status_code", None)
    if isinstance(status, int):
        host = _host(getattr(answer, "url", ""))
        text, after = str(answer.text or ""), answer.headers.get("Retry-After")
        refused = answers.of_status(host, status, text, after)
        if refused is not None:
            return (refused,)
    requests = sys.modules.get("requests")
    silent = requests is not None and isinstance(
        error, requests.exceptions.ConnectionError | requests.exceptions.Timeout
    )
    # A library's words may quote all of an address.
    told = type(error).__name__ if silent else f"{type(error).__name__}: {error}"
    raise NotTaken(f"the transport failed ({told})", silent=silent)


def _host(url: object) -> str:
    from urllib.parse import urlsplit

    return urlsplit(str(url)).netloc.rpartition("@")[2] or "the server"
