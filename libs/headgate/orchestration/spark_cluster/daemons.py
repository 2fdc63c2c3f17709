"""The programs that a standalone cluster is made of, and one of them as a process that we started."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from headgate.core import environment, processes
from headgate.core.errors import UsageError

_MASTER = "org.apache.spark.deploy.master.Master"
_WORKER = "org.apache.spark.deploy.worker.Worker"
_CONNECT = "org.apache.spark.sql.connect.service.SparkConnectServer"
#: What a daemon itself may use; what runs on a worker has memory of its own.
_DAEMON_MEMORY = "256m"
_LAST = 4_000


def home() -> Path:
    """Where pyspark lies, which brings all of Spark with it.

    Raises:
        UsageError: it is not installed.
    """
    found = find_spec("pyspark")
    if found is None or found.origin is None:
        raise UsageError(
            "the engine spark is not installed.", remedy="Run make spark-deps (extra: spark)."
        )
    return Path(found.origin).parent


def master(host: str, port: int, page: int) -> list[str]:
    """The command of a master that listens at ``host:port`` and shows its page at ``page``."""
    where = ["--host", host, "--port", str(port), "--webui-port", str(page)]
    return [str(home() / "bin/spark-class"), _MASTER, *where]


def worker(host: str, of: str, cores: int, memory: str, folder: Path) -> list[str]:
    """The command of a worker of the master at the address ``of``, lending cores and memory."""
    lent = ["--cores", str(cores), "--memory", memory, "--work-dir", str(folder)]
    where = ["--host", host, "--port", "0", "--webui-port", "0"]
    return [str(home() / "bin/spark-class"), _WORKER, *where, *lent, of]


def connect_server(of: str, properties: Path) -> list[str]:
    """The command of a Connect server that computes on the master at ``of``."""
    told = ["--class", _CONNECT, "--name", "headgate-connect", "--properties-file", str(properties)]
    return [str(home() / "bin/spark-submit"), "--master", of, *told]


class Daemon:
    """A process of a cluster, in a session of its own, which dies when we do.

    ``before`` is a command that runs others somewhere else, such as ``ip netns exec a``.
    """

    def __init__(
        self, name: str, command: Sequence[str], folder: Path, before: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.command = [*before, *command]
        self.log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, extra: Mapping[str, str]) -> None:
        """Start it; ``extra`` is added to its environment, which has no secret of ours."""
        told = {
            "SPARK_HOME": str(home()),
            "SPARK_DAEMON_MEMORY": _DAEMON_MEMORY,
            # What runs on a worker is our Python, whoever asks for it.
            "PYSPARK_PYTHON": sys.executable,
            **extra,
        }
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment.for_children(told),
                start_new_session=True,
                preexec_fn=processes.die_with_parent,
            )

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process is not None
        return self._process.pid

    def ended(self) -> int | None:
        """How it ended, if it has: its exit code, or minus the signal."""
        return self._process.poll() if self._process else None

    def why(self) -> str:
        """The last that it said of an error, or of anything."""
        text = self.log.read_text("utf-8", "replace")[-_LAST:] if self.log.exists() else ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        errors = [n for n in lines if "xception" in n or "rror" in n or "not found" in n]
        return (errors or lines or ["it said nothing"])[0 if errors else -1]

    def kill(self) -> None:
        """End it and all that it started, at once."""
        if self._process is None:
            return
        seen = processes.everyone().values()
        mine = {s.pid for s in seen if s.session == self._process.pid}
        processes.kill(mine | processes.descendants(self._process.pid) | {self._process.pid})
        self._process.wait()
