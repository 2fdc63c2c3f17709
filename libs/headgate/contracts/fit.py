"""Whether columns that somebody gives are those that a contract has."""

from __future__ import annotations

from collections.abc import Mapping

#: How two types that differ are told: what is given, what is wanted.
SAID = "{}, and {} by the contract"


def misfits(
    given: Mapping[str, object], wanted: Mapping[str, object], *, said: str = SAID
) -> list[str]:
    """What differs between two sets of columns (name to type), whatever their order: first those
    that are missing, then those too many, then types; empty if they fit."""
    told = [f"{c} is missing" for c in wanted if c not in given]
    told += [f"{c} is not in the contract" for c in given if c not in wanted]
    told += [
        f"{c} is {said.format(given[c], kind)}"
        for c, kind in wanted.items()
        if c in given and given[c] != kind
    ]
    return told
