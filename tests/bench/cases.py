"""What is measured: for each case a bare command, a governed command, and what to make before each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench import generate, nested

HERE = Path(__file__).resolve().parent
BENCH = "bronze.bench"


@dataclass(frozen=True)
class Pair:
    """Two commands to time against each other; ``fresh`` is called before each governed one."""

    bare: list[str]
    governed: list[str]
    env: dict[str, str]
    fresh: Callable[[], None]
    expected: int = 0


@dataclass(frozen=True)
class Case:
    """One case: its aim (the bare command's time divided by ours), and its rows per row asked for."""

    aim: float
    prepare: Callable[[Path, Path, int], Pair]
    share: float = 1.0


def project(folder: Path, form: str) -> tuple[list[str], dict[str, str]]:
    """A fresh project of the benchmark's contracts; its command and environment."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(HERE / "data_contracts", folder / "data_contracts")
    repository = HERE.parent.parent / "data_contracts"
    shutil.copytree(repository / "ledger", folder / "data_contracts" / "ledger")
    _edit(folder, "messages", "format: jsonl", f"format: {form}")
    (folder / "headgate.toml").write_text("")
    return [sys.executable, "-m", "headgate.cli.main"], {**os.environ, "HEADGATE_ROOT": str(folder)}


def _edit(folder: Path, dataset: str, old: str, new: str) -> None:
    contract = folder / "data_contracts" / dataset / "contract.odcs.yaml"
    text = contract.read_text()
    assert old in text
    contract.write_text(text.replace(old, new))


def _take(command: list[str], env: dict[str, str], **sources: Path) -> None:
    given = [a for d, path in sources.items() for a in ("--source", f"{BENCH}.{d}={path}")]
    subprocess.run([*command, "run", *given], env=env, check=True, stdout=subprocess.DEVNULL)


def _keep(project: Path) -> Callable[[], None]:
    """What brings the project's lake back to how it is now."""
    kept = project.parent / "prepared"
    shutil.copytree(project / "lake", kept)

    def fresh() -> None:
        shutil.rmtree(project / "lake")
        shutil.copytree(kept, project / "lake")

    return fresh


def _copy(source: Path, target: Path, types: dict[str, str], selected: str) -> list[str]:
    struct = "{" + ",".join(f"'{k}':'{v}'" for k, v in types.items()) + "}"
    return [sys.executable, str(HERE / "bare_copy.py"), str(source), str(target), struct, selected,
            "zstd"]  # fmt: skip


def _messages(given: str, against: str) -> Callable[[Path, Path, int], Pair]:
    def prepare(data: Path, work: Path, rows: int) -> Pair:
        paths = generate.make(data, rows)
        project = work / "project"
        command, env = project(project, "parquet" if given == "parquet" else "jsonl")
        _take(command, env, channels=paths["channels"])
        bare = _copy(paths[against], work / "bare.parquet", generate.TYPES, "*")
        governed = [*command, "run", "--source", f"{BENCH}.messages={paths[given]}", "--json"]
        return Pair(bare, governed, env, _keep(project))

    return prepare


def _events(data: Path, work: Path, rows: int) -> Pair:
    clean, faulty = nested.make_nested(data, rows, faulty_share=0), nested.make_nested(data, rows)
    project = work / "project"
    command, env = project(project, "jsonl")
    bare = _copy(clean, work / "bare.parquet", nested.TYPES, nested.COLUMNS)
    governed = [*command, "run", "--source", f"{BENCH}.events={faulty}", "--json"]
    return Pair(bare, governed, env, lambda: shutil.rmtree(project / "lake", ignore_errors=True))


def _rules(data: Path, work: Path, rows: int) -> Pair:
    """31 rules over stored rows, two of them tightened so that a tenth of the rows fails."""
    paths = generate.make(data, rows)
    project = work / "project"
    command, env = project(project, "parquet")
    _take(command, env, channels=paths["channels"], messages=paths["parquet"])
    _edit(project, "messages", "minimum: 0, maximum: 100000}", "minimum: 0, maximum: 17}")
    _edit(project, "messages", "minimum: 0, maximum: 100}", "minimum: 0, maximum: 99.5}")
    table = project / "lake" / "bronze" / "bench" / "messages"
    bare = [sys.executable, str(HERE / "bare_rules.py"), f"{table}/*.parquet",
            str(paths["channels"]), str(work / "bare.parquet")]  # fmt: skip
    governed = [
        *command,
        "audit",
        f"{BENCH}.messages",
        "--keys",
        str(work / "keys.parquet"),
        "--json",
    ]
    return Pair(bare, governed, env, lambda: None, expected=1)


def _export(data: Path, work: Path, rows: int) -> Pair:
    """One Discord export of so many messages, against cutting its records and no more."""
    folder = data / f"export_{rows}"
    if not folder.exists():
        shape = ["--messages", str(rows), "--guilds", "1", "--channels", "1", "--seed", "7"]
        subprocess.run(
            [sys.executable, "-m", "headgate.cli.main", "simulate", *shape, "--out", str(folder)],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    export = max((folder / "first").rglob("*.json"), key=lambda p: p.stat().st_size)
    project = work / "project"
    command, env = project(project, "jsonl")
    chat = HERE.parent.parent / "data_contracts" / "chat"
    for dataset in ("messages", "channels", "guilds"):  # what messages refer to comes along
        shutil.copytree(chat / f"bronze_{dataset}", project / "data_contracts" / "chat" / dataset)
    contract = project / "data_contracts" / "chat" / "messages" / "contract.odcs.yaml"
    bare = [sys.executable, str(HERE / "bare_split.py"), str(export), str(contract)]
    governed = [*command, "run", "--source", f"bronze.chat.messages={export}", "--json"]
    return Pair(bare, governed, env, lambda: shutil.rmtree(project / "lake", ignore_errors=True))


CASES = {
    "ndjson-clean": Case(0.70, _messages("jsonl", "jsonl")),
    "ndjson-1%-faulty": Case(0.55, _messages("faulty", "jsonl")),
    "parquet-clean": Case(0.60, _messages("parquet", "parquet")),
    "nested-0.5%-faulty": Case(0.40, _events, share=0.2),
    "rules-with-keys": Case(1.00, _rules),
    "discord-export": Case(0.50, _export, share=0.37),
}
