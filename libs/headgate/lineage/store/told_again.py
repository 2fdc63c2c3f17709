"""What tellers tell again word for word: of most runs a dataset's facets say what they said before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

#: So many sets of facets are remembered of one subject and teller: those of a run's start and end.
_MOST = 8

#: Whose facets they are (subject and number), and the job that tells them.
Triple = tuple[str, int, int]


class ToldAgain:
    """Which facets hold as they were told, by their marks: told so again later, they change nothing.

    ``remembered`` outlasts the transaction, and holds only while nobody else writes.
    """

    def __init__(self, remembered: dict[Triple, dict[bytes, int]]) -> None:
        self._remembered = remembered

    def is_known(self, triple: Triple, told: Iterable[tuple[int, bytes]]) -> bool:
        """Whether all of this, told at these instants, says only what holds since then or before."""
        since = self._remembered.get(triple)
        if since is None:
            return False
        return all(mark in since and since[mark] <= at for at, mark in told)

    def note(self, triple: Triple, holds: Mapping[bytes, int | None], *, changed: bool) -> None:
        """Note what was found out anew: of each mark since when all of it holds, None if it does not.

        ``changed``: what held before may not hold any more.
        """
        since = self._remembered.setdefault(triple, {})
        if changed or len(since) >= _MOST:
            since.clear()
        for one, at in holds.items():
            since.pop(one, None)
            if at is not None and one:
                since[one] = at
