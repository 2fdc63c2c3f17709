"""A backfill of a range of dates: from the command, in one run, with one release; and not twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from headgate.cli import main
from headgate.core.errors import UsageError
from headgate.ingest import discover
from headgate.orchestration import parts
from headgate.orchestration.project import Project
from tests.reliability.harness import small

FIRST, SECOND, THIRD = (date(2009, 5, day) for day in (4, 5, 6))


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project whose IRC logs lie in a file a day; one of another name lies beside them."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("backfill") / "project"
        for name, value in {**small.SETTINGS, "HEADGATE_ROOT": str(root)}.items():
            patch.setenv(name, value)
        small.make(root)
        contract = root / "data_contracts/irc/bronze_messages/contract.odcs.yaml"
        lines = contract.read_text("utf-8").splitlines()
        at = lines.index("  - property: headgate.source")
        assert lines[at + 1].lstrip().startswith("value:")
        lines[at + 1] = '    value: {format: jsonl, path: "days/1/irc/{date}.jsonl"}'
        contract.write_text("\n".join(lines) + "\n", "utf-8")
        shutil.copyfile(root / "days/1/irc/2009-05-04.jsonl", root / "days/1/irc/2009-13-04.jsonl")
        yield root


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = main.invoke(["backfill", *arguments])
    said = capsys.readouterr()
    return code, json.loads(said.out) if "--json" in arguments else said.out + said.err


def test_a_range_is_taken_in_one_run_and_once(
    dated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = (small.IRC, "2009-05-05", "2009-06-30")
    code, told = command(capsys, *asked, "--plan", "--json")
    assert (code, told["days"]) == (0, [
        {"date": "2009-05-05", "files": 1, "known": 0},
        {"date": "2009-05-06", "files": 1, "known": 0},
    ])  # fmt: skip
    assert Project.open(dated).releases.newest() is None

    code, told = command(capsys, *asked, "--parallel", "2", "--json")
    assert code == 0 and told["release_id"] == 1
    assert [(d["date"], d["files"], d["known"], d["failed"], d["read"]) for d in told["days"]] == [
        ("2009-05-05", 1, 0, 0, 112), ("2009-05-06", 1, 0, 0, 110)
    ]  # fmt: skip
    for day in told["days"]:
        assert day["read"] == sum(
            day[n] for n in ("published", "quarantined", "deduplicated", "refused")
        )
    assert len(told["released"]) == 6  # with what is made from it, and no other source

    code, text = command(capsys, *asked)
    assert code == 0 and "Nothing changed" in text and "55 other dates have no files." in text
    rows = {line.split()[0]: line.split()[1:4] for line in text.splitlines() if "2009-" in line}
    assert rows == {"2009-05-05": ["1", "1", "0"], "2009-05-06": ["1", "1", "0"]}

    # Ingest takes what is left, and knows what was taken, whatever its name.
    project = Project.open(dated)
    assert [a.read for a in parts.take(project, small.IRC).accounts] == [112]
    assert parts.take(project, small.IRC, dates=[FIRST, THIRD]).accounts == ()
    assert parts.dates_of(project, small.IRC, FIRST, SECOND) == [FIRST, SECOND]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((small.IRC, "2010-01-01", "2010-01-31"), "Files lie there from 2009-05-04 to 2009-05-06."),
        ((small.IRC, "2009-05-06", "2009-05-05"), "2009-05-05 comes before 2009-05-06."),
        ((small.IRC, "yesterday", "2009-05-05"), "'yesterday' is no date."),
        ((small.IRC, "2009-05-04", "2009-05-05", "--parallel", "99"), "Give 1 to 8."),
        ((small.POSTS, "2009-05-04", "2009-05-05"), "headgate.source.path in its contract, such as"),
        (("silver.chat.messages", "2009-05-04", "2009-05-05"), "headgate rebuild silver.chat.messages"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_refused_with_a_remedy(
    dated: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    code, said = command(capsys, *arguments)
    assert code == 2 and told in said


def test_files_are_found_by_their_dates(tmp_path: Path) -> None:
    names = (
        "2024-02-29.jsonl", "2023-02-29.jsonl", "2024-03-01/a.jsonl", "2024-03-01/b/c.jsonl.gz",
        "2024-03-01/note.txt", "2024-03-02/.hidden.jsonl", "x-2024-03-03.jsonl", "other.jsonl",
    )  # fmt: skip
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)

    def found(path: str, **how: Any) -> dict[str, list[str]]:
        files = discover.dated(f"{tmp_path}/{path}", format="jsonl", **how)
        return {day.isoformat(): [f.name for f in those] for day, those in files.items()}

    by_folder = {"2024-03-01": ["2024-03-01/a.jsonl", "2024-03-01/b/c.jsonl.gz"]}
    assert found("{date}.jsonl") == {"2024-02-29": ["2024-02-29.jsonl"]}
    assert found("{date}") == by_folder
    assert found("{date}/*.jsonl") == {"2024-03-01": ["2024-03-01/a.jsonl"]}
    assert found("**/x-{date}.*") == {"2024-03-03": ["x-2024-03-03.jsonl"]}
    assert found("{date}/{date}.jsonl") == {}
    assert found("{date}", dates=[date(2024, 3, 1), date(2024, 3, 9)]) == by_folder


def test_a_file_of_a_date_does_not_lead_out_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir()
    (tmp_path / "secret.jsonl").write_text("{}")
    (tmp_path / "landing" / "2024-03-01.jsonl").symlink_to(tmp_path / "secret.jsonl")
    with pytest.raises(UsageError, match="leaves"):
        discover.dated(f"{tmp_path}/landing/{{date}}.jsonl", format="jsonl")


def test_a_quiet_run_looks_at_files_and_folders_of_every_date(tmp_path: Path) -> None:
    (tmp_path / "2024-03-01" / "deep").mkdir(parents=True)
    (tmp_path / "2024-03-01" / "deep" / "a.jsonl").write_text("")
    (tmp_path / "2024-03-02").write_text("")
    seen = {
        path.name
        for where in discover.looked_at(f"{tmp_path}/{{date}}")
        for path, _ in discover.matches(where, (".jsonl",))
    }
    assert seen == {"a.jsonl", "2024-03-02"}
    assert discover.looked_at("landing") == ("landing",)
