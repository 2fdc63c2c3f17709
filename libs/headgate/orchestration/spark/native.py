"""Plain models built, and plain tests run, on Spark: as on the run's own connection, by another one."""

from __future__ import annotations

from typing import cast

from headgate.contracts.model import Contract
from headgate.core.errors import ModelError
from headgate.lake.engines.duckdb import Connection, identifier, one
from headgate.lake.engines.spark.carrying import CannotCarryError
from headgate.lake.snapshot import Snapshot
from headgate.orchestration.context import RunContext
from headgate.orchestration.dbt.builds import Build
from headgate.orchestration.dbt.compile import Sources, Text
from headgate.orchestration.dbt.native import Native, outside
from headgate.orchestration.models import Scope
from headgate.orchestration.spark.shown import Shown, connected, show
from headgate.quality.outcome import BatchOutcome

#: What a model gives, while it is staged.
_BUILT = "headgate_built"


class Distributed(Native):
    """One run's builder on Spark.

    Tables are read by Delta's own reader, at the versions that the run reads. What the columns are,
    DuckDB says: it is its SQL.
    """

    def __init__(self, context: RunContext, sources: Sources) -> None:
        super().__init__(context, sources)
        self.shown = connected(context)
        self.con = cast(Connection, self.shown)

    def build(self, contract: Contract) -> BatchOutcome:
        """As :meth:`Native.build`.

        Raises:
            CannotCarryError: its SQL has what Spark does not do in the same way.
        """
        try:
            return super().build(contract)
        except CannotCarryError as error:
            place = str(self.sources.known[str(contract.model)].path)
            raise CannotCarryError(error.message, remedy=error.remedy, place=place) from None

    def failures(self, text: Text) -> int:
        """As :meth:`Native.failures`."""
        try:
            return super().failures(text)
        except CannotCarryError as error:
            raise ModelError(error.message, remedy=error.remedy) from None

    def _define(self, contract: Contract, snapshot: Snapshot | None) -> None:
        show(self.shown, self.context, contract, snapshot)

    def _rows(self, sql: str) -> str:
        """A view, of which Spark knows the types."""
        self.shown.bind(_BUILT, self.shown.frame(sql))
        return identifier(_BUILT)

    def _within(self, built: str, scope: Scope, build: Build) -> str:
        hold_within(self.shown, built, scope, build)
        return built

    def _type(self, name: str) -> str:
        if name not in self._types:
            con = self.context.session.con
            self._types[name] = str(one(con, f"SELECT typeof(NULL::{name})")[0])
        return self._types[name]


def hold_within(shown: Shown, built: str, scope: Scope, build: Build) -> None:
    """See that an incremental build gives no row that it was not to give: it is looked for at once,
    since an error within Spark's tasks would come out as Spark's own.

    Raises:
        ModelError: it gives one.
    """
    unit = identifier(scope.column)
    found = shown.execute(
        f"SELECT {unit}::VARCHAR FROM {built} r ANTI JOIN {scope.values} s"
        f" ON r.{unit} = s.{unit} LIMIT 1"
    ).fetchall()
    if found:
        told = "NULL" if found[0][0] is None else str(found[0][0])
        raise ModelError(outside(scope, build) + told)
