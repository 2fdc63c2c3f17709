"""What must not leave as text: values that settings and the environment call secret, told as ``***``.

The doors through which text leaves (errors, what the command prints, lineage, ledgers, commits) ask
here, so that no caller has to think of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus, unquote, urlsplit

from headgate.core import json as hjson

#: What stands where a secret stood.
HIDDEN = "***"
#: Shorter values are no secrets: hiding each place where they occur would spoil every text.
SHORTEST = 8
#: Words that say of a variable, or of a field of a contract, that its value is secret.
_SAYS = r"(?:password|passwd|passphrase|pwd|secret|token|credentials?|api_?key|access_?key|secret_?key|private_?key)"
_NAME = re.compile(
    rf"(?:^|_){_SAYS}(?:_|$)|PASSWORD|PASSWD|SECRET|^HEADGATE_(?:.*_)?KEY$", re.IGNORECASE
)
_FIELD = re.compile(rf"(?:^|[._-]|(?<=[a-z])(?=[A-Z])){_SAYS}$", re.IGNORECASE)
#: ``scheme://user:password@host``
_ADDRESS = re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@'\"\\]*):([^\s/@'\"\\]+)@")
#: ``password=…`` in a connection text or an address
_PAIR = re.compile(
    r"(?<![A-Za-z0-9])((?:password|passwd|pwd|secret|(?:access_?|auth_?)?token|api_?key|accountkey"
    r"|sharedaccesskey|secret_?access_?key|x-amz-signature|sig)=)([^&;,\s'\"\\)*]+)",
    re.IGNORECASE,
)
#: What stands before the ``=`` of such a pair. To look there alone is what makes long texts cheap.
_BEFORE = re.compile(
    r"(?<![A-Za-z0-9])(?:password|passwd|pwd|secret|(?:access_?|auth_?)?token|api_?key|accountkey"
    r"|sharedaccesskey|secret_?access_?key|x-amz-signature|sig)$",
    re.IGNORECASE,
)
_LONGEST_WORD = 32
#: What an address with a password has in it, after a beginning that is found fast.
_MAY_BE_ADDRESS = re.compile(r"://[^\s/@'\"\\]*@")
_added: set[str] = set()
_in_environment: frozenset[str] | None = None


def is_secret_name(name: str) -> bool:
    """Whether an environment variable of this name holds a secret."""
    return _NAME.search(name) is not None


def is_secret_field(name: str) -> bool:
    """Whether a field of this name, in a description of a server, holds a secret."""
    return _FIELD.search(name.replace("-", "_")) is not None


def add(values: Iterable[object]) -> None:
    """Hide these values from now on, as those of settings that are marked as secret."""
    _added.update(v for v in map(str, values) if len(v) >= SHORTEST)


def add_addresses(addresses: Iterable[str]) -> None:
    """Hide these addresses from now on, and the parts of each that let somebody in: its password,
    its path and its query."""
    for address in addresses:
        add([address])
        try:
            parts = urlsplit(address)
        except ValueError:
            continue
        add([parts.password or "", unquote(parts.password or "")])
        # Short paths are words, as in `/messages`.
        pieces = (parts.path, parts.query, *parts.path.split("/"))
        add(piece for piece in pieces if len(piece) >= 2 * SHORTEST)


def look(environ: Mapping[str, str] | None = None) -> None:
    """Take anew from the environment what is secret; whoever reads settings does so."""
    global _in_environment
    env = os.environ if environ is None else environ
    said = (v for k, v in env.items() if is_secret_name(k))
    _in_environment = frozenset(v for v in said if len(v) >= SHORTEST)


def forget() -> None:
    """Hide nothing but what the environment says when it is asked next."""
    global _in_environment
    _added.clear()
    _in_environment = None


def redact(text: str) -> str:
    """The text, with ``***`` for every secret value that is known and credentials in addresses."""
    if "@" in text and _MAY_BE_ADDRESS.search(text):
        text = _ADDRESS.sub(rf"\1:{HIDDEN}@", text)
    if _may_have_pair(text):
        text = _PAIR.sub(rf"\1{HIDDEN}", text)
    return without_values(text)


def _may_have_pair(text: str) -> bool:
    """Whether a word of :data:`_PAIR` stands before any ``=``."""
    at = text.find("=")
    while at >= 0:
        if _BEFORE.search(text[max(0, at - _LONGEST_WORD) : at]):
            return True
        at = text.find("=", at + 1)
    return False


def without_values(text: str) -> str:
    """The text, with ``***`` for every secret value that is known."""
    known = _known()
    if known is None or not any(form in text for form in known.forms):
        return text
    return known.pattern.sub(HIDDEN, text)


def holds_value(text: str) -> bool:
    """Whether a secret value that is known stands in the text."""
    known = _known()
    return known is not None and any(form in text for form in known.forms)


def redacted(value: Any) -> Any:
    """A value of texts, lists and mappings, each text of it as :func:`redact` gives it."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {k: redacted(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([redacted(v) for v in value])
    return value


def has_password(text: str) -> bool:
    """Whether an address in the text has a password in it."""
    found = _ADDRESS.finditer(text) if "@" in text else ()
    return any(_is_literal(m[2]) for m in found)


def has_credentials(text: str) -> bool:
    """Whether an address or a connection text has a password in it."""
    return has_password(text) or any(_is_literal(m[2]) for m in _PAIR.finditer(text))


def _is_literal(value: str) -> bool:
    """Whether it is a value, and not where one is found."""
    return not value.startswith(("$", "{", HIDDEN))


class _Values(NamedTuple):
    """Forms of secret values, and a pattern of any of them, of which the longest comes first."""

    forms: tuple[str, ...]
    pattern: re.Pattern[str]


def _known() -> _Values | None:
    if _in_environment is None:
        look()
    assert _in_environment is not None
    return _pattern(_in_environment | _added) if _added else _pattern(_in_environment)


@lru_cache(maxsize=8)
def _pattern(values: frozenset[str]) -> _Values | None:
    """Any of the values, as it is or as JSON, an address or Python would write it."""
    forms = {
        form
        for v in values
        for form in (v, hjson.dumps(v)[1:-1], quote(v, safe=""), quote_plus(v), repr(v)[1:-1])
    }
    if not forms:
        return None
    longest = tuple(sorted(forms, key=len, reverse=True))
    return _Values(longest, re.compile("|".join(map(re.escape, longest))))
