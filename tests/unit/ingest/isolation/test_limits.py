"""Limits follow the settings and the file's size, and name what was passed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from headgate.core.settings import Settings
from headgate.ingest.isolation.limits import Limits, Usage, crashed
from headgate.ingest.readers.base import REASONS

OF = Settings(root=Path("/nowhere"))


def test_a_small_file_gets_the_floor_and_a_large_one_more() -> None:
    small, large = Limits.of(OF, 10_000), Limits.of(OF, 2_000_000_000)

    assert small.memory <= 1_010_000_000
    assert small.seconds < 5
    assert small.output == 1_000_000_000
    assert large.memory == 2_000_000_000
    assert large.seconds > 3600
    assert large.output == 100_000_000_000


def test_settings_move_the_limits() -> None:
    own = dataclasses.replace(OF, reader_memory="2GiB", reader_seconds=9.0, reader_output="1kB")
    found = Limits.of(own, 0)

    assert found == Limits(2 << 30, 9.0, 1000)


def test_what_was_passed_is_named_with_its_setting() -> None:
    limits = Limits(1_000, 2.0, 3_000)
    passed = {
        "": (Usage(1_000, 2.0), 3_000),
        "reader_memory": (Usage(1_001, 2.0), 3_000),
        "reader_time": (Usage(1_000, 2.1), 3_000),
        "reader_output": (Usage(1_000, 2.0), 3_001),
    }
    assert {c: limits.breached(*used) for c, used in passed.items()} == {c: c for c in passed}
    for code, setting in (
        ("reader_memory", "reader_memory"),
        ("reader_time", "reader_seconds"),
        ("reader_output", "reader_output"),
    ):
        assert setting in limits.reason(code).detail
        assert code in REASONS
    assert crashed("x").code in REASONS


def test_a_setting_that_decides_is_told_of() -> None:
    before = OF.of_reading()
    after = dataclasses.replace(OF, reader_memory="3GB").of_reading()
    assert {k for k in before if before[k] != after[k]} == {"reader_memory"}
    assert dataclasses.replace(OF, threads=7, lake_name="x").of_reading() == before
