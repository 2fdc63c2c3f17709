"""Ways in which a lake can be wrong, and the checks that have to see each of them, and no others."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from headgate.lake import catalog
from headgate.lake.checkpoint import write as write_checkpoint
from headgate.orchestration.project import Project
from tests.unit.orchestration.verifying import tampering as by
from tests.unit.orchestration.verifying.lakes import BRONZE, GOLD, SILVER

LINES, REFUSED = "bronze/irc/messages", "bronze/irc/messages__quarantine"
BATCHES, VERDICTS = "system/ledger/batches", "system/ledger/verdicts"
RUNS, RELEASED = "system/ledger/runs", "system/ledger/releases"
MESSAGES = "silver/chat/messages"

Do = Callable[[Project, random.Random], None]


@dataclass(frozen=True)
class Corruption:
    """One way: what is done, the checks that must tell of it (exactly these), and whether
    ``--repair`` mends it; ``quick``: found without reading every byte."""

    name: str
    do: Do
    seen: frozenset[str]
    mended: bool = False
    quick: bool = True


ALL: list[Corruption] = []


def corruption(*seen: str, mended: bool = False, quick: bool = True) -> Callable[[Do], Do]:
    """Register a way of being wrong under the name of its function."""

    def register(do: Do) -> Do:
        ALL.append(Corruption(do.__name__, do, frozenset(seen), mended, quick))
        return do

    return register


def entry(project: Project, key: str, number: int) -> Path:
    return by.versions(project, key)[number]


# Data files.


@corruption("file-content", quick=False)
def bit_flip_in_a_data_page(project: Project, rnd: random.Random) -> None:
    path = by.biggest(project, MESSAGES)
    by.flip(path, rnd.randrange(4, path.stat().st_size // 3), rnd.randrange(8))


@corruption("file-content")
def file_cut_short(project: Project, rnd: random.Random) -> None:
    path = by.biggest(project, LINES)
    os.truncate(path, rnd.randrange(1, path.stat().st_size))


@corruption("file-content")
def file_emptied(project: Project, rnd: random.Random) -> None:
    os.truncate(by.biggest(project, MESSAGES), 0)


@corruption("file-missing")
def file_deleted(project: Project, rnd: random.Random) -> None:
    by.biggest(project, LINES).unlink()


@corruption("file-missing")
def file_of_an_older_release_deleted(project: Project, rnd: random.Random) -> None:
    gone = set(project.releases.get(1).tables[SILVER].files) - set(by.live(project, MESSAGES))
    assert gone
    (project.lake.root / MESSAGES / min(gone)).unlink()


@corruption("file-content")
def files_swapped(project: Project, rnd: random.Random) -> None:
    one, other = by.biggest(project, LINES), by.biggest(project, MESSAGES)
    mine, theirs = one.read_bytes(), other.read_bytes()
    one.write_bytes(theirs)
    other.write_bytes(mine)


@corruption("file-content")
def a_column_of_another_type(project: Project, rnd: random.Random) -> None:
    by.rewrite(project, LINES, "SELECT * REPLACE (line::VARCHAR AS line) FROM rows")


@corruption("file-statistics", quick=False)
def least_value_too_high(project: Project, rnd: random.Random) -> None:
    def edit(told: list[by.Action]) -> None:
        for action in told:
            if "add" in action:
                stats = json.loads(action["add"]["stats"])
                stats["minValues"]["line"] = stats["minValues"]["line"] + 1
                action["add"]["stats"] = json.dumps(stats)

    by.change(entry(project, LINES, -1), edit)


@corruption("file-statistics", quick=False)
def null_count_wrong(project: Project, rnd: random.Random) -> None:
    def edit(told: list[by.Action]) -> None:
        action = next(a for a in told if "add" in a)
        stats = json.loads(action["add"]["stats"])
        stats["nullCount"]["text"] += 1
        action["add"]["stats"] = json.dumps(stats)

    by.change(entry(project, LINES, -1), edit)


@corruption("file-content", "account-rows", "release-tables")
def row_count_wrong(project: Project, rnd: random.Random) -> None:
    def edit(told: list[by.Action]) -> None:
        action = next(a for a in told if "add" in a)
        stats = json.loads(action["add"]["stats"])
        stats["numRecords"] += 1
        action["add"]["stats"] = json.dumps(stats)

    by.change(entry(project, LINES, -1), edit)


@corruption("file-unnamed")
def a_file_that_no_log_names(project: Project, rnd: random.Random) -> None:
    path = by.biggest(project, LINES)
    (path.parent / "part-00000000-0000-7000-8000-000000000000.parquet").write_bytes(
        path.read_bytes()
    )


# Stored rows, with a log that agrees with them.


@corruption("row-rules", quick=False)
def a_row_that_breaks_a_rule(project: Project, rnd: random.Random) -> None:
    by.rewrite(project, LINES, "SELECT * REPLACE (if(line = 210, 'no sign', channel) AS channel) FROM rows",
               where="line = 210")  # fmt: skip


@corruption("row-keys", quick=False)
def a_key_twice(project: Project, rnd: random.Random) -> None:
    by.rewrite(project, LINES, "SELECT * REPLACE (if(line = 210, 211, line) AS line) FROM rows",
               where="line = 210")  # fmt: skip


@corruption("row-batches", quick=False)
def a_row_of_no_batch(project: Project, rnd: random.Random) -> None:
    by.rewrite(project, LINES, "SELECT * REPLACE (if(line = 210, 'nobody', _batch_id) AS _batch_id)"
               " FROM rows", where="line = 210")  # fmt: skip


@corruption("account-rows", "release-tables", "catalogue", mended=False)
def a_row_lost(project: Project, rnd: random.Random) -> None:
    by.rewrite(project, LINES, "SELECT * FROM rows WHERE line <> 210", where="line = 210")


# Logs.


@corruption("log-changed")
def an_entry_edited(project: Project, rnd: random.Random) -> None:
    def edit(told: list[by.Action]) -> None:
        told[0]["commitInfo"]["timestamp"] += 1

    by.change(entry(project, LINES, 0), edit, sealed=False)


@corruption("log-entry")
def an_entry_overwritten(project: Project, rnd: random.Random) -> None:
    path = entry(project, LINES, 0)
    path.write_bytes(b"\0" * path.stat().st_size)


@corruption("log-entry")
def an_acknowledged_entry_torn(project: Project, rnd: random.Random) -> None:
    path = entry(project, LINES, -1)
    os.truncate(path, path.stat().st_size // 2)


@corruption("log-gap")
def an_entry_missing(project: Project, rnd: random.Random) -> None:
    entry(project, MESSAGES, 0).unlink()


@corruption("log-torn", mended=True)
def a_torn_entry_that_nobody_names(project: Project, rnd: random.Random) -> None:
    path = entry(project, LINES, -1)
    torn = path.with_name(f"{int(path.stem) + 1:020d}.json")
    torn.write_bytes(path.read_bytes()[: rnd.randrange(1, 500)])


@corruption("log-torn", mended=True)
def an_empty_entry_that_nobody_names(project: Project, rnd: random.Random) -> None:
    path = entry(project, MESSAGES, -1)
    path.with_name(f"{int(path.stem) + 1:020d}.json").touch()


@corruption("log-transaction", "ledger-batches", "ledger-verdicts", "lineage-gates")
def a_batch_id_twice(project: Project, rnd: random.Random) -> None:
    first = json.loads(by.actions(entry(project, LINES, 0))[0]["commitInfo"]["headgate"])
    by.say(entry(project, LINES, 1), lambda meta: meta.update(batch_id=first["batch_id"]))


@corruption("log-transaction")
def a_transaction_number_skipped(project: Project, rnd: random.Random) -> None:
    def edit(told: list[by.Action]) -> None:
        next(a["txn"] for a in told if "txn" in a)["version"] += 1

    by.change(entry(project, LINES, -1), edit)


@corruption("log-commit")
def a_removal_of_what_was_not_there(project: Project, rnd: random.Random) -> None:
    def edit(told: list[by.Action]) -> None:
        told.append({"remove": {"path": "part-gone.parquet", "dataChange": True}})

    by.change(entry(project, LINES, -1), edit)


@corruption("log-commit")
def rows_past_the_gate(project: Project, rnd: random.Random) -> None:
    import pyarrow as pa
    from deltalake import DeltaTable, write_deltalake

    folder = str(project.lake.root / LINES)
    table = DeltaTable(folder)
    one = table.to_pyarrow_table().slice(0, 1)
    row = one.set_column(one.schema.get_field_index("line"), "line", pa.array([9999]))
    write_deltalake(folder, row, mode="append")


@corruption("table-shape", "release-tables")
def a_protocol_of_others(project: Project, rnd: random.Random) -> None:
    def edit(told: list[by.Action]) -> None:
        told.append({"protocol": {"minReaderVersion": 1, "minWriterVersion": 5}})

    by.change(entry(project, LINES, -1), edit)


@corruption("log-checkpoint", "table-opens", mended=True)
def a_checkpoint_overwritten(project: Project, rnd: random.Random) -> None:
    path = _checkpoint(project)
    path.write_bytes(b"PAR1" + b"\0" * 100 + b"PAR1")


@corruption("log-checkpoint", "table-opens", mended=True)
def a_checkpoint_of_another_table(project: Project, rnd: random.Random) -> None:
    path = _checkpoint(project)
    _rewritten(path, "SELECT * FROM whole WHERE add IS NULL "
                     "OR add.path <> (SELECT min(add.path) FROM whole)")  # fmt: skip


@corruption("log-checkpoint", "table-opens", mended=True)
def a_checkpoint_that_says_half_a_thing(project: Project, rnd: random.Random) -> None:
    # As where a bit flips in how deep values lie: some readers take the row for two actions.
    path = _checkpoint(project)
    _rewritten(path, "SELECT * REPLACE (CASE WHEN add IS NULL THEN metaData "
                     "ELSE struct_update(metaData, name := NULL::VARCHAR) END AS metaData) "
                     "FROM whole ORDER BY add IS NULL")  # fmt: skip


@corruption("log-checkpoint", mended=True)
def a_pointer_to_no_checkpoint(project: Project, rnd: random.Random) -> None:
    _checkpoint(project)
    (by.log_of(project, LINES) / "_last_checkpoint").write_text('{"version":77,"size":1}')


def _checkpoint(project: Project) -> Path:
    newest = int(entry(project, LINES, -1).stem)
    write_checkpoint(project.lake, LINES, newest, "test")
    project.lake.sweep_staging()
    return by.log_of(project, LINES) / f"{newest:020d}.checkpoint.parquet"


def _rewritten(path: Path, query: str) -> None:
    draft = path.with_suffix(".new")
    with duckdb.connect() as con:
        con.execute(f"CREATE VIEW whole AS FROM read_parquet('{path}')")
        con.execute(f"COPY ({query}) TO '{draft}' (FORMAT parquet)")
    os.replace(draft, path)


# Accounts and ledgers.


@corruption("account-balance", "ledger-batches")
def an_account_that_does_not_balance(project: Project, rnd: random.Random) -> None:
    by.say(entry(project, LINES, -1), lambda meta: meta.update(read=meta["read"] + 1))


@corruption("account-balance", "account-rows", "ledger-batches")
def more_inserted_than_published(project: Project, rnd: random.Random) -> None:
    by.say(entry(project, LINES, -1), lambda meta: meta["detail"].update(inserted=99))


@corruption("account-inputs", "ledger-batches")
def an_input_that_never_was(project: Project, rnd: random.Random) -> None:
    by.say(entry(project, "gold/community/fct_messages", -1),
           lambda meta: meta["inputs"].update({SILVER: 99}))  # fmt: skip


@corruption("ledger-batches")
def a_batch_entered_otherwise(project: Project, rnd: random.Random) -> None:
    by.rewrite(project, BATCHES, "SELECT * REPLACE (source || '!' AS source) FROM rows",
               where=f"dataset = '{BRONZE}' AND version = 0")  # fmt: skip


@corruption("ledger-batches", mended=True)
def a_batch_missing_from_the_ledger(project: Project, rnd: random.Random) -> None:
    by.rewrite(project, BATCHES, f"FROM rows WHERE NOT (dataset = '{BRONZE}' AND version = 0)",
               where=f"dataset = '{BRONZE}' AND version = 0", account=True)  # fmt: skip


@corruption("ledger-batches")
def a_batch_too_many_in_the_ledger(project: Project, rnd: random.Random) -> None:
    by.rewrite(project, BATCHES, "FROM rows UNION ALL BY NAME SELECT * REPLACE ('nobody' AS batch_id, 0 AS"
               " version)  FROM rows WHERE version = 1 LIMIT 1", where=f"dataset = '{BRONZE}' AND version = 1", account=True)  # fmt: skip


@corruption("ledger-verdicts", mended=True)
def a_verdict_missing(project: Project, rnd: random.Random) -> None:
    by.rewrite(project, VERDICTS, "FROM rows WHERE rule_id <> 'line.minimum'",
               where=f"dataset = '{BRONZE}' AND rule_id = 'line.minimum' AND passed", account=True)  # fmt: skip


@corruption("ledger-verdicts")
def a_verdict_changed(project: Project, rnd: random.Random) -> None:
    by.rewrite(project, VERDICTS, "SELECT * REPLACE (if(rule_id = 'type.accepted', 0, breaches) AS breaches)"
               " FROM rows", where=f"dataset = '{BRONZE}' AND rule_id = 'type.accepted' AND breaches > 0")  # fmt: skip


@corruption("ledger-releases", mended=True)
def a_release_missing_from_the_ledger(project: Project, rnd: random.Random) -> None:
    by.rewrite(project, RELEASED, f"FROM rows WHERE NOT (release_id = 1 AND dataset = '{GOLD}')",
               where="release_id = 1", account=True)  # fmt: skip


@corruption("ledger-releases")
def a_release_entered_otherwise(project: Project, rnd: random.Random) -> None:
    by.rewrite(project, RELEASED, "SELECT * REPLACE (version + 1 AS version) FROM rows",
               where="release_id = 1")  # fmt: skip


@corruption("ledger-runs")
def a_run_that_names_another_release(project: Project, rnd: random.Random) -> None:
    by.rewrite(
        project,
        RUNS,
        "SELECT * REPLACE (77::BIGINT AS release_id) FROM rows",
        where="release_id = 1",
    )


@corruption("ledger-runs")
def a_run_missing_from_the_ledger(project: Project, rnd: random.Random) -> None:
    by.rewrite(project, RUNS, "FROM rows WHERE release_id IS DISTINCT FROM 1", where="release_id = 1",
               account=True)  # fmt: skip


# Releases and the catalogue.


@corruption("release-chain")
def a_release_missing(project: Project, rnd: random.Random) -> None:
    (project.lake.root / "_releases" / f"{project.releases.ids()[-1]:020d}.json").unlink()


@corruption("release-chain")
def a_release_cut(project: Project, rnd: random.Random) -> None:
    path = project.lake.root / "_releases" / f"{1:020d}.json"
    os.truncate(path, rnd.randrange(1, path.stat().st_size))


@corruption("release-tables")
def a_release_with_another_file(project: Project, rnd: random.Random) -> None:
    _edit_release(project, 1, lambda told: told["tables"][BRONZE]["files"].append("part-x.parquet"))


@corruption("release-tables", "ledger-releases")
def a_release_of_a_lost_version(project: Project, rnd: random.Random) -> None:
    _edit_release(project, 1, lambda told: told["tables"][GOLD].update(version=55))


@corruption("release-chain", "ledger-releases")
def a_release_with_another_parent(project: Project, rnd: random.Random) -> None:
    _edit_release(project, 2, lambda told: told.update(parent=None))


def _edit_release(project: Project, number: int, edit: Callable[[dict], object]) -> None:
    path = project.lake.root / "_releases" / f"{number:020d}.json"
    told = json.loads(path.read_text())
    edit(told)
    path.write_text(json.dumps(told))


@corruption("catalogue", mended=True)
def a_catalogue_of_the_release_before(project: Project, rnd: random.Random) -> None:
    import duckdb

    with duckdb.connect(str(project.lake.root / catalog.FILE_NAME)) as con:
        con.execute("CREATE OR REPLACE VIEW headgate_release AS SELECT 1 AS release_id")


@corruption("catalogue", mended=True)
def a_catalogue_with_a_wrong_view(project: Project, rnd: random.Random) -> None:
    import duckdb

    other = by.biggest(project, MESSAGES)
    with duckdb.connect(str(project.lake.root / catalog.FILE_NAME)) as con:
        con.execute(f"CREATE OR REPLACE VIEW bronze_irc.messages AS FROM read_parquet(['{other}'])")


@corruption("catalogue", mended=True)
def a_catalogue_missing(project: Project, rnd: random.Random) -> None:
    (project.lake.root / catalog.FILE_NAME).unlink()


@corruption("catalogue", mended=True)
def a_catalogue_overwritten(project: Project, rnd: random.Random) -> None:
    path = project.lake.root / catalog.FILE_NAME
    path.write_bytes(rnd.randbytes(path.stat().st_size))


# Quarantine.


@corruption("quarantine-states")
def a_state_that_is_none(project: Project, rnd: random.Random) -> None:
    by.rewrite(
        project, REFUSED, "SELECT * REPLACE ('lost' AS state) FROM rows", where="state = 'waived'"
    )


@corruption("quarantine-states")
def a_waiver_of_nobody(project: Project, rnd: random.Random) -> None:
    by.rewrite(project, REFUSED, "SELECT * REPLACE (NULL::VARCHAR AS state_by) FROM rows",
               where="state = 'waived'")  # fmt: skip


@corruption("quarantine-accounts")
def a_refused_row_lost(project: Project, rnd: random.Random) -> None:
    by.rewrite(project, REFUSED, "FROM rows WHERE position <> (SELECT max(position) FROM rows)",
               where="state = 'open'")  # fmt: skip


@corruption("quarantine-ids", "quarantine-accounts", "account-rows", "row-keys")
def a_refused_row_twice(project: Project, rnd: random.Random) -> None:
    by.rewrite(project, REFUSED, "FROM rows UNION ALL FROM rows", where="state = 'open'")


@corruption("quarantine-ids")
def a_refused_row_of_another_place(project: Project, rnd: random.Random) -> None:
    by.rewrite(project, REFUSED, "SELECT * REPLACE (position + 1000 AS position) FROM rows",
               where="state = 'open'")  # fmt: skip


@corruption("quarantine-closed")
def a_row_superseded_by_nothing(project: Project, rnd: random.Random) -> None:
    why = "delivered anew in batch 01a1ff7e-0000-7000-8000-000000000000"
    by.rewrite(project, REFUSED, "SELECT * REPLACE ('superseded' AS state, 'headgate' AS state_by,"
               f" '{why}' AS state_why, now() AS state_at) FROM rows", where="state = 'open'")  # fmt: skip


@corruption("quarantine-accounts")
def a_quarantine_gone(project: Project, rnd: random.Random) -> None:
    import shutil

    shutil.rmtree(project.lake.root / REFUSED)


# What commits name by hash.


@corruption("contract-kept", mended=True)
def a_contract_missing(project: Project, rnd: random.Random) -> None:
    _kept(project, "_contracts", BRONZE).unlink()


@corruption("contract-kept", mended=True)
def a_contract_edited(project: Project, rnd: random.Random) -> None:
    path = _kept(project, "_contracts", BRONZE)
    path.write_text(path.read_text().replace("irc", "IRC", 1))


@corruption("code-kept")
def sql_missing(project: Project, rnd: random.Random) -> None:
    _kept(project, "_code", SILVER).unlink()


@corruption("code-kept")
def sql_edited(project: Project, rnd: random.Random) -> None:
    path = _kept(project, "_code", SILVER)
    told = json.loads(path.read_text())
    path.write_text(json.dumps({**told, "full": told["full"] + " -- mine"}))


def _kept(project: Project, folder: str, dataset: str) -> Path:
    return min((project.lake.root / folder / dataset).iterdir())


# Lineage, and what is left about.


@corruption("lineage-names")
def a_foreign_name_in_lineage(project: Project, rnd: random.Random) -> None:
    path = _events(project)
    lines = path.read_text().splitlines(keepends=True)
    at = next(i for i, one in enumerate(lines) if f'"name":"{SILVER}"' in one)
    lines[at] = lines[at].replace(f'"name":"{SILVER}"', '"name":"silver.chat.nobody"')
    path.write_text("".join(lines))


@corruption("lineage-events", "lineage-gates")
def an_event_overwritten(project: Project, rnd: random.Random) -> None:
    path = _events(project)
    lines = path.read_text().splitlines(keepends=True)
    at = [i for i, one in enumerate(lines) if f'"name":"{BRONZE}.gate"' in one][:2]
    for i in at:
        lines[i] = "#" * (len(lines[i]) - 1) + "\n"
    path.write_text("".join(lines))


@corruption("lineage-events")
def a_torn_event(project: Project, rnd: random.Random) -> None:
    path = _events(project)
    text = path.read_text()
    path.write_text(text + text.splitlines()[0][: rnd.randrange(1, 200)])


@corruption("lineage-ended", mended=True)
def a_step_without_an_end(project: Project, rnd: random.Random) -> None:
    path = _events(project)
    started = next(one for one in path.read_text().splitlines() if '"eventType":"START"' in one)
    event = json.loads(started)
    event["run"]["runId"] = "01a1ff7e-0000-7000-8000-00000000000a"
    path.write_text(path.read_text() + json.dumps(event) + "\n")


def _events(project: Project) -> Path:
    return project.lake.root / project.settings.lineage_file


@corruption("staged-files", mended=True)
def staging_left(project: Project, rnd: random.Random) -> None:
    folder = project.lake.staging("01a1ff7e-0000-7000-8000-00000000000a")
    (folder / "part.parquet").write_bytes(b"half")


@corruption("staged-files", mended=True)
def a_draft_left(project: Project, rnd: random.Random) -> None:
    name = f".{1:020d}.json.01a1ff7e-0000-7000-8000-00000000000a"
    (project.lake.root / "_releases" / name).write_text("{")


@corruption("run-died", mended=True)
def a_run_that_died(project: Project, rnd: random.Random) -> None:
    told = {"run": "01a1ff7e-0000-7000-8000-00000000000a", "pid": 2**22 + 1, "command": "run",
            "since": "2026-01-01T00:00:00.000000Z"}  # fmt: skip
    (project.lake.root / "_locks" / "run.lock").write_text(json.dumps(told))


@corruption("foreign-files")
def a_file_of_somebody_else(project: Project, rnd: random.Random) -> None:
    (project.lake.root / "bronze" / "notes.txt").write_text("mine")


@corruption("forward-places")
def a_place_in_the_outbox_that_is_torn(project: Project, rnd: random.Random) -> None:
    (project.lake.root / "_state" / "forward_marquez.json").write_text('{"places": {"openlin')
