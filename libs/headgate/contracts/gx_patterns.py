"""Patterns of RE2 as Great Expectations' engines (Python, Java) must read them to mean the same."""

from __future__ import annotations

import re

_WORD = "0-9A-Za-z_"
#: Classes that RE2 knows as ASCII only, and the engines as Unicode.
_CLASSES = {"d": "0-9", "w": _WORD, "s": r"\t\n\f\r "}
_POSIX = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\x00-\x7f", "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f", "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~",
    "punct": r"!-/:-@\[-`{-~", "space": r"\t\n\v\f\r ", "upper": "A-Z", "word": _WORD,
    "xdigit": "0-9A-Fa-f",
}  # fmt: skip
#: `$` is the end of the text in RE2, and before a last line end too elsewhere.
_END = r"(?![\s\S])"
_EDGE = f"(?:(?<![{_WORD}])(?=[{_WORD}])|(?<=[{_WORD}])(?![{_WORD}]))"
_INSIDE = f"(?:(?<![{_WORD}])(?![{_WORD}])|(?<=[{_WORD}])(?=[{_WORD}]))"
_OUTSIDE_CLASS = {"z": _END, "b": _EDGE, "B": _INSIDE, "A": r"\A"}
#: Escapes that mean the same everywhere: control characters and any sign.
_SAME = re.compile(r"\\(?:[aftnrv]|[^0-9A-Za-z]|x[0-9A-Fa-f]{2})")
_COUNT = re.compile(r"\{\d+(?:,\d*)?\}")
_NAMED = re.compile(r"\[:(\^?)([a-z]+):\]")


def portable(pattern: str) -> str | None:
    """The pattern in a form that means the same to RE2, Python and Java; None if there is none.

    ``pattern`` is one that RE2 takes. Flags and classes of Unicode properties have no such form.
    """
    found: list[str] = []
    at = 0
    while at < len(pattern):
        step = _step(pattern, at)
        if step is None:
            return None
        text, at = step
        found.append(text)
    made = "".join(found)
    try:
        re.compile(made)
    except re.error:
        return None
    return made


def _step(pattern: str, at: int) -> tuple[str, int] | None:
    """What stands at ``at`` in the portable form, and where the next begins."""
    sign = pattern[at]
    if sign == "\\":
        return _escape(pattern, at, in_class=False)
    if sign == "[":
        return _class(pattern, at)
    if sign == "$":
        return _END, at + 1
    if sign == ".":
        # Java knows more line ends than the one that RE2 stops at.
        return r"[^\n]", at + 1
    if sign == "(":
        if pattern.startswith("(?:", at):
            return "(?:", at + 3
        # What a group catches is nobody's business here, and pandas warns of it.
        return None if pattern.startswith("(?", at) else ("(?:", at + 1)
    if sign == "{" and not _COUNT.match(pattern, at):
        return r"\{", at + 1
    return sign, at + 1


def _escape(pattern: str, at: int, *, in_class: bool) -> tuple[str, int] | None:
    sign = pattern[at + 1 : at + 2]
    if sign in _CLASSES:
        inner = _CLASSES[sign]
        return (inner if in_class else f"[{inner}]"), at + 2
    if sign.lower() in _CLASSES and sign:
        return None if in_class else (f"[^{_CLASSES[sign.lower()]}]", at + 2)
    if not in_class and sign in _OUTSIDE_CLASS:
        return _OUTSIDE_CLASS[sign], at + 2
    same = _SAME.match(pattern, at)
    return (same[0], same.end()) if same else None


def _class(pattern: str, at: int) -> tuple[str, int] | None:
    """A whole class of characters, from ``[`` to its ``]``."""
    start = at + 2 if pattern.startswith("[^", at) else at + 1
    found, at = [pattern[at:start]], start
    while at < len(pattern):
        sign = pattern[at]
        if sign == "]" and at > start:
            return "".join(found) + "]", at + 1
        named = _NAMED.match(pattern, at)
        if named:
            if named[1] or named[2] not in _POSIX:
                return None
            found.append(_POSIX[named[2]])
            at = named.end()
        elif sign == "\\":
            step = _escape(pattern, at, in_class=True)
            if step is None:
                return None
            found.append(step[0])
            at = step[1]
        else:
            # Signs that double up to operators on classes in one engine or the other.
            found.append("\\" + sign if sign in "[]&~|" else sign)
            at += 1
    return None
