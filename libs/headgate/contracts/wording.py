"""What a rule demands, in words that a reader of data understands without knowing the rule kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from headgate.contracts.model import Rule
from headgate.core import json as hjson

_COMPARISONS = {
    "mustBe": "exactly {}",
    "mustNotBe": "anything but {}",
    "mustBeGreaterThan": "more than {}",
    "mustBeGreaterOrEqualTo": "at least {}",
    "mustBeLessThan": "less than {}",
    "mustBeLessOrEqualTo": "at most {}",
    "mustBeBetween": "between {} and {}",
    "mustNotBeBetween": "not between {} and {}",
}
_MISSING_PARENTS = {
    "fail": "a row without it refuses the batch",
    "wait": "a row without it waits for it",
    "warn": "a row without it is recorded",
    "quarantine": "a row without it is set aside",
}
_Quote = Callable[[str], str]


def expectation(rule: Rule, *, markdown: bool = False) -> str:
    """What the rule demands, in one line; a kind that has no words here is told by its arguments.

    Args:
        rule: any rule of a contract.
        markdown: put names, values and SQL into backticks.
    """
    quote: _Quote = code if markdown else str
    words = _WORDS.get(rule.kind)
    if words is None:
        return ", ".join(f"{k}: {quote(_value(v))}" for k, v in sorted(rule.arguments.items()))
    return words(rule.column or "", rule.arguments, quote)


def code(text: object) -> str:
    """``text`` as a code span, in one line, whatever backticks it holds itself."""
    plain = " ".join(line.strip() for line in str(text).splitlines())
    if not plain:
        return ""
    fence = "`"
    while fence in plain:
        fence += "`"
    pad = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def _value(value: Any) -> str:
    """Text as it is, unless that would not show; anything else as JSON."""
    shows = isinstance(value, str) and value and value == value.strip()
    return value if shows else hjson.dumps(value)


def _listed(values: Any, quote: _Quote) -> str:
    return ", ".join(quote(_value(v)) for v in values)


def _compared(arguments: Mapping[str, Any], of: str = "") -> str:
    """`at most 5 % of rows`: the comparison, its limit and unit."""
    limit = arguments["value"]
    limits = limit if isinstance(limit, list) else [limit]
    text = _COMPARISONS[arguments["operator"]].format(*(_value(v) for v in limits))
    return f"{text} %{of}" if arguments.get("unit") == "percent" else text


def _length(words: str) -> Callable[[str, Mapping[str, Any], _Quote], str]:
    def say(_: str, arguments: Mapping[str, Any], __: _Quote) -> str:
        number = arguments["value"]
        return f"{words} {number} character{'' if number == 1 else 's'}"

    return say


def _limit(inclusive: str, exclusive: str) -> Callable[[str, Mapping[str, Any], _Quote], str]:
    def say(_: str, arguments: Mapping[str, Any], quote: _Quote) -> str:
        words = exclusive if arguments.get("exclusive") else inclusive
        return f"{words} {quote(_value(arguments['value']))}"

    return say


def _foreign_key(_: str, arguments: Mapping[str, Any], quote: _Quote) -> str:
    columns, parents = (_listed(arguments[k], quote) for k in ("columns", "parent_columns"))
    found = f"{columns} is {parents} of a row of {quote(arguments['parent'])}"
    return f"{found}; {_MISSING_PARENTS[arguments['missing']]}"


def _validity(arguments: Mapping[str, Any], quote: _Quote) -> str:
    ways = []
    if "validValues" in arguments:
        ways.append(f"one of {_listed(arguments['validValues'], quote)}")
    if "pattern" in arguments:
        ways.append(f"text that matches {quote(arguments['pattern'])}")
    return " and ".join(ways)


def _null_share(column: str, arguments: Mapping[str, Any], quote: _Quote) -> str:
    return f"rows without {quote(column)}: {_compared(arguments, ' of all')}"


def _missing_share(column: str, arguments: Mapping[str, Any], quote: _Quote) -> str:
    absent = [v for v in arguments.get("missingValues", ()) if v is not None]
    also = f" or with {_listed(absent, quote)} in it" if absent else ""
    return f"rows without {quote(column)}{also}: {_compared(arguments, ' of all')}"


def _invalid_share(column: str, arguments: Mapping[str, Any], quote: _Quote) -> str:
    valid = _validity(arguments, quote)
    return f"rows whose {quote(column)} is not {valid}: {_compared(arguments, ' of all')}"


def _duplicate_count(_: str, arguments: Mapping[str, Any], quote: _Quote) -> str:
    return f"rows that repeat {_listed(arguments['columns'], quote)}: {_compared(arguments, ' of all')}"


def _items(words: str, of: str) -> Callable[[str, Mapping[str, Any], _Quote], str]:
    def say(_: str, arguments: Mapping[str, Any], __: _Quote) -> str:
        return f"{words} {arguments['value']} {of}"

    return say


def _own_engine(_: str, arguments: Mapping[str, Any], quote: _Quote) -> str:
    given = arguments.get("kwargs", {})
    told = ", ".join(f"{k}: {quote(_value(v))}" for k, v in sorted(given.items()))
    return f"{quote(arguments['type'])} of Great Expectations" + (f" ({told})" if told else "")


_WORDS: dict[str, Callable[[str, Mapping[str, Any], _Quote], str]] = {
    "required": lambda _, __, ___: "a value",
    "min_length": _length("at least"),
    "max_length": _length("at most"),
    "pattern": lambda _, a, quote: f"text that matches {quote(a['value'])}",
    "format": lambda _, a, quote: f"text of the format {quote(a['value'])}",
    "minimum": _limit("at least", "more than"),
    "maximum": _limit("at most", "less than"),
    "accepted_values": lambda _, a, quote: f"one of {_listed(a['values'], quote)}",
    "predicate": lambda _, a, quote: f"{quote(' '.join(a['sql'].split()))} in each row",
    "foreign_key": _foreign_key,
    "row_count": lambda _, a, __: f"rows of the table: {_compared(a)}",
    "null_share": _null_share,
    "missing_share": _missing_share,
    "invalid_share": _invalid_share,
    "duplicate_count": _duplicate_count,
    "unique": lambda _, a, quote: f"no two rows with the same {_listed(a['columns'], quote)}",
    "multiple_of": lambda _, a, quote: f"a multiple of {quote(_value(a['value']))}",
    "earliest": _limit("not before", "after"),
    "latest": _limit("not after", "before"),
    "min_items": _items("at least", "elements"),
    "max_items": _items("at most", "elements"),
    "unique_items": lambda _, __, ___: "no element twice",
    "min_properties": _items("an object of at least", "fields"),
    "max_properties": _items("an object of at most", "fields"),
    "required_properties": lambda _, a, quote: f"an object with {_listed(a['values'], quote)}",
    "great_expectations": _own_engine,
    "sql": lambda _, a, quote: f"{quote(' '.join(a['query'].split()))} gives {_compared(a)}",
}
