"""`headgate.read`: every form gives the same rows, of the release that was asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

import headgate
from headgate.core.errors import NotFoundError, UsageError
from headgate.orchestration import private_lakes
from headgate.orchestration.project import Project
from tests.unit.cli.conftest import DATASET

pytestmark = pytest.mark.xdist_group("commands")
GOLD = "gold.community.fct_messages"


@pytest.fixture(scope="module")
def root(taken: Path) -> Path:
    return taken


def test_every_form_gives_the_same_rows(root: Path) -> None:
    read: Any = headgate.read
    wanted = {"columns": ["line", "text"], "where": "line % 7 = 3", "project": root}
    found = {
        "polars": read(DATASET, **wanted).rows(),
        "arrow": [tuple(r.values()) for r in read(DATASET, as_="arrow", **wanted).to_pylist()],
        "duckdb": read(DATASET, as_="duckdb", **wanted).fetchall(),
        "pandas": list(read(DATASET, as_="pandas", **wanted).itertuples(index=False, name=None)),
    }
    frame = headgate.read(DATASET, columns=["line", "text"], lazy=True, project=root)
    assert isinstance(frame, pl.LazyFrame)
    found["lazy"] = frame.filter(pl.col("line") % 7 == 3).collect().rows()
    expected = [(n, f"did anybody look at number {n}?") for n in range(3, 40, 7)]
    for form, rows in found.items():
        assert sorted(rows) == expected, form


def test_types_are_those_of_the_contract(root: Path) -> None:
    eager = headgate.read(GOLD, project=root)
    assert eager.schema == headgate.read(GOLD, lazy=True, project=root).collect_schema()
    assert eager.schema["sent_date"] == pl.Date
    assert eager.schema["sent_at"] == pl.Datetime("us", "UTC")
    assert eager.schema["is_action"] == pl.Boolean
    replies = headgate.read(DATASET, columns=["reply_to"], project=root)
    assert replies.schema["reply_to"] == pl.List(pl.Int64)
    assert list(eager.columns) == list(Project.open(root).contracts[GOLD].table_columns)


def test_a_release_is_a_fixed_point(root: Path) -> None:
    assert headgate.read(GOLD, project=root).height == 40
    assert headgate.read(GOLD, release=2, project=str(root)).height == 40
    assert headgate.read(GOLD, release=1, project=Project.open(root)).height == 25
    assert headgate.read(GOLD, release=1, lazy=True, project=root).collect().height == 25
    with pytest.raises(NotFoundError, match="no release 9"):
        headgate.read(GOLD, release=9, project=root)


def test_ledgers_and_quarantines_are_read_as_they_are_now(root: Path) -> None:
    runs = headgate.read("system.ledger.runs", columns=["outcome"], project=root)
    assert runs["outcome"].to_list() == ["published"] * 2
    assert headgate.read(f"{DATASET}__quarantine", release=1, project=root).height == 4


def test_a_relation_lives_on_its_own_and_is_asked_further(root: Path) -> None:
    found = headgate.read(GOLD, as_="duckdb", project=root)
    assert found.aggregate("count(*) AS n, count(distinct author_id) AS authors").fetchall() == [
        (40, 7)
    ]


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        ({"dataset": "gold.community.fct_mesages"}, UsageError, "Do you mean gold.*fct_messages"),
        ({"dataset": "fct_messages"}, UsageError, "is no dataset id"),
        ({"dataset": "bronze.chat.users"}, NotFoundError, "not in release 2.*headgate run"),
        ({"dataset": f"{GOLD}__quarantine"}, NotFoundError, "was never written"),
        ({"columns": ["authorid"]}, UsageError, "has no column 'authorid'.*Do you mean author_id"),
        ({"columns": []}, UsageError, "at least one"),
        ({"columns": ["words", "words"]}, UsageError, "each column once"),
        ({"where": "wordz > 1"}, UsageError, "wordz"),
        ({"where": "true); select (1"}, UsageError, "not one condition"),
        ({"where": "error('odd')::boolean"}, UsageError, "odd"),
        ({"as_": "numpy"}, UsageError, "polars, arrow, duckdb, pandas"),
        ({"lazy": True, "where": "true"}, UsageError, "takes no condition"),
        ({"lazy": True, "as_": "arrow"}, UsageError, "LazyFrame"),
        ({"project": "/"}, UsageError, "is no project"),
    ],
)
def test_what_cannot_be_read_is_told(
    root: Path, arguments: dict[str, Any], error: type[Exception], told: str
) -> None:
    given: dict[str, Any] = {"dataset": GOLD, "project": root, **arguments}
    with pytest.raises(error, match=told):
        headgate.read(**given)


def alone(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_costs_nothing_and_pandas_may_be_missing(root: Path) -> None:
    told = alone(
        "import sys; import headgate\n"
        "heavy = {'duckdb', 'polars', 'pyarrow', 'pandas', 'deltalake', 'yaml', 'sqlglot'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "sys.modules['pandas'] = None\n"
        f"print(headgate.read({GOLD!r}).height)\n"
        f"try: headgate.read({GOLD!r}, as_='pandas')\n"
        "except Exception as error: print(error)\n",
        root / "data_contracts",
    )
    assert told.splitlines() == [
        "[]", "40", "pandas is not installed. Install pandas, or read as polars or arrow.",
    ]  # fmt: skip


def test_a_column_that_older_files_lack_is_null_there(lake: Project) -> None:
    from headgate.cli.main import invoke
    from tests.unit.cli.conftest import write

    path = lake.contracts[DATASET].path
    text, first = path.read_text("utf-8"), "      - name: text\n"
    assert first in text
    mood = (
        "      - {name: mood, logicalType: string, classification: internal, description: Mood.}\n"
    )
    path.write_text(text.replace(first, mood + first, 1))
    day = lake.settings.root / "more.jsonl"
    write(day, 45, mood="calm", text="yes", file="logs/other.log")
    assert invoke(["run", "--source", f"{DATASET}={day}", "--json"]) == 0
    root = lake.settings.root
    for frame in (
        headgate.read(DATASET, columns=["mood", "line"], project=root),
        headgate.read(DATASET, columns=["mood", "line"], lazy=True, project=root).collect(),
    ):
        assert (frame.height, frame["mood"].null_count()) == (85, 40)
    assert "mood" not in headgate.read(DATASET, release=2, project=root).columns


def test_a_private_lake_is_read_by_its_name(lake: Project) -> None:
    private_lakes.begin(Project(lake.settings.with_lake("mine")), "main@1")
    root = lake.settings.root
    assert headgate.read(GOLD, project=root, lake="mine").height == 25
    assert headgate.read(GOLD, project=root, lake="main").height == 40
    with pytest.raises(NotFoundError, match="no lake 'nine'"):
        headgate.read(GOLD, project=root, lake="nine")


def test_any_duckdb_client_reads_the_catalogue(root: Path, tmp_path: Path) -> None:
    catalog = root / "lake" / "catalog.duckdb"
    tables = Project.open(root).releases.get(2).tables
    counted: dict[str, int] = {}
    with duckdb.connect(str(catalog), read_only=True) as con:
        for dataset in tables:
            layer, domain, name = dataset.split(".")
            (n,) = con.sql(f"select count(*) from {layer}_{domain}.{name}").fetchall()[0]
            counted[dataset] = n
        assert con.sql("select release_id from headgate_release").fetchall() == [(2,)]
        views = con.sql("select view_name from duckdb_views() where not internal").fetchall()
        ledgers = {"runs", "batches", "verdicts", "releases"}
        assert {v for (v,) in views} == {
            *(d.split(".")[2] for d in tables),
            *ledgers,
            "headgate_release",
        }
        with pytest.raises(duckdb.Error):
            con.execute("create table t (i int)")
    assert counted == {d: t.rows for d, t in tables.items()}
    # From any folder, under any path to it, by somebody who knows nothing of us.
    (tmp_path / "link.duckdb").symlink_to(catalog)
    for folder, place in ((root, "lake/catalog.duckdb"), (tmp_path, "link.duckdb")):
        ask = "select count(*) from gold_community.fct_messages"
        code = (
            "import sys, duckdb\n"
            f"con = duckdb.connect({place!r}, read_only=True)\n"
            f"print(con.sql({ask!r}).fetchall(), 'headgate' in sys.modules)"
        )
        assert alone(code, folder) == "[(40,)] False"
    attached = duckdb.connect()
    attached.execute(f"ATTACH '{catalog}' AS lake (READ_ONLY)")
    assert attached.sql("select count(*) from lake.gold_community.fct_messages").fetchall() == [
        (40,)
    ]
