"""`headgate demo`: a small seeded set of chat logs with known faults, taken through the gate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from headgate.cli import output

if TYPE_CHECKING:
    from headgate.cli.demo.faults import Expected
    from headgate.orchestration.project import Project
    from headgate.quality.outcome import BatchOutcome

EXAMPLE = "Example: headgate demo"
DATASET = "bronze.irc.messages"
FOLDER = "demo_data"
#: Where the corpus lies below the folder of real data.
CORPUS = "irc_ubuntu/train.messages.jsonl.gz"


def demo(
    real_data: Path | None = typer.Option(
        None,
        "--real-data",
        metavar="FOLDER",
        envvar="HEADGATE_REAL_DATA",
        help="Take the IRC corpus from this folder instead of making demo data.",
    ),
    only_write: bool = typer.Option(False, "--only-write", help="Write demo_data/ and stop there."),
) -> int:
    """Write demo chat logs with known faults, run them through the gate, and compare.

    It fails when the gate finds anything else than the faults that were put in.
    """
    from headgate.cli import progress, report
    from headgate.core.errors import NotFoundError
    from headgate.orchestration.project import Project
    from headgate.orchestration.run import run

    project = Project.open()
    expected: Expected | None = None
    if real_data is None:
        expected = write(project.settings.root / FOLDER)
        output.out(f"Wrote {FOLDER}/: {expected.read:,} lines with known faults.")
        if only_write:
            return 0
        path = project.settings.root / FOLDER / "logs"
    else:
        path = project.settings.real_data_path / CORPUS
        if not path.is_file():
            raise NotFoundError(
                f"no corpus at {path}.", remedy="Unset HEADGATE_REAL_DATA to make demo data."
            )
    with progress.watch() as watcher:
        found = run(project, sources={DATASET: [str(path)]}, progress=watcher)
    report.show(found)
    if expected is None:
        return found.exit_code
    taken = [b for b in found.batches if b.outcome == "published" and b.dataset == DATASET]
    if len(taken) < len(list(path.iterdir())):
        output.out("Some of the demo's files were taken before; for a fresh start: rm -rf lake")
        return found.exit_code
    return found.exit_code if agrees(project, expected, taken) else 1


def write(folder: Path) -> Expected:
    """Write the demo's logs below ``folder``: ``logs/`` to take, ``refused/`` to be refused.

    Returns what the gate must say of all of ``logs/``.
    """
    from headgate.cli.demo import faults, lines

    total = faults.Expected()
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    for index, (channel, date, count) in enumerate(lines.LOGS):
        name = f"{channel.lstrip('#')}-{date}.jsonl"
        records = lines.log(channel, date, count)
        content, expected = faults.damaged(records, cut_tail=index == len(lines.LOGS) - 1)
        (folder / "logs" / name).write_bytes(content)
        total.add(expected)
    (folder / "refused").mkdir(exist_ok=True)
    lost = faults.hopeless(lines.log("#workshop", "2019-05-06", 300))
    (folder / "refused" / "workshop-2019-05-06.jsonl").write_bytes(lost)
    return total


def agrees(project: Project, expected: Expected, taken: Sequence[BatchOutcome]) -> bool:
    """Whether the gate's account of the demo's logs is what was put in; prints both."""
    from headgate.quality import quarantine

    counts = ("read", "published", "quarantined", "deduplicated")
    rows = [
        (f"rows {name}", getattr(expected, name), sum(getattr(b, name) for b in taken))
        for name in counts
    ]
    reasons: Counter[str] = Counter()
    for code, _, count in quarantine.counts(project.lake, project.contracts[DATASET]):
        reasons[code] += count
    for code in sorted({*expected.reasons, *reasons}):
        rows.append((f"set aside: {code}", expected.reasons[code], reasons[code]))
    output.table(("known faults", "put in", "found"), rows)
    wrong = [name for name, put_in, seen in rows if put_in != seen]
    if wrong:
        output.out(f"The gate found something else than was put in: {', '.join(wrong)}.")
        output.out("If a contract was changed: git checkout data_contracts; rm -rf lake; make demo")
    else:
        output.out("Every fault was found, and nothing else. What to try next: README.md")
    return not wrong
