"""The rules that did not hold in the newest verdict of each dataset."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from headgate.lake import ledger
from headgate.lake.engines.duckdb import Connection
from headgate.lake.lake import Lake
from headgate.portal.knowing.batches import History
from headgate.portal.knowing.following import Followed
from headgate.portal.knowing.summary import Broken

_COLUMNS = ["batch_id", "dataset", "judged_at", "rule_id", "severity", "column_name", "passed",
            "breaches"]  # fmt: skip


class Verdicts:
    """The breaches of newest verdicts, by dataset."""

    def __init__(self, lake: Lake) -> None:
        self._followed = Followed(lake, ledger.VERDICTS)
        #: By dataset: the batch and its breaches.
        self._of: dict[str, tuple[tuple[datetime, str], tuple[Broken, ...]]] = {}

    @property
    def moved(self) -> bool:
        """Whether there is something to read."""
        return self._followed.moved

    def read(self, con: Connection) -> set[str] | None:
        """Read what was added; gives the datasets that it tells of, None if that may be all.

        Raises:
            LakeError: the ledger cannot be read.
        """
        added = self._followed.added(_COLUMNS)
        if added is None:
            return set()
        if added.anew:
            self._of = {}
        # Few rules break, and few batches are the newest: of the others nothing comes out of the engine.
        found = con.execute(
            f"WITH failed AS MATERIALIZED (SELECT * FROM {added.rows} WHERE NOT passed),"
            " newest AS (SELECT dataset, max((judged_at, batch_id)) AS last FROM failed GROUP BY 1)"
            " SELECT dataset, judged_at, batch_id, rule_id, severity, column_name, breaches"
            " FROM failed JOIN newest USING (dataset)"
            " WHERE (judged_at, batch_id) = last ORDER BY dataset, rule_id"
        ).fetchall()
        breaches: dict[str, list[Broken]] = {}
        last: dict[str, tuple[datetime, str]] = {}
        for dataset, at, batch, rule, severity, column, count in found:
            breaches.setdefault(dataset, []).append(Broken(rule, severity, column, count or 0))
            last[dataset] = (at, batch)
        for dataset, broken in breaches.items():
            was = self._of.get(dataset)
            if was is None or last[dataset] >= was[0]:
                self._of[dataset] = (last[dataset], tuple(broken))
        return None if added.anew else set(breaches)

    def broken(self, dataset: str, history: Mapping[str, History]) -> tuple[Broken, ...]:
        """The rules that its newest batch broke, if that one broke any."""
        one, found = history.get(dataset), self._of.get(dataset)
        if one is None or one.last is None or found is None or found[0][1] != one.last[1]:
            return ()
        return found[1]
