"""The bare copy that governed ingest is held against: DuckDB to Parquet, same codec, synced."""

from __future__ import annotations

import os
import sys

import duckdb

source, target, types, selected, codec = sys.argv[1:6]
con = duckdb.connect(":memory:")
con.execute("SET memory_limit = '1GB'; SET preserve_insertion_order = false")
con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
reader = (
    f"read_json('{source}', format='newline_delimited', columns={types})"
    if source.endswith(".jsonl")
    else f"read_parquet('{source}')"
)
con.execute(
    f"COPY (SELECT {selected} FROM {reader}) TO '{target}' (FORMAT parquet, COMPRESSION {codec})"
)
for path in (target, os.path.dirname(target)):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)
