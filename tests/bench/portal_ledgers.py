"""Ledgers of a year for the measured portal: every dataset judged once a day, released once a day."""

from __future__ import annotations

from datetime import datetime, timedelta

from headgate.core import ids
from headgate.core import json as hjson
from headgate.lake import ledger
from headgate.lake.engines.duckdb import Connection, connect, literal
from headgate.orchestration.maintaining import maintain
from headgate.orchestration.project import Project
from tests.bench.portal_lake import at_literal, ledger_rows, said, unsynced

DAYS = 365
#: Days that are entered in one commit.
_EACH = 31
#: Of a thousand datasets so many were not published for some days, and of a thousand batches so many
#: were refused, or had rows set aside.
_LATE, _REFUSED, _IN_PART = 10, 3, 10
#: A UUID of version 7 of a moment and a text, as SQL.
_ID = (
    "(substr(printf('%012x', epoch_ms({at})), 1, 8) || '-' || substr(printf('%012x', epoch_ms({at})), 9, 4)"
    " || '-7' || substr(md5({of}), 1, 3) || '-8' || substr(md5({of}), 4, 3) || '-' || substr(md5({of}), 7, 12))"
)


def fill(project: Project, now: datetime, days: int) -> None:
    """Enter runs, batches, verdicts and releases of the ``days`` before ``now``.

    Maintenance has then put all but the newest day together, as it does every night.
    """
    said("days of ledgers", days)
    begin, newest = now - timedelta(days=days - 1), days - 1
    with unsynced():
        with connect(project.settings) as con:
            _platform(con, project)
            for first in range(0, newest, _EACH):
                last = min(first + _EACH, newest)
                _month(con, project, begin, first, last, days)
                said("days are entered", last)
            # The newest release lies in its file: maintenance would enter it for the run.
            ledger_rows(con, project, ledger.RELEASES, _releases(begin, newest, days, days),
                        ids.new_id(), "release_id, dataset")  # fmt: skip
        maintained(project)
        with connect(project.settings) as con:
            _platform(con, project)
            _newest_day(con, project, begin, days)


def maintained(project: Project) -> None:
    """Have the product's own maintenance put the files of the ledgers together."""
    report = maintain(Project.open(project.settings.root), ledger.ALL)
    if report.problems:
        raise RuntimeError("; ".join(report.problems))
    said("files of ledgers were put together", sum(w.files for w in report.works))


def _platform(con: Connection, project: Project) -> None:
    """Tables of all datasets, and of their rules."""
    ours = [c for c in project.contracts.values() if c.name.layer != "system"]
    datasets = [
        [n, c.id, c.name.domain, "ingest" if c.source else "model", c.version, c.hash]
        for n, c in enumerate(ours)
    ]
    con.execute(
        "CREATE TEMP TABLE dataset AS SELECT (r->>0)::INT AS n, r->>1 AS dataset, r->>2 AS domain,"
        " r->>3 AS kind, r->>4 AS contract_version, r->>5 AS contract_hash FROM"
        " (SELECT unnest(from_json(?, '[\"JSON\"]')) AS r)",
        [hjson.dumps(datasets)],
    )
    rules = [[c.id, r.id, r.kind, r.column, r.severity, r.scope] for c in ours for r in c.rules]
    con.execute(
        "CREATE TEMP TABLE rule AS SELECT r->>0 AS dataset, r->>1 AS rule_id, r->>2 AS rule_kind,"
        " r->>3 AS column_name, r->>4 AS severity, r->>5 AS scope FROM"
        " (SELECT unnest(from_json(?, '[\"JSON\"]')) AS r)",
        [hjson.dumps(rules)],
    )


def _month(
    con: Connection, project: Project, begin: datetime, first: int, last: int, days: int
) -> None:
    run = ids.new_id()
    con.execute(f"CREATE OR REPLACE TEMP TABLE batch AS {_batches(begin, first, last, days)}")
    _enter(con, project, run)
    ledger_rows(con, project, ledger.RELEASES, _releases(begin, first, last, days), run,
                "release_id, dataset")  # fmt: skip


def _newest_day(con: Connection, project: Project, begin: datetime, days: int) -> None:
    """Enter the last day as runs do, each by itself."""
    told = _batches(begin, days - 1, days, days)
    con.execute(f"CREATE OR REPLACE TEMP TABLE newest AS {told}")
    runs = con.execute("SELECT DISTINCT run_id FROM newest ORDER BY 1").fetchall()
    for (run,) in runs:
        of_run = f"SELECT * FROM newest WHERE run_id = {literal(run)}"
        con.execute(f"CREATE OR REPLACE TEMP TABLE batch AS {of_run}")
        _enter(con, project, run)
    said("runs of the newest day are entered", len(runs))


def _enter(con: Connection, project: Project, run: str) -> None:
    """Enter the batches of the table ``batch``, their verdicts and their runs."""
    ledger_rows(con, project, ledger.VERDICTS, _VERDICTS, run, "batch_id, rule_id")
    ledger_rows(con, project, ledger.BATCHES, "SELECT * FROM batch", run, "batch_id")
    ledger_rows(con, project, ledger.RUNS, _RUNS, run, "run_id")


def _batches(begin: datetime, first: int, last: int, days: int) -> str:
    at = f"{at_literal(begin)} + to_days(day::INT) - to_seconds((hash(domain) % 70000 + n % 900)::BIGINT)"
    run_at = f"{at_literal(begin)} + to_days(day::INT) - to_seconds((hash(domain) % 70000)::BIGINT)"
    return f"""
      WITH told AS (SELECT *, {at} AS committed_at, {run_at} AS run_at, hash(dataset, day) % 1000 AS lot
        FROM dataset, range({first}, {last}) d(day)
        WHERE day < {days - 3} OR hash(dataset) % 1000 >= {_LATE})
      SELECT {_ID.format(at="committed_at", of="dataset || day")} AS batch_id,
        {_ID.format(at="run_at", of="domain || day")} AS run_id, dataset, kind,
        CASE kind WHEN 'ingest' THEN 'landing/' || domain || '_' || day || '.jsonl'
          ELSE 'model:' || dataset END AS source,
        CASE kind WHEN 'ingest' THEN sha256(dataset || day) ELSE '' END AS content_hash,
        contract_version, CASE WHEN day < {days // 2} THEN md5(contract_hash) ELSE contract_hash END
          AS contract_hash, '' AS code_hash,
        CASE WHEN lot < {_REFUSED} THEN 'refused' ELSE 'published' END AS outcome, 'append' AS mode,
        5000 + lot AS read, CASE WHEN lot < {_REFUSED} THEN 0 WHEN lot < {_REFUSED + _IN_PART}
          THEN 4990 + lot ELSE 5000 + lot END AS published,
        CASE WHEN lot BETWEEN {_REFUSED} AND {_REFUSED + _IN_PART - 1} THEN 10 ELSE 0 END AS quarantined,
        0 AS deduplicated, CASE WHEN lot < {_REFUSED} THEN 5000 + lot ELSE 0 END AS refused,
        CASE WHEN lot < {_REFUSED} THEN NULL ELSE 0 END AS version, committed_at,
        '{{}}' AS inputs, '{{}}' AS detail, lot FROM told"""


#: One broken rule of a batch that was refused or passed in part, and of one in fifty others.
_VERDICTS = """
  SELECT batch_id, rule.dataset, committed_at AS judged_at, rule_id, rule_kind, column_name, severity,
    scope, NOT broken AS passed, CASE WHEN broken THEN 10 ELSE 0 END AS breaches,
    NULL AS observed, 'no row without' AS expected
  FROM (SELECT *, row_number() OVER (PARTITION BY batch_id ORDER BY rule_id) = 1
          AND (lot < 13 OR lot > 980) AS broken
        FROM batch JOIN rule USING (dataset))  AS rule"""
_RUNS = """
  SELECT run_id, min(committed_at) AS started_at, max(committed_at) + INTERVAL 1 MINUTE AS ended_at,
    CASE WHEN bool_or(outcome = 'refused') THEN 'refused' ELSE 'published' END AS outcome,
    NULL AS release_id, count(*) AS datasets, 'headgate run' AS command FROM batch GROUP BY 1"""


def _releases(begin: datetime, first: int, last: int, days: int) -> str:
    at = f"{at_literal(begin)} + to_days(day::INT) - INTERVAL 5 MINUTE"
    number = f"day + {DAYS - days + 1}"
    return f"""
      SELECT {number} AS release_id, dataset,
        CASE WHEN day = {days - 1} THEN 0 ELSE ({number}) % 2 + 1 END AS version,
        domain AS release_group, {_ID.format(at="published_at", of="'release' || day")} AS run_id,
        {number} - 1 AS parent_id, published_at, 'publish' AS kind
      FROM (SELECT *, {at} AS published_at FROM dataset, range({first}, {last}) d(day))"""
