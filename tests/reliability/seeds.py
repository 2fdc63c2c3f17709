"""Seeds of random tests: which to try, and how a failure is tried again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def seeds(count: int, *, first: int = 0) -> list[int]:
    """``count`` seeds from ``first`` on; the one that ``HEADGATE_SEED`` names, if it is set."""
    only = os.environ.get("HEADGATE_SEED")
    return [int(only)] if only else list(range(first, first + count))


@contextmanager
def replayable(seed: int) -> Iterator[None]:
    """Whatever fails in here tells the command that tries this seed again."""
    try:
        yield
    except BaseException as error:
        test = os.environ.get("PYTEST_CURRENT_TEST", "").split(" ")[0]
        error.add_note(
            f"Try it again: HEADGATE_SEED={seed} .venv/bin/python -m pytest -m '' '{test}'"
        )
        raise
