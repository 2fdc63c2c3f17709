"""Data files as Spark sees them: a view over each set of files that a query reads, of the types they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headgate.contracts import types

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

#: What the file is called, as the lake calls it: Spark has it as a URI, with its signs escaped.
_PATH = "regexp_replace(url_decode(replace(_metadata.file_path, '+', '%2B')), '^file:/+', '/')"


def frame(
    session: SparkSession,
    paths: Sequence[str],
    *,
    with_file: bool = False,
    columns: Sequence[tuple[str, str]] = (),
) -> DataFrame:
    """The rows of Parquet files, whose columns are told by name; one that a file lacks is NULL there.

    ``with_file`` adds ``filename``, ``columns`` (name and type of Spark) those that no file may
    have yet. Footers are read here, many at once: to have Spark ask for them takes a job.
    """
    schema = schema_of(paths, columns)
    reader = session.read if schema is None else session.read.schema(schema)
    if schema is None:
        reader = reader.option("mergeSchema", "true")
    found = reader.parquet(*paths)
    return found.selectExpr("*", f"{_PATH} AS filename") if with_file else found


def schema_of(paths: Sequence[str], also: Sequence[tuple[str, str]] = ()) -> Any:
    """The Spark schema of all columns of the files, or None if it is for Spark to find out."""
    from concurrent.futures import ThreadPoolExecutor

    import pyarrow.parquet as pq
    from pyspark.errors import PySparkException
    from pyspark.sql.types import StructType

    try:
        with ThreadPoolExecutor(8) as pool:
            footers = list(pool.map(pq.read_schema, paths))
        fields: dict[str, pa.DataType] = {}
        for footer in footers:
            for field in footer:
                if fields.setdefault(field.name, field.type) != field.type:
                    return None
        made = StructType()
        for name, kind in fields.items():
            made = made.add(name, _spark_type(kind), nullable=True)
        for name, told in also:
            if name not in fields:
                made = made.add(name, told, nullable=True)
    except (OSError, ValueError, PySparkException):
        return None
    return made


def _spark_type(kind: pa.DataType) -> Any:
    """The Spark type of an Arrow type; an extension (JSON) is what it is stored as."""
    import pyarrow as pa
    from pyspark.sql.pandas.types import from_arrow_type
    from pyspark.sql.types import ArrayType

    if isinstance(kind, pa.BaseExtensionType):
        return _spark_type(kind.storage_type)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return ArrayType(_spark_type(kind.value_type), containsNull=True)
    return from_arrow_type(kind)


_DUCKDB = {
    "string": "VARCHAR", "bigint": "BIGINT", "int": "INTEGER", "smallint": "SMALLINT",
    "tinyint": "TINYINT", "double": "DOUBLE", "float": "FLOAT", "boolean": "BOOLEAN",
    "date": "DATE", "timestamp": "TIMESTAMPTZ", "timestamp_ntz": "TIMESTAMP", "binary": "BLOB",
    "void": '"NULL"',
}  # fmt: skip


def duckdb_type(kind: Any) -> str:
    """What the embedded engine calls a Spark type, as the SQL is written for it."""
    from pyspark.sql.types import ArrayType, StructType

    if isinstance(kind, ArrayType):
        return duckdb_type(kind.elementType) + "[]"
    if isinstance(kind, StructType):
        inner = ", ".join(f'"{f.name}" {duckdb_type(f.dataType)}' for f in kind.fields)
        return f"STRUCT({inner})"
    name = kind.simpleString()
    return _DUCKDB.get(name) or str(name).upper()


def columns_of(schema: Any) -> Mapping[str, str]:
    """The columns of a Spark schema, with the types that the embedded engine has for them."""
    return {f.name: duckdb_type(f.dataType) for f in schema.fields}


def spark_type(kind: str) -> str:
    """A contract's column type as Spark's SQL writes it."""
    inner = types.element(kind)
    if inner:
        return f"array<{spark_type(inner)}>"
    return {"json": "string", "long": "bigint", "integer": "int"}.get(kind, kind)
