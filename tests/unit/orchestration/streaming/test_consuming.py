"""The loop of a stream: each message once over ends and starts, released, entered, and ended well."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import pytest

from headgate.core.errors import LakeError, RefusedError
from headgate.ingest.streams.source import LostError
from headgate.lake import ledger, streams
from headgate.lake.engines.duckdb import Connection, connect
from headgate.lake.offsets import OvertakenError
from headgate.lake.release import STREAM, ReleaseStore
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from headgate.orchestration.streaming import measures, stream
from headgate.orchestration.streaming.books import Books
from headgate.orchestration.streaming.measures import Measures
from headgate.orchestration.streaming.plan import Plan
from headgate.orchestration.verifying.verify import verify
from headgate.quality import quarantine

from .topics import DATASET, Topic, TopicSource, message

ONCE = Plan(once=True, commit_messages=20, tidy_seconds=0)


def take(project: Project, source: TopicSource, plan: Plan = ONCE, **other: Any) -> Measures:
    return stream.consume(Project.open(project.settings.root), DATASET, source, plan, **other)


def places(project: Project, con: Connection) -> list[tuple[str, int]]:
    """Where the table's rows stood."""
    snapshot = project.lake.snapshot(DATASET)
    assert snapshot is not None
    query = f"SELECT _source, _position FROM {snapshot.relation()} ORDER BY ALL"
    return con.execute(query).fetchall()


def test_each_message_once_over_ends_and_starts(project: Project) -> None:
    topic = Topic(partitions=2)
    with connect(project.settings) as con:
        for number in range(3):
            topic.put(0, *(message(n) for n in range(30)), b"bad")
            topic.put(1, message(number))
            source = topic.source(most=7)
            found = take(project, source)
            assert (found.messages, found.rows, found.quarantined) == (32, 31, 1)
            assert source.closed
        assert places(project, con) == [
            *(("chat/0", n) for n in range(93) if n % 31 != 30), *(("chat/1", n) for n in range(3))
        ]  # fmt: skip
        rows = ledger.rows(project.lake, con, ledger.BATCHES, f"dataset = '{DATASET}'")
        assert sum(r["read"] for r in rows) == 96 and {r["kind"] for r in rows} == {"stream"}
        aside = quarantine.list_rows(project.lake, project.contracts[DATASET])
        assert [(r.source, r.position, r.raw) for r in aside] == [
            ("chat/0", n, "bad") for n in (30, 61, 92)
        ]
    newest = ReleaseStore(project.lake).newest()
    assert newest is not None and newest.kind == STREAM and newest.moved == (DATASET,)
    assert newest.tables[DATASET].rows == 93
    assert streams.all_held(project.lake.root) == []
    assert [f for f in verify(project).findings if f.severity == "error"] == []


def test_who_was_stopped_while_another_went_on_takes_nothing(project: Project) -> None:
    topic = Topic()
    topic.put(0, *(message(n) for n in range(10)))
    seen = threading.Event()

    class Late(TopicSource):
        """Its process sleeps after it fetched: another takes the same messages meanwhile."""

        def poll(self, max_messages: int, max_seconds: float) -> Any:
            found = super().poll(max_messages, max_seconds)
            if len(found) and not seen.is_set():
                seen.set()
                for lock in project.lake.root.glob("_locks/stream.*"):
                    lock.unlink()  # on another machine they would not be seen
                take(project, topic.source())
            return found

    with pytest.raises(OvertakenError, match="chat/0"):
        take(project, Late(topic, 1000), Plan(commit_seconds=0.1, tidy_seconds=0))
    with connect(project.settings) as con:
        assert places(project, con) == [("chat/0", n) for n in range(10)]


def test_it_ends_well_when_it_is_asked_to(project: Project) -> None:
    topic, ending = Topic(), threading.Event()
    topic.put(0, *(message(n) for n in range(50)))
    told: list[dict[str, Any]] = []

    def tell(measured: dict[str, Any]) -> None:
        told.append(measured)
        if measured["messages"]:
            ending.set()

    plan = Plan(commit_seconds=0.05, release_seconds=60, tidy_seconds=0)
    found = take(project, topic.source(), plan, stopped=ending.is_set, tell=tell)
    assert told[-1]["state"] == "ended" and told[-1]["lag"] == 0
    assert found.releases == 1
    newest = ReleaseStore(project.lake).newest()
    assert newest is not None and newest.tables[DATASET].rows == found.rows == 50
    assert told[-1]["delay_p99_seconds"] >= told[-1]["delay_p50_seconds"] >= 0
    lines = (project.lake.root / measures.FOLDER / f"{DATASET}.0.jsonl").read_text().splitlines()
    assert len(lines) == len(told)


def test_a_batch_may_be_bad_as_a_whole_and_does_not_hold_the_stream(project: Project) -> None:
    topic = Topic()
    topic.put(0, *[b"bad"] * 100, None, message(1))
    found = take(project, topic.source())
    assert (found.rows, found.quarantined) == (1, 101)
    assert "set aside" in found.warning


def test_a_rule_that_may_fail_stops_the_stream_and_nothing_is_passed_over(project: Project) -> None:
    path = project.contracts[DATASET].path
    text = path.read_text().replace(
        "id: answers_another_message\n        type: custom\n        engine: headgate\n"
        "        implementation: reply_to_message_id IS NULL OR reply_to_message_id <> message_id\n"
        "        severity: quarantine",
        "id: answers_another_message\n        type: custom\n        engine: headgate\n"
        "        implementation: reply_to_message_id IS NULL OR reply_to_message_id <> message_id\n"
        "        severity: fail",
    )
    path.write_text(text)
    topic = Topic()
    topic.put(0, message(0), message(1, reply_to_message_id="m1"), message(2))
    for _ in range(2):
        with pytest.raises(RefusedError, match="answers_another_message"):
            take(project, topic.source())
    assert project.lake.snapshot(DATASET) is None
    path.write_text(text.replace("severity: fail", "severity: quarantine"))
    assert take(project, topic.source()).rows == 2


def test_another_topic_of_the_same_name_is_no_continuation(project: Project) -> None:
    topic = Topic()
    topic.put(0, message(0))
    take(project, topic.source())
    again = Topic(identity="2")
    again.put(0, message(0), message(1))
    with pytest.raises(LakeError, match="another topic of the same name"):
        take(project, again.source())


def test_two_processes_of_one_dataset_share_its_table(project: Project) -> None:
    topic = Topic(partitions=2)
    for partition in (0, 1):
        topic.put(partition, *(message(n) for n in range(200)))
    plans = [
        Plan(partitions=frozenset({p}), once=True, commit_messages=10, tidy_seconds=0, release_seconds=0.1)
        for p in (0, 1)
    ]  # fmt: skip
    failed: list[BaseException] = []

    def one(plan: Plan) -> None:
        try:
            take(project, topic.source(most=10), plan)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=one, args=(plan,)) for plan in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    with connect(project.settings) as con:
        assert places(project, con) == [(f"chat/{p}", n) for p in (0, 1) for n in range(200)]
    newest = ReleaseStore(project.lake).newest()
    assert newest is not None and newest.tables[DATASET].rows == 400


def test_small_files_are_put_together_while_it_goes_on(project: Project) -> None:
    topic, ending = Topic(), threading.Event()
    topic.put(0, *(message(n) for n in range(400)))

    def tell(measured: dict[str, Any]) -> None:
        if measured["compactions"] or measured["seconds"] > 60:
            ending.set()

    plan = Plan(commit_messages=20, commit_seconds=0.2, tidy_seconds=0.5)
    found = take(project, topic.source(most=20), plan, stopped=ending.is_set, tell=tell)
    assert found.compactions
    with connect(project.settings) as con:
        assert places(project, con) == [("chat/0", n) for n in range(found.messages)]
    assert [f for f in verify(project).findings if f.severity == "error"] == []


def test_what_the_broker_lost_is_passed_over_only_when_that_is_said(project: Project) -> None:
    topic = Topic()
    topic.put(0, *(message(n) for n in range(30)))
    take(project, topic.source())
    topic.put(0, *(message(n) for n in range(30)))
    topic.oldest = 40
    with pytest.raises(LostError):
        take(project, topic.source())
    found = take(project, topic.source(), dataclasses.replace(ONCE, skip_lost=True))
    assert (found.rows, found.warning) == (
        20, "chat/0: the messages from 30 to 39 are gone from the broker, and were passed over."
    )  # fmt: skip
    with connect(project.settings) as con:
        assert places(project, con) == [("chat/0", n) for n in [*range(30), *range(40, 60)]]
    assert [f for f in verify(project).findings if f.severity == "error"] == []


def test_fsck_tells_where_positions_do_not_follow(project: Project) -> None:
    topic = Topic()
    topic.put(0, *(message(n) for n in range(40)))
    take(project, topic.source(most=20))
    log = project.lake.root / project.lake.key(DATASET) / "_delta_log"
    entry = log / f"{1:020d}.json"
    lines = entry.read_text().splitlines()
    meant = [n for n, line in enumerate(lines) if ":chat/0" in line and '"txn"' in line]
    assert len(meant) == 1
    lines[meant[0]] = lines[meant[0]].replace('"version":40', '"version":30')
    entry.write_text("\n".join(lines) + "\n")
    told = [f.message for f in verify(project).findings if f.check == "stream-positions"]
    assert len(told) == 2
    assert "its transaction does not" in told[0] and "a row stands at 39" in told[1]


def test_a_run_releases_what_a_dead_stream_left_and_leaves_it_to_one_that_lives(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = Topic()
    topic.put(0, message(0))
    with monkeypatch.context() as patched:
        patched.setattr(Books, "release", lambda self: None)
        take(project, topic.source())

    def released() -> int | None:
        run(Project.open(project.settings.root), select=[DATASET])
        newest = ReleaseStore(project.lake).newest()
        return newest.versions.get(DATASET) if newest else None

    with streams.hold(project.lake, DATASET, ["chat/1"], "somebody"):
        assert released() is None
    with pytest.raises(ZeroDivisionError), streams.hold(project.lake, DATASET, ["chat/1"], "dead"):
        raise ZeroDivisionError
    assert released() == 0
    assert streams.all_held(project.lake.root) == []
