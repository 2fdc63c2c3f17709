"""How much anybody may ask of the server: sizes, and how often."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from headgate.core import clock


@dataclass(frozen=True)
class Limits:
    """What one request, and all of them together, may take. Sizes are bytes, times seconds.

    ``body`` counts as it comes and unpacked. ``rate`` is how many requests a second one token (or,
    without any, one address) may make for long, ``burst`` how many at once. ``waiting_*`` bound
    what was posted and is not yet stored. ``readers`` is how many processes read large posts; where
    there are none, the server's own threads do.
    """

    body: int = 16_000_000
    batch: int = 10_000
    nesting: int = 128
    body_seconds: float = 30.0
    head: int = 32_768
    head_seconds: float = 10.0
    idle_seconds: float = 30.0
    connections: int = 500
    bodies: int = 256_000_000
    rate: float = 1_000.0
    burst: float = 2_000.0
    #: Of those who come with no token or a wrong one, by address.
    strangers: float = 10.0
    waiting_events: int = 20_000
    waiting_bytes: int = 128_000_000
    readers: int = 0


class Buckets:
    """Token buckets by key: each holds ``burst`` and is refilled with ``rate`` a second.

    Only the newest ``most`` keys are kept, so that no number of addresses fills the memory.
    """

    def __init__(self, rate: float, burst: float, most: int = 10_000) -> None:
        self.rate, self.burst, self._most = rate, burst, most
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, key: str) -> float:
        """Take one; 0, or else the seconds after which there will be one again."""
        now = clock.monotonic()
        held, at = self._held.pop(key, (self.burst, now))
        held = min(self.burst, held + (now - at) * self.rate)
        short = held < 1.0
        self._held[key] = (held if short else held - 1.0, now)
        if len(self._held) > self._most:
            self._held.popitem(last=False)
        return (1.0 - held) / self.rate if short else 0.0
