"""A transform's full build shared out by Spark: each group of rows, or each piece, goes to Polars alone.

The code runs in Spark's Python processes, which have this distribution, as the driver has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.core.errors import ModelError
from headgate.lake.engines.spark.failures import told
from headgate.lake.engines.spark.files import spark_type

if TYPE_CHECKING:
    import pyarrow as pa

#: A frame of Spark's.
DataFrame = Any
#: Where rows of several inputs stand in one frame: the input's number, and a struct of each input.
_WHICH, _ROW = "_which", "_row{}"


@dataclass(frozen=True)
class Work:
    """What every process is told: the transform, and the columns of its inputs and of its table.

    ``room`` are the folders that transforms are looked for in.
    """

    transform: str
    inputs: tuple[Mapping[str, str], ...]
    columns: Mapping[str, str]
    room: tuple[str, ...]

    def build(self, tables: Sequence[pa.Table]) -> pa.Table:
        """What the transform gives of a part of each input, in the table's columns and types."""
        import polars as pl
        import pyarrow as pa

        from headgate import transforms
        from headgate.transforms import modules

        if list(transforms.__path__) != list(self.room):
            transforms.__path__[:] = self.room
        transform = modules.load(self.transform, len(self.inputs))
        given = []
        for table, columns in zip(tables, self.inputs, strict=True):
            frame = pl.from_arrow(table.cast(_schema(columns)))
            assert isinstance(frame, pl.DataFrame)
            given.append(frame.lazy())
        found = transform.build(*given).select(list(self.columns)).collect()
        schema = _schema(self.columns)
        return pa.Table.from_batches(found.to_arrow().cast(schema).to_batches(), schema)


def rows(
    contract: Contract, work: Work, inputs: Sequence[DataFrame], groups: Sequence[str]
) -> DataFrame:
    """The table's rows, made of each group of the inputs' rows by itself; ``inputs`` have the
    columns that ``work`` says.

    Raises:
        ModelError: the inputs cannot be grouped so.
    """
    if why := misfit(work, groups):
        raise ModelError(
            f"transform {contract.transform} cannot be shared out by {tuple(groups)!r}: {why}.",
            remedy="Name columns that every input has as its groups, or leave them out.",
            place=str(contract.path),
        )
    schema = ", ".join(f"`{c}` {spark_type(t)}" for c, t in work.columns.items())
    with told():
        if not groups:
            return inputs[0].mapInArrow(_by_pieces(work), schema)
        if len(inputs) == 1:
            names = [f"`{g}`" for g in groups]
            return inputs[0].groupBy(*names).applyInArrow(_whole(work), schema)
        keys = [f"_key{i}" for i in range(len(groups))]
        return _together(inputs, groups).groupBy(*keys).applyInArrow(_apart(work), schema)


def misfit(work: Work, groups: Sequence[str]) -> str:
    """Why the inputs cannot be grouped so; empty if they can."""
    lacking = [g for g in groups if any(g not in columns for columns in work.inputs)]
    if lacking:
        return f"an input has no column {lacking[0]}"
    if not groups and len(work.inputs) != 1:
        return f"rows by themselves are of one input, and it has {len(work.inputs)}"
    return ""


def _together(inputs: Sequence[DataFrame], groups: Sequence[str]) -> DataFrame:
    """The inputs under one another: the groups' columns, which input it is, and the row of that one."""
    arms = []
    for number, frame in enumerate(inputs):
        keys = [f"`{g}` AS `_key{i}`" for i, g in enumerate(groups)]
        row = ", ".join(f"`{c}`" for c in frame.columns)
        packed = f"struct({row}) AS `{_ROW.format(number)}`"
        arms.append(frame.selectExpr(*keys, f"{number} AS `{_WHICH}`", packed))
    found = arms[0]
    for arm in arms[1:]:
        found = found.unionByName(arm, allowMissingColumns=True)
    return found


def _whole(work: Work) -> Callable[[pa.Table], pa.Table]:
    def apply(table: pa.Table) -> pa.Table:
        return work.build([table])

    return apply


def _apart(work: Work) -> Callable[[pa.Table], pa.Table]:
    def apply(table: pa.Table) -> pa.Table:
        import pyarrow as pa
        import pyarrow.compute as pc

        tables = []
        for number in range(len(work.inputs)):
            own = table.filter(pc.equal(table[_WHICH], number))
            packed = own[_ROW.format(number)].combine_chunks()
            tables.append(pa.Table.from_struct_array(packed))
        return work.build(tables)

    return apply


def _by_pieces(work: Work) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def apply(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for batch in batches:
            yield from work.build([pa.Table.from_batches([batch])]).to_batches()

    return apply


def _schema(columns: Mapping[str, str]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([(name, types.arrow_type(kind)) for name, kind in columns.items()])
