"""Schemas of a schema registry, by the ids that messages carry; asked for once and kept.

A registry is one that answers ``GET /schemas/ids/<id>`` as Confluent's does (Apicurio's at
``/apis/ccompat/v7``, Karapace, Redpanda).
"""

from __future__ import annotations

import base64
import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from headgate.core import clock
from headgate.core import json as hjson
from headgate.core.errors import SettingError
from headgate.ingest.streams.source import SourceError

URL = "url"
#: How to be let in: the words of Confluent's clients.
BASIC, BEARER, CA = "basic.auth.user.info", "bearer.auth.token", "ssl.ca.location"
_KNOWN = (URL, BASIC, BEARER, CA)
#: Seconds that one answer may take, and that are waited between questions while there is none.
PATIENCE, PAUSE = 10.0, 1.0
#: How often a registry that is away is asked before that is told.
TRIES = 5
#: For so many seconds an id that the registry does not have is not asked for again.
_UNKNOWN_KEPT = 30.0
#: The longest schema that is read, in bytes, and the most references it may have, of references too.
LONGEST, MOST = 4_000_000, 200
_ACCEPT = "application/vnd.schemaregistry.v1+json, application/json"


class RegistryError(SourceError):
    """The registry does not answer, or does not let us in; nothing is known of the messages."""


class UnknownSchema(Exception):
    """The registry has no such schema, or one that cannot be told; its text says which."""


@dataclass(frozen=True)
class Schema:
    """A schema as it was registered. ``kind`` is ``AVRO``, ``PROTOBUF`` or ``JSON``; ``references``
    are the texts it refers to by name, each after those that it refers to itself."""

    kind: str
    text: str
    references: tuple[tuple[str, str], ...] = ()


class Registry:
    """A registry at ``url``. ``config`` is the table ``[schema_registry]``.

    Raises:
        SettingError: the configuration has no address, or a name that is not known.
    """

    def __init__(self, config: Mapping[str, str]) -> None:
        place = "headgate.toml: schema_registry"
        unknown = sorted(set(config) - set(_KNOWN))
        if unknown:
            raise SettingError(
                f"{unknown[0]!r} is not known here.",
                remedy=f"Known: {', '.join(_KNOWN)}.",
                place=place,
            )
        self.url = config.get(URL, "").rstrip("/")
        if urlsplit(self.url).scheme not in ("http", "https"):
            raise SettingError(
                "nothing says where the schema registry is.",
                remedy='Write in headgate.toml: [schema_registry] url = "http://registry:8081".',
                place=place,
            )
        self._headers = {"Accept": _ACCEPT}
        if BASIC in config:
            packed = base64.b64encode(config[BASIC].encode()).decode()
            self._headers["Authorization"] = f"Basic {packed}"
        elif BEARER in config:
            self._headers["Authorization"] = f"Bearer {config[BEARER]}"
        context = ssl.create_default_context(cafile=config.get(CA))
        self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
        self._known: dict[int, Schema] = {}
        self._unknown: dict[int, tuple[float, str]] = {}

    def schema(self, number: int) -> Schema:
        """The schema that has this id.

        Raises:
            UnknownSchema: the registry says that there is none.
            RegistryError: the registry does not answer.
        """
        if number in self._known:
            return self._known[number]
        at, why = self._unknown.get(number, (0.0, ""))
        if why and clock.monotonic() - at < _UNKNOWN_KEPT:
            raise UnknownSchema(why)
        try:
            found = self._made(self._ask(f"/schemas/ids/{number}"))
        except UnknownSchema as error:
            self._unknown[number] = (clock.monotonic(), str(error))
            raise
        self._known[number] = found
        return found

    def _made(self, told: Mapping[str, Any]) -> Schema:
        references: dict[str, str] = {}
        self._follow(told, references)
        return Schema(str(told.get("schemaType", "AVRO")), _text(told), tuple(references.items()))

    def _follow(self, told: Mapping[str, Any], found: dict[str, str]) -> None:
        """Add what a schema refers to, the farthest first."""
        for reference in told.get("references") or ():
            name = str(reference["name"])
            if name in found:
                continue
            if len(found) >= MOST:
                raise UnknownSchema(f"the schema refers to more than {MOST} others")
            subject = quote(str(reference["subject"]), safe="")
            inner = self._ask(f"/subjects/{subject}/versions/{int(reference['version'])}")
            found[name] = ""  # it may come round to itself
            self._follow(inner, found)
            del found[name]
            found[name] = _text(inner)

    def _ask(self, path: str) -> Mapping[str, Any]:
        for left in reversed(range(TRIES)):
            try:
                return self._answer(path)
            except urllib.error.HTTPError as error:
                with error:
                    if error.code == 404:
                        raise UnknownSchema(f"the registry has no schema at {path}") from None
                    if error.code in (401, 403):
                        raise RegistryError(
                            f"The schema registry at {self.url} does not let us in ({error.code}).",
                            remedy=f"Set {BASIC} or {BEARER} in [schema_registry].",
                        ) from None
                    told = f"it answers {error.code}"
            except (OSError, http.client.HTTPException) as error:
                told = str(getattr(error, "reason", error)) or type(error).__name__
            except ValueError as error:
                told = f"its answer is not what it should be: {error}"
            if left:
                clock.sleep(PAUSE)
        raise RegistryError(
            f"The schema registry at {self.url} does not say what {path} is: {told}.",
            remedy="See whether it runs; messages wait until it does.",
        )

    def _answer(self, path: str) -> Mapping[str, Any]:
        request = urllib.request.Request(self.url + path, headers=self._headers)  # noqa: S310 (http or https)
        with self._opener.open(request, timeout=PATIENCE) as answer:
            body = answer.read(LONGEST + 1)
        if len(body) > LONGEST:
            raise UnknownSchema(f"the schema at {path} is longer than {LONGEST} bytes")
        told = hjson.loads(body)
        if not isinstance(told, dict):
            raise ValueError("no JSON object")
        return told


def _text(told: Mapping[str, Any]) -> str:
    found = told.get("schema")
    if not isinstance(found, str):
        raise UnknownSchema("the registry's answer has no schema in it")
    return found
