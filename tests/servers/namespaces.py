"""Machines that are none: network namespaces on one bridge, each with an address of its own."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Network:
    """What was made: our own address on it, and of each machine its address and how to run there."""

    here: str
    machines: tuple[tuple[str, tuple[str, ...]], ...]
    real: bool


@contextmanager
def network(machines: int) -> Iterator[Network]:
    """So many machines; where the system allows no namespaces, all of them are this one."""
    tag = secrets.token_hex(2)
    bridge, subnet = f"hg{tag}", f"10.{100 + secrets.randbelow(100)}.{secrets.randbelow(250)}"
    made: list[list[str]] = []
    try:
        if not _allowed(bridge):
            yield Network("127.0.0.1", (("127.0.0.1", ()),) * machines, real=False)
            return
        made.append(["link", "del", bridge])
        _ip("addr", "add", f"{subnet}.1/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        found = []
        for number in range(1, machines + 1):
            name, wire, host = f"{bridge}-{number}", f"{bridge}v{number}", f"{subnet}.{number + 1}"
            _ip("netns", "add", name)
            made.insert(0, ["netns", "del", name])
            _ip("link", "add", wire, "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "set", wire, "master", bridge, "up")
            for inside in (
                ("addr", "add", f"{host}/24", "dev", "eth0"),
                ("link", "set", "eth0", "up"),
                ("link", "set", "lo", "up"),
            ):
                _ip("-n", name, *inside)
            found.append((host, ("ip", "netns", "exec", name)))
        yield Network(f"{subnet}.1", tuple(found), real=True)
    finally:
        for each in made:
            subprocess.run(["ip", *each], capture_output=True)


def _allowed(bridge: str) -> bool:
    if os.geteuid() != 0:
        return False
    try:
        _ip("link", "add", bridge, "type", "bridge")
        _ip("netns", "add", f"{bridge}-try")
        _ip("netns", "del", f"{bridge}-try")
    except (OSError, subprocess.CalledProcessError):
        subprocess.run(["ip", "link", "del", bridge], capture_output=True)
        return False
    return True


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
