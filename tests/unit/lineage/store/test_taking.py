"""Taking events: what runs and jobs say of edges, from when until when, and all else that is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from headgate.lineage.store import facts, tables
from headgate.lineage.store.opening import Store, open_store
from headgate.lineage.store.packing import unpacked
from headgate.lineage.store.taking import Refused, Taken, take
from tests.unit.lineage.store.small_events import (
    FOREIGN,
    LAKE,
    OURS,
    at,
    column_lineage,
    dataset,
    event,
    facet,
    uid,
)

X, Y, Z = OURS
T, U, _ = FOREIGN
INGEST, BUILD, GATE = ((LAKE, f"{Z[1]}.{verb}") for verb in ("ingest", "build", "gate"))
SPARK, AIRFLOW = ("spark", "app"), ("airflow", "dag.task")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = open_store(tmp_path / "lineage.db")
    yield found
    found.close()


def spans(store: Store) -> dict[tuple[str, str], list[tuple[int, int | None, set[str]]]]:
    """By dataset and slot: from and until which second a dataset was made from which datasets."""
    t, source = tables, tables.field.alias()
    of, made = tables.dataset.alias(), tables.dataset.alias()
    with store.reading() as connection:
        rows = connection.execute(
            sa.select(made.c.name, t.span.c.slot, t.span.c.from_at, t.span.c.to_at, of.c.name.label("input"))
            .join(made, t.span.c.dataset_id == made.c.id)
            .outerjoin(t.statement_edge, t.statement_edge.c.statement_id == t.span.c.statement_id)
            .outerjoin(source, sa.and_(source.c.id == t.statement_edge.c.source_id, source.c.name == ""))
            .outerjoin(of, source.c.dataset_id == of.c.id)
            .order_by(t.span.c.from_at)
        ).all()  # fmt: skip
    found: dict[tuple[str, str], dict[int, tuple[int | None, set[str]]]] = {}
    for name, slot, begin, end, read in rows:
        slot = "job" if slot.startswith("job:") else slot
        _, inputs = found.setdefault((name, slot), {}).setdefault(
            second(begin), (second(end), set())
        )
        if read is not None:
            inputs.add(read)
    return {
        key: [(begin, end, inputs) for begin, (end, inputs) in sorted(told.items())]
        for key, told in found.items()
    }


def second(micros: int | None) -> Any:
    return None if micros is None else (micros // 1_000_000) % 60


def edges(store: Store) -> set[tuple[str, str, str, str]]:
    """Edges of all statements: column of the output, dataset, its column, way."""
    t, target, source = tables, tables.field.alias(), tables.field.alias()
    with store.reading() as connection:
        rows = connection.execute(
            sa.select(target.c.name, t.dataset.c.name, source.c.name, t.way.c.type, t.way.c.subtype)
            .select_from(t.statement_edge)
            .join(target, t.statement_edge.c.target_id == target.c.id)
            .join(source, t.statement_edge.c.source_id == source.c.id)
            .join(t.dataset, source.c.dataset_id == t.dataset.c.id)
            .join(t.way, t.statement_edge.c.way_id == t.way.c.id)
        )
        return {(a, b, c, f"{d} {e}".strip()) for a, b, c, d, e in rows}


def built(second_: int, run: int, *inputs: tuple[str, str], job: Any = BUILD, **more: Any) -> Any:
    return event(job, second_, run=run, inputs=inputs, outputs=[Z], **more)


def test_an_edge_that_is_gone_stays_in_the_past(store: Store) -> None:
    take(store, [built(1, 1, X, Y), built(3, 2, X), built(5, 3, X), built(7, 4, X, Y)])
    assert spans(store) == {
        (Z[1], "made"): [(1, 3, {X[1], Y[1]}), (3, 7, {X[1]}), (7, None, {X[1], Y[1]})]
    }


def test_a_late_event_splits_what_held_then(store: Store) -> None:
    take(store, [built(1, 1, X), built(5, 2, X)])
    assert spans(store) == {(Z[1], "made"): [(1, None, {X[1]})]}
    take(store, [built(3, 3, Y)])
    assert spans(store) == {(Z[1], "made"): [(1, 3, {X[1]}), (3, 5, {Y[1]}), (5, None, {X[1]})]}


def test_one_before_all_others_begins_earlier(store: Store) -> None:
    for number in (5, 3, 1):
        take(store, [built(number, number, X)])
    assert spans(store) == {(Z[1], "made"): [(1, None, {X[1]})]}


def test_who_made_it_last_counts_and_the_gate_looks_up_besides(store: Store) -> None:
    take(
        store, [built(1, 1, X, job=INGEST), built(2, 2, Y, job=BUILD), built(3, 3, Z, T, job=GATE)]
    )
    assert spans(store) == {
        (Z[1], "made"): [(1, 2, {X[1]}), (2, None, {Y[1]})],
        (Z[1], "looked up"): [(3, None, {T[1]})],
    }
    assert ("", T[1], "", "INDIRECT LOOKUP") in edges(store)


def test_foreign_jobs_add_up(store: Store) -> None:
    take(store, [built(1, 1, X, job=SPARK), built(2, 2, T, job=("dbt", "model"))])
    assert len(spans(store)[Z[1], "job"]) == 2
    assert {end for _, end, _ in spans(store)[Z[1], "job"]} == {None}


def test_a_task_of_airflow_says_nothing_of_what_a_lake_has(store: Store) -> None:
    kind = {"jobType": facet(processingType="BATCH", integration="AIRFLOW", jobType="TASK")}
    take(store, [built(1, 1, X, job=AIRFLOW, job_facets=kind)])
    take(store, [event(AIRFLOW, 2, run=2, inputs=[T], outputs=[U], job_facets=kind)])
    assert spans(store) == {(U[1], "job"): [(2, None, {T[1]})]}
    with store.reading() as connection:
        assert set(connection.execute(sa.select(tables.job.c.integration)).scalars()) == {"AIRFLOW"}


@pytest.mark.parametrize("end", ["FAIL", "ABORT"])
def test_a_run_that_fails_says_nothing(store: Store, end: str) -> None:
    take(store, [built(1, 1, X)])
    take(store, [built(2, 2, Y, state="RUNNING")])
    assert spans(store)[Z[1], "made"][-1] == (2, None, {Y[1]})
    take(store, [built(3, 2, Y, state=end)])
    assert spans(store) == {(Z[1], "made"): [(1, None, {X[1]})]}


def test_what_start_tells_is_merged_in_and_counts_from_the_end(store: Store) -> None:
    take(store, [built(1, 1, X, Y, state="START")])
    assert spans(store) == {}
    take(store, [event(BUILD, 4, run=1, outputs=[Z])])
    assert spans(store) == {(Z[1], "made"): [(4, None, {X[1], Y[1]})]}


def test_a_stream_counts_from_its_beginning_even_if_it_breaks(store: Store) -> None:
    kind = {"jobType": facet(processingType="STREAMING", integration="SPARK")}
    for number, state in enumerate(["START", "RUNNING", "RUNNING", "FAIL"], 1):
        take(store, [built(number, 1, T, job=SPARK, state=state, job_facets=kind)])
        assert spans(store) == ({(Z[1], "job"): [(2, None, {T[1]})]} if number > 1 else {})


def test_columns_rows_and_ways(store: Store) -> None:
    told = column_lineage(
        {"a": [(X, "p", "DIRECT IDENTITY"), (X, "p", "INDIRECT JOIN")], "b": []},
        rows=[(Y, "q", "INDIRECT FILTER")],
    )
    take(store, [event(BUILD, 1, inputs=[X], outputs=[dataset(*Z, columnLineage=told)])])
    x, y, z = X[1], Y[1], Z[1]
    assert edges(store) == {
        ("", x, "", ""), ("", y, "", ""),  # what a column is made of is read, listed or not
        ("*", x, "*", "INDIRECT ROWS"), ("*", y, "*", "INDIRECT ROWS"),
        ("a", x, "p", "DIRECT IDENTITY"), ("a", x, "p", "INDIRECT JOIN"),
        ("*", y, "q", "INDIRECT FILTER"),
        ("a", z, "*", "INDIRECT ROWS"), ("b", z, "*", "INDIRECT ROWS"),
        ("b", z, "b", ""),
    }  # fmt: skip


def test_a_column_told_without_a_way_is_made_of_its_inputs(store: Store) -> None:
    fields = {"a": {"inputFields": [{"namespace": X[0], "name": X[1], "field": "p"}]}}
    take(store, [event(BUILD, 1, outputs=[dataset(*Z, columnLineage=facet(fields=fields))])])
    assert ("a", X[1], "p", "DIRECT TRANSFORMATION") in edges(store)


def test_the_lineage_facet_of_a_job_speaks_for_each_target_alone(store: Store) -> None:
    told = {"namespace": X[0], "name": X[1], "type": "DATASET"}
    entry = {
        "namespace": Z[0], "name": Z[1], "type": "DATASET", "inputs": [told],
        "fields": {"a": {"inputs": [{**told, "field": "p"}, {"type": "JOB"}]}},
    }  # fmt: skip
    job = {"lineage": facet(entries=[entry])}
    take(store, [event(SPARK, 1, run=None, inputs=[T], outputs=[U], job_facets=job)])
    assert spans(store) == {
        (Z[1], "job"): [(1, None, {X[1]})],
        (U[1], "job"): [(1, None, {T[1]})],
    }
    assert ("a", X[1], "p", "DIRECT TRANSFORMATION") in edges(store)


def test_a_dataset_may_say_itself_what_it_is_made_from(store: Store) -> None:
    told = {"namespace": T[0], "name": T[1], "type": "DATASET"}
    alone = {
        "eventTime": at(2), "producer": "p:", "schemaURL": "s:",
        "dataset": dataset(*U, lineage=facet(inputs=[told]), ownership=facet(owners=[{"name": "me"}])),
    }  # fmt: skip
    assert take(store, [alone]).accepted == 1
    assert spans(store) == {(U[1], "declared"): [(2, None, {T[1]})]}
    with store.reading() as connection:
        number = connection.execute(
            sa.select(tables.dataset.c.id).where(tables.dataset.c.name == U[1])
        ).scalar_one()
        found = facts.current(connection, "dataset", [number])
        assert found[number]["ownership"] == {"owners": [{"name": "me"}]}
        assert facts.current(connection, "dataset", [number], at=0) == {}


def test_facts_are_as_of_any_time_and_late_news_splits_them(store: Store) -> None:
    def told(second_: int, run: int, owner: str) -> Any:
        owned = dataset(*Z, ownership=facet(owners=[{"name": owner}]))
        return event(BUILD, second_, run=run, outputs=[owned])

    take(store, [told(1, 1, "ann"), told(5, 2, "ann"), event(BUILD, 6, run=4, outputs=[Z])])
    take(store, [told(3, 3, "bob")])
    with store.reading() as connection:
        start = connection.execute(sa.select(sa.func.min(tables.event.c.at))).scalar_one()
        number = connection.execute(
            sa.select(tables.dataset.c.id).where(tables.dataset.c.name == Z[1])
        ).scalar_one()
        seen = [
            facts.current(connection, "dataset", [number], at=start + n * 1_000_000)[number]
            for n in range(6)
        ]
    owners = [one["ownership"]["owners"][0]["name"] for one in seen]
    assert owners == ["ann", "ann", "bob", "bob", "ann", "ann"]


def test_verdicts_releases_and_errors(store: Store) -> None:
    results = [
        {"assertion": "not_null", "success": one, "column": "a"} for one in (True, False, True)
    ]
    staged = dataset(*Z) | {"inputFacets": {"dataQualityAssertions": facet(assertions=results)}}
    wrong = {"errorMessage": facet(message="no\x00", programmingLanguage="PYTHON")}
    whole = {"tags": facet(tags=[{"key": "run_id", "value": uid(9), "source": "HEADGATE"}])}
    published = {"headgate_release": facet(number=4, parent=2, kind="publish")}
    moved = [dataset(*Z, version=facet(datasetVersion="12"))]
    take(store, [
        event(GATE, 1, run=1, inputs=[staged], state="FAIL", run_facets={**wrong, **whole}),
        event((LAKE, "release"), 2, run=2, inputs=moved, run_facets=published),
        event((LAKE, "release"), 3, run=3, state="FAIL", run_facets=published),
    ])  # fmt: skip
    with store.reading() as connection:
        verdict = connection.execute(sa.select(tables.verdict)).one()
        assert (verdict.passed, verdict.failed, unpacked(verdict.body)) == (2, 1, results)
        release = connection.execute(sa.select(tables.release)).one()
        assert (release.namespace, release.number, release.parent) == (LAKE, 4, 2)
        assert connection.execute(sa.select(tables.release_version.c.version)).scalars().all() == [
            "12"
        ]
        run = connection.execute(sa.select(tables.run).where(tables.run.c.uuid == uid(1))).one()
        assert (run.state, run.error, run.whole) == ("FAIL", "no\ufffd", uid(9))


def test_a_bad_event_does_not_keep_others_out_and_says_where_it_is_bad(store: Store) -> None:
    good = built(1, 1, X)
    outcome = take(store, [good, {**good, "eventType": "DONE"}, 5, good, built(2, 2, X)])
    assert isinstance(outcome, Taken)
    assert (outcome.accepted, outcome.repeats, outcome.repeated) == (2, (3,), 1)
    assert [(one.index, one.place) for one in outcome.refused] == [(1, "/eventType"), (2, "")]
    assert all(isinstance(one, Refused) and one.why for one in outcome.refused)
    assert take(store, [good]).repeats == (0,)


def test_an_event_comes_back_as_it_came(store: Store) -> None:
    odd = built(1, 1, X) | {"more": {"a": [1.5, None, True, 10**30, "\ud800", "\x00", "é"], "": {}}}
    odd["inputs"][0]["facets"]["mine"] = facet(what=[{"deep": []}])
    take(store, [odd])
    with store.reading() as connection:
        assert unpacked(connection.execute(sa.select(tables.event.c.body)).scalar_one()) == odd


def test_nothing_is_taken_if_it_cannot_be_taken_whole(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(store, [built(1, 1, X)])
    with monkeypatch.context() as patched:
        patched.setattr("headgate.lineage.store.outcomes.write", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            take(store, [built(2, 2, Y), built(3, 3, T)])
    assert spans(store) == {(Z[1], "made"): [(1, None, {X[1]})]}
    # What was remembered of the transaction that failed is forgotten with it.
    assert take(store, [built(2, 2, Y), built(3, 3, T)]).accepted == 2
    assert [inputs for _, _, inputs in spans(store)[Z[1], "made"]] == [{X[1]}, {Y[1]}, {T[1]}]


def test_another_taker_may_write_between(store: Store) -> None:
    other = open_store(store.place)
    for number in range(1, 9):
        made = built(number, number, *([X] if number % 4 < 2 else [Y, U]))
        assert take(store if number % 2 else other, [made]).accepted == 1
    other.close()
    told = [(begin, inputs) for begin, _, inputs in spans(store)[Z[1], "made"]]
    assert told == [(1, {X[1]}), (2, {Y[1], U[1]}), (4, {X[1]}), (6, {Y[1], U[1]}), (8, {X[1]})]


def test_another_taker_may_go_on_with_a_run(store: Store) -> None:
    take(store, [built(1, 1, X, state="START")])
    other = open_store(store.place)  # remembers nothing, and its event names the run by another job
    take(other, [built(2, 1, job=("zoo", "job"))])
    assert spans(store) == {(Z[1], "made"): [(2, None, {X[1]})]}
    other.close()


def test_taking_in_order_reads_no_table_as_a_whole(store: Store) -> None:
    """Neither to look up, nor to write: at a million runs each step still costs the same."""
    for number in range(1, 9):
        take(store, [built(number, number, X, Y)])
    asked: list[str] = []

    # By the driver, as most is asked past SQLAlchemy; with values in their places.
    def note(connection: Any, *_: Any) -> None:
        connection.set_trace_callback(asked.append)

    def stop(connection: Any, *_: Any) -> None:
        connection.set_trace_callback(None)

    other = open_store(store.place)  # remembers nothing
    engines = store.engine, other.engine
    for engine in engines:
        sa.event.listen(engine, "checkout", note)
        sa.event.listen(engine, "checkin", stop)
    try:
        take(other, [built(20, 20, X, T), built(19, 19, Y), event(SPARK, 21, run=21, outputs=[U])])
        take(store, [built(30, 30, X, Y)])
    finally:
        for engine in engines:
            sa.event.remove(engine, "checkout", note)
            sa.event.remove(engine, "checkin", stop)
        other.close()
    assert len(asked) > 20
    with store.reading() as connection:
        scanned = [found for one in asked for found in scans(connection, one)]
        # Such a one would be seen.
        assert scans(connection, "SELECT * FROM run WHERE state = 'FAIL'") == ["run"]
    assert set(scanned) <= {"state", "way"}


def scans(connection: sa.Connection, statement: str) -> list[str]:
    """The tables that a statement reads as a whole; ``max`` of a key looks at one row."""
    if statement.split()[0] not in ("SELECT", "UPDATE", "INSERT", "DELETE") or "max(" in statement:
        return []
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all()
    steps = [step[-1].split() for step in plan]
    return [s[1] for s in steps if s[0] == "SCAN" and "CONSTANT" not in s and "INDEX" not in s]
