"""Events taken straight into a lineage store of ours, as one that many lakes share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headgate.core import json as hjson
from headgate.core.errors import HeadgateError, SettingError, UsageError
from headgate.lineage.forwarding.answers import NotTaken, Refusal, said


class Storing:
    """To a store, by its SQLAlchemy address."""

    most = 500

    def __init__(self, config: Mapping[str, Any]) -> None:
        url = config.get("url")
        if not isinstance(url, str) or "://" not in url or set(config) - {"url"}:
            raise SettingError(
                "a destination of type store has a url alone: postgresql://… or sqlite:///…"
            )
        self._url = url
        self._store: Any = None

    def send(self, events: Sequence[bytes], seconds: float) -> tuple[Refusal, ...]:
        """Take the events in one transaction.

        Raises:
            NotTaken: the database cannot be reached, or did not take them.
        """
        from headgate.lineage.store.opening import open_store
        from headgate.lineage.store.taking import take

        try:
            if self._store is None:
                self._store = open_store(self._url)
            taken = take(self._store, [hjson.loads(event) for event in events])
        except HeadgateError as error:
            self.close()
            raise NotTaken(str(error), lasting=isinstance(error, UsageError)) from None
        except Exception as error:  # of whatever database it is; its words may quote the address
            self.close()
            cause = getattr(error, "orig", None) or error
            raise NotTaken(
                f"the store: {type(cause).__name__}: {said(str(cause))}", silent=True
            ) from None
        return tuple(
            Refusal(r.index, f"the store: {said(f'{r.place}: {r.why}' if r.place else r.why)}")
            for r in taken.refused
        )

    def close(self) -> None:
        """Let go of the database."""
        store, self._store = self._store, None
        if store is not None:
            store.close()
