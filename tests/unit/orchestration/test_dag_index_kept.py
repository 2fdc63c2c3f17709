"""What the index keeps between processes: never wrong, whatever became of the file it is in."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from headgate.orchestration import dag_index
from headgate.orchestration.indexing import keeping, looking, outline
from tests.unit.orchestration.small_contracts import SmallProject

A, B, C = "bronze.shop.orders", "bronze.shop.visits", "gold.shop.sales"


@pytest.fixture
def small(tmp_path: Path) -> SmallProject:
    """Two sources and a model of one of them, all written long ago."""
    project = SmallProject(tmp_path / "p")
    project.source(A)
    project.source(B)
    project.contract(C)
    project.model("sales", "select * from {{ source('bronze_shop', 'orders') }}")
    return project


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are believed at once, as they are a second after a file was written."""
    monkeypatch.setattr(looking, "settled", lambda found, _: found[0] != 0)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The contracts that were read since it was asked last."""
    found: list[str] = []
    real = outline.of_file

    def noting(path: Path, shown: str) -> outline.Outline:
        found.append(path.parent.name)
        return real(path, shown)

    def taken() -> list[str]:
        told = sorted(found)
        found.clear()
        return told

    monkeypatch.setattr(outline, "of_file", noting)
    return taken


def kept(small: SmallProject) -> Path:
    return small.root / "lake" / keeping.FILE_NAME


@pytest.mark.usefixtures("settled")
def test_only_what_changed_is_read_again(
    small: SmallProject, read: Callable[[], list[str]]
) -> None:
    first = dag_index.load(small.root)
    assert read() == ["bronze_orders", "bronze_visits", "gold_sales"]
    assert dag_index.load(small.root) == first
    assert dag_index.load_one(small.root, A) == first.entries[A]
    assert dag_index.load_group(small.root, "shop") is not None
    assert read() == []

    small.source(A, schedule="'5 4 * * *'")
    assert dag_index.load(small.root).entries[A].schedule == "5 4 * * *"
    assert read() == ["bronze_orders"]
    os.utime(small.path(B), (1, 1))
    os.utime(small.path(C), (1, 1))
    dag_index.load(small.root)
    assert read() == [], "the text is the same, whatever its times"

    small.path(B).unlink()
    assert set(dag_index.load(small.root).entries) == {A, C}
    small.model("sales", "select 1")
    assert dag_index.load(small.root).entries[C].inputs == ()
    (small.root / "headgate.toml").write_text('[owners.shop]\nemail = "a@example.com"\n')
    assert dag_index.load(small.root).broken == ()
    assert read() == []


def test_what_changes_just_after_it_was_looked_at_is_seen(small: SmallProject) -> None:
    """Of one size, at one time: only the text tells, so times that are young are not believed."""
    for number in range(20):
        path = small.source(A, schedule=f"'{10 + number} 4 * * *'")
        os.utime(path, (2e9, 2e9))
        assert dag_index.load(small.root).entries[A].schedule == f"{10 + number} 4 * * *"
        entry = dag_index.load_one(small.root, A)
        assert entry is not None and entry.schedule == f"{10 + number} 4 * * *"


@pytest.mark.usefixtures("settled")
def test_one_dataset_is_looked_at_alone(
    small: SmallProject, read: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dag_index.load(small.root)
    read()
    looked: list[str] = []
    real = looking.times
    monkeypatch.setattr(looking, "times", lambda p: (looked.append(Path(p).name), real(p))[1])
    small.path(B).write_text("broken since")
    assert dag_index.load_one(small.root, C) == before.entries[C]
    assert sorted(looked) == ["contract.odcs.yaml", "sales.sql"]
    assert read() == []
    small.model("sales", "select * from {{ ref('none') }}")
    assert dag_index.load_one(small.root, C) is None, "its own files are never believed blindly"
    small.source(A, retries="7")
    entry = dag_index.load_one(small.root, A)
    assert entry is not None and entry.retries == 7


@pytest.mark.usefixtures("settled")
def test_a_damaged_file_is_made_anew(small: SmallProject, read: Callable[[], list[str]]) -> None:
    small.source(B, schedule="never")
    right = dag_index.load(small.root)
    whole = kept(small).read_bytes()
    seed = random.Random(7)
    damaged = [whole[: seed.randrange(len(whole))] for _ in range(30)]
    for _ in range(60):
        at = seed.randrange(len(whole))
        damaged.append(whole[:at] + bytes([whole[at] ^ 1 << seed.randrange(8)]) + whole[at + 1 :])
    damaged += [b"", b"\0" * len(whole), b"\n\n", whole + whole, whole.replace(b"\t", b" ")]
    for data in damaged:
        kept(small).write_bytes(data)
        one = dag_index.load_one(small.root, A)
        assert one == right.entries[A]
        kept(small).write_bytes(data)
        assert dag_index.load(small.root) == right
    read()
    assert dag_index.load(small.root) == right
    assert read() == [], "and is right again afterwards"


@pytest.mark.usefixtures("settled")
def test_who_is_stopped_leaves_what_was_read(
    small: SmallProject, read: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a parser is after its time, again and again: each goes on where the one before ended."""

    class Stopped(BaseException):
        """The parser's patience is at its end."""

    real = outline.of_file
    for _ in range(3):
        spent: list[str] = []

        def impatient(path: Path, shown: str, spent: list[str] = spent) -> outline.Outline:
            if spent:
                raise Stopped
            spent.append(shown)
            return real(path, shown)

        monkeypatch.setattr(outline, "of_file", impatient)
        try:
            dag_index.load(small.root)
        except Stopped:
            continue
    monkeypatch.setattr(outline, "of_file", None)
    assert len(dag_index.load(small.root).entries) == 3
    assert [p.name for p in kept(small).parent.iterdir()] == [kept(small).name], "no drafts"


@pytest.mark.usefixtures("settled")
def test_code_that_changed_believes_nothing(
    small: SmallProject, read: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    dag_index.load(small.root)
    read()
    monkeypatch.setattr(looking, "_code", lambda: "another")
    dag_index.load(small.root)
    assert len(read()) == 3


def test_where_nothing_can_be_written_it_is_made_each_time(
    small: SmallProject, read: Callable[[], list[str]]
) -> None:
    (small.root / "lake").write_text("no folder")
    first = dag_index.load(small.root)
    assert set(first.entries) == {A, B, C}
    assert dag_index.load(small.root) == first
    assert len(read()) == 6


def test_processes_that_make_it_at_once_leave_it_whole(small: SmallProject) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom headgate.orchestration import dag_index\n"
        "root = Path(sys.argv[1])\nfor _ in range(15):\n"
        "    assert len(dag_index.load(root).entries) == 3\n"
        "    assert dag_index.load_one(root, 'bronze.shop.orders') is not None\n"
    )
    command = [sys.executable, "-c", code, str(small.root)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    for process in running:
        assert process.wait() == 0, process.stderr
    found = keeping.read(kept(small))
    assert found is not None and found.whole
    assert [p.name for p in kept(small).parent.iterdir()] == [kept(small).name], "no drafts"


def test_drafts_of_the_dead_are_swept(small: SmallProject) -> None:
    dag_index.load(small.root)
    old = kept(small).with_name(f".{kept(small).name}.gone")
    young = kept(small).with_name(f".{kept(small).name}.busy")
    for path in (old, young):
        path.touch()
    os.utime(old, (1, 1))
    small.source("bronze.shop.more")
    dag_index.load(small.root)
    assert young.exists() and not old.exists()
