"""How clients of others are configured: the tables ``[kafka]``, ``[pulsar]``, ``[schema_registry]``
and ``[spark]`` of ``headgate.toml``, in the words of each one's own client."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from headgate.core import secrets
from headgate.core.errors import SettingError

FILE_NAME = "headgate.toml"
KAFKA, PULSAR, REGISTRY, SPARK = "kafka", "pulsar", "schema_registry", "spark"
#: The tables of ``headgate.toml`` that are read here.
TABLES = (KAFKA, PULSAR, REGISTRY, SPARK)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
#: Names of values that let somebody in, besides those that all of Headgate knows.
_HIDDEN = re.compile(r"authorization|auth\.user\.info|jaas|key\.pem|token", re.IGNORECASE)


def load(root: Path, table: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the project at ``root`` says in ``table``, by dotted name; empty where it says nothing.

    ``sasl.mechanism = "PLAIN"`` and ``"sasl.mechanism" = "PLAIN"`` say the same. ``${NAME}`` stands
    for a variable of the environment, whose value is a secret from here on, as is whatever its
    name says to be one.

    Raises:
        SettingError: the table is wrong, or a variable is not set; ``place`` is the file and table.
    """
    env = os.environ if environ is None else environ
    place = f"{FILE_NAME}: {table}"
    try:
        found = tomllib.loads((root / FILE_NAME).read_text("utf-8")).get(table, {})
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"not valid TOML: {error}.", place=FILE_NAME) from None
    if not isinstance(found, dict):
        raise SettingError(
            f"{table} is no table.",
            remedy=f'Write: [{table}] and below it lines like "client.id" = "headgate".',
            place=place,
        )
    return {name: _value(name, value, env, place) for name, value in _flat(found, "")}


def _flat(table: Mapping[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def _value(name: str, value: Any, env: Mapping[str, str], place: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise SettingError(f"{name} is neither a text nor a number.", place=place)
    text = str(value)
    hidden = secrets.is_secret_field(name) or bool(_HIDDEN.search(name))
    for variable in _VARIABLE.findall(text):
        if not env.get(variable):
            raise SettingError(
                f"{name} needs the variable {variable}, which is not set.",
                remedy="Set it where the command is started that needs it.",
                place=place,
            )
        secrets.add([env[variable]])
    found = _VARIABLE.sub(lambda m: env[m[1]], text)
    if hidden:
        # Of `user:password` the second part is the secret, wherever it appears.
        secrets.add([found, *found.split(":", 1)[1:]])
    return found
