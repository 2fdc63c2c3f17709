"""What a build came to, node by node."""

from __future__ import annotations

from dataclasses import dataclass

#: Why a model was not built, if not for itself.
SKIPPED = "not built, because what it reads failed."


@dataclass(frozen=True)
class DbtResult:
    """What a build came to. ``failed`` are nodes, each with a sentence; ``ran`` the models built.

    ``broken`` are the models that failed or that a failed test reads: what they hold must not be
    released.
    """

    ok: bool
    failed: tuple[tuple[str, str], ...]
    ran: tuple[str, ...]
    broken: frozenset[str] = frozenset()
