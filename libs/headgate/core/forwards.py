"""Where lineage is forwarded to: the tables ``[lineage_forward.<name>]`` of ``headgate.toml``."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from headgate.core import secrets
from headgate.core.errors import SettingError

FILE_NAME = "headgate.toml"
#: The table of ``headgate.toml`` that holds a table for each destination.
TABLE = "lineage_forward"
#: What is ours in a table; the rest is for whatever sends.
_PRIVATE = "private_lakes"
_SHAPE = (
    'Write: [lineage_forward.marquez] type = "http" url = "https://marquez.example.com" '
    'auth = { type = "api_key", apiKey = "${MARQUEZ_API_KEY}" }.'
)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
#: It names files.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
#: Fields of a header or of who is asked for a token, besides those that say so by their names.
_HIDDEN = re.compile(r"authorization|cookie", re.IGNORECASE)


@dataclass(frozen=True)
class Destination:
    """Somebody who is sent every lineage event.

    ``kind`` says how (``http``, ``headgate``, ``store``, or a transport of openlineage-python) and
    ``config`` what that needs, as it is written; see :meth:`resolved`. ``private_lakes``: events of
    private lakes go there too. ``place`` is ``headgate.toml:12``.
    """

    name: str
    kind: str
    config: Mapping[str, Any]
    private_lakes: bool = False
    place: str = ""

    def resolved(self, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The configuration with the environment's values for each ``${NAME}``, which are secrets
        from here on, as is whatever its name says to be one.

        Raises:
            SettingError: a variable is not set.
        """
        env = os.environ if environ is None else environ
        found = self._resolved(self.config, env)
        secrets.add(_secret_values(found))
        return dict(found)

    def _resolved(self, value: Any, env: Mapping[str, str]) -> Any:
        if isinstance(value, Mapping):
            return {k: self._resolved(v, env) for k, v in value.items()}
        if isinstance(value, list):
            return [self._resolved(v, env) for v in value]
        if not isinstance(value, str):
            return value
        for name in _VARIABLE.findall(value):
            if not env.get(name):
                raise SettingError(
                    f"destination {self.name!r} of lineage needs the variable {name}, which is not "
                    "set.",
                    remedy="Set it where runs and `headgate lineage forward` are started.",
                    place=self.place,
                )
            if "://" in env[name]:
                secrets.add_addresses([env[name]])
        return _VARIABLE.sub(lambda m: env[m[1]], value)


@dataclass(frozen=True)
class Wrong:
    """What is wrong with the tables: where, what, and what to do."""

    place: str
    message: str
    remedy: str = _SHAPE


def load(root: Path) -> Mapping[str, Destination]:
    """The destinations that the project at ``root`` names, by name.

    Raises:
        SettingError: a table is wrong; ``place`` is its file and line.
    """
    found, wrong = read(root)
    if wrong:
        raise SettingError(wrong[0].message, remedy=wrong[0].remedy, place=wrong[0].place)
    return found


def read(root: Path) -> tuple[dict[str, Destination], list[Wrong]]:
    """The destinations that can be read, and all that is wrong with the others."""
    try:
        text = (root / FILE_NAME).read_text("utf-8")
        if TABLE not in text:  # as in most projects: nobody pays for a parse
            return {}, []
        tables = tomllib.loads(text).get(TABLE, {})
    except FileNotFoundError:
        return {}, []
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return {}, [Wrong(FILE_NAME, f"not valid TOML: {error}.", "Mend the file.")]
    if not isinstance(tables, dict):
        return {}, [Wrong(FILE_NAME, f"{TABLE} is no table of tables.")]
    found: dict[str, Destination] = {}
    wrong: list[Wrong] = []
    for name, table in tables.items():
        place = _place(text, name)
        problems = [Wrong(place, told) for told in _problems(name, table)]
        wrong += problems
        if not problems:
            config = {k: v for k, v in table.items() if k not in ("type", _PRIVATE)}
            secrets.add(_secret_values(config))
            found[name] = Destination(
                name, table["type"], config, bool(table.get(_PRIVATE, False)), place
            )
    return found, wrong


def _problems(name: str, table: Any) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        yield f"{name!r} is no name of a destination: letters, digits, - and _, and no more than 64."
    if not isinstance(table, dict):
        yield f"destination {name!r} is no table."
        return
    if not isinstance(table.get("type"), str) or not table["type"]:
        yield f"destination {name!r} does not say its type."
    if not isinstance(table.get(_PRIVATE, False), bool):
        yield f"{_PRIVATE} of destination {name!r} is neither true nor false."


def _secret_values(config: Mapping[str, Any]) -> Iterator[str]:
    """Values that let somebody in, as far as they are written and not named."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _secret_values(value)
        elif isinstance(value, str) and not _VARIABLE.fullmatch(value):
            if secrets.is_secret_field(key) or _HIDDEN.search(key):
                yield value
                # What stands behind `Bearer` or `Basic` is the secret, wherever it appears.
                yield from value.split(" ")[1:]
            elif "://" in value:
                yield from _credentials(value)


def _credentials(address: str) -> Iterator[str]:
    """The password in an address, and what is asked for in it."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return
    yield from (parts.password or "", parts.query)


def _place(text: str, name: str) -> str:
    """``headgate.toml:12``: where a destination's table begins."""
    begins = re.compile(
        rf"\s*\[\s*{TABLE}\s*\.\s*[\"']?{re.escape(name)}[\"']?\s*\]|\s*[\"']?{re.escape(name)}[\"']?\s*=\s*\{{"
    )
    lines = enumerate(text.splitlines(), start=1)
    line = next((number for number, text in lines if begins.match(text)), 0)
    return f"{FILE_NAME}:{line}" if line else FILE_NAME
