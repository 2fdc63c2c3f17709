"""Passwords written into a contract: a contract is kept in the lake and shown to whoever reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from headgate.core import secrets
from headgate.core.errors import ContractError

#: A value that says where the secret is found, and is none itself.
_ELSEWHERE = re.compile(r"\s*(?:\$\{.*\}|\$[A-Za-z_]\w*|\{\{.*\}\}|env:.*|)\s*", re.DOTALL)
_REMEDY = "Take it out, and out of the history of the file; name an environment variable: ${NAME}."


def demand_none(document: Mapping[str, Any], place: str) -> None:
    """Let only a contract through that holds no secret.

    Raises:
        ContractError: a server or a custom property has one, an address names one, or the value of
            a secret that is known stands there; the place is named, the value is not.
    """
    for pointer, why in _found(document, "", in_server=False):
        raise ContractError(f"{why}.", remedy=_REMEDY, place=f"{place}#{pointer}")


def _found(value: Any, at: str, *, in_server: bool) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        # A password in an address is one anywhere; `token=…` may be a piece of SQL.
        if secrets.holds_value(value):
            yield at, "it holds the value of a secret"
        elif in_server and secrets.has_credentials(value):
            yield at, "it holds a password"
        elif secrets.has_password(value):
            yield at, "it holds an address with a password"
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _found(child, f"{at}/{index}", in_server=in_server)
    elif isinstance(value, Mapping):
        name = str(value.get("property", ""))
        if secrets.is_secret_field(name) and _literal(value.get("value")):
            yield f"{at}/value", f"{name} is a secret, written out"
        for key, child in value.items():
            inside = in_server or key in ("servers", "customProperties")
            if in_server and secrets.is_secret_field(str(key)) and _literal(child):
                yield f"{at}/{key}", f"{key} is a secret, written out"
            yield from _found(child, f"{at}/{key}", in_server=inside)


def _literal(value: Any) -> bool:
    return isinstance(value, str | int) and _ELSEWHERE.fullmatch(str(value)) is None
