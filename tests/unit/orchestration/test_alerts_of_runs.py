"""A run without Airflow tells owners as well: what was refused, by rules and counts; nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from headgate.cli.main import invoke
from headgate.core import clock
from headgate.orchestration import alerts
from headgate.orchestration.project import Project
from headgate.orchestration.report import RunReport
from tests.alert_servers import Webhook, webhook
from tests.judged_lake import DATASET, record

CANARY = "canary of a row"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    monkeypatch.setenv("no_proxy", "*")
    with webhook() as found:
        monkeypatch.setenv("HEADGATE_ALERT_WEBHOOK", found.address)
        yield found


def test_a_refused_batch_is_told_of(
    project: Project, hook: Webhook, capsys: pytest.CaptureFixture[str]
) -> None:
    file = project.settings.root / "day.jsonl"
    given = ["run", "--source", f"{DATASET}={file}", "--select", DATASET, "--json"]
    file.write_text(
        "".join(json.dumps(record(i, channel=f"{CANARY} {i}")) + "\n" for i in range(20))
    )
    assert invoke(given) == 1
    printed = capsys.readouterr()
    [post] = hook.posts
    assert (post["kind"], post["dataset"], post["owner"]) == ("refused", DATASET, "chat-platform")
    assert "day.jsonl was refused: 20 of 20 rows. Rules: " in post["what"]
    assert CANARY not in str(post) and post["link"] == ""
    assert json.loads(printed.out)["run_id"] == post["run"]
    assert "Refused: " not in printed.err  # who looks is told by the report
    file.write_text("".join(json.dumps(record(i)) + "\n" for i in range(20)))
    assert invoke(given) == 0
    assert len(hook.posts) == 1


def test_problems_go_to_who_answers_for_the_dataset(project: Project) -> None:
    report = RunReport(
        "r", clock.now(), 1.0,
        problems=(
            f"{DATASET}: a.jsonl: it cannot be read.",
            f"{DATASET}: b.jsonl: it cannot be read.",
            f"dim_users: m.sql:3: Conversion Error: Could not convert '{CANARY}'",
            "the lineage file is gone.",
        ),
    )  # fmt: skip
    told = {a.dataset: a for a in alerts.of_run(project.contracts, report)}
    users = "gold.community.dim_users"
    assert set(told) == {DATASET, users, "headgate run"}
    assert told[DATASET].what == "a.jsonl: it cannot be read. b.jsonl: it cannot be read."
    assert told[users].owner == project.contracts[users].owner and CANARY not in str(told)
    assert {a.kind for a in told.values()} == {"failed"}
    assert told["headgate run"].what == "the lineage file is gone."
