"""Great Expectations' own engines, asked about the same rows: pandas, and SQLite for queries."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.contracts import types
from headgate.quality import gx_library

#: The types that pandas has for NULL beside a value; NaN is then a value.
_NULLABLE = {
    "long": ("IntegerArray", "int64"),
    "integer": ("IntegerArray", "int32"),
    "double": ("FloatingArray", "float64"),
    "boolean": ("BooleanArray", "bool"),
}


@dataclass(frozen=True)
class Judged:
    """What an engine said of one expectation; a number is counted rows or an observed value."""

    success: bool
    unexpected: int | None
    observed: Any
    exception: str


class Judges:
    """One context for all questions; importing the library takes longer than asking it."""

    def __init__(self) -> None:
        self.library = gx_library.library()
        self.context = gx_library.context()
        asset = self.context.data_sources.add_pandas("frames").add_dataframe_asset("rows")
        self.whole = asset.add_batch_definition_whole_dataframe("whole")

    def pandas(
        self,
        expectations: Sequence[Mapping[str, Any]],
        columns: Mapping[str, str],
        rows: Sequence[Mapping[str, Any]],
    ) -> dict[str, Judged]:
        """The pandas engine's answers by rule id."""
        return self._ask(
            self.whole.get_batch({"dataframe": frame(columns, rows)}), "pandas", expectations
        )

    def sqlite(
        self,
        expectations: Sequence[Mapping[str, Any]],
        rows: Sequence[Mapping[str, Any]],
        folder: Path,
    ) -> dict[str, Judged]:
        """The SQL engine's answers by rule id; ``rows`` hold texts and numbers."""
        path = folder / "rows.sqlite"
        names = list(rows[0])
        with sqlite3.connect(path) as con:
            con.execute(f"CREATE TABLE rows ({', '.join(names)})")
            marks = ", ".join("?" * len(names))
            con.executemany(f"INSERT INTO rows VALUES ({marks})", [tuple(r.values()) for r in rows])
        source = self.context.data_sources.add_sqlite(
            f"sqlite {folder.name}", connection_string=f"sqlite:///{path}"
        )
        asset = source.add_table_asset("rows", table_name="rows")
        batch = asset.add_batch_definition_whole_table("whole").get_batch()
        return self._ask(batch, f"sqlite {folder.name}", expectations)

    def _ask(
        self, batch: Any, name: str, expectations: Sequence[Mapping[str, Any]]
    ) -> dict[str, Judged]:
        from great_expectations.core.expectation_suite import expectationSuiteSchema

        suite = {"name": name, "expectations": list(expectations), "meta": {}}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = self.library.ExpectationSuite(**expectationSuiteSchema.load(suite))
            answers = batch.validate(loaded, result_format="BASIC").to_json_dict()["results"]
        return {
            entry["expectation_config"]["meta"]["headgate"]["rule"]: Judged(
                entry["success"],
                entry["result"].get("unexpected_count"),
                entry["result"].get("observed_value"),
                _exception(entry["exception_info"]),
            )
            for entry in answers
        }


def frame(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> Any:
    """The rows as pandas has them, without loss but for decimals, which become floats.

    Dates are Python's; instants know their zone; arrays and texts are objects.
    """
    import numpy as np
    import pandas as pd

    made: dict[str, Any] = {}
    for name, kind in columns.items():
        values = [row[name] for row in rows]
        if kind in _NULLABLE:
            form, number = _NULLABLE[kind]
            plain = np.array([0 if v is None else v for v in values], dtype=number)
            absent = np.array([v is None for v in values], dtype=bool)
            made[name] = getattr(pd.arrays, form)(plain, absent)
        elif types.decimal_of(kind):
            made[name] = pd.Series([None if v is None else float(v) for v in values], dtype=float)
        elif kind == "timestamp":
            made[name] = pd.Series(values, dtype="datetime64[us, UTC]")
        else:
            made[name] = pd.Series(values, dtype=object)
    return pd.DataFrame(made)


def _exception(info: Any) -> str:
    entries = [info] if "raised_exception" in info else list(info.values())
    return "; ".join(str(e["exception_message"]) for e in entries if e["raised_exception"])
