"""Regular expressions of contracts: the RE2 language, which takes linear time whatever the text."""

from __future__ import annotations

import re
from functools import lru_cache

from headgate.contracts.model import Rule
from headgate.core.errors import ContractError
from headgate.quality.binding import complaint
from headgate.quality.literals import text

#: What RE2 takes, but no engine that works on characters: a single byte.
_BYTE = re.compile(r"(?<!\\)(?:\\\\)*\\C")


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
            f"rule {rule.id!r}: {pattern!r} is no RE2 pattern: {why}.",
            remedy="RE2 has no lookaround, no backreferences, no possessive or atomic parts.",
            place=rule.place,
        )
    return text(pattern)


@lru_cache(maxsize=1024)
def _refusal(pattern: str) -> str:
    if _BYTE.search(pattern):
        return r"\C matches bytes, not characters"
    # The engine compiles a constant pattern as it binds it, and says what it does not know.
    return complaint(f"regexp_matches('', {text(pattern)})", ())
