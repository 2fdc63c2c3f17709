"""Regular expressions of contracts: the RE2 language, which both engines run in linear time."""

from __future__ import annotations

import re
from functools import lru_cache

from headgate.contracts.model import Rule
from headgate.core.errors import ContractError
from headgate.quality.binding import complaint
from headgate.quality.literals import text

_BEYOND = (
    (re.compile(r"\(\?<?[=!]"), "looks ahead or behind"),
    (re.compile(r"\(\?>|[*+?}]\+"), "uses atomic groups or possessive repeats"),
    (re.compile(r"\\[1-9]|\(\?P=|\\[gk][{<]"), "refers back to a group"),
    (re.compile(r"\\C"), "matches single bytes"),
)


def checked(pattern: object, rule: Rule) -> str:
    """The pattern as an SQL literal.

    Raises:
        ContractError: RE2 does not know it.
    """
    if not isinstance(pattern, str) or "\0" in pattern:
        raise ContractError(
            f"rule {rule.id!r}: a pattern must be a text, got {pattern!r}.", place=rule.place
        )
    why = _refusal(pattern)
    if why:
        raise ContractError(
            f"rule {rule.id!r}: the pattern {pattern!r} {why}.",
            remedy="Patterns are RE2: no lookaround, no backreferences, no possessive repeats.",
            place=rule.place,
        )
    return text(pattern)


@lru_cache(maxsize=1024)
def _refusal(pattern: str) -> str:
    # Escaped backslashes first, so that what follows one is not taken for an escape.
    plain = re.sub(r"\\\\", "", pattern)
    plain = re.sub(r"(?<!\\)\[\^?\]?(?:\\.|[^\]\\])*\]", "[]", plain)
    for beyond, why in _BEYOND:
        if beyond.search(plain):
            return why
    found = complaint(f"regexp_matches('', {text(pattern)})", ())
    return f"is no regular expression: {found}" if found else ""
