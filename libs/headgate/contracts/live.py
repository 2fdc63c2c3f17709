"""What a contract says of windows that are kept up to date while messages come: `headgate.live`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from headgate.contracts.model import Column, LiveSpec
from headgate.core.errors import ContractError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_NAMES = {"watermark", "eventTime", "windowStart", "windowMinutes"}


def live_of(
    props: Mapping[str, Any], columns: tuple[Column, ...], *, made: bool, place: str
) -> LiveSpec | None:
    """How the dataset's windows are kept up to date, if they are. ``made``: by a model.

    Raises:
        ContractError: something of it is missing, or is no column or no span of time.
    """
    given = props.get("live")
    if given is None:
        return None
    where = f"{place}#/customProperties/headgate.live"
    if not isinstance(given, Mapping) or given.keys() != _NAMES:
        raise ContractError(
            f"headgate.live {given!r} is not known.",
            remedy="Write {watermark: 10m, eventTime: COLUMN OF WHAT IS READ, windowStart: COLUMN,"
            " windowMinutes: COLUMN}.",
            place=where,
        )
    span = re.fullmatch(r"([0-9]{1,6})([smhd])", str(given["watermark"]))
    if span is None:
        raise ContractError(
            f"{given['watermark']!r} is no span of time.", remedy="Write 30s, 10m, 2h or 1d.",
            place=where,
        )  # fmt: skip
    types = {c.name: c.type for c in columns}
    for word, kinds in (("windowStart", ("timestamp",)), ("windowMinutes", ("integer", "long"))):
        if types.get(str(given[word])) not in kinds:
            raise ContractError(
                f"{word} names {given[word]!r}, which is no column of type {kinds[0]}.",
                remedy="Name one of the contract's columns.",
                place=where,
            )
    if not made or "unitOfChange" not in props:
        raise ContractError(
            "only an incremental model can be kept up to date while messages come.",
            remedy="Give the contract a model and headgate.unitOfChange, or leave headgate.live out.",
            place=where,
        )
    return LiveSpec(
        watermark_seconds=int(span[1]) * _SECONDS[span[2]],
        event_time=str(given["eventTime"]),
        window_start=str(given["windowStart"]),
        window_minutes=str(given["windowMinutes"]),
    )
