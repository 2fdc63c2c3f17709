"""Messages between a run and its reading processes: each a length and so many bytes."""

from __future__ import annotations

import socket

#: Bytes that no message has: what counts and names a batch takes far less.
MOST = 64 << 20
_HEAD = 8


class Closed(Exception):
    """The other side has gone, or sends what is no message."""


def send(sock: socket.socket, message: bytes) -> None:
    """Send one message.

    Raises:
        Closed: nobody is there to take it.
    """
    try:
        sock.sendall(len(message).to_bytes(_HEAD, "big") + message)
    except OSError:
        raise Closed("the other side has gone") from None


def receive(sock: socket.socket) -> bytes:
    """Wait for one message.

    Raises:
        Closed: the other side has gone.
    """
    incoming = Incoming(sock)
    while (message := incoming.more()) is None:
        pass
    return message


class Incoming:
    """A message that arrives in pieces, for who must not wait for the whole of it."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._data = bytearray()

    def more(self) -> bytes | None:
        """Take what has arrived (waiting for something); the message, once it is whole.

        Raises:
            Closed: the other side has gone, or announces more than any message has.
        """
        wanted = _HEAD
        if len(self._data) >= _HEAD:
            wanted += int.from_bytes(self._data[:_HEAD], "big")
        try:
            data = self._sock.recv(min(wanted - len(self._data), 1 << 20))
        except OSError:
            data = b""
        if not data:
            raise Closed("the other side has gone")
        self._data += data
        if len(self._data) < _HEAD:
            return None
        size = int.from_bytes(self._data[:_HEAD], "big")
        if size > MOST:
            raise Closed("the other side sends what is no message")
        return bytes(self._data[_HEAD:]) if len(self._data) == _HEAD + size else None
