"""What the task of a dataset does, for whatever it may find on the board."""

from __future__ import annotations

from typing import Any

import pytest

from headgate.orchestration.accounts import Account, NodeState
from headgate.orchestration.airflow import node_board
from headgate.orchestration.airflow.node_board import ENDED, decide

DATASET = "gold.community.dim_users"
RUNNING = (None, "scheduled", "queued", "running", "up_for_retry", "deferred", "restarting")


def line(state: str, *, report: str = "one", message: str = "") -> dict[str, Any]:
    account = Account(DATASET, 7, "b", "r", 1200, 1100, 60, 40, 0, "warned")
    return node_board.entry(NodeState(DATASET, state, 0.5, message, account), report, 1)


@pytest.mark.parametrize("producer", [*RUNNING, *sorted(ENDED)])
@pytest.mark.parametrize("state", ["built", "unchanged"])
def test_what_was_built_ends_its_task_whatever_the_producer_does(
    state: str, producer: str | None
) -> None:
    decision = decide(DATASET, line(state), producer, attempt=1, seen=None)
    assert decision.step == "succeed"
    assert decision.entry == line(state)
    assert f"{DATASET}: {state}" in decision.why
    assert "1,200 read = 1,100 published + 60 quarantined" in decision.why
    assert f"headgate quarantine list {DATASET}" in decision.why


@pytest.mark.parametrize("producer", [*RUNNING, *sorted(ENDED)])
def test_what_failed_fails_its_task_with_the_reason(producer: str | None) -> None:
    found = line("failed", message="no such column: nick")
    decision = decide(DATASET, found, producer, attempt=1, seen=None)
    assert decision.step == "fail"
    assert "no such column: nick" in decision.why


@pytest.mark.parametrize("producer", RUNNING)
@pytest.mark.parametrize("attempt", [1, 2, 5])
def test_nothing_said_yet_is_waited_for_while_the_producer_may_say_it(
    producer: str | None, attempt: int
) -> None:
    assert decide(DATASET, None, producer, attempt=attempt, seen=None).step == "wait"


@pytest.mark.parametrize("producer", sorted(ENDED - {"success"}))
def test_a_producer_that_ended_badly_without_a_word_fails_the_task_and_says_so(
    producer: str,
) -> None:
    decision = decide(DATASET, None, producer, attempt=1, seen=None)
    assert decision.step == "fail"
    assert producer in decision.why
    assert "Clear `build`" in decision.why


def test_a_dataset_that_came_after_the_producer_began_is_built_by_its_own_task() -> None:
    assert decide(DATASET, None, "success", attempt=1, seen=None).step == "work"


@pytest.mark.parametrize("producer", sorted(ENDED))
def test_tried_again_it_builds_by_itself(producer: str) -> None:
    for state in ("built", "failed", "skipped"):
        decision = decide(DATASET, line(state), producer, attempt=2, seen="one")
        assert decision.step == "work", state
    assert decide(DATASET, None, producer, attempt=2, seen=None).step == "work"


def test_tried_again_while_the_producer_runs_it_waits_for_its_end() -> None:
    # The producer holds the lake; what it says of the dataset was said to the earlier try.
    assert decide(DATASET, line("failed"), "running", attempt=2, seen="one").step == "wait"


@pytest.mark.parametrize("producer", ["running", "success", "failed"])
def test_tried_again_with_a_newer_line_it_takes_that(producer: str) -> None:
    # The producer was cleared as well, or what the dataset is made from was built again.
    found = line("built", report="two")
    assert decide(DATASET, found, producer, attempt=2, seen="one").step == "succeed"


def test_what_was_skipped_is_built_once_what_it_is_made_from_was_mended() -> None:
    assert decide(DATASET, line("skipped"), "running", attempt=1, seen=None).step == "wait"
    assert decide(DATASET, line("skipped"), "success", attempt=1, seen=None).step == "work"


def test_a_long_message_is_cut_on_the_board() -> None:
    assert len(line("failed", message="x" * 100_000)["message"]) == node_board.LONGEST
