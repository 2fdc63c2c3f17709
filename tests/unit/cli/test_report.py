"""The report of a run: sums that balance, a verdict a dataset, and next steps that fit."""

from __future__ import annotations

import pytest

from headgate.cli import report
from headgate.cli.run import parse_sources
from headgate.core import clock
from headgate.core.errors import UsageError
from headgate.orchestration.report import RunReport
from headgate.quality.outcome import BatchOutcome

DATASET = "bronze.irc.messages"


def outcome(name: str = "published", dataset: str = DATASET, **counts: int) -> BatchOutcome:
    read = sum(v for k, v in counts.items() if k != "version")
    return BatchOutcome(dataset, "b", "a.jsonl", name, read=read, seconds=0.5, **counts)


def made(*batches: BatchOutcome, **more: object) -> RunReport:
    return RunReport("r", clock.now(), 1.0, batches=batches, **more)  # type: ignore[arg-type]


def test_batches_of_a_dataset_are_added_up() -> None:
    found = report.lines(
        made(
            outcome(published=8, quarantined=1, deduplicated=1, version=3),
            outcome(published=5, version=4),
            outcome("unchanged"),
            outcome(dataset="silver.chat.messages", published=13, version=1),
        )
    )
    first, second = found
    assert (first.dataset, first.batches, first.read, first.published) == (DATASET, 3, 15, 13)
    assert (first.quarantined, first.deduplicated, first.refused) == (1, 1, 0)
    assert (first.version, first.seconds) == (4, 1.5)
    assert first.verdict == "quarantined in part"
    assert (second.dataset, second.verdict) == ("silver.chat.messages", "published")


@pytest.mark.parametrize(
    ("names", "verdict"),
    [
        (["refused"], "refused"),
        (["refused", "published"], "refused in part"),
        (["published", "unchanged"], "published"),
        (["unchanged"], "unchanged"),
    ],
)
def test_the_worst_batch_gives_the_verdict(names: list[str], verdict: str) -> None:
    assert report.lines(made(*map(outcome, names)))[0].verdict == verdict


def test_a_refusal_says_what_why_and_what_next(capsys: pytest.CaptureFixture[str]) -> None:
    told = BatchOutcome(
        DATASET, "b", "a.jsonl", "refused", read=9, refused=9, problems=("too many.",)
    )
    found = made(told)
    assert found.exit_code == 1
    report.show(found)
    text = capsys.readouterr().out
    assert f"{DATASET} (a.jsonl): too many." in text
    assert "readers see what they saw before" in text
    assert f"headgate show verdicts {DATASET}" in text


def test_what_was_set_aside_leads_to_the_quarantine() -> None:
    found = made(
        outcome(published=8, quarantined=2),
        outcome(dataset="gold.community.fct_messages", published=8),
        release_id=4,
        released=(DATASET,),
    )
    commands = [command for command, _ in report.next_steps(found)]
    assert commands == [
        f"headgate quarantine list {DATASET}",
        'headgate sql "select * from gold.community.fct_messages limit 5"',
    ]


def test_a_report_as_json_has_its_exit_code() -> None:
    found = report.plain(made(outcome(published=1), held=("community",)))
    assert found["exit_code"] == 1
    assert found["batches"][0]["published"] == 1


def test_sources_are_grouped_by_dataset() -> None:
    assert parse_sources(["a.b.c=x", "a.b.c=y=z", "d.e.f=."]) == {
        "a.b.c": ["x", "y=z"],
        "d.e.f": ["."],
    }
    for wrong in ("a.b.c", "=x", "a.b.c="):
        with pytest.raises(UsageError, match="is not DATASET=PATH"):
            parse_sources([wrong])
