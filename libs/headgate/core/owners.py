"""Who answers for datasets: the tables ``[owners.<name>]`` of ``headgate.toml``, and how to reach them."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import getaddresses
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from headgate.core import secrets
from headgate.core.errors import SettingError

FILE_NAME = "headgate.toml"
#: The table of ``headgate.toml`` that holds a table for each owner.
TABLE = "owners"
_KEYS = ("email", "webhook")
_SHAPE = 'Write: [owners.chat-platform] email = "them@example.com" webhook = "${CHAT_WEBHOOK}".'
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HEADER = re.compile(r"^\s*\[\s*owners\s*\.\s*(?:\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_-]+))\s*\]")
_MAILBOX = re.compile(r"[^@\s,]+@[^@\s,]+")


@dataclass(frozen=True)
class Owner:
    """Who answers for datasets. ``emails`` and ``webhook`` may be empty: then the settings' hold.

    ``webhook`` is as it is written, see :func:`webhook_of`. ``place`` is ``headgate.toml:12``.
    """

    name: str
    emails: tuple[str, ...] = ()
    webhook: str = ""
    place: str = ""


@dataclass(frozen=True)
class Wrong:
    """What is wrong with the tables: where, what, and what to do."""

    place: str
    message: str
    remedy: str = _SHAPE


def load(root: Path) -> Mapping[str, Owner]:
    """The owners that the project at ``root`` names, by name; none where it names none.

    Where it names any, a contract whose owner is none of them is wrong.

    Raises:
        SettingError: the tables are wrong; ``place`` is file and line of the first that is.
    """
    found, wrong = read(root)
    if wrong:
        raise SettingError(wrong[0].message, remedy=wrong[0].remedy, place=wrong[0].place)
    return found


def read(root: Path) -> tuple[dict[str, Owner], list[Wrong]]:
    """The owners that can be read, and all that is wrong with the others."""
    try:
        text = (root / FILE_NAME).read_text("utf-8")
        tables = tomllib.loads(text).get(TABLE, {})
    except FileNotFoundError:
        return {}, []
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return {}, [Wrong(FILE_NAME, f"not valid TOML: {error}.", "Mend the file.")]
    lines = text.splitlines()
    if not isinstance(tables, dict):
        line = _line(lines, None, TABLE)
        return {}, [Wrong(line, "owners is no table of tables.")]
    found: dict[str, Owner] = {}
    wrong: list[Wrong] = []
    for name, table in tables.items():
        place = _line(lines, name, None)
        problems = list(_problems(lines, name, table))
        wrong += problems
        if not problems:
            found[name] = Owner(
                name=name,
                emails=addresses(table.get("email", "")),
                webhook=table.get("webhook", ""),
                place=place,
            )
    secrets.add_addresses(o.webhook for o in found.values() if is_web_address(o.webhook))
    return found, wrong


def webhook_of(text: str, environ: Mapping[str, str] | None = None) -> str:
    """The address that is written there, or that the variable of ``${NAME}`` holds; empty if it is
    not set. It is a secret from here on."""
    named = _VARIABLE.fullmatch(text)
    address = (os.environ if environ is None else environ).get(named[1], "") if named else text
    secrets.add_addresses([address])
    return address


def addresses(given: str | list[str]) -> tuple[str, ...]:
    """The mailboxes in a text with commas between them, or in a list."""
    texts = [given] if isinstance(given, str) else given
    return tuple(address for _, address in getaddresses(texts) if address)


def may_be_webhook(text: str) -> bool:
    """Whether it is an address of the web, or names the variable that holds it: ``${NAME}``."""
    return is_web_address(text) or _VARIABLE.fullmatch(text) is not None


def is_web_address(text: str) -> bool:
    """Whether a webhook could be there: http or https, a host, and no blanks."""
    try:
        parts = urlsplit(text)
        found = parts.scheme in ("http", "https") and bool(parts.hostname)
        return found and text.isprintable() and " " not in text
    except ValueError:
        return False


def _problems(lines: list[str], name: str, table: Any) -> Iterator[Wrong]:
    place = _line(lines, name, None)
    if not isinstance(table, dict):
        yield Wrong(place, f"owner {name!r} is no table.")
        return
    for key, value in table.items():
        at = _line(lines, name, key)
        if key not in _KEYS:
            yield Wrong(at, f"owner {name!r} has no {key!r}.", f"Known: {', '.join(_KEYS)}.")
        elif key == "email":
            texts = value if isinstance(value, list) else [value]
            if not all(isinstance(t, str) for t in texts):
                yield Wrong(at, f"the email of owner {name!r} is no text and no list of texts.")
            elif not addresses(texts) or not all(map(_MAILBOX.fullmatch, addresses(texts))):
                yield Wrong(at, f"the email of owner {name!r} is no mail address.")
        elif not isinstance(value, str) or not may_be_webhook(value):
            # The value is not told: an address that takes messages is a secret.
            yield Wrong(
                at,
                f"the webhook of owner {name!r} is no http or https address and no ${{VARIABLE}}.",
            )


def _line(lines: list[str], name: str | None, key: str | None) -> str:
    """``headgate.toml:12``: where the owner's table begins, or the line of a key in it."""
    here, header = name is None, 0
    for number, line in enumerate(lines, start=1):
        found = _HEADER.match(line)
        if found:
            here = name in found.groups()
            if here:
                header = number
                if key is None:
                    break
        elif line.lstrip().startswith("["):
            here = False
        elif here and key is not None and _begins(line, key):
            return f"{FILE_NAME}:{number}"
    if not header and name is not None:  # written as `[owners]` and `name = {…}`
        header = next((n for n, line in enumerate(lines, 1) if _begins(line, name)), 0)
    return f"{FILE_NAME}:{header}" if header else FILE_NAME


def _begins(line: str, key: str) -> bool:
    return re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line) is not None
