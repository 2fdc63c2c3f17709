"""Makes nested JSON lines for the benchmark: events of about 500 bytes, a share of them faulty."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import duckdb

#: Types of a bare read of the file, which are those of the contract bronze.bench.events.
TYPES = {
    "id": "VARCHAR",
    "kind": "VARCHAR",
    "sent_at": "TIMESTAMPTZ",
    "actor": "STRUCT(id BIGINT, login VARCHAR, bot BOOLEAN)",
    "place": "STRUCT(id BIGINT, name VARCHAR, owner STRUCT(id BIGINT, kind VARCHAR))",
    "context": "STRUCT(client VARCHAR, latency DOUBLE, tags VARCHAR[])",
    "payload": "JSON",
    "text": "VARCHAR",
}
#: Columns of the contract, as a bare query takes them from such a read.
COLUMNS = (
    "id, kind, sent_at, actor.id AS actor_id, actor.login AS actor_login, actor.bot AS actor_bot,"
    " place.id AS place_id, place.name AS place_name, place.owner.id AS owner_id,"
    " place.owner.kind AS owner_kind, context.client AS client, context.latency AS latency,"
    " context.tags AS tags, payload, text"
)
Fault = Callable[[str], str]
#: How a line is damaged; each takes and gives a line without its end.
FAULTS: tuple[Fault, ...] = (
    lambda line: line[: len(line) // 2],  # cut short
    lambda line: line.replace('"actor":{"id":', '"actor":{"id":"x', 1).replace(',"login', '","login', 1),
    lambda line: line.replace('"actor":{"id":', '"actor":{"id":0.5e', 1),
    lambda line: line.replace('"place":{', '"place":[{', 1).replace('},"context"', '}],"context"', 1),
    lambda line: line.replace('"sent_at":"20', '"sent_at":"3x', 1),
    lambda line: line.replace('"kind":"', '"kind":"\\ud800', 1),
    lambda line: line.replace('"login":', '"id":7,"login":', 1),
    lambda line: line[:-1] + ',"unknown":{"a":[1,2.50]}}',
    lambda line: line.replace('"kind":"', '"kind":"no such kind, ', 1),
)  # fmt: skip


def make_nested(folder: Path, rows: int, seed: int = 7, faulty_share: float = 0.005) -> Path:
    """A file of ``rows`` lines below ``folder``, made unless it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    clean = folder / f"nested_{rows}_{seed}.jsonl"
    if not clean.exists():
        con = duckdb.connect(":memory:")
        con.execute("SET TimeZone = 'UTC'; SET memory_limit = '2GB'")
        con.execute("SET enable_progress_bar = false")
        con.execute(f"COPY ({_query(rows, seed)}) TO '{clean}' (FORMAT json)")
    if not faulty_share:
        return clean
    faulty = folder / f"nested_{rows}_{seed}_{faulty_share}.jsonl"
    if not faulty.exists():
        chance = random.Random(seed)
        with clean.open() as lines, faulty.open("w") as out:
            for line in lines:
                if chance.random() < faulty_share:
                    line = chance.choice(FAULTS)(line.rstrip("\n")) + "\n"
                out.write(line)
    return faulty


def _query(rows: int, seed: int) -> str:
    def pick(salt: int, many: int) -> str:
        return f"(hash(i, {seed}, {salt}) % {many})"

    words = (
        f"array_to_string(list_transform(range(4 + {pick(20, 18)}::INT),"
        f" lambda k: substr(md5((hash(i, k, {seed}) % 4000)::VARCHAR), 1, 6)), ' ')"
    )
    return f"""
        SELECT (17000000000 + i * 3)::VARCHAR AS id,
          ['push', 'issue', 'comment', 'star'][1 + {pick(1, 4)}::INT] AS kind,
          strftime(TIMESTAMP '2025-01-01' + to_milliseconds(i * 130), '%Y-%m-%dT%H:%M:%SZ') AS sent_at,
          {{id: {pick(2, 900_000)}::BIGINT, login: 'user-' || {pick(2, 900_000)}::VARCHAR,
            bot: {pick(3, 20)} = 0}} AS actor,
          {{id: {pick(4, 50_000)}::BIGINT, name: 'org/' || substr(md5({pick(4, 50_000)}::VARCHAR), 1, 14),
            owner: CASE WHEN {pick(5, 10)} < 7 THEN {{id: {pick(6, 9_000)}::BIGINT, kind: 'team'}} END
          }} AS place,
          {{client: ['web', 'app', 'api'][1 + {pick(7, 3)}::INT],
            latency: {pick(8, 100_000)}::INT / 1000.0,
            tags: ['a', 'beta', 'c c'][1:{pick(9, 4)}::INT]}} AS context,
          CASE {pick(1, 4)}
            WHEN 0 THEN to_json({{size: {pick(10, 9)}::INT, "ref": 'refs/heads/main',
              commits: list_transform(range(1 + {pick(11, 3)}::INT),
                lambda k: {{sha: md5((i + k)::VARCHAR), "message": 'fix "it"', parents: k}})}})
            WHEN 3 THEN to_json({{action: 'started'}})
            ELSE to_json({{action: 'created', number: {pick(12, 5_000)}::INT, score: 0.25,
              labels: ['bug', 'help wanted'][1:{pick(13, 3)}::INT], body: NULL}})
          END AS payload,
          {words} AS text
        FROM range({rows}) r(i)"""
