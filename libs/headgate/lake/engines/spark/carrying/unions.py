"""UNION BY NAME, which Spark's SQL has not: each arm is made to give the same columns in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headgate.lake.engines.spark.carrying import kinds
from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.relations import FilesRead, files_read, outputs_of
from headgate.lake.engines.spark.carrying.scopes import Scope
from headgate.lake.engines.spark.carrying.values import Value, quoted

if TYPE_CHECKING:
    from headgate.lake.engines.spark.carrying.queries import Queries

Node = Mapping[str, Any]


def by_name(
    queries: Queries, node: Node, children: list[Node], outer: Scope | None, every: bool
) -> tuple[str, list[Value]]:
    """The union of queries whose columns are found by their names.

    Arms that read files of different ages take the columns, and their types, from the arms that
    say them: so our relations over such files are written (``lake.snapshot.relation``).
    """
    flat: list[Node] = []
    for child in children:
        nested = child["type"] == "SET_OPERATION_NODE" and child["setop_type"] == "UNION_BY_NAME"
        inner = child.get("children") or [child.get("left"), child.get("right")]
        flat += inner if nested and bool(child.get("setop_all", True)) == every else [child]
    told: dict[int, tuple[str, list[Value]]] = {
        at: queries.query(arm, outer) for at, arm in enumerate(flat) if _reads(arm) is None
    }
    columns: dict[str, str | None] = {}
    for _, outputs in told.values():
        given = outputs_of(outputs)
        if given is None:
            raise refused("UNION BY NAME", "the columns of its parts are not known")
        for name, kind in given.items():
            if columns.get(name) in (None, "NULL"):
                columns[name] = kind
    if not columns:
        raise refused("UNION BY NAME", "the columns of its parts are not known")
    if any(read.with_file for read in map(_reads, flat) if read is not None):
        columns["filename"] = "VARCHAR"
    arms = []
    for at, arm in enumerate(flat):
        if at in told:
            text, outputs = told[at]
            have = {o.name for o in outputs}
            listed = ", ".join(
                quoted(c) if c in have else f"CAST(NULL AS {kinds.spark_type(k)}) AS {quoted(c)}"
                for c, k in columns.items()
            )
            arms.append(f"(SELECT {listed} FROM ({text}))")
        else:
            arms.append(_read(queries, arm, columns))
    word = " UNION ALL " if every else " UNION "
    return word.join(arms), [Value(quoted(c), k, name=c) for c, k in columns.items()]


def _reads(arm: Node) -> FilesRead | None:
    """What the arm reads, if it is ``SELECT *, … FROM read_parquet(…)`` and nothing else."""
    if arm["type"] != "SELECT_NODE" or not arm.get("select_list"):
        return None
    source = arm["from_table"]
    if arm["select_list"][0]["class"] != "STAR" or source["type"] != "TABLE_FUNCTION":
        return None
    if str(source["function"]["function_name"]).lower() != "read_parquet":
        return None
    return files_read(source["function"])


def _read(queries: Queries, arm: Node, columns: Mapping[str, str | None]) -> str:
    read = _reads(arm)
    assert read is not None
    given = {str(i["alias"]): queries.expressions.value(i) for i in arm["select_list"][1:]}
    wanted = tuple(
        (c, kinds.spark_type(k))
        for c, k in columns.items()
        if c not in given and not (read.with_file and c == "filename")
    )
    text = queries.relations.reading(FilesRead(read.paths, True, read.with_file, wanted))
    listed = ", ".join(
        f"CAST({given[c].sql} AS {kinds.spark_type(k)}) AS {quoted(c)}" if c in given else quoted(c)
        for c, k in columns.items()
    )
    return f"(SELECT {listed} FROM {text})"
