"""Cron lines of five fields: whether one means what every scheduler reads in it, and ever comes."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Words for lines that many write; what they mean is said by the scheduler.
WORDS = ("@hourly", "@daily", "@weekly")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PART = re.compile(r"(?P<all>\*)|(?P<first>[a-z0-9]+)(?:-(?P<last>[a-z0-9]+))?")


@dataclass(frozen=True)
class _Field:
    name: str
    least: int
    most: int
    words: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        """The number that a value of the field is.

        Raises:
            ValueError: it is none, or none of the field's.
        """
        if text in self.words:
            return self.words.index(text) + self.least
        if not (text.isascii() and text.isdigit()) or not self.least <= int(text) <= self.most:
            raise ValueError(
                f"its {self.name} {text!r} is no number from {self.least} to {self.most}"
            )
        return int(text)

    def values(self, text: str) -> frozenset[int]:
        """The values that the field names.

        Raises:
            ValueError: it names none.
        """
        found: set[int] = set()
        for listed in text.lower().split(","):
            span, slash, step = listed.partition("/")
            if slash and not (step.isascii() and step.isdigit() and 1 <= int(step) <= self.most):
                raise ValueError(f"its {self.name} has no step from 1 to {self.most} in {listed!r}")
            match = _PART.fullmatch(span)
            if match is None:
                raise ValueError(f"its {self.name} {listed!r} cannot be read")
            if match["all"]:
                first, last = self.least, self.most
            else:
                first = self.number(match["first"])
                last = self.number(match["last"]) if match["last"] else first
                if slash and not match["last"]:
                    last = self.most
            if last < first:
                raise ValueError(f"its {self.name} {listed!r} ends before it begins")
            found.update(range(first, last + 1, int(step or 1)))
        return frozenset(found)


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, tuple(_MONTHS)),
    _Field("day of the week", 0, 7, tuple(_DAYS)),
)


def demand(text: str) -> None:
    """Let only a line through that says when: five fields of numbers, names, lists, ranges and
    steps, or one of :data:`WORDS`.

    Raises:
        ValueError: it does not, or never comes; the message says why.
    """
    if text in WORDS:
        return
    parts = text.split(" ")
    if len(parts) != len(_FIELDS):
        raise ValueError(f"it has {len(text.split())} fields, divided by single spaces, and not 5")
    _, _, days, months, _ = (f.values(p) for f, p in zip(_FIELDS, parts, strict=True))
    every_weekday = parts[4].startswith("*")
    if every_weekday and all(min(days) > _LONGEST_MONTHS[m - 1] for m in months):
        raise ValueError("none of its months has such a day")
