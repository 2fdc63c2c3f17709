"""The bare program of the scale benchmark: each model's SQL in order, as a table, with no more said.

Takes a JSON file of ``[name, sql]`` in order and prints the seconds that all of them took.
"""

import json
import sys
import time
from pathlib import Path

import duckdb

con = duckdb.connect(":memory:")
con.execute("SET TimeZone = 'UTC'")
started = time.perf_counter()
for name, kind, query in json.loads(Path(sys.argv[1]).read_text()):
    con.execute(f"CREATE {kind} {name} AS {query}")
print(time.perf_counter() - started)
