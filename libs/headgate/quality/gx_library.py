"""The one door to Great Expectations itself: imported (5 s) only by what cannot do without it."""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

from headgate.core.errors import UsageError


@lru_cache(maxsize=1)
def library() -> Any:
    """The module ``great_expectations``, its own warnings about itself silenced.

    Raises:
        UsageError: it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import great_expectations
    except ImportError as error:
        raise UsageError(
            f"Great Expectations is needed and not installed ({error}).",
            remedy="Install it: pip install 'headgate[gx]' (in this repository: make dev).",
        ) from None
    return great_expectations


def context(root: Path | None = None) -> Any:
    """A Great Expectations context in a folder, or in memory; it reports to nobody.

    Raises:
        UsageError: the library is not installed.
    """
    gx = library()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if root is None:
            found = gx.get_context(mode="ephemeral")
        else:
            found = gx.get_context(mode="file", project_root_dir=root)
    found.variables.progress_bars = {"globally": False}
    found.config.analytics_enabled = False
    return found
