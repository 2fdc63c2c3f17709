"""How much anybody may ask of the portal: sizes, and how often."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What one request, and all of them together, may take. Sizes are bytes, times seconds.

    ``rate`` is how many requests a second one person, machine or (without any) address may make for
    long, ``burst`` how many at once; ``strangers`` of those who come with nothing or what is wrong.
    """

    body: int = 1_000_000
    head: int = 32_768
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    idle_seconds: float = 30.0
    connections: int = 500
    rate: float = 50.0
    burst: float = 200.0
    strangers: float = 10.0
