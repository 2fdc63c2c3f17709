"""The routes of alerts: a POST of JSON, and e-mail; tried again a few times, within a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from headgate.core import clock, owners
from headgate.core.owners import Owner
from headgate.core.secrets import redact
from headgate.core.settings import Settings

#: How often a route is tried, and seconds before it is tried again.
PAUSES = (0.0, 0.5, 2.0)

#: A route that gave out is left alone for so long by this process: others wait for what comes next.
REST_SECONDS = 60.0
_gave_out: dict[Route, float] = {}


@dataclass(frozen=True)
class Message:
    """What is sent: ``document`` to webhooks, ``subject`` and ``text`` by e-mail."""

    subject: str
    text: str
    document: Mapping[str, str]


@dataclass(frozen=True)
class Route:
    """A way to somebody: ``kind`` is webhook or email, ``targets`` an address or mailboxes;
    ``named`` says who named it, for people."""

    kind: str
    targets: tuple[str, ...]
    named: str


class NotSent(Exception):
    """A route did not take it; the text is for people. ``again``: it may be worth another try."""

    def __init__(self, message: str, *, again: bool) -> None:
        super().__init__(message)
        self.again = again


def of(settings: Settings, owner: Owner) -> tuple[Route, ...]:
    """The routes to an owner: by webhook and by e-mail, each the owner's own or the settings'."""
    named = f"owner {owner.name}"
    found = []
    if owner.webhook:
        found.append(Route("webhook", (owner.webhook,), named))
    elif settings.alert_webhook:
        found.append(Route("webhook", (settings.alert_webhook,), "setting alert_webhook"))
    if owner.emails:
        found.append(Route("email", owner.emails, named))
    elif settings.alert_email:
        mailboxes = owners.addresses(settings.alert_email)
        found.append(Route("email", mailboxes, "setting alert_email"))
    return tuple(found)


def deliver(settings: Settings, routes: Sequence[Route], message: Message) -> tuple[str, ...]:
    """Send it over all of them at once; gives a sentence for each that did not take it.

    Takes at most ``alert_seconds``, and a moment: whatever a network does, nobody waits longer. A
    route that gave out a moment ago is not tried.
    """
    until = clock.monotonic() + settings.alert_seconds
    problems: dict[Route, str] = {}

    def one(route: Route) -> None:
        problems[route] = _sent(settings, route, message, until)

    waiting: dict[Route, threading.Thread] = {}
    for route in routes:
        if clock.monotonic() - _gave_out.get(route, float("-inf")) < REST_SECONDS:
            problems[route] = _told(route, "it gave out a moment ago")
        else:
            waiting[route] = threading.Thread(target=one, args=(route,), daemon=True, name="alert")
            waiting[route].start()
    for route, thread in waiting.items():
        thread.join(max(0.0, until - clock.monotonic()) + 0.5)
        if thread.is_alive():
            _gave_out[route] = clock.monotonic()
            problems[route] = _told(route, f"no answer within {settings.alert_seconds:g} s")
    return tuple(redact(problems[route]) for route in routes if problems[route])


def findings(settings: Settings) -> Iterator[tuple[str, str]]:
    """What is wrong with owners and the settings of alerts, each with its place."""
    known, wrong = owners.read(settings.root)
    for one in wrong:
        yield str(settings.root / one.place), f"{one.message} {one.remedy}"
    place = str(settings.root / owners.FILE_NAME)
    if settings.alert_webhook and not owners.may_be_webhook(settings.alert_webhook):
        yield place, "alert_webhook is no http or https address and no ${VARIABLE}."
    mailing = bool(settings.alert_email) or any(o.emails for o in known.values())
    if mailing and not settings.smtp_url:
        yield place, "alerts are to go by e-mail, and smtp_url does not say through which server."
    if settings.smtp_url:
        from headgate.orchestration.alerting import mail

        try:
            mail.server_of(settings.smtp_url)
        except NotSent as error:
            yield place, f"{error}."


def _sent(settings: Settings, route: Route, message: Message, until: float) -> str:
    """Empty if the route took it, else why not."""
    told = ""
    for pause in PAUSES:
        if pause and clock.monotonic() + pause >= until:
            break
        clock.sleep(pause)
        try:
            _SENDERS[route.kind](settings, route, message, max(0.1, until - clock.monotonic()))
            return ""
        except NotSent as error:
            told = str(error)
            if not error.again:
                return _told(route, told)
        except Exception as error:  # of a library: its words may quote the address
            return _told(route, f"failed with {type(error).__name__}")
    _gave_out[route] = clock.monotonic()
    return _told(route, told)


def _told(route: Route, why: str) -> str:
    return f"the {route.kind} of {route.named} was not told: {why}."


def _post(settings: Settings, route: Route, message: Message, seconds: float) -> None:
    from headgate.orchestration.alerting import webhook

    webhook.post(route.targets[0], message.document, seconds)


def _mail(settings: Settings, route: Route, message: Message, seconds: float) -> None:
    from headgate.orchestration.alerting import mail

    mail.mail(settings, route.targets, message, seconds)


_SENDERS: Mapping[str, Callable[[Settings, Route, Message, float], None]] = {
    "webhook": _post,
    "email": _mail,
}
