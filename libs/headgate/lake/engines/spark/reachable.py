"""Whether anybody listens where a cluster is said to be, before Spark waits minutes for it."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from headgate.core.errors import LakeError, UsageError

#: How long somebody may take to answer, in seconds.
_PATIENCE = 5.0
_CONNECT_PORT = 15_002


def demand_master(master: str) -> None:
    """See that one of the masters of ``spark://host:port,host:port`` listens; others are not asked.

    Raises:
        UsageError: the address is none.
        LakeError: nobody listens there.
    """
    if not master.startswith("spark://"):
        return
    places = [_place(f"spark://{one}", master) for one in master[len("spark://") :].split(",")]
    if not any(listens(*place) for place in places):
        raise LakeError(
            f"no Spark master answers at {master}.",
            remedy="Start it (here: headgate spark up), or correct spark_master.",
        )


def demand_connect(remote: str) -> None:
    """See that a Spark Connect server listens at ``sc://host:port``.

    Raises:
        UsageError: the address is none.
        LakeError: nobody listens there.
    """
    host, port = _place(remote.partition(";")[0].rstrip("/"), remote, _CONNECT_PORT)
    if not listens(host, port):
        raise LakeError(
            f"no Spark Connect server answers at sc://{host}:{port}.",
            remedy="Start it (here: headgate spark up --connect), or correct spark_remote.",
        )


def listens(host: str, port: int) -> bool:
    """Whether a connection to that place is taken."""
    try:
        with socket.create_connection((host, port), timeout=_PATIENCE):
            return True
    except OSError:
        return False


def _place(address: str, said: str, port: int | None = None) -> tuple[str, int]:
    try:
        found = urlsplit(address)
        host, of = found.hostname, found.port or port
    except ValueError:
        host = of = None
    if not host or of is None or found.scheme not in ("spark", "sc"):
        raise UsageError(
            f"{said!r} is no address of Spark.",
            remedy='Write spark_master = "spark://host:7077", or spark_remote = "sc://host:15002".',
        )
    return host, of
