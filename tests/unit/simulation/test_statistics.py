"""The simulation is as near to real chat as is written beside the code, and needs little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from headgate.simulation import measure, tables
from headgate.simulation.exports import simulate

# One worker runs all of this file, so that both corpora are measured once.
pytestmark = pytest.mark.xdist_group("statistics")

WITHIN = 0.05


@pytest.fixture(scope="module")
def real(irc_corpus: Path) -> measure.Samples:
    return measure.corpus(irc_corpus)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> measure.Samples:
    folder = tmp_path_factory.mktemp("measured")
    simulate(measure.MEASURED, folder)
    return measure.exported(folder)


@pytest.mark.parametrize("name", measure.MEASURES)
def test_the_simulation_is_near_the_corpus(
    real: measure.Samples, simulated: measure.Samples, name: str
) -> None:
    assert len(real[name]) >= 153 and len(simulated[name]) >= 100
    assert tables.distance(real[name], simulated[name]) <= WITHIN


def test_the_account_beside_the_code_is_what_is_measured(
    real: measure.Samples, simulated: measure.Samples
) -> None:
    beside = tables.FILE.with_name("README.md").read_text("utf-8")
    assert beside == measure.account(real, simulated)


def test_the_tables_are_those_of_the_corpus(real: measure.Samples) -> None:
    assert tables.FILE.read_text("utf-8") == measure.statistics(real)


def test_the_measure_tells_other_chat_apart(real: measure.Samples) -> None:
    longer = {**real, "message_length": real["message_length"] + 10}
    assert measure.distances(real, longer)["message_length"] > WITHIN
    assert measure.distances(real, longer)["minute_of_day"] == 0


PEAK = """
import resource, sys, tempfile
from pathlib import Path
from headgate.simulation.exports import simulate
from headgate.simulation.plan import Wanted
with tempfile.TemporaryDirectory() as folder:
    simulate(Wanted(int(sys.argv[1]), guilds=1, channels=1), Path(folder))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak(messages: int) -> int:
    """The most memory (KiB) that a process of its own had while it wrote so many messages."""
    command = [sys.executable, "-c", PEAK, str(messages)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_memory_does_not_grow_with_the_messages() -> None:
    few, many = peak(30_000), peak(150_000)
    # The five times longer file is 130 MB longer; what grows are the authors that are kept at hand.
    assert many - few < 30 * 1024
