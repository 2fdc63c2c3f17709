"""RE2's patterns as Java's, so that the same texts match."""

from __future__ import annotations


def java(pattern: str) -> str:
    """The pattern in Java's syntax."""
    return pattern
