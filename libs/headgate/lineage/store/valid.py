"""Whether a JSON value is an event of OpenLineage's; if not, where and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headgate.core.errors import UsageError


class NotAnEvent(UsageError):
    """What came is no event of OpenLineage's; ``place`` is a JSON pointer into it."""


def check(event: Any) -> None:
    """Let only an event of OpenLineage's through.

    Raises:
        NotAnEvent: it is none, or holds what no database can keep.
    """
    if not isinstance(event, Mapping):
        raise NotAnEvent("an event is a JSON object.", place="/")
