"""Makes the benchmark's input: chat-like rows as JSON lines and Parquet, clean and with faults."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb

#: Column types of the bare copy, which are the contract's.
TYPES = {
    "id": "BIGINT", "guild": "INTEGER", "channel": "VARCHAR", "author": "VARCHAR",
    "sent_at": "TIMESTAMPTZ", "type": "VARCHAR", "text": "VARCHAR", "edited": "BOOLEAN",
    "reactions": "INTEGER", "score": "DOUBLE", "lang": "VARCHAR", "reply_to": "BIGINT",
}  # fmt: skip
CHANNELS = 2_000
#: How a line is damaged; each takes and gives a line without its end.
FAULTS = (
    lambda line: line[:-7],  # cut short
    lambda line: line.replace('"guild":', '"guild":"x', 1).replace(',"channel"', '","channel"', 1),
    lambda line: line.replace('"reactions":', '"reactions":1.5e-1', 1),
    lambda line: line.replace('"channel":"c', '"channel":"x', 1),
    lambda line: line.replace('"author":"u_', '"author":"', 1),
    lambda line: line.replace('"lang":"', '"lang":"English', 1),
    lambda line: line.replace("20", "19", 3),
    lambda line: line[:-1] + ',"extra":1}',
)


def make(folder: Path, rows: int, seed: int = 7) -> dict[str, Path]:
    """Files of ``rows`` rows below ``folder``, made unless they are there: jsonl, faulty, parquet."""
    paths = {
        "jsonl": folder / f"clean_{rows}.jsonl",
        "faulty": folder / f"faulty_{rows}.jsonl",
        "parquet": folder / f"clean_{rows}.parquet",
        "channels": channels(folder),
    }
    con = _connected()
    if not paths["jsonl"].exists():
        con.execute(f"COPY ({_rows(0, rows, seed)}) TO '{paths['jsonl']}' (FORMAT json)")
    if not paths["parquet"].exists():
        _write_parquet(con, 0, rows, seed, paths["parquet"])
    if not paths["faulty"].exists():
        _damage(paths["jsonl"], paths["faulty"], seed)
    return paths


def make_part(folder: Path, rows: int, number: int, seed: int = 7) -> Path:
    """The Parquet file of this number of several with ``rows`` rows each, made unless it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"part_{rows}_{number:03d}.parquet"
    if not path.exists():
        _write_parquet(_connected(), number * rows, (number + 1) * rows, seed, path)
    return path


def channels(folder: Path) -> Path:
    """The channels that messages are in, as JSON lines."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "channels.jsonl"
    duckdb.execute(
        f"COPY (SELECT format('c{{:04d}}', range::INT) AS channel FROM range({CHANNELS}))"
        f" TO '{path}' (FORMAT json)"
    )
    return path


def _connected() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(":memory:")
    con.execute("SET TimeZone = 'UTC'; SET memory_limit = '2GB'; SET enable_progress_bar = false")
    con.execute(
        "CREATE TABLE word AS SELECT list(substr(md5(range::VARCHAR), 1, 2 + (range % 6)::INT)) AS w"
        " FROM range(5000)"
    )
    return con


def _rows(first: int, end: int, seed: int) -> str:
    """The query of the rows from a number to before another."""
    return f"""
        SELECT 1000000000 + i * 7 AS id, (hash(i, {seed}) % 50)::INTEGER AS guild,
          format('c{{:04d}}', (hash(i, 2) % {CHANNELS})::INT) AS channel,
          'u_' || substr(md5((hash(i, 3) % 100000)::VARCHAR), 1, 10) AS author,
          strftime(TIMESTAMP '2024-01-01' + to_milliseconds(i * 450), '%Y-%m-%dT%H:%M:%S.%gZ') AS sent_at,
          ['message', 'action', 'system'][1 + (hash(i, 4) % 3)::INT] AS type,
          array_to_string(list_transform(range(1 + (hash(i, 5) % 15)::INT),
            lambda k: w[1 + (hash(i, k, 6) % 5000)::INT]), ' ') AS text,
          hash(i, 7) % 10 = 0 AS edited, (hash(i, 8) % 20)::INTEGER AS reactions,
          (hash(i, 9) % 100000)::INT / 1000.0 AS score, ['en', 'de', 'fr'][1 + (hash(i, 10) % 3)::INT] AS lang,
          CASE WHEN hash(i, 11) % 10 < 3 THEN 1000000000 + i * 7 - 7 * (1 + hash(i, 12) % 100)::BIGINT END AS reply_to
        FROM range({first}, {end}) r(i), word"""


def _write_parquet(
    con: duckdb.DuckDBPyConnection, first: int, end: int, seed: int, path: Path
) -> None:
    typed = (
        _rows(first, end, seed)
        .replace("strftime(", "strptime(strftime(")
        .replace(
            "'%Y-%m-%dT%H:%M:%S.%gZ')",
            "'%Y-%m-%dT%H:%M:%S.%gZ'), '%Y-%m-%dT%H:%M:%S.%gZ')::TIMESTAMPTZ",
        )
    )
    con.execute(f"COPY ({typed}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")


def _damage(clean: Path, faulty: Path, seed: int) -> None:
    """One line in a hundred, each by a fault of its own kind."""
    chance = random.Random(seed)
    with clean.open() as lines, faulty.open("w") as out:
        for line in lines:
            if chance.random() < 0.01:
                line = chance.choice(FAULTS)(line.rstrip("\n")) + "\n"
            out.write(line)
