"""RE2's patterns in the words of Java's regular expressions, so that the same texts match.

The two write much alike and mean other things: what ends a line, what `$`, `\\b`, `\\s` and `\\w`
know, how case folds, what a class may hold. So nothing is left to Java but literals, classes of
code points that are spelled out, groups, alternatives, repeats and looks to the side. Which code
points a class with `(?i)` or `\\p` holds RE2 itself is asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from headgate.core.errors import UsageError
from headgate.lake.engines.spark import codepoints
from headgate.lake.engines.spark.codepoints import Ranges

_WORD = r"[0-9A-Za-z_]"
_BORDER = rf"(?:(?<={_WORD})(?!{_WORD})|(?<!{_WORD})(?={_WORD}))"
_ESCAPED = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}
_PERL = "dDsSwW"


@dataclass(frozen=True)
class _Flags:
    """What (?i), (?m), (?s) and (?U) say at a place of the pattern."""

    fold: bool = False
    lines: bool = False
    dot_all: bool = False
    lazy: bool = False


@lru_cache(maxsize=1024)
def java(pattern: str, *, groups: bool = False) -> str:
    """The pattern in Java's syntax, for ``find``; ``groups``: its groups are kept, to be asked for.

    Raises:
        UsageError: it is no pattern of RE2, or matches single bytes.
        CannotCarryError: it holds \\B, which matches within characters.
    """
    try:
        return _Reader(pattern, groups).whole()
    except (LookupError, ValueError) as error:
        raise UsageError(f"{pattern!r} is no RE2 pattern: {error}.") from None


class _Reader:
    """One look through a pattern that RE2 takes."""

    def __init__(self, pattern: str, groups: bool) -> None:
        self.pattern, self.groups, self.at = pattern, groups, 0

    def whole(self) -> str:
        told, _ = self._alternatives(_Flags())
        if self.at < len(self.pattern):
            raise ValueError("a parenthesis too many")
        return told

    def _alternatives(self, flags: _Flags) -> tuple[str, Ranges | None]:
        """Up to the end of the group; and the code points, if each alternative is one of them."""
        told: list[str] = []
        single: list[Ranges | None] = []
        while True:
            text, points, flags = self._sequence(flags)
            told.append(text)
            single.append(points)
            if self._peek() != "|":
                break
            self.at += 1
        if len(single) > 1 and all(p is not None for p in single):
            # Java walks through a choice by recursion, and through a class by a loop.
            points = codepoints.union([p for p in single if p is not None])
            return codepoints.written(points), points
        return "|".join(told), single[0] if len(single) == 1 else None

    def _sequence(self, flags: _Flags) -> tuple[str, Ranges | None, _Flags]:
        parts: list[str] = []
        points: list[Ranges | None] = []
        while self.at < len(self.pattern) and self._peek() not in "|)":
            flags, atom, single = self._atom(flags)
            if atom is None:
                continue
            repeat = self._repeat(flags)
            parts.append(atom + repeat)
            points.append(None if repeat else single)
        return "".join(parts), points[0] if len(points) == 1 else None, flags

    def _atom(self, flags: _Flags) -> tuple[_Flags, str | None, Ranges | None]:
        """The next atom; None if it only sets flags."""
        char = self._next()
        if char == "(":
            return self._group(flags)
        if char == "[":
            return flags, *self._of(self._class(flags))
        if char == ".":
            return flags, *self._of(
                codepoints.ALL if flags.dot_all else codepoints.inverted([(10, 10)])
            )
        if char == "^":
            return flags, r"(?:\A|(?<=\n))" if flags.lines else r"\A", None
        if char == "$":
            return flags, r"(?=\n|\z)" if flags.lines else r"\z", None
        if char == "\\":
            return flags, *self._escape(flags)
        return flags, *self._literal(ord(char), flags)

    def _group(self, flags: _Flags) -> tuple[_Flags, str | None, Ranges | None]:
        kept, inner = self.groups, flags
        if self._peek() == "?":
            self.at += 1
            if self.pattern.startswith(("P<", "<"), self.at):
                self.at = self.pattern.index(">", self.at) + 1
            else:
                kept, inner, ended = False, *self._flags(flags)
                if ended:
                    return inner, None, None
        told, points = self._alternatives(inner)
        if self._next() != ")":
            raise ValueError("a parenthesis is missing")
        if points is not None and not kept:
            return flags, told, points
        return flags, f"({told})" if kept else f"(?:{told})", None

    def _flags(self, flags: _Flags) -> tuple[_Flags, bool]:
        """Flags up to ``:`` or ``)``; the latter ends the group, and they hold after it."""
        on = True
        names = {"i": "fold", "m": "lines", "s": "dot_all", "U": "lazy"}
        while (char := self._next()) not in ":)":
            if char == "-":
                on = False
            else:
                flags = replace(flags, **{names[char]: on})
        return flags, char == ")"

    def _repeat(self, flags: _Flags) -> str:
        told = self._peek()
        if told and told in "*+?":
            self.at += 1
        elif told == "{" and (end := self._counted()):
            told, self.at = self.pattern[self.at : end], end
        else:
            return ""
        lazy = flags.lazy
        if self._peek() == "?":
            self.at += 1
            lazy = not lazy
        return told + ("?" if lazy else "")

    def _counted(self) -> int:
        """Where a {n}, {n,} or {n,m} ends; 0 if the brace is only a brace."""
        end = self.pattern.find("}", self.at)
        least, _, most = self.pattern[self.at + 1 : end].partition(",")
        whole = (
            least.isascii()
            and least.isdigit()
            and (not most or (most.isascii() and most.isdigit()))
        )
        return end + 1 if end > 0 and whole else 0

    def _escape(self, flags: _Flags) -> tuple[str, Ranges | None]:
        char = self._next()
        if char == "Q":
            end = self.pattern.find("\\E", self.at)
            quoted = self.pattern[self.at : end if end >= 0 else None]
            self.at = end + 2 if end >= 0 else len(self.pattern)
            parts = [self._literal(ord(c), flags) for c in quoted]
            if len(parts) == 1:
                return parts[0]
            # A repeat after it is of its last character.
            repeat_of = "".join(p for p, _ in parts)
            return repeat_of, None
        if char in "Az":
            return f"\\{char}", None
        if char == "b":
            return _BORDER, None
        if char == "B":
            from headgate.lake.engines.spark.carrying.errors import refused

            # RE2 finds it between the bytes of one character, where Java looks not.
            raise refused(r"the pattern \B")
        if char == "C":
            raise ValueError(r"\C matches bytes, not characters")
        if char in _PERL:
            plain = codepoints.PERL[char]
            return self._of(
                codepoints.with_case(f"\\{char}", tuple(plain)) if flags.fold else plain
            )
        if char in "pP":
            return self._of(codepoints.asked("\\" + char + self._property(), flags.fold))
        self.at -= 1
        return self._literal(self._code(), flags)

    def _property(self) -> str:
        start = self.at
        self.at = self.pattern.index("}", start) + 1 if self._peek() == "{" else start + 1
        return self.pattern[start : self.at]

    def _code(self) -> int:
        """The code point that an escape means; what is behind the backslash comes next."""
        char = self._next()
        if char in _ESCAPED:
            return _ESCAPED[char]
        if char == "x":
            if self._peek() == "{":
                end = self.pattern.index("}", self.at)
                digits, self.at = self.pattern[self.at + 1 : end], end + 1
            else:
                digits, self.at = self.pattern[self.at : self.at + 2], self.at + 2
            return int(digits, 16)
        if char in "01234567":
            digits = char
            while len(digits) < 3 and self._peek() and self._peek() in "01234567":
                digits += self._next()
            return int(digits, 8)
        return ord(char)

    def _class(self, flags: _Flags) -> Ranges:
        start, inverted = self.at - 1, False
        if self._peek() == "^":
            self.at, inverted = self.at + 1, True
        found: list[tuple[int, int]] = []
        first, listed = True, True
        while first or self._peek() != "]":
            first = False
            if self.pattern.startswith("[:", self.at) and ":]" in self.pattern[self.at :]:
                end = self.pattern.index(":]", self.at)
                found += codepoints.posix(self.pattern[self.at + 2 : end])
                self.at = end + 2
            elif self._peek() == "\\" and self.pattern[self.at + 1] in _PERL:
                found += codepoints.PERL[self.pattern[self.at + 1]]
                self.at += 2
            elif self._peek() == "\\" and self.pattern[self.at + 1] in "pP":
                self.at, listed = self.at + 2, False
                self._property()
            else:
                low = self._member()
                high = low
                if self._peek() == "-" and self.pattern[self.at + 1] != "]":
                    self.at += 1
                    high = self._member()
                found.append((low, high))
        self.at += 1
        token = self.pattern[start : self.at]
        if not listed:
            return codepoints.asked(token, flags.fold)
        points = codepoints.inverted(found) if inverted else codepoints.union([found])
        return codepoints.with_case(token, tuple(points)) if flags.fold else points

    def _member(self) -> int:
        char = self._next()
        return self._code() if char == "\\" else ord(char)

    def _literal(self, point: int, flags: _Flags) -> tuple[str, Ranges | None]:
        if flags.fold:
            return self._of(codepoints.folded(point))
        return codepoints.character(point), [(point, point)]

    def _of(self, points: Ranges) -> tuple[str, Ranges | None]:
        return codepoints.written(points), points

    def _peek(self) -> str:
        return self.pattern[self.at] if self.at < len(self.pattern) else ""

    def _next(self) -> str:
        self.at += 1
        return self.pattern[self.at - 1]


def literal(char: str) -> str:
    """A character that stands for itself."""
    return codepoints.character(ord(char))
