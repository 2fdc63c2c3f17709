"""A whole Airflow on this machine, as one thing that is started and stopped."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from headgate.core import clock, processes
from headgate.core import json as hjson
from headgate.core.errors import LakeBusyError, ResourceError, UsageError
from headgate.core.settings import Settings
from headgate.orchestration.airflow.serving import database, environment, warden
from headgate.orchestration.airflow.serving.rest import Rest, RestError

PORT = 8080
#: Each with what follows `airflow`; the order in which they are told of.
COMPONENTS = {
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
    "api-server": ["api-server"],
}
#: What Airflow calls them where it tells how they are.
_IN_HEALTH = ("metadatabase", "scheduler", "triggerer", "dag_processor")


class Server:
    """Airflow over the project of ``settings``: PostgreSQL, scheduler, DAG processor, triggerer,
    API server, all in the folder ``home`` and bound to this machine alone.

    A component that dies is started again, three times; then all is stopped. Whatever becomes of
    the process that holds this object, nothing that it started outlives it.

    Args:
        settings: whose ``dags/`` are run, and on which lake.
        home: database, logs and secrets; made if it is not there, kept for the next start.
        port: of UI and REST; 0 takes a free one.
        hasty: short intervals, and a database that does not outlast a power cut: for tests.
        more: environment variables for all that runs, such as ``AIRFLOW__…``.
        said: called with a sentence for whatever a person would want to know.
    """

    def __init__(
        self, settings: Settings, home: Path, *, port: int = PORT, hasty: bool = False,
        more: Mapping[str, str] | None = None, said: Callable[[str], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self.settings, self.home, self.hasty = settings, home.absolute(), hasty
        self.port, self._more, self._said = port, dict(more or {}), said
        self.password, self.password_is_new = "", False
        self.pids: dict[str, int] = {}
        self._warden: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._ended: dict[str, int] = {}
        self._heard = b""
        self.gave_up = ""

    @property
    def address(self) -> str:
        """Of the UI, without a path."""
        return f"http://{environment.HOST}:{self.port}"

    @property
    def logs(self) -> Path:
        """A file a component; the tasks' are in a folder below."""
        return self.home / "logs"

    @property
    def rest(self) -> Rest:
        """A client that is logged in as the administrator."""
        return Rest(self.address, environment.USER, self.password)

    def start(self, within: float = 300.0) -> Server:
        """Start everything and wait until all of it is well.

        Raises:
            UsageError: Airflow is not installed, or the port is taken.
            LakeBusyError: another server runs in this home.
            ResourceError: something does not come up in time; all is stopped then.
        """
        until = clock.monotonic() + within
        _demand_airflow()
        self._take_home()
        try:
            self.port = free_port() if self.port == 0 else demand_free(self.port)
            self._end_left_over()
            self.password, self.password_is_new = environment.password(self.home)
            kept = database.in_home(self.home, durable=not self.hasty)
            env = environment.of_server(
                self.settings, self.home, port=self.port, database=kept.url, hasty=self.hasty,
                more=self._more,
            )  # fmt: skip
            self._begin_warden()
            self._order_start("postgres", kept.command, env, stop="SIGINT", not_root=True)
            database.wait_for(kept, until - clock.monotonic())
            self._prepare(env, until)
            for name, words in COMPONENTS.items():
                command = [sys.executable, "-m", "airflow", *words]
                self._order_start(name, command, env, again=True)
            self._wait_until_well(until)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self, grace: float = 5.0) -> None:
        """Stop everything; a task that runs gets ``grace`` seconds, and is repeated another time.

        Raises:
            ResourceError: a process would not go.
        """
        found, self._warden = self._warden, None
        if found is not None and found.stdin:
            self._send(found, order="end", grace=grace)
            found.stdin.close()
            try:
                found.wait(grace + 60)
            except subprocess.TimeoutExpired:
                processes.kill({found.pid, *processes.descendants(found.pid)})
                found.wait()
            if found.stdout:
                found.stdout.close()
        left = warden.left_over(self.home)
        processes.kill(left)
        self.pids.clear()
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        if left:
            raise ResourceError(f"processes were left and have been killed: {sorted(left)}.")

    def restart(self, component: str) -> None:
        """Stop one component and start it again (``scheduler``, ``triggerer``, …)."""
        assert self._warden is not None, "the server does not run"
        before = self.pids[component]
        self._send(self._warden, order="stop", name=component, grace=10.0)
        self._send(self._warden, **{**self._orders[component], "order": "start"})
        while self.pids.get(component) == before:
            self.listen(0.1)

    def health(self) -> dict[str, str]:
        """How database, scheduler, triggerer and DAG processor are: ``healthy``, if they are.

        Raises:
            RestError: the API server does not answer.
        """
        found = self.rest.get("monitor/health")
        return {part: str((found.get(part) or {}).get("status")) for part in _IN_HEALTH}

    def listen(self, within: float = 0.0) -> None:
        """Hear what became of the components, waiting so long for news."""
        if self._warden is None or self._warden.stdout is None:
            return
        pipe = self._warden.stdout.fileno()
        while select.select([pipe], [], [], within)[0]:
            within = 0.0
            got = os.read(pipe, 65536)
            if not got:
                self.gave_up = self.gave_up or "who watches the components was killed"
                clock.sleep(0.2)
                return
            *lines, self._heard = (self._heard + got).split(b"\n")
            for line in lines:
                self._hear(hjson.loads(line))

    def _hear(self, event: Mapping[str, Any]) -> None:
        name = event.get("name", "")
        if event["event"] == "started":
            self.pids[name] = event["pid"]
        elif event["event"] == "died":
            self._ended[name] = event["code"]
            self.pids.pop(name, None)
            if name in COMPONENTS:
                self._said(f"{name} {_ended(event['code'])}; {self._last_words(name)}")
        elif event["event"] == "gave up":
            self.gave_up = f"{name} {_ended(event['code'])}"

    def _wait_until_well(self, until: float) -> None:
        parts: object = "no answer yet"
        asked = False
        while clock.monotonic() < until:
            self.listen(0.3)
            if self.gave_up:
                name = self.gave_up.split(" ")[0]
                raise ResourceError(f"{self.gave_up}; {self._last_words(name)}")
            try:
                if not asked:
                    # What tasks talk to is made by the first who asks, and nobody else is answered
                    # meanwhile, for seconds: not to be the first task's affair.
                    left = max(1.0, until - clock.monotonic())
                    self.rest.page("/execution/health", patience=left)
                    asked = True
                found = self.health()
            except RestError as error:
                parts = error
                continue
            parts = found
            if set(found.values()) == {"healthy"}:
                return
        raise ResourceError(
            f"Airflow is not well: {parts}.", remedy=f"Its logs are in {self.logs}."
        )

    def _prepare(self, env: Mapping[str, str], until: float) -> None:
        command = [sys.executable, "-m", "headgate.orchestration.airflow.serving.prepare"]
        self._order_start("prepare", command, env, needed=False)
        while "prepare" not in self._ended:
            self.listen(0.2)
            if self.gave_up or clock.monotonic() > until:
                raise ResourceError(
                    f"Airflow's tables were not made in time. {self._last_words('prepare')}"
                )
        if self._ended["prepare"]:
            raise ResourceError(
                f"Airflow's tables cannot be made: {self._last_words('prepare')}",
                remedy=f"If they are of a newer Airflow: give another --home, or remove {self.home}.",
            )

    def _take_home(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.home.chmod(0o700)
        for folder in (self.logs, self.home / "plugins"):
            folder.mkdir(exist_ok=True)
        lock = (self.home / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise LakeBusyError(
                f"another server runs in {self.home}.",
                remedy="Stop it, or give another --home and --port.",
            ) from None
        self._lock = lock

    def _end_left_over(self) -> None:
        left = warden.left_over(self.home)
        if left:
            self._said(f"Killing {len(left)} processes that an earlier server left.")
            processes.kill(left)
            until = clock.monotonic() + 20
            while left & processes.everyone().keys() and clock.monotonic() < until:
                clock.sleep(0.05)

    def _begin_warden(self) -> None:
        command = [sys.executable, "-m", "headgate.orchestration.airflow.serving.warden"]
        self._orders: dict[str, dict[str, Any]] = {}
        self._ended.clear()
        self.gave_up, self._heard = "", b""
        with (self.logs / "warden.log").open("ab") as log:
            self._warden = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0,
                start_new_session=True, cwd=self.home,
            )  # fmt: skip

    def _order_start(
        self, name: str, command: list[str], env: Mapping[str, str], *, stop: str = "SIGTERM",
        not_root: bool = False, again: bool = False, needed: bool = True,
    ) -> None:  # fmt: skip
        assert self._warden is not None
        order = {
            "order": "start", "name": name, "command": command, "env": dict(env),
            "home": str(self.home), "log": str(self.logs / f"{name}.log"), "signal": stop_signal(stop),
            "not_root": not_root, "again": again, "needed": needed,
        }  # fmt: skip
        self._orders[name] = order
        self._send(self._warden, **order)

    @staticmethod
    def _send(to: subprocess.Popen[bytes], **order: object) -> None:
        assert to.stdin is not None
        line = (hjson.dumps(order) + "\n").encode()
        with contextlib.suppress(BrokenPipeError):  # it has ended, and told why if it could
            while line:
                line = line[to.stdin.write(line) or 0 :]

    def _last_words(self, name: str) -> str:
        """The end of a component's log, and where it is."""
        file = self.logs / f"{name}.log"
        try:
            lines = file.read_text("utf-8", "replace").strip().splitlines()
        except OSError:
            lines = []
        said = " | ".join(line.strip() for line in lines[-3:])
        return f"its log {file} ends: {said[:600]}"


def stop_signal(name: str) -> int:
    """The number of a signal."""
    return int(signal.Signals[name])


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((environment.HOST, 0))
        found: int = probe.getsockname()[1]
        return found


def demand_free(port: int) -> int:
    """``port``, if nobody listens on it.

    Raises:
        UsageError: somebody does, or it may not be used.
    """
    with socket.socket() as probe:
        # As the server will: what only waits for the last packets of a closed one is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((environment.HOST, port))
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"port {port} cannot be used: {error}.", remedy="Give another one with --port."
            ) from None
    return port


def _ended(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"


def _demand_airflow() -> None:
    from importlib.util import find_spec

    if find_spec("airflow") is None:
        raise UsageError(
            "Airflow is not installed.", remedy="Run make airflow, or install headgate[airflow]."
        )
