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

    Takes at most ``alert_seconds``, and a moment: whatever a network does, nobody waits longer.
    """
    until = clock.monotonic() + settings.alert_seconds
    problems: dict[int, str] = {
        i: _told(route, f"did not answer within {settings.alert_seconds:g} s")
        for i, route in enumerate(routes)
    }

    def one(index: int, route: Route) -> None:
        problems[index] = _sent(settings, route, message, until)

    threads = [
        threading.Thread(target=one, args=(i, route), daemon=True, name=f"alert-{route.kind}")
        for i, route in enumerate(routes)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - clock.monotonic()) + 0.5)
    return tuple(redact(p) for p in list(problems.values()) if p)


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
                break
        except Exception as error:  # of a library: its words may quote the address
            told = f"failed with {type(error).__name__}"
            break
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
