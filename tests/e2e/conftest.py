"""What several of these tests compare with, worked out once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e import oracle


@pytest.fixture(scope="session")
def corpus_account(irc_corpus: Path) -> dict[str, oracle.Table]:
    """Every curated table that the real IRC corpus must give."""
    return oracle.gold(irc_corpus)
