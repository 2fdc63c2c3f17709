"""Power cuts: after any of them, what was told is there, every table opens, and a run goes on from there."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.reliability.figures import record
from tests.reliability.filesystem import crash
from tests.reliability.filesystem.crash import Disk
from tests.reliability.filesystem.journal import Operation
from tests.reliability.power import history, stock, trying
from tests.reliability.power.warm import Warm
from tests.reliability.seeds import replayable, seeds

CUTS, SHORT_CUTS = 200, 5


def op(kind: str, path: str = "", to: str = "", inode: int = 0, data: bytes = b"") -> Operation:
    return Operation(kind, path, to, inode, 0, data)


def after(operations: list[Operation]) -> list[dict[str, bytes | None]]:
    """States that a disk may be in after these."""
    disk = Disk()
    for operation in operations:
        disk.do(operation)
    return [
        disk.after_the_cut(way, random.Random(seed)) for way in crash.WAYS for seed in range(40)
    ]


DATA = bytes(range(256)) * 40
WRITTEN = [op("create", "/a", inode=1), op("write", "/a", inode=1, data=DATA)]
SYNCED = [*WRITTEN, op("fsync", "/a", inode=1)]


def test_what_is_not_synced_may_be_lost_cut_emptied_or_zeroed() -> None:
    found = {state.get("/a") for state in after(WRITTEN)}
    assert {None, b"", DATA, bytes(len(DATA))} <= found
    assert any(f and f != DATA and DATA.startswith(f) for f in found), "never cut"


def test_what_is_synced_with_its_folder_is_there_whatever_comes() -> None:
    later = [op("create", "/b", inode=2), op("unlink", "/b")]
    assert {s["/a"] for s in after([*SYNCED, op("fsyncdir", "/"), *later])} == {DATA}


def test_a_synced_file_may_lose_its_name_until_the_folder_is_synced() -> None:
    assert {s.get("/a") for s in after(SYNCED)} == {None, DATA}


def test_a_rename_is_done_or_not_and_may_come_before_the_data() -> None:
    first = [op("file", "/t", inode=9, data=b"old"), *WRITTEN, op("rename", "/a", "/t")]
    found = {(s.get("/a"), s.get("/t")) for s in after(first)}
    assert (None, b"") in found and (None, b"old") in found and (None, DATA) in found
    assert all(b is not None for _, b in found), "a rename over a name never loses both"
    done = [*SYNCED, op("file", "/t", inode=9, data=b"old"), op("rename", "/a", "/t")]
    assert {s["/t"] for s in after([*done, op("fsyncdir", "/")])} == {DATA}


def test_a_link_lasts_with_its_folder_and_an_unlink_may_be_lost() -> None:
    made = [*SYNCED, op("mkdir", "/d"), op("link", "/a", "/d/b"), op("unlink", "/a")]
    assert {s.get("/d/b") for s in after([*made, op("fsyncdir", "/d")])} == {None, DATA}, "/d"
    sure = after([*made, op("fsyncdir", "/d"), op("fsyncdir", "/")])
    assert {s["/d/b"] for s in sure} == {DATA} and {s.get("/a") for s in sure} == {None}


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    with Warm() as found:
        yield found


def test_a_few_power_cuts(warm: Warm, tmp_path: Path) -> None:
    root = tmp_path / "project"
    history.make(root)
    found = history.record(warm, tmp_path, root, history.short(root))
    cut = tried(warm, found, seeds(SHORT_CUTS))
    record("power", short=True, cuts=len(cut), steps=len(found.steps),
           operations=len(found.operations), lost=0, unreadable=0, wrong=0)  # fmt: skip


#: Syncs without which something that was told is lost.
NEEDED: dict[str, Callable[[Operation], bool]] = {
    "of log folders": lambda o: o.kind == "fsyncdir" and o.path.endswith("_delta_log"),
    "of other folders": lambda o: o.kind == "fsyncdir" and not o.path.endswith("_delta_log"),
    "of data files": lambda o: o.kind == "fsync" and "/part-" in o.path,
    "of log entries": lambda o: o.kind == "fsync" and "_delta_log/." in o.path,
    "of releases": lambda o: o.kind.startswith("fsync") and "_releases" in o.path,
}


@pytest.fixture(scope="module")
def whole(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> history.History:
    folder = tmp_path_factory.mktemp("power")
    root = folder / "project"
    history.make(root)
    steps = history.steps(root)
    learned = warm.learn(root, *steps[0].commands[0], env=history.SETTINGS)
    assert learned.code == 0, learned.text
    shutil.rmtree(root / "lake")
    return history.record(warm, folder, root, steps)


@pytest.mark.long
@pytest.mark.parametrize("without", NEEDED.values(), ids=NEEDED)
def test_one_sync_less_would_be_found(
    warm: Warm, whole: history.History, without: Callable[[Operation], bool]
) -> None:
    """The history as it would have been without some syncs: the cuts find that something is lost."""
    told, found = whole.told[-2], list[str]()
    dropped = 0
    for way in ("lost", "names first"):
        disk = Disk()
        for operation in whole.operations[: told.at]:
            if without(operation):
                dropped += 1
            else:
                disk.do(operation)
        trying.put(whole, told.step, disk.after_the_cut(way, random.Random(0)))
        try:
            found += trying.missing(told.promised, warm.state(whole.root, "promised"))
        except AssertionError as unreadable:
            found.append(str(unreadable))
    assert dropped and found


@pytest.mark.long
def test_two_hundred_power_cuts(warm: Warm, whole: history.History, tmp_path: Path) -> None:
    found, steps = whole, whole.steps
    cut = tried(warm, found, seeds(CUTS))
    other = stock.look(stock.record(tmp_path), tmp_path, list(range(CUTS)))
    assert other.lost + other.unreadable, "a disk that loses nothing shows nothing"
    record(
        "power", cuts=len(cut), steps=[s.name for s in steps], operations=len(found.operations),
        ways=sorted(crash.WAYS), lost=0, unreadable=0, wrong=0,
        acknowledged=len(found.told[-1].promised["versions"]),
        stock_delta_rs={"cuts": other.cuts, "cannot be opened or read": other.unreadable,
                        "opens without what was told": other.lost, "well": other.well},
    )  # fmt: skip


def tried(warm: Warm, found: history.History, which: list[int]) -> list[trying.Cut]:
    """One cut for each seed; the first that is not well fails and says how to try it again."""
    cuts = []
    for seed in which:
        with replayable(seed):
            cut = trying.try_cut(warm, found, seed)
            assert cut.well, f"{cut}"
        cuts.append(cut)
    return cuts
