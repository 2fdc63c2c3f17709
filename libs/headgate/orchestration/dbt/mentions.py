"""What a file of SQL mentions, read without dbt and without an engine: models and datasets."""

from __future__ import annotations

import re
from collections.abc import Iterator

_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_TEXT = r"""\s*(?:'([^']*)'|"([^"]*)")\s*"""
# They begin with their name, so that most of a file is passed over at once.
_REF = re.compile(rf"ref\(({_TEXT}(?:,{_TEXT})?)[,)]")
_SOURCE = re.compile(rf"source\({_TEXT},{_TEXT}\)")
CHANGED = re.compile(rf"changed\({_TEXT},{_TEXT}(?:,{_TEXT},{_TEXT})?\)")


def uncommented(sql: str) -> str:
    """The file without the comments that Jinja leaves out."""
    return _COMMENT.sub("", sql) if "{#" in sql else sql


def refs(code: str) -> tuple[str, ...]:
    """The models that it reads, each once; ``ref('package', 'model')`` names the model second."""
    found = [[t for t in m.groups()[1:] if t is not None][-1] for m in calls(_REF, code)]
    return tuple(dict.fromkeys(found))


def sources(code: str) -> tuple[tuple[str, str], ...]:
    """The sources that it reads, each once, as schema and name."""
    found = []
    for match in calls(_SOURCE, code):
        schema, name = (g for g in match.groups() if g is not None)
        found.append((schema, name))
    return tuple(dict.fromkeys(found))


def calls(call: re.Pattern[str], code: str) -> Iterator[re.Match[str]]:
    """The calls in a file, without those of functions whose name only ends so."""
    for match in call.finditer(code):
        before = code[match.start() - 1 : match.start()]
        if not (before.isalnum() or before == "_"):
            yield match


def line_of(code: str, *names: str) -> int:
    """The line, counted from 1, of the first call that has these texts for its arguments."""
    for pattern in (_REF, _SOURCE):
        for match in calls(pattern, code):
            texts = [g for g in match.groups() if g is not None]
            if tuple(texts[-len(names) :]) == names:
                return code.count("\n", 0, match.start()) + 1
    return 1
