"""How a source's CSV is written: what the contract's headgate.source says beyond format and path."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headgate.contracts.model import Contract
from headgate.core.errors import ContractError

#: Every option of a CSV source and what it means.
OPTIONS: Mapping[str, str] = {
    "delimiter": 'one ASCII character between fields; default ","',
    "quote": "one ASCII character around fields that hold others; default '\"', empty for none",
    "escape": "a character that takes the next one as it is; default: a quote is doubled instead",
    "bareQuotes": "true: inside a field without quotes a quote is text; default: it is refused",
    "encoding": "a Python codec name; default utf-8 (a byte order mark is followed, and noted)",
    "header": "true (default): the first record names the fields; false: contract order",
    "nulls": 'texts that mean NULL; default [""]; in quotes they are texts in a text column',
    "quotedNulls": "true: they mean NULL in quotes too, in text columns; default false",
    "skip": "lines before the first record or header that are passed over; default 0",
    "decimal": 'the decimal point of numbers; default "."',
    "trueValues": 'texts that mean true; default ["true", "True", "TRUE"]',
    "falseValues": 'texts that mean false; default ["false", "False", "FALSE"]',
    "dateFormat": "strptime pattern of dates; default ISO 8601",
    "timestampFormat": "strptime pattern of timestamps, UTC without %z; default ISO 8601",
    "ignore": "names of the header that no column takes on purpose",
}


@dataclass(frozen=True)
class Dialect:
    """The options of one source, as :data:`OPTIONS` explains them; checked."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    bare_quotes: bool = False
    encoding: str = "utf-8"
    header: bool = True
    nulls: tuple[str, ...] = ("",)
    quoted_nulls: bool = False
    skip: int = 0
    decimal: str = "."
    true_values: tuple[str, ...] = ("true", "True", "TRUE")
    false_values: tuple[str, ...] = ("false", "False", "FALSE")
    date_format: str = ""
    timestamp_format: str = ""


def dialect(contract: Contract) -> Dialect:
    """The dialect that the contract's source has.

    Raises:
        ContractError: an option has a value that it cannot have.
    """
    assert contract.source is not None
    given = contract.source.options
    place = f"{contract.path}#/customProperties/headgate.source"

    def take(name: str, default: Any, valid: Callable[[Any], bool], wanted: str) -> Any:
        value = given.get(name, default)
        if not valid(value):
            raise ContractError(
                f"CSV option {name} is {value!r}.",
                remedy=f"Write {wanted}.",
                place=f"{place}/{name}",
            )
        return value

    sign = "one ASCII character"
    found = Dialect(
        delimiter=take("delimiter", ",", _sign, sign),
        quote=take("quote", '"', lambda v: v == "" or _sign(v), f"{sign}, or nothing"),
        escape=take("escape", "", lambda v: v == "" or _sign(v), f"{sign}, or leave it out"),
        bare_quotes=take("bareQuotes", False, lambda v: isinstance(v, bool), "true or false"),
        encoding=codec(take("encoding", "utf-8", _encoding, "a text encoding such as cp1252")),
        header=take("header", True, lambda v: isinstance(v, bool), "true or false"),
        nulls=tuple(take("nulls", ("",), _texts, "a list of texts")),
        quoted_nulls=take("quotedNulls", False, lambda v: isinstance(v, bool), "true or false"),
        skip=take("skip", 0, lambda v: type(v) is int and v >= 0, "a number of lines"),
        decimal=take("decimal", ".", lambda v: v in (".", ","), '"." or ","'),
        true_values=tuple(take("trueValues", Dialect.true_values, _texts, "a list of texts")),
        false_values=tuple(take("falseValues", Dialect.false_values, _texts, "a list of texts")),
        date_format=take("dateFormat", "", _text, "a pattern such as %d/%m/%Y"),
        timestamp_format=take("timestampFormat", "", _text, "a pattern such as %d/%m/%Y %H:%M"),
    )
    signs = [s for s in (found.delimiter, found.quote, found.escape) if s]
    if len(set(signs)) < len(signs):
        raise ContractError(
            "delimiter, quote and escape must differ.",
            remedy="To double quotes, leave escape out.",
            place=place,
        )
    return found


def codec(name: str) -> str:
    """The one name that Python has for an encoding."""
    return codecs.lookup(name).name.replace("utf-8-sig", "utf-8")


def _sign(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 1 and value.isascii() and value not in "\r\n\0"


def _encoding(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool("".encode(value) or value)
    except LookupError:  # no codec, or one that is not of text
        return False


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and all(isinstance(v, str) for v in value)
    )
