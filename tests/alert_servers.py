"""Servers on this machine that take alerts: a webhook's and a mail server, each with TLS if wanted."""

from __future__ import annotations

import datetime
import email
import email.message
import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Webhook:
    """A server that was posted to. ``answers`` are the statuses that it gives, the last one again
    and again."""

    address: str
    answers: list[int] = field(default_factory=lambda: [200])
    posts: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def webhook(path: str = "/hook", tls: tuple[Path, Path] | None = None) -> Iterator[Webhook]:
    """A webhook that is up within the block."""
    found = Webhook("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = found.answers.pop(0) if len(found.answers) > 1 else found.answers[0]
            found.headers.append(dict(self.headers))
            found.posts.append(json.loads(body))
            self.send_response(answer)
            if 300 <= answer < 400:
                self.send_header("Location", found.address)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls:
            server.socket = _server_context(tls).wrap_socket(server.socket, server_side=True)
        scheme, host = ("https", "localhost") if tls else ("http", "127.0.0.1")
        found.address = f"{scheme}://{host}:{server.server_address[1]}{path}"
        with _served(server):
            yield found


@dataclass
class Mailbox:
    """What a mail server was given: letters, who they were for, and how it was talked to."""

    port: int = 0
    letters: list[email.message.Message] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    refuse: str = ""


@contextmanager
def mailbox(tls: tuple[Path, Path] | None = None, *, at_once: bool = False) -> Iterator[Mailbox]:
    """A mail server that is up within the block: with ``tls`` it offers STARTTLS and AUTH, or talks
    TLS from the first byte if ``at_once``."""
    found = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        encrypted = False

        def setup(self) -> None:
            if at_once and tls:
                self.request = _server_context(tls).wrap_socket(self.request, server_side=True)
                self.encrypted = True
            super().setup()

        def say(self, text: str) -> None:
            self.wfile.write(text.encode() + b"\r\n")

        def handle(self) -> None:
            self.say("220 here")
            while line := self.rfile.readline().decode().strip():
                found.said.append(line)
                if not self.answer(line):
                    return

        def answer(self, line: str) -> bool:
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                offers = ["AUTH PLAIN"] if self.encrypted else ["STARTTLS"] if tls else []
                for offer in ("here", *offers):
                    self.say(f"250-{offer}")
                self.say("250 SIZE 1000000")
            elif verb == "STARTTLS" and tls:
                self.say("220 go on")
                self.connection = _server_context(tls).wrap_socket(
                    self.connection, server_side=True
                )
                self.rfile = self.connection.makefile("rb")
                self.wfile = self.connection.makefile("wb", buffering=0)
                self.encrypted = True
            elif verb == "AUTH":
                self.say("235 welcome")
            elif verb == "MAIL":
                found.recipients.append([])
                self.say(found.refuse or "250 yes")
            elif verb == "RCPT":
                found.recipients[-1].append(line.partition("<")[2].rstrip(">"))
                self.say("250 yes")
            elif verb == "DATA":
                self.say("354 go on")
                lines = []
                while (part := self.rfile.readline()) != b".\r\n":
                    lines.append(part)
                found.letters.append(email.message_from_bytes(b"".join(lines)))
                found.encrypted.append(self.encrypted)
                self.say("250 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return False
            else:
                self.say("250 yes")
            return True

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        found.port = server.server_address[1]
        with _served(server):
            yield found


@contextmanager
def _served(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def _server_context(tls: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls)
    return context


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of ``localhost`` that signs itself, and its key, in a folder."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_path, key_path = folder / "localhost.pem", folder / "localhost.key"
    cert_path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_path, key_path
