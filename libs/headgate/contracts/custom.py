"""Reading the ``headgate.`` custom properties that stand at an element of an ODCS document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def custom(element: Mapping[str, Any]) -> dict[str, Any]:
    """The ``headgate.`` custom properties of an ODCS element, without the prefix."""
    return {
        str(p["property"]).removeprefix("headgate."): p["value"]
        for p in element.get("customProperties") or ()
        if str(p["property"]).startswith("headgate.")
    }


def snake(text: str) -> str:
    """``minLength`` as ``min_length``: how names of ODCS become parts of rule ids."""
    return "".join("_" + c.lower() if c.isupper() else c for c in text).lstrip("_")
