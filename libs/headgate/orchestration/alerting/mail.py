"""Alerts by e-mail, through the server that a setting names; passwords go over TLS only."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from headgate.core.settings import Settings
from headgate.orchestration.alerting.routes import Message, NotSent

_PORTS = {"smtp": 25, "smtps": 465}
_SHAPE = "smtp_url is not like smtp://user:password@host:587 or smtps://host:465"


@dataclass(frozen=True)
class Server:
    """Where e-mail is handed over. ``encrypted``: by TLS from the first byte."""

    host: str
    port: int
    encrypted: bool
    user: str = ""
    password: str = field(default="", repr=False)


def server_of(url: str) -> Server:
    """The server that an address such as ``smtps://user:password@host:465`` means.

    Raises:
        NotSent: it means none; the address is not told.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NotSent(_SHAPE, again=False) from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise NotSent(_SHAPE, again=False)
    return Server(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        encrypted=parts.scheme == "smtps",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def mail(settings: Settings, to: Sequence[str], message: Message, seconds: float) -> None:
    """Hand an e-mail over, waiting that long for the server.

    Raises:
        NotSent: the server did not take it.
    """
    if not settings.smtp_url:
        raise NotSent("smtp_url does not say through which server", again=False)
    server = server_of(settings.smtp_url)
    letter = EmailMessage()
    letter["Subject"] = f"[headgate] {message.subject}"
    letter["From"] = settings.alert_from
    letter["To"] = ", ".join(to)
    letter["Date"] = formatdate()
    letter["Message-ID"] = make_msgid(domain="headgate")
    letter.set_content(message.text + "\n")
    try:
        with _connected(server, seconds) as session:
            session.send_message(letter)
    except smtplib.SMTPResponseException as error:
        # The server's words may quote what it was told: its number says enough.
        again = 400 <= error.smtp_code < 500
        raise NotSent(f"{server.host} answered {error.smtp_code}", again=again) from None
    except smtplib.SMTPRecipientsRefused:
        raise NotSent(f"{server.host} knows none of the mailboxes", again=False) from None
    except ssl.SSLCertVerificationError:
        raise NotSent(f"the certificate of {server.host} does not hold", again=False) from None
    except (OSError, smtplib.SMTPException) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise NotSent(f"{server.host} cannot be reached ({why})", again=True) from None


def _connected(server: Server, seconds: float) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.encrypted:
        session: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=seconds, context=context
        )
    else:
        session = smtplib.SMTP(server.host, server.port, timeout=seconds)
    try:
        session.ehlo()
        if not server.encrypted and session.has_extn("starttls"):
            session.starttls(context=context)
            session.ehlo()
        elif not server.encrypted and server.password:
            raise NotSent(
                f"{server.host} offers no STARTTLS, and the password is not sent without",
                again=False,
            )
        if server.user:
            session.login(server.user, server.password)
    except BaseException:
        session.close()
        raise
    return session
