"""A year of chat logs as Parquet, for what follows from them: whole, their newest days, and edits."""

from __future__ import annotations

from pathlib import Path

import duckdb

DAYS, CHANNELS, AUTHORS = 400, 5, 40_000
NAMES = ("all", "most", "newest", "edited", "recent")


def make(folder: Path, rows: int, seed: int = 7) -> dict[str, Path]:
    """Files below ``folder``, made unless they are there: ``all`` of ``rows`` lines; ``most`` and
    ``newest``, the last hundredth of the days apart; with other texts ``edited``, a hundredth of all
    lines picked over all days, and ``recent``, the lines of the newest days."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {n: folder / f"logs_{n}_{rows}.parquet" for n in NAMES}
    if all(p.exists() for p in paths.values()):
        return paths
    per_log = rows // (DAYS * CHANNELS)
    newest = max(1, DAYS // 100)
    con = duckdb.connect(":memory:")
    con.execute("SET TimeZone = 'UTC'; SET memory_limit = '3GB'; SET enable_progress_bar = false")
    con.execute(
        "CREATE TABLE word AS SELECT list(substr(md5(range::VARCHAR), 1, 2 + (range % 6)::INT)) AS w"
        " FROM range(5000)"
    )
    con.execute(f"""
        CREATE VIEW lines AS
        SELECT format('logs/c{{}}/{{}}.txt', c, strftime(day, '%Y-%m-%d')) AS file, line,
          '#c' || c AS channel,
          strftime(TIMESTAMP '2020-01-01' + to_seconds((line * 86000 // {per_log})::BIGINT), '%H:%M')
            AS time,
          'u_' || ({AUTHORS} * pow((hash(c, d, line, {seed}) % 1000000) / 1e6, 3))::INT AS author,
          CASE hash(c, d, line, 1) % 20 WHEN 0 THEN 'action' ELSE 'message' END AS type,
          array_to_string(list_transform(range(1 + (hash(c, d, line, 2) % 15)::INT),
            lambda k: w[1 + (hash(c, d, line, k, 3) % 5000)::INT]), ' ') AS text,
          CASE WHEN line > 0 AND hash(c, d, line, 4) % 3 = 0
            THEN [greatest(0, line - 1 - (hash(c, d, line, 5) % 30)::BIGINT)] ELSE [] END AS reply_to,
          day AS date
        FROM range({DAYS}) days(d), range({CHANNELS}) channels(c), range({per_log}) lines(line), word,
          LATERAL (SELECT (DATE '2023-01-01' + d::INT) AS day)""")
    last = f"date >= DATE '2023-01-01' + {DAYS - newest}"
    edited = "SELECT * REPLACE (text || ' (edited)' AS text) FROM lines WHERE"
    for name, query in (
        ("all", "FROM lines"),
        ("most", f"FROM lines WHERE NOT ({last})"),
        ("newest", f"FROM lines WHERE {last}"),
        ("edited", f"{edited} hash(file, line) % 100 = 0"),
        ("recent", f"{edited} {last}"),
    ):
        con.execute(f"COPY ({query}) TO '{paths[name]}' (FORMAT parquet, COMPRESSION zstd)")
    con.close()
    return paths
