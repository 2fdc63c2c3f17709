"""Whether somebody listens where Spark is said to be."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from headgate.core.errors import LakeError, UsageError
from headgate.lake.engines.spark import reachable


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def silent() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_one_of_several_masters_is_enough(listening: int, silent: int) -> None:
    reachable.demand_master(f"spark://127.0.0.1:{silent},127.0.0.1:{listening}")
    reachable.demand_connect(f"sc://127.0.0.1:{listening}/;token=abc")


def test_nobody_is_said_with_what_to_do(silent: int) -> None:
    with pytest.raises(LakeError, match="headgate spark up"):
        reachable.demand_master(f"spark://127.0.0.1:{silent}")
    with pytest.raises(LakeError, match=f"sc://127.0.0.1:{silent}.*--connect"):
        reachable.demand_connect(f"sc://127.0.0.1:{silent}")


@pytest.mark.parametrize("master", ["local[2]", "yarn", "k8s://https://host:6443"])
def test_others_are_not_asked(master: str) -> None:
    reachable.demand_master(master)


@pytest.mark.parametrize("address", ["spark://", "spark://host", "spark://host:port"])
def test_what_is_no_address_is_said(address: str) -> None:
    with pytest.raises(UsageError, match="no address of Spark"):
        reachable.demand_master(address)
