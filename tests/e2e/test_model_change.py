"""Contracts and code of curated tables that change between runs: what is built anew, held, released."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from headgate.orchestration.project import Project
from headgate.orchestration.report import RunReport
from headgate.orchestration.run import run
from tests.e2e import oracle, released

LINES = [
    {"file": f"log/{day}.txt", "line": n, "channel": "#ubuntu", "time": f"10:{n:02}", "type": "message",
     "author": f"u_{n % 3}", "text": "x" * n, "reply_to": [n - 2] if n > 2 else None,
     "date": f"2009-05-{day:02}"}
    for day in (4, 5, 12) for n in range(1, 8)
]  # fmt: skip
Document = dict[str, Any]


def deliver(project: Project, *files: tuple[str, list[dict[str, Any]]]) -> RunReport:
    """Take these files of lines, and curate."""
    for name, lines in files:
        path = project.settings.root / name
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    given = [str(project.settings.root / name) for name, _ in files]
    # Contracts and code are read anew, as by another program.
    return run(
        Project.open(project.settings.root),
        **({"sources": {"bronze.irc.messages": given}} if given else {"select": ["+gold.*"]}),
    )


def amend(project: Project, dataset: str, change: Callable[[Document], None]) -> None:
    path = project.contracts[dataset].path
    document = yaml.safe_load(path.read_text("utf-8"))
    change(document)
    path.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")


def versions(project: Project) -> dict[str, int]:
    """What readers see."""
    newest = project.releases.newest()
    assert newest is not None
    return dict(newest.versions)


def column(document: Document, name: str) -> Document:
    (found,) = (p for p in document["schema"][0]["properties"] if p["name"] == name)
    assert isinstance(found, dict)
    return found


def account(folder: Path, lines: list[dict[str, Any]]) -> dict[str, oracle.Table]:
    path = folder / "account.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return oracle.gold(path)


def test_a_curated_tables_contract_may_change_between_runs(
    project: Project, tmp_path: Path
) -> None:
    assert deliver(project, ("first.jsonl", LINES)).exit_code == 0
    released.agrees(project, account(tmp_path, LINES))
    before = versions(project)

    def describe(document: Document) -> None:
        document["description"]["usage"] = "Said in other words."

    amend(project, oracle.USERS_DAILY, describe)
    told = deliver(project)
    assert (told.exit_code, told.models, told.release_id) == (0, (), None)

    def forbid(document: Document) -> None:
        column(document, "characters")["logicalTypeOptions"] = {"minimum": 0, "maximum": 5}

    amend(project, oracle.USERS_DAILY, forbid)
    refused = deliver(project)

    # Readers go on with what they had: of that table, and of all that is released with it.
    assert refused.exit_code == 1 and "community" in refused.held, refused.problems
    assert any(oracle.USERS_DAILY in p for p in refused.problems)
    assert {d: v for d, v in versions(project).items() if d in before} == before

    def allow(document: Document) -> None:
        column(document, "characters")["logicalTypeOptions"] = {"minimum": 0, "maximum": 5_000}

    amend(project, oracle.USERS_DAILY, allow)
    more = [LINES[0] | {"line": 9, "text": "and more"}]
    assert deliver(project, ("more.jsonl", more)).exit_code == 0
    released.agrees(project, account(tmp_path, [*LINES, *more]))
