"""Every record of fuzzed deliveries ends exactly once: published, repeated, set aside or refused.

The account they are held against (:mod:`tests.reliability.fuzz`) is told from the files' bytes and the
contracts' YAML alone. Several mutations meet in one record; a failure prints its seed and the record.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.reliability.figures import record
from tests.reliability.fuzz import blind, making
from tests.reliability.fuzz.case import Case, real_lines
from tests.reliability.seeds import replayable, seeds

#: How many records the long form accounts for.
WHOLE = 1_000_000
#: What is done to values, to single values of each column, to bytes, and inside of documents.
MUTATIONS = len({*making.VALUES, *making.BYTES}) + len(making.INSIDE)


@pytest.fixture(scope="module")
def real(real_data: Path) -> dict[str, list[bytes]]:
    """Real lines, which are damaged as well."""
    github = real_data / "events_github/github_events_2021-07-21.jsonl"
    return {
        "bronze.irc.messages": real_lines(real_data / "irc_ubuntu/train.messages.jsonl.gz", 50_000),
        "bronze.engineering.github_events": real_lines(github, 50_000),
    }


def test_records_end_once_and_as_foretold(real: dict[str, list[bytes]], tmp_path: Path) -> None:
    assert MUTATIONS >= 20
    (seed,) = seeds(1)
    with replayable(seed):
        case = Case(seed, tmp_path, each=200, real=real)
        case.step(0)
        case.step(1)
        case.check()
    record("accounting", records=case.records, mutations=MUTATIONS, unaccounted=0, short=True)


@pytest.mark.long
def test_a_million_records_end_once_and_as_foretold(
    real: dict[str, list[bytes]], tmp_path: Path
) -> None:
    """Deliveries, repeated and edited ones, in every format: from one seed to the next."""
    records, tried = 0, 0
    for seed in seeds(10_000, first=1):
        with replayable(seed):
            case = Case(seed, tmp_path / str(seed), each=1_500, real=real)
            case.play(3)
        records, tried = records + case.records, tried + 1
        record("accounting", records=records, seeds=tried, mutations=MUTATIONS, unaccounted=0)
        shutil.rmtree(tmp_path / str(seed))
        if records >= WHOLE:
            return


@pytest.mark.parametrize(
    ("seed", "files"),
    [(0, 3), *(pytest.param(s, 60, marks=pytest.mark.long) for s in seeds(10, first=100))],
)
def test_whatever_is_hit_in_a_file_nothing_vanishes(seed: int, files: int, tmp_path: Path) -> None:
    """Bytes are changed, lost or added anywhere: the account balances, every position is told of
    once, and the text of every record that is still whole is published or set aside."""
    with replayable(seed):
        _, wrong = blind.play(tmp_path, seed, files)
        assert not wrong, "\n".join(wrong[:10])
