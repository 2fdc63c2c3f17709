"""Where in which file the engine's errors are: it counts lines of compiled SQL, people write files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_LINE = re.compile(r"^LINE (\d+): (.*)$", re.MULTILINE)
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}")


def told(error: Exception) -> str:
    """The engine's words as one sentence, without the line that it quotes."""
    text = _LINE.split(str(error))[0]
    words = " ".join(text.split()) or type(error).__name__
    return words if words.endswith((".", "!", "?")) else f"{words}."


def place(error: Exception, query: str, files: Sequence[tuple[Path, str]]) -> str:
    """``file:line`` of an error in ``query``, which was compiled from the files (path and text).

    A line that stands in none of them, or in several places, is not guessed: the first file alone
    is named then.
    """
    first = str(files[0][0]) if files else ""
    wrong = _quoted(error, query)
    if wrong is None:
        return first
    found = [
        f"{path}:{number}"
        for path, text in files
        for number, line in enumerate(text.splitlines(), start=1)
        if _could_give(line.strip(), wrong)
    ]
    return found[0] if len(found) == 1 else first


def _quoted(error: Exception, query: str) -> str | None:
    """The line of the query that the engine quotes, perhaps a part of it and counted in another text."""
    match = _LINE.search(str(error))
    if match is None:
        return None
    part = match[2].strip().removeprefix("...").removesuffix("...").strip()
    lines = [line.strip() for line in query.splitlines()]
    number = int(match[1]) - 1
    if number < len(lines) and part and part in lines[number]:
        return lines[number]
    found = {line for line in lines if part and part in line}
    return found.pop() if len(found) == 1 else None


def _could_give(line: str, compiled: str) -> bool:
    """Whether a line of a template may have become a line of SQL."""
    fixed = _JINJA.split(line)
    if not "".join(fixed).strip():
        return False
    return re.fullmatch(".*".join(map(re.escape, fixed)), compiled) is not None
