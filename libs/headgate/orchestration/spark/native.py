"""Plain models built, and plain tests run, on Spark: as on the run's own connection, by another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from headgate.contracts.model import Contract
from headgate.core.errors import ModelError
from headgate.lake.engines.duckdb import Connection, one
from headgate.lake.engines.spark.carrying import CannotCarryError
from headgate.lake.snapshot import Snapshot
from headgate.orchestration.context import RunContext
from headgate.orchestration.dbt.compile import Sources, Text
from headgate.orchestration.dbt.native import Native
from headgate.orchestration.spark.shown import Shown, show
from headgate.quality.outcome import BatchOutcome

if TYPE_CHECKING:
    from headgate.lake.engines.spark.connection import SparkConnection


class Distributed(Native):
    """One run's builder on Spark.

    Tables are read by Delta's own reader, at the versions that the run reads. What the columns are,
    DuckDB says: it is its SQL.
    """

    def __init__(self, context: RunContext, sources: Sources, con: Connection) -> None:
        super().__init__(context, sources)
        self.shown = Shown(cast("SparkConnection", con))
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

    def _type(self, name: str) -> str:
        if name not in self._types:
            con = self.context.session.con
            self._types[name] = str(one(con, f"SELECT typeof(NULL::{name})")[0])
        return self._types[name]
