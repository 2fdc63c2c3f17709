"""The one door to JSON: canonical output, and an input that refuses what the standard forbids."""

from __future__ import annotations

import datetime as _dt
import decimal as _decimal
import json as _json
import re as _re
from collections.abc import Mapping as _Mapping
from itertools import accumulate as _accumulate
from pathlib import Path
from typing import Any


class DuplicateField(ValueError):
    """An object names one field twice."""

    def __init__(self, field: str) -> None:
        super().__init__(f"field {field!r} appears twice")
        self.field = field


class Unfinished(ValueError):
    """The text ends before the JSON value in it does; ``certain`` unless it ends so soon behind
    the place where it stops to be JSON that more text might mend it."""

    def __init__(self, message: str, *, certain: bool) -> None:
        super().__init__(message)
        self.certain = certain


def _plain(value: object) -> object:
    if isinstance(value, _dt.datetime):
        # Not by strftime, which writes the year 33 with two digits.
        moment = value.astimezone(_dt.UTC).replace(tzinfo=None)
        return moment.isoformat(timespec="microseconds") + "Z"
    if isinstance(value, _dt.date | _decimal.Decimal | Path):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, _Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


_FORM: dict[str, Any] = {
    "sort_keys": True, "ensure_ascii": False, "allow_nan": False, "default": _plain
}  # fmt: skip
#: Made once: the standard library makes one anew with every call, which takes longer than its work.
_CANONICAL = _json.JSONEncoder(**_FORM, separators=(",", ":"))


def dumps(value: object, *, indent: int | None = None) -> str:
    """Canonical JSON: sorted keys, no spare spaces (unless ``indent``), NaN refused.

    Raises:
        ValueError: a float is NaN or infinite.
        TypeError: a value has no JSON form.
    """
    if indent is None:
        return _CANONICAL.encode(value)
    return _json.dumps(value, **_FORM, indent=indent, separators=(",", ": "))


#: A text as :func:`dumps` writes it, for who writes thousands of them.
quoted = _json.encoder.encode_basestring


def packed(value: object) -> bytes:
    """A JSON value of plain Python values as UTF-8, always the same for equal values; faster.

    Keys are sorted and no space is spared in. It differs from :func:`dumps` in how large and small
    fractions are written (``1e16``), and half characters come as they are, as three bytes.

    Raises:
        ValueError: a float is NaN or infinite.
        TypeError: a value has no JSON form.
    """
    import orjson  # takes longer to import than most commands have values to write

    try:
        found = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a whole number beyond 64 bits, half a character, or no plain value
        return dumps(value).encode("utf-8", "surrogatepass")
    # It writes NaN and infinity as null, and so may a value be that is none: to read it again and
    # compare takes a third of the time that writing it by the standard library does.
    if b"null" not in found or orjson.loads(found) == value:
        return found
    return dumps(value).encode("utf-8", "surrogatepass")


def loads(text: str | bytes) -> Any:
    """Any JSON value, as the standard library reads it."""
    return _json.loads(text)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise DuplicateField(next(name for name in names if names.count(name) > 1))
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _whole(text: str) -> int | _decimal.Decimal:
    # Beyond the interpreter's limit of digits; a Decimal is as whole, and linear to make.
    return int(text) if len(text) < 4000 else _decimal.Decimal(text)


def _fraction(text: str) -> _decimal.Decimal:
    try:
        return _decimal.Decimal(text)
    except _decimal.InvalidOperation:
        return _decimal.Decimal("NaN")


#: What reads strictly; made once, since making it takes as long as reading a short record. The
#: second takes over when a number is beyond what the first can make.
_HOOKS: dict[str, Any] = {"object_pairs_hook": _no_duplicates, "parse_constant": _no_constant}
_STRICT = _json.JSONDecoder(**_HOOKS, parse_float=_decimal.Decimal)
_SCAN: Any = _STRICT.scan_once  # type: ignore[attr-defined]  # CPython's, and what decode() calls
_STRICT_HUGE = _json.JSONDecoder(**_HOOKS, parse_float=_fraction, parse_int=_whole)


def loads_strict(text: str) -> Any:
    """A JSON value exactly as RFC 8259 allows: no NaN or Infinity, no field twice in one object.

    Integers come back whole (those of thousands of digits as an integral
    :class:`decimal.Decimal`); other numbers as :class:`decimal.Decimal`, unrounded, or as its
    NaN where the exponent is beyond 10**18.

    Raises:
        DuplicateField: an object names a field twice.
        ValueError: anything else that is not JSON.
        RecursionError: nested deeper than the interpreter allows.
    """
    try:
        try:
            value, end = _SCAN(text, 0)
            if end == len(text):
                return value
        except StopIteration:  # no value at once: white space, or an error to be told
            pass
        return _STRICT.decode(text)
    except (_json.JSONDecodeError, DuplicateField):
        raise
    except (ValueError, ArithmeticError):
        return _STRICT_HUGE.decode(text)


def _finite(text: str) -> float:
    value = float(text)
    if value - value != 0.0:
        raise ValueError(f"{text} is beyond the largest number")
    return value


_FINITE = _json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


def loads_finite(text: str) -> Any:
    """A JSON value as the standard library makes it, but no NaN, Infinity or number beyond a float.

    What comes back can be written by :func:`dumps`. Of a field that an object names twice the last
    one counts.

    Raises:
        ValueError: it is no JSON.
        RecursionError: nested deeper than the interpreter allows.
    """
    return _FINITE.decode(text)


#: Every digit as 0 and all else as a space, and so many 0 as a whole number has that is beyond 64 bits.
_DIGITS = bytes(48 if chr(i).isdigit() else 32 for i in range(128)) + b" " * 128
_LONG = b"0" * 19


def read_finite(data: bytes) -> Any:
    """What :func:`loads_finite` makes of the UTF-8 text, in half the time for most.

    Raises:
        UnicodeDecodeError: it is no UTF-8.
        ValueError: it is no JSON.
        RecursionError: nested deeper than the interpreter allows.
    """
    import orjson  # takes longer to import than most commands have values to read

    try:
        # It makes the nearest fraction of a whole number that is beyond 64 bits.
        if _LONG not in data.translate(_DIGITS):
            return orjson.loads(data)
    except ValueError:  # which is told as by the other, and may be none to it: half a character
        pass
    return loads_finite(data.decode("utf-8"))


#: Leaves of JSON its brackets, all of one kind, and the quotes of its texts.
_ONE_KIND = bytes.maketrans(b"[]", b"{}")
_NO_STRUCTURE = bytes(set(range(256)) - set(b'{}[]"'))
#: What an opening and a closing bracket add to the depth; so many levels are taken away all at once.
_STEPS, _ROUNDS = {ord("{"): 1, ord("}"): -1}, 16
_ESCAPED, _TEXT = _re.compile(rb"\\.", _re.DOTALL), _re.compile(rb'"[^"]*"')


def deeper(data: bytes, most: int) -> bool:
    """Whether arrays and objects of the JSON value that these bytes are stand deeper in each other than
    ``most``; of bytes that are no JSON it says nothing.

    Told by the brackets, in half the time that a walk through the values takes.
    """
    if b"\\" in data:
        data = _ESCAPED.sub(b"", data)
    # Few texts have brackets in them: the quotes of all others stand side by side now.
    left = data.translate(_ONE_KIND, _NO_STRUCTURE).replace(b'""', b"")
    if b'"' in left:
        left = _TEXT.sub(b"", left)
    for level in range(_ROUNDS):
        if not left:
            return level > most
        left = left.replace(b"{}", b"")
    # Nested like nothing that is meant to be read: one bracket after the other takes as long, once.
    return _ROUNDS + max(_accumulate(map(_STEPS.__getitem__, left)), default=0) > most


def value_at(text: str, start: int) -> tuple[Any, int]:
    """The JSON value that starts at ``start`` (no white space before it), and where it ends.

    Raises:
        ValueError: no JSON value starts there.
    """
    try:
        return _STRICT.raw_decode(text, start)
    except (_json.JSONDecodeError, DuplicateField):
        raise
    except (ValueError, ArithmeticError):
        return _STRICT_HUGE.raw_decode(text, start)


#: What reads leniently; by the same scanner in C, so that it sees the same structure.
_LENIENT = _json.JSONDecoder()
_LENIENT_SCAN: Any = _LENIENT.scan_once  # type: ignore[attr-defined]
_LENIENT_HUGE: Any = _json.JSONDecoder(parse_int=lambda _: 0).scan_once  # type: ignore[attr-defined]
#: An error this near to the end of a text may be one of a literal or an escape that goes on.
_TOKEN = 16
#: What may be left of a text that was cut inside a value.
_CUT = _re.compile(
    r"[ \t\r\n]*|-|\.[0-9]*([eE][+-]?)?|[eE][+-]?|tr?u?|fa?l?s?|nu?l?|\\(u[0-9a-fA-F]{0,3}"
    r"|u[dD][89abAB][0-9a-fA-F]{2}\\?u?[0-9a-fA-F]{0,3})?"
)


def end_of(text: str, start: int) -> int:
    """Where the JSON value that starts at ``start`` ends, going by its structure alone.

    Fields may repeat and numbers be of any size. A value that ends less than 16 characters
    before the text does may be a number that goes on.

    Raises:
        Unfinished: the text ends inside the value, or may do so.
        ValueError: no text that begins like this holds a JSON value there.
        RecursionError: nested deeper than the interpreter allows.
    """
    try:
        try:
            end: int = _LENIENT_SCAN(text, start)[1]
        except _json.JSONDecodeError:
            raise
        except ValueError:  # a number longer than the interpreter makes
            end = _LENIENT_HUGE(text, start)[1]
    except StopIteration as error:
        raise _at(text, error.value, f"no value at {error.value}") from None
    except _json.JSONDecodeError as error:
        if error.msg.startswith("Unterminated"):
            raise Unfinished(str(error), certain=True) from None
        raise _at(text, error.pos, str(error)) from None
    return end


def _at(text: str, place: int, told: str) -> ValueError:
    """What to raise for text that stops to be JSON at ``place``."""
    if place < len(text) - _TOKEN:
        return ValueError(told)
    return Unfinished(told, certain=_CUT.fullmatch(text, place) is not None)
