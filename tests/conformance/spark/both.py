"""The same questions to both engines, many at once, and where their answers differ."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import duckdb

from headgate.lake.engines.spark.connection import SparkConnection
from headgate.quality.examples import load_rows

#: As many expressions in one query: a job for each would take minutes.
MOST = 24
Row = Mapping[str, Any]


class Both:
    """Rows that both engines hold in a relation of one name."""

    def __init__(
        self, spark: SparkConnection, columns: Mapping[str, str], rows: Sequence[Row], name: str
    ) -> None:
        self.spark, self.name = spark, name
        self.duck = duckdb.connect(":memory:", config={"threads": 1})
        self.duck.execute("SET TimeZone = 'UTC'")
        # It would compute what two expressions share outside of the TRY of both.
        self.duck.execute("SET disabled_optimizers = 'common_subexpressions'")
        numbered = [{"_row": at, **row} for at, row in enumerate(rows)]
        load_rows(self.duck, name, {"_row": "long", **columns}, numbered)
        spark.register(name, self.duck.sql(f"FROM {name}").to_arrow_table())

    def differences(self, expressions: Sequence[str]) -> dict[str, tuple[Any, Any]]:
        """Where the answers differ: the expression, with the first pair of answers."""
        found: dict[str, tuple[Any, Any]] = {}
        for at in range(0, len(expressions), MOST):
            some = expressions[at : at + MOST]
            listed = ", ".join(
                f"({told(self.duck, self.name, e)}) AS c{i}" for i, e in enumerate(some)
            )
            query = f"SELECT _row, {listed} FROM {self.name} ORDER BY _row"
            ours = self.duck.execute(query).fetchall()
            theirs = self.spark.execute(query).fetchall()
            assert len(ours) == len(theirs)
            for one, other in zip(ours, theirs, strict=True):
                for expression, a, b in zip(some, one[1:], other[1:], strict=True):
                    if plain(a) != plain(b) and expression not in found:
                        found[expression] = (one[0], a, b)
        return found


def told(con: duckdb.DuckDBPyConnection, name: str, expression: str) -> str:
    """The expression as a value that Python holds: years go further than its own."""
    found = con.execute(f"DESCRIBE SELECT {expression} AS c FROM {name}").fetchone()
    assert found is not None
    if found[1] == "DATE":
        return f"({expression}) - DATE '1970-01-01'"
    return f"epoch_us({expression})" if found[1].startswith("TIMESTAMP") else expression


def plain(value: Any) -> Any:
    """A value such that equal ones are equal: a number whatever its type, NaN as itself."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else value if math.isinf(value) else Decimal(value) + 0
    if isinstance(value, int | Decimal):
        return Decimal(value) + 0
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=value.tzinfo or dt.UTC).astimezone(dt.UTC)
    return [plain(v) for v in value] if isinstance(value, list) else value
