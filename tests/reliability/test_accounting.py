"""Every record of fuzzed deliveries ends exactly once: published, repeated, set aside or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reliability.figures import record
from tests.reliability.fuzz.case import Case, real_lines
from tests.reliability.seeds import replayable, seeds


@pytest.fixture(scope="module")
def real(real_data: Path) -> dict[str, list[bytes]]:
    return {
        "bronze.irc.messages": real_lines(real_data / "irc_ubuntu/train.messages.jsonl.gz", 50_000),
    }


@pytest.mark.parametrize("seed", seeds(1))
def test_every_record_ends_once_and_as_foretold(
    seed: int, real: dict[str, list[bytes]], tmp_path: Path
) -> None:
    with replayable(seed):
        case = Case(seed, tmp_path, each=400, real=real)
        case.play(3)
        record("accounting", records=case.records, unaccounted=0, short=True)
