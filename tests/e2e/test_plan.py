"""What a plan promises is what happens: seeded changes, each planned, then run, then compared exactly."""

from __future__ import annotations

import dataclasses
import gzip
import io
import random
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pytest

from headgate.cli.main import invoke
from headgate.core import json as hjson
from headgate.core.errors import ContractError, RefusedError
from headgate.lake.engines.duckdb import connect, identifiers
from headgate.lake.snapshot import Snapshot
from headgate.orchestration.auditing import settle
from headgate.orchestration.planning.before import of_project
from headgate.orchestration.planning.binding import EmptyTables
from headgate.orchestration.planning.following import Following
from headgate.orchestration.planning.making import make
from headgate.orchestration.planning.plan import BUILT, CREATE, FULL, INCREMENTAL, NONE
from headgate.orchestration.project import Project
from headgate.orchestration.rebuilding import rebuild
from headgate.orchestration.report import RunReport
from headgate.orchestration.run import run
from headgate.quality import unwritten
from headgate.transforms import modules
from tests.conftest import make_project
from tests.e2e import seeded_changes
from tests.e2e.seeded_changes import KINDS, Branch

IRC = "bronze.irc.messages"
UNWRITTEN = {unwritten.PRIMARY_KEY, unwritten.QUARANTINE_SHARE, unwritten.CONFLICTING_KEY}
#: Kinds that do not take away what another of them changes.
OF_ONE_TABLE_EACH = [k for k in KINDS if k.__name__ not in ("removed", "dropped", "unit", "added")]
MODES = {CREATE: "replace", FULL: "replace", INCREMENTAL: "merge"}
Rows = dict[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True)
class Table:
    """A table at its newest version, with all its rows by key."""

    snapshot: Snapshot
    rows: Rows


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Path:
    """A project with a lake of IRC lines and Discord exports, all of it released."""
    folder = tmp_path_factory.mktemp("plan")
    project = make_project(folder / "project")
    with gzip.open(real_data / "irc_ubuntu" / "train.messages.jsonl.gz", "rt") as lines:
        (folder / "irc.jsonl").write_text("".join(islice(lines, 700)))
    exports = [str(real_data / "discord_export_fixtures" / "synthetic" / "edge_cases.json")]
    chat = ("bronze.chat.messages", "bronze.chat.users", "bronze.chat.channels")
    sources = {IRC: [str(folder / "irc.jsonl")], **dict.fromkeys(chat, exports)}
    report = run(project, sources=sources)
    assert not report.problems and not report.held
    return folder / "project"


@pytest.fixture
def branch(released: Path, tmp_path: Path) -> Callable[[int], Branch]:
    """A copy of the project and its lake."""

    def copied(seed: int) -> Branch:
        shutil.copytree(released, tmp_path / "branch")
        return Branch(tmp_path / "branch", random.Random(seed))

    return copied


def tables(project: Project) -> dict[str, Table]:
    """Every table that is there, ledgers left out."""
    found = {}
    with connect(project.settings) as con:
        for dataset, contract in project.contracts.items():
            snapshot = project.lake.snapshot(dataset)
            if contract.name.layer == "system" or snapshot is None:
                continue
            names = [c for c in snapshot.columns if not c.startswith("_")]
            key = [k for k in contract.key if k in names]
            result = con.execute(f"SELECT {identifiers(names)} FROM {snapshot.relation()}")
            rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
            found[dataset] = Table(snapshot, {tuple(r[k] for k in key): r for r in rows})
            assert len(found[dataset].rows) == len(rows)
    return found


def carry_out(project: Project, command: str) -> RunReport:
    """What the plan calls a command."""
    verb, *rest = command.removeprefix("headgate ").split()
    if verb == "run":
        return run(project)
    return rebuild(project, rest[0]) if verb == "rebuild" else settle(project, rest[0])


def assert_kept(step: Mapping[str, Any], report: RunReport, before: dict[str, Table],
                after: dict[str, Table]) -> None:  # fmt: skip
    """One command did what the plan said, and nothing besides."""
    told = step["tables"]
    moved = {d for d, t in after.items()
             if d not in before or before[d].snapshot.version != t.snapshot.version}  # fmt: skip
    assert moved == {d for d, u in told.items() if u["how"] in BUILT}
    judged = {b.dataset: b.verdict for b in (*report.batches, *report.models) if b.verdict}
    for dataset in moved:
        upkeep, snapshot = told[dataset], after[dataset].snapshot
        assert snapshot.meta is not None
        if upkeep["how"] in MODES:
            may_be = {MODES[upkeep["how"]]} | ({"replace"} if upkeep["perhaps_full"] else set())
            assert snapshot.meta.mode in may_be, dataset
        assert list(snapshot.columns) == upkeep["columns"], dataset
        rules = [r.rule_id for r in judged[dataset].results if r.rule_id not in UNWRITTEN]
        assert sorted(rules) == sorted(upkeep["rules"]), dataset
        if dataset in before and upkeep["rows_stored"] is not None:
            assert upkeep["rows_stored"] == before[dataset].snapshot.rows
            if upkeep["exact"] and upkeep["how"] == INCREMENTAL:
                assert snapshot.meta.detail["deleted"] <= upkeep["rows_touched"]
    problems = " ".join(report.problems)
    for dataset, upkeep in told.items():
        if upkeep["how"] not in (*BUILT, NONE):
            assert dataset in problems or dataset.rpartition(".")[2] in problems or (
                "int_chat__messages" in problems and dataset == "silver.chat.messages"
            ), (dataset, problems)  # fmt: skip
    if not any(u["how"] not in (*BUILT, NONE) for u in told.values()):
        assert not report.problems
    assert sorted(report.released) == step["released"]
    assert sorted(report.held) == step["held"]


def assert_influence(plan: Mapping[str, Any], before: dict[str, Table],
                     after: dict[str, Table]) -> None:  # fmt: skip
    """Values that the plan did not name are what they were, row by row."""
    told = {t["dataset"]: t["influence"] for t in plan["tables"]}
    removed = {t["dataset"] for t in plan["tables"] if t["status"] == "removed"}
    assert before.keys() - after.keys() == removed
    for dataset, old in before.items():
        influence = told.get(dataset, {"columns": [], "rows": False})
        if influence["rows"] or dataset in removed:
            continue
        new = after[dataset]
        # A renamed column is one that went and one that came; a key keeps its columns here.
        common = [c for c in old.snapshot.columns if c in new.snapshot.columns and c[0] != "_"]
        common = [c for c in common if c not in influence["columns"]]
        assert values(old, common) == values(new, common), dataset


def values(table: Table, columns: list[str]) -> list[str]:
    """All rows in these columns, whatever their order."""
    return sorted(repr([row[c] for c in columns]) for row in table.rows.values())


def asked(root: Path, *options: str) -> dict[str, Any]:
    """The plan as `headgate plan --json` prints it."""
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        patch.setenv("HEADGATE_ROOT", str(root))
        code = invoke(["plan", "--json", *options])
    plan: dict[str, Any] = hjson.loads(printed.getvalue())
    assert plan["exit_code"] == code
    return plan


def foreseen_as_unsure(step: Mapping[str, Any], report: RunReport) -> bool:
    """Whether a build was refused that the plan said would be done: by rules that it named then."""
    refused = False
    for outcome in report.models:
        if outcome.outcome == "refused" and step["tables"][outcome.dataset]["how"] in BUILT:
            assert outcome.verdict is not None
            broken = {r.rule_id for r in outcome.verdict.results if not r.passed}
            assert broken & set(step["tables"][outcome.dataset]["unsure"])
            refused = True
    return refused


def hold_to_account(
    branch: Branch, change: Callable[[Branch], str], *, may_be_refused: bool = False
) -> dict[str, Any]:
    """Change something, plan it, carry it out, and compare; gives the plan."""
    before = tables(Project.open(branch.root))
    change(branch)
    project = Project.open(branch.root)
    plan = asked(branch.root)
    assert plan["on_lake"]
    start = now = before
    for step in plan["steps"]:
        known = {d: t for d, t in now.items() if d in project.contracts}
        try:
            report = carry_out(project, step["command"])
        except (ContractError, RefusedError):
            assert {u["how"] for u in step["tables"].values()} == {"fails"}
            assert {d: t.snapshot.version for d, t in tables(project).items()} == {
                d: t.snapshot.version for d, t in known.items()
            }
            continue
        now = tables(project)
        if may_be_refused and foreseen_as_unsure(step, report):
            return plan
        assert_kept(step, report, known, now)
    assert_influence(plan, start, now)
    return plan


def assert_comment(plan: dict[str, Any]) -> None:
    assert plan["tables"] == [] and plan["agreements"] == [] and plan["exit_code"] == 0


def assert_description(plan: dict[str, Any]) -> None:
    [table] = plan["tables"]
    assert {c["kind"] for c in table["changes"]} == {"documentation"}
    assert plan["agreements"] == [] and plan["exit_code"] == 0


def assert_expression(plan: dict[str, Any]) -> None:
    [changed] = [t for t in plan["tables"] if t["status"] == "changed"]
    assert len(changed["influence"]["columns"]) == 1 and not changed["influence"]["rows"]
    assert plan["steps"][0]["tables"][changed["dataset"]]["how"] == FULL
    assert plan["agreements"] and plan["exit_code"] == 1


def assert_private(plan: dict[str, Any]) -> None:
    [changed] = [t for t in plan["tables"] if t["status"] == "changed"]
    assert changed["dataset"] == "silver.chat.messages"
    reached = {t["dataset"] for t in plan["tables"] if t["status"] == "reached"}
    assert {"silver.chat.conversations", "gold.community.fct_messages"} <= reached


def assert_added(plan: dict[str, Any]) -> None:
    [changed] = [t for t in plan["tables"] if t["status"] == "changed"]
    assert changed["influence"] == {"columns": ["year_sent"], "rows": False}
    assert plan["severity"] == "compatible"
    assert plan["agreements"] == [] and plan["exit_code"] == 0  # nobody relies on it yet


def assert_dropped(plan: dict[str, Any]) -> None:
    [changed] = [t for t in plan["tables"] if t["status"] == "changed"]
    assert changed["severity"] == "breaking"
    assert plan["steps"][0]["tables"][changed["dataset"]]["how"] == "blocked"
    assert plan["steps"][1]["command"] == f"headgate rebuild {changed['dataset']}"
    assert "community" in plan["steps"][0]["held"]


def assert_kept_rule(plan: dict[str, Any]) -> None:
    [changed] = [t for t in plan["tables"] if t["status"] == "changed"]
    assert "tightens" in {c["direction"] for c in changed["changes"]}
    assert changed["influence"] == {"columns": [], "rows": False}
    assert [a["owner"] for a in plan["agreements"]] == [changed["owner"]]


def assert_broken_rule(plan: dict[str, Any]) -> None:
    hows = {d: u["how"] for d, u in plan["steps"][0]["tables"].items()}
    assert "fails" in hows.values() and "waits" in hows.values()
    assert plan["steps"][0]["held"] == ["community"]
    assert plan["exit_code"] == 1


def assert_source_rule(plan: dict[str, Any]) -> None:
    assert plan["steps"][0]["tables"][IRC]["how"] == "blocked"
    assert plan["steps"][1]["command"] == f"headgate audit {IRC} --apply"
    assert plan["severity"] == "needs-backfill" and plan["exit_code"] == 1


def assert_kept_source_rule(plan: dict[str, Any]) -> None:
    [step] = plan["steps"]
    assert {d: u["how"] for d, u in step["tables"].items()} == {IRC: NONE}
    assert plan["severity"] == "needs-backfill" and plan["exit_code"] == 1


def assert_failing_source_rule(plan: dict[str, Any]) -> None:
    assert [{u["how"] for u in s["tables"].values()} for s in plan["steps"]] == [
        {"blocked"}, {"fails"},
    ]  # fmt: skip


def assert_loosened(plan: dict[str, Any]) -> None:
    [changed] = [t for t in plan["tables"] if t["status"] == "changed"]
    assert {c["direction"] for c in changed["changes"]} == {"loosens"}
    assert plan["agreements"] == [] and plan["exit_code"] == 0


def assert_key(plan: dict[str, Any]) -> None:
    assert plan["steps"][1]["command"] == "headgate rebuild gold.community.dim_channels"
    assert plan["severity"] == "breaking"


def assert_new_model(plan: dict[str, Any]) -> None:
    [table] = plan["tables"]
    assert (table["status"], table["owner"]) == ("new", "newcomers")
    assert plan["steps"][0]["tables"][table["dataset"]]["how"] == CREATE
    assert plan["exit_code"] == 0


def assert_removed(plan: dict[str, Any]) -> None:
    assert [t["status"] for t in plan["tables"]] == ["removed"]
    assert plan["steps"][0]["tables"] == {} and plan["exit_code"] == 1


def assert_renamed_source(plan: dict[str, Any]) -> None:
    first, second = plan["steps"]
    assert first["tables"][IRC]["how"] == "blocked"
    assert first["tables"]["silver.chat.messages"]["how"] == "fails"
    assert second["command"] == f"headgate rebuild {IRC}"
    assert second["tables"]["silver.chat.messages"]["how"] == FULL


def assert_unit(plan: dict[str, Any]) -> None:
    [changed] = [t for t in plan["tables"] if t["status"] == "changed"]
    assert plan["steps"][0]["tables"][changed["dataset"]]["how"] == FULL
    assert all(t["influence"] == {"columns": [], "rows": False} for t in plan["tables"])


def assert_owner(plan: dict[str, Any]) -> None:
    [table] = plan["tables"]
    assert plan["steps"][0]["tables"] == {}
    assert {a["owner"] for a in plan["agreements"]} == {"another-team", "community-insights"}
    assert table["timetable"] == [
        "Its owner was community-insights and is another-team.",
    ]


EXPECTED: Mapping[str, Callable[[dict[str, Any]], None]] = {
    name.removeprefix("assert_"): check for name, check in globals().items()
    if name.removeprefix("assert_") in {k.__name__ for k in KINDS}
}  # fmt: skip


@pytest.mark.parametrize("change", KINDS, ids=lambda c: c.__name__)
def test_what_a_plan_says_is_what_changes(
    branch: Callable[[int], Branch], change: Callable[[Branch], str]
) -> None:
    EXPECTED[change.__name__](hold_to_account(branch(1), change))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 8))
@pytest.mark.parametrize("change", KINDS, ids=lambda c: c.__name__)
def test_what_a_plan_says_is_what_changes_whatever_is_drawn(
    branch: Callable[[int], Branch], change: Callable[[Branch], str], seed: int
) -> None:
    hold_to_account(branch(seed), change)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(12))
def test_what_a_plan_says_of_two_changes_at_once(
    branch: Callable[[int], Branch], seed: int
) -> None:
    one, other = random.Random(seed).sample(OF_ONE_TABLE_EACH, 2)

    def change(of: Branch) -> str:
        return f"{one(of)} and {other(of)}"

    hold_to_account(branch(seed), change, may_be_refused=True)


def test_the_code_of_a_transform_counts(
    branch: Callable[[int], Branch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(_: Branch) -> str:
        place = modules._file
        other = tmp_path / "conversations.py"
        other.write_text(place("chat.conversations").read_text() + "\nUNUSED = 1\n")
        monkeypatch.setattr(
            modules,
            "_file",
            lambda name, room=None: other if name == "chat.conversations" else place(name, room),
        )
        return "silver.chat.conversations"

    plan = hold_to_account(branch(1), change)
    assert plan["steps"][0]["tables"]["silver.chat.conversations"]["how"] == FULL
    told = {t["dataset"]: t for t in plan["tables"]}
    assert told["silver.chat.conversations"]["code"]
    assert told["gold.community.fct_conversation_response"]["status"] == "reached"


def test_rows_that_an_incremental_build_touches_are_counted_where_that_is_known(
    branch: Callable[[int], Branch], real_data: Path
) -> None:
    root = branch(1).root
    with gzip.open(real_data / "irc_ubuntu" / "train.messages.jsonl.gz", "rt") as lines:
        later = list(islice(lines, 700, 720))
    days = {hjson.loads(line)["date"] for line in later}
    (root / "later.jsonl").write_text("".join(later))
    run(Project.open(root), sources={IRC: [str(root / "later.jsonl")]}, select=[IRC])
    before = tables(Project.open(root))
    plan = asked(root)
    told = plan["steps"][0]["tables"]
    rows = before["silver.chat.messages"].rows.values()
    touched = sum(str(r["sent_date"]) in days for r in rows)
    assert 0 < touched < len(rows)
    silver = told["silver.chat.messages"]
    assert (silver["how"], silver["exact"]) == (INCREMENTAL, True)
    assert (silver["rows_stored"], silver["rows_touched"]) == (len(rows), touched)
    assert not told["gold.community.fct_messages"]["exact"]
    assert {t["status"] for t in plan["tables"]} == {"reached"} and plan["exit_code"] == 0
    report = run(Project.open(root))
    assert_kept(plan["steps"][0], report, before, tables(Project.open(root)))


def git(folder: Path, *arguments: str) -> None:
    """Run git there, as nobody in particular."""
    who = ("-c", "user.name=tests", "-c", "user.email=tests@localhost")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def test_a_revision_and_a_folder_tell_the_same_as_a_release(
    branch: Callable[[int], Branch], released: Path
) -> None:
    changed = branch(1)
    (changed.root / ".gitignore").write_text("/lake/\n")
    git(changed.root, "init", "-q")
    git(changed.root, "add", "-A")
    git(changed.root, "commit", "-q", "-m", "Begin")
    seeded_changes.expression(changed)
    seeded_changes.dropped(changed)
    status = subprocess.run(["git", "-C", str(changed.root), "status", "--porcelain"],
                            check=True, capture_output=True)  # fmt: skip
    project = Project.open(changed.root)
    plans = [make(project), make(project, "HEAD"), make(project, str(released))]
    assert [p.against for p in plans] == ["release 1", "HEAD", str(released)]
    for plan in plans[1:]:
        assert dataclasses.replace(plan, against="release 1") == plans[0]
    after = subprocess.run(["git", "-C", str(changed.root), "status", "--porcelain"],
                           check=True, capture_output=True)  # fmt: skip
    assert after.stdout == status.stdout

    # Without a lake, as in CI: what happens is told of tables as they were at the revision.
    shutil.rmtree(changed.root / "lake")
    bare = make(Project.open(changed.root), "HEAD")
    assert not bare.on_lake and not (changed.root / "lake").exists()
    assert bare.tables == plans[0].tables
    assert {d: u.how for d, u in bare.steps[0].tables.items()} == {
        d: u.how for d, u in plans[0].steps[0].tables.items()
    }
    assert {u.rows_stored for u in bare.steps[0].tables.values()} == {None}


def mutated(sql: str, rng: random.Random) -> str:
    """A query in which one thing is otherwise."""
    import sqlglot
    from sqlglot import exp

    swaps: dict[type[exp.Expr], type[exp.Expr]] = {
        exp.EQ: exp.NEQ, exp.GT: exp.GTE, exp.And: exp.Or, exp.Add: exp.Sub, exp.Min: exp.Max,
        exp.Max: exp.Min, exp.Sum: exp.Min, exp.Lower: exp.Upper, exp.Is: exp.EQ,
    }  # fmt: skip
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    nodes = [n for n in tree.walk() if type(n) in swaps or isinstance(n, exp.Literal | exp.Join)]
    node = rng.choice(nodes)
    if isinstance(node, exp.Literal):
        other = f"{node.this}x" if node.is_string else str(int(float(node.this)) + 1)
        node.replace(exp.Literal(this=other, is_string=node.is_string))
    elif isinstance(node, exp.Join):
        node.set("side", "" if node.side else "LEFT")
        node.set("kind", "INNER" if not node.side else "")
    else:
        node.replace(swaps[type(node)](**dict(node.args)))
    return tree.sql(dialect="duckdb")


def test_columns_that_a_plan_does_not_name_keep_their_values_whatever_is_edited(
    released: Path,
) -> None:
    project, seed = Project.open(released), 20261121
    rng = random.Random(seed)
    tried = held = 0
    with connect(project.settings) as con, duckdb.connect(":memory:") as empty:
        shapes = {d: c.table_columns for d, c in project.contracts.items()}
        following = Following(EmptyTables(empty, shapes))
        for dataset, table in tables(project).items():
            name = project.contracts[dataset].name
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {name.schema}")
            con.execute(f"CREATE VIEW {name.relation} AS FROM {table.snapshot.relation()}")
        for dataset, code in of_project(project, "now").code.items():
            if code.sql is None:
                continue
            for _ in range(8):
                new = mutated(code.sql[0], rng)
                influence = following.differing(code.sql[0], new, code.inputs)
                columns = [c.name for c in project.contracts[dataset].columns]
                kept = [c for c in columns if c not in influence.columns]
                tried += 1
                if influence.rows or "*" in influence.columns or not kept:
                    continue
                query = f"SELECT {identifiers(kept)} FROM ({{}}) ORDER BY ALL"
                try:
                    after = con.execute(query.format(new)).fetchall()
                except duckdb.Error:
                    continue  # what was edited is no query any more
                before = con.execute(query.format(code.sql[0])).fetchall()
                assert after == before, f"seed {seed}: {dataset}\n{new}"
                held += 1
    assert tried >= 60 and held >= 15
