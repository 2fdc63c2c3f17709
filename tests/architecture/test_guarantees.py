"""Every promise of docs/reference/guarantees.md says its limits and names tests that there are."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "guarantees.md"
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def promises() -> dict[str, str]:
    """Each promise's heading and what stands below it."""
    parts = re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0].strip(): part.partition("\n")[2] for part in parts}


@cache
def named_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    found = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    return {n.name for n in found if n.name.startswith("test_")}


@pytest.mark.parametrize("promise", promises())
def test_a_promise_says_its_limits_and_what_holds_it(promise: str) -> None:
    text = promises()[promise]
    assert "**Limits.**" in text, f"{promise!r} says no limits"
    held = _TEST.findall(text.partition("**Held by**")[2])
    assert held, f"{promise!r} names no test"
    for file, name in held:
        assert (ROOT / file).is_file(), f"{promise!r} names {file}, which is not there"
        assert name in named_in(ROOT / file), f"{promise!r} names {file}::{name}: no such test"
