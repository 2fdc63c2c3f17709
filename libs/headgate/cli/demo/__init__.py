"""`headgate demo`: simulated Discord exports with known faults, taken from file to released gold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from headgate.cli import output

if TYPE_CHECKING:
    from headgate.cli.demo.expected import Expected
    from headgate.orchestration.project import Project
    from headgate.quality.outcome import BatchOutcome
    from headgate.simulation.manifest import Manifest
    from headgate.simulation.plan import Wanted

EXAMPLE = "Example: headgate demo"
FOLDER = "demo_data"
SOURCES = "bronze.chat.*"
#: The dataset whose faults are shown one kind after another.
SHOWN = "bronze.chat.messages"
#: Where the corpus lies below the folder of real data, and the dataset that takes it.
CORPUS, CORPUS_DATASET = "irc_ubuntu/train.messages.jsonl.gz", "bronze.irc.messages"


#: So many messages in all give 200,000 in the delivery that the demo takes.
MESSAGES = 232_991


def wanted(messages: int = MESSAGES) -> Wanted:
    """What the demo simulates: a sixth of it for a later delivery, some of each fault."""
    from headgate.simulation.plan import Wanted

    faults = max(0.0003, 5 / messages)
    return Wanted(
        messages=messages, seed=1, guilds=3, channels=3, faults=round(min(faults, 0.02), 6)
    )


def demo(
    real_data: Path | None = typer.Option(
        None,
        "--real-data",
        metavar="FOLDER",
        envvar="HEADGATE_REAL_DATA",
        help="Take the IRC corpus from this folder instead of simulated exports.",
    ),
    messages: int = typer.Option(
        MESSAGES,
        "--messages",
        metavar="N",
        help="How many messages to simulate, in all deliveries.",
    ),
    only_write: bool = typer.Option(False, "--only-write", help="Write demo_data/ and stop there."),
) -> int:
    """Simulate Discord exports with known faults, run them through the gate, and compare.

    It fails when the gate finds anything else than the faults that were put in.
    """
    from headgate.cli import progress, report
    from headgate.core.errors import NotFoundError
    from headgate.orchestration.project import Project
    from headgate.orchestration.run import run

    project = Project.open()
    manifest: Manifest | None = None
    if real_data is None:
        manifest = write(project.settings.root / FOLDER, messages)
        totals = manifest.totals("first")
        output.out(
            f"Wrote {FOLDER}/: {totals['messages']:,} messages in {totals['files']} exports of "
            f"{totals['guilds']} guilds, with known faults."
        )
        if only_write:
            return 0
        dataset, path = SOURCES, project.settings.root / FOLDER / "first"
    else:
        dataset, path = CORPUS_DATASET, project.settings.root / real_data / CORPUS
        if not path.is_file():
            raise NotFoundError(
                f"no corpus at {path}.", remedy="Unset HEADGATE_REAL_DATA to simulate exports."
            )
    with progress.watch() as watcher:
        found = run(project, sources={dataset: [str(path)]}, progress=watcher)
    report.show(found)
    if manifest is None:
        return found.exit_code
    from headgate.cli.demo.expected import of_first

    expected = of_first(manifest)
    taken = [b for b in found.batches if b.outcome == "published" and b.dataset in expected]
    if len(taken) < len(expected) * manifest.totals("first")["files"] and not found.exit_code:
        output.out("Some of the demo's files were taken before; for a fresh start: rm -rf lake")
        return 0
    return found.exit_code if agrees(project, expected, taken) else 1


def write(folder: Path, messages: int = MESSAGES) -> Manifest:
    """Simulate the demo's exports below ``folder``: ``first/`` to take, then ``later/``."""
    from headgate.simulation import exports

    return exports.simulate(wanted(messages), folder)


def agrees(
    project: Project, expected: Mapping[str, Expected], taken: Sequence[BatchOutcome]
) -> bool:
    """Whether the gate's account of the demo's exports is what was put in; prints both."""
    from headgate.quality import quarantine

    rows: list[tuple[str, str, int, int]] = []
    for dataset, told in expected.items():
        for name in ("read", "published", "deduplicated", "quarantined"):
            seen = sum(getattr(b, name) for b in taken if b.dataset == dataset)
            rows.append((dataset, name, getattr(told, name), seen))
        reasons: Counter[str] = Counter()
        for code, _, count in quarantine.counts(project.lake, project.contracts[dataset]):
            reasons[code] += count
        for code in sorted({*told.reasons, *reasons}):
            rows.append((dataset, f"set aside: {code}", told.reasons.get(code, 0), reasons[code]))
    wrong = [row for row in rows if row[2] != row[3]]
    shown = [row for row in rows if row[0] == SHOWN or row in wrong]
    output.table(("dataset", "known faults", "put in", "found"), shown)
    if wrong:
        named = ", ".join(f"{dataset} {what}" for dataset, what, _, _ in wrong)
        output.out(f"The gate found something else than was put in: {named}.")
        output.out("If a contract was changed: git checkout data_contracts; rm -rf lake; make demo")
    else:
        output.out(f"The accounts of the other {len(expected) - 1} datasets agree as well.")
        output.out("Every fault was found, and nothing else. What to try next: README.md")
    return not wrong
