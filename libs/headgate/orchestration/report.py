"""What a run came to, for people and programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from headgate.quality.outcome import BatchOutcome


@dataclass(frozen=True)
class RunReport:
    """One run's end.

    ``batches`` were ingested or replayed, ``models`` built; ``release_id`` is the release that
    was published, None if nothing changed for readers; ``released`` are its datasets that moved,
    ``held`` the release groups that were held back; ``problems`` are sentences, and so are
    ``notes``: of what is worth knowing, although nothing failed.
    """

    run_id: str
    started: datetime
    seconds: float
    batches: tuple[BatchOutcome, ...] = ()
    models: tuple[BatchOutcome, ...] = ()
    release_id: int | None = None
    released: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def told(self) -> bool:
        """Whether it says of anything but that nothing was to be done."""
        some = (self.batches, self.models, self.released, self.held, self.problems, self.notes)
        return self.release_id is not None or any(some)

    @property
    def exit_code(self) -> int:
        """0 if all was published or unchanged, 1 if anything was refused, held or failed."""
        refused = any(b.outcome == "refused" for b in (*self.batches, *self.models))
        return 1 if refused or self.held or self.problems else 0
