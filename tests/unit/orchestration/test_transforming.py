"""Transforms in a run: built in full or in part, checked against their contract, traced."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate import transforms
from headgate.core import json as hjson
from headgate.core.errors import ModelError, RefusedError
from headgate.orchestration import transforming
from headgate.orchestration.project import Project
from headgate.orchestration.transform_code import code_hash
from headgate.quality.outcome import BatchOutcome
from tests.conftest import REPOSITORY, make_project
from tests.dbt.lakehouse import BRONZE, Lakehouse, line

TOY = "silver.toy.days"
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: silver-toy-days
name: silver.toy.days
version: 1.0.0
status: active
domain: toy
description: {purpose: Lines a day.}
team: {name: toys}
schema:
  - name: days
    dataGranularityDescription: One row is one day.
    properties:
      - {name: date, logicalType: date, primaryKey: true, classification: internal, description: The day.}
      - {name: lines, logicalType: integer, classification: internal, description: Its lines.,
         logicalTypeOptions: {maximum: 900}}
      - {name: answers, logicalType: integer, classification: internal, description: Of reactions.}
customProperties:
  - {property: headgate.transform, value: toy.days}
  - {property: headgate.inputs, value: [bronze.irc.messages, bronze.chat.reactions]}
  - {property: headgate.unitOfChange, value: date}
"""
DAYS = '''\
"""Lines a day."""
import polars as pl
from headgate.transforms.toy.counting import counted
from headgate.transforms.transform import Transform, unit_by_unit


def build(messages: pl.LazyFrame, reactions: pl.LazyFrame) -> pl.LazyFrame:
    """All days."""
    return counted(messages)
'''
COUNTING = '''\
"""Counting."""
import polars as pl


def counted(messages: pl.LazyFrame) -> pl.LazyFrame:
    answers = pl.col("reply_to").list.len().sum().cast(pl.Int64)
    return messages.group_by("date").agg(lines=pl.len().cast(pl.Int64), answers=answers)
'''
PART = """

def rebuild(current, changes, /, messages, reactions):
    return unit_by_unit(counted, "date").rebuild(current, changes[:1], messages)


TRANSFORM = Transform(build, rebuild)
"""
FIRST = dt.date(2010, 1, 1)


class Toys:
    """A project with a transform of its own, and lines to count."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project: Project = make_project(folder / "project")
        contract = self.project.settings.contracts_path / "toy" / "silver_days"
        contract.mkdir(parents=True)
        (contract / "contract.odcs.yaml").write_text(CONTRACT)
        self.folder = folder / "room" / "toy"
        self.folder.mkdir(parents=True)
        monkeypatch.setattr(transforms, "__path__", [*transforms.__path__, str(folder / "room")])
        self.code(DAYS + PART)
        (self.folder / "counting.py").write_text(COUNTING)
        self.house = Lakehouse(self.project)
        self.house.put(
            [line("a", n, day(n // 10), reply_to=[0] if n % 2 else []) for n in range(60)]
        )

    def code(self, text: str, module: str = "days") -> None:
        """Write the transform, or another module of its."""
        (self.folder / f"{module}.py").write_text(text)

    def build(self) -> BatchOutcome:
        """Build it."""
        return transforming.build(self.house.context, self.contract)

    @property
    def contract(self):  # type: ignore[no-untyped-def]
        return self.project.contracts[TOY]

    def mode(self) -> str:
        """How the table was built last."""
        table = self.house.table(TOY)
        assert table is not None and table.meta is not None
        return table.meta.mode

    def counts(self) -> dict[int, tuple[int, int]]:
        """Day to its lines and answers, as the table has them."""
        return {
            (d - FIRST).days: (lines, answers) for d, lines, answers in self.house.rows(TOY)[1:]
        }

    def truth(self) -> dict[int, tuple[int, int]]:
        """The same, counted one by one."""
        found: dict[int, tuple[int, int]] = {}
        for one in self.house.lines.values():
            lines, answers = found.get((one["date"] - FIRST).days, (0, 0))
            found[(one["date"] - FIRST).days] = lines + 1, answers + len(one["reply_to"] or ())
        return found


def day(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number)


def forget() -> None:
    for name in [m for m in sys.modules if m.startswith("headgate.transforms.toy")]:
        del sys.modules[name]


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Toys]:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    toys = Toys(tmp_path, monkeypatch)
    yield toys
    toys.house.close()
    forget()


def test_only_what_changed_is_built_anew(toys: Toys) -> None:
    transforming.check(toys.project, toys.contract)
    house = toys.house
    outcome = toys.build()
    assert (toys.mode(), outcome.published, outcome.source) == ("replace", 6, "transform:toy.days")
    assert toys.counts() == toys.truth()

    house.put([line("a", 60, day(9), reply_to=[1, 2]), {**house.lines["a", 5], "date": day(1)}])
    house.delete([("a", n) for n in range(20, 30)])
    outcome = toys.build()
    assert (toys.mode(), outcome.published) == ("merge", 3)  # days 0, 1 and 9; day 2 went
    assert toys.counts() == toys.truth()
    assert sorted(toys.counts()) == [0, 1, 3, 4, 5, 9]


def test_what_it_does_not_read_touches_nothing(toys: Toys) -> None:
    toys.build()
    before = toys.house.table(TOY)
    toys.house.put([{**toys.house.lines["a", n], "text": "other words"} for n in range(3)])
    toys.house.compact()
    outcome = toys.build()
    after = toys.house.table(TOY)
    assert before is not None and after is not None and after.meta is not None
    assert (toys.mode(), outcome.published, outcome.read) == ("merge", 0, 0)
    assert after.files == before.files
    table = toys.house.table(BRONZE)
    assert table is not None and after.meta.inputs == {BRONZE: table.version}


def test_most_changed_is_built_in_full(toys: Toys) -> None:
    toys.build()
    toys.house.put([line("b", n, day(n)) for n in range(100)])
    toys.build()
    assert toys.mode() == "replace"
    assert toys.counts() == toys.truth()


def test_an_input_that_comes_later_is_new_as_a_whole(toys: Toys) -> None:
    toys.build()
    toys.house._merge("bronze.chat.reactions", [
        {"message_id": "1", "emoji_key": "x", "count": 1, "channel_id": "2", "guild_id": "1"}
    ])  # fmt: skip
    plan = transforming.plan(toys.house.context, toys.contract)
    assert plan.incremental and set(plan.before) == {BRONZE}
    toys.build()
    assert toys.counts() == toys.truth()


def test_code_counts_and_its_words_do_not(toys: Toys) -> None:
    toys.build()
    first = code_hash(toys.contract)
    toys.code(DAYS.replace("All days", "Each day") + "# and a comment\n" + PART)
    toys.code(COUNTING.replace("Counting", "Adding up"), "counting")
    assert code_hash(toys.contract) == first
    assert transforming.plan(toys.house.context, toys.contract).incremental

    toys.code(COUNTING.replace(".sum()", ".max()"), "counting")
    assert code_hash(toys.contract) != first
    plan = transforming.plan(toys.house.context, toys.contract)
    assert (plan.incremental, plan.why) == (False, "its code or contract changed")
    toys.build()
    assert toys.counts() != toys.truth()  # by the code as it is now, though it was imported before
    toys.code(COUNTING, "counting")
    assert code_hash(toys.contract) == first
    toys.code(DAYS.replace("counted(messages)", "counted(messages.unique())") + PART)
    assert code_hash(toys.contract) != first


def test_whether_it_changed_is_told_without_polars() -> None:
    code = (
        "import sys; from pathlib import Path; from headgate.orchestration.project import Project\n"
        "from headgate.orchestration.transform_code import code_hash\n"
        f"found = Project.open(Path({str(REPOSITORY)!r})).contracts['silver.chat.conversations']\n"
        "assert len(code_hash(found)) == 64 and 'polars' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_a_rebuild_every_build_is_full(toys: Toys) -> None:
    toys.code(DAYS + "\n\nTRANSFORM = Transform(build)\n")
    toys.build()
    assert transforming.plan(toys.house.context, toys.contract).why == "it has no rebuild"
    toys.build()
    assert toys.mode() == "replace"


def test_a_version_that_is_gone_is_not_compared_with(toys: Toys) -> None:
    toys.build()
    table = toys.house.table(BRONZE)
    assert table is not None
    toys.house.compact()
    for file in table.files:
        Path(file.uri).unlink()
    plan = transforming.plan(toys.house.context, toys.contract)
    assert plan.why == f"the version of {BRONZE} that it last read is gone"


WRONG = {
    "columns are missing": ("counted(messages).drop('answers')", "answers is missing"),
    "columns are too many": ("counted(messages).with_columns(x=1)", "x is not in the contract"),
    "a type is another": (
        "counted(messages).with_columns(pl.col('lines').cast(pl.UInt32))",
        "lines is UInt32 where the contract has Int64",
    ),
    "no frame": ("messages.collect()", "gives DataFrame, not a LazyFrame"),
    "it fails": ("1 / 0", "failed: ZeroDivisionError: division by zero"),
    "it fails on the rows": (
        "counted(messages).with_columns(lines=pl.col('date').cast(pl.String).cast(pl.Int64))",
        "transform toy.days failed: InvalidOperationError",
    ),
}


@pytest.mark.parametrize(("given", "told"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_and_changes_nothing(toys: Toys, given: str, told: str) -> None:
    toys.build()
    before = toys.house.table(TOY)
    toys.code(DAYS.replace("counted(messages)", given) + PART)
    with pytest.raises(ModelError) as failure:
        toys.build()
    assert told in str(failure.value)
    assert toys.house.table(TOY) == before
    if "InvalidOperation" not in told:  # what only rows show
        with pytest.raises(ModelError, match=re.escape(told)):
            transforming.check(toys.project, toys.contract)
    assert not list(toys.house.context.session.staging.glob("transform-*"))


def test_a_row_outside_what_is_replaced_is_refused(toys: Toys) -> None:
    careless = "Part(messages.select('date').head(1), counted(messages))"
    right = 'unit_by_unit(counted, "date").rebuild(current, changes[:1], messages)'
    toys.code(
        DAYS.replace("import Transform", "import Part, Transform") + PART.replace(right, careless)
    )
    toys.build()
    toys.house.put([line("a", 60, day(9))])
    with pytest.raises(ModelError, match="not among the units of its rebuild"):
        toys.build()


def test_the_gate_judges_what_a_transform_gives(toys: Toys) -> None:
    toys.build()
    toys.code(
        DAYS.replace(
            "counted(messages)", "counted(messages).with_columns(lines=pl.lit(901, pl.Int64))"
        )
        + PART
    )
    with pytest.raises(RefusedError, match=TOY):
        toys.build()
    assert toys.counts() == toys.truth()


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import polars as pl\n", "defines no transform"),
        ("from headgate.transforms.transform import Transform\nTRANSFORM = Transform(lambda a: a)\n",
         "cannot be given 2 inputs"),
        ("import nowhere_to_be_found\n", "cannot be imported: ModuleNotFoundError"),
        ("def build(:\n", "invalid syntax"),
    ],
)  # fmt: skip
def test_a_module_that_is_no_transform_is_told_of(toys: Toys, code: str, told: str) -> None:
    toys.code(code)
    with pytest.raises(ModelError) as failure:
        toys.build()
    assert told in str(failure.value)
    assert "days.py" in str(failure.value)


def test_a_module_that_is_not_there_is_told_of(toys: Toys) -> None:
    (toys.folder / "days.py").unlink()
    with pytest.raises(ModelError, match=r"there is no transform toy\.days"):
        toys.build()


def test_lineage_tells_where_its_columns_come_from(toys: Toys) -> None:
    toys.build()
    events = [
        hjson.loads(e) for e in (toys.project.lake.root / "events.jsonl").read_text().splitlines()
    ]
    done = next(
        e for e in events if e["job"]["name"] == f"{TOY}.build" and e["eventType"] == "COMPLETE"
    )
    fields = done["outputs"][0]["facets"]["columnLineage"]["fields"]
    came = {c: {i["field"] for i in told["inputFields"]} for c, told in fields.items()}
    assert came["answers"] >= {"reply_to"}
    assert came["date"] >= {"date"}


def test_what_cannot_be_traced_is_built_all_the_same(toys: Toys) -> None:
    toys.code(
        DAYS.replace("counted(messages)", "counted(messages.map_batches(lambda f: f))") + PART
    )
    toys.build()
    assert toys.counts() == toys.truth()
    assert any(TOY in note for note in toys.house.context.notes)
    toys.house.put([line("a", 60, day(9))])
    toys.build()
    assert (toys.mode(), toys.counts()) == ("merge", toys.truth())
