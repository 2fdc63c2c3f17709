"""`headgate docs`: the lake's quality reports as Great Expectations Data Docs, for any browser."""

from __future__ import annotations

from pathlib import Path

import typer

from headgate.cli import output

EXAMPLE = "Example: headgate docs --dataset bronze.irc.messages --out reports"


def docs(
    dataset: list[str] | None = typer.Option(
        None, "--dataset", metavar="ID", help="Only this dataset; may be given several times."
    ),
    out: Path | None = typer.Option(
        None, "--out", metavar="DIR", help="Where to write the pages; default: _docs in the lake."
    ),
    batches: int = typer.Option(
        5, "--batches", metavar="N", min=1, max=1000, help="How many batches of each dataset."
    ),
) -> int:
    """Write pages of what each dataset promises and what the gate found in its last batches.

    The pages are opened from disk: they need no server, no script and no network. Needs the
    extra gx.
    """
    from headgate.governance import data_docs
    from headgate.governance.judgements import judgements
    from headgate.lake.engines import duckdb as engine
    from headgate.orchestration.project import Project

    project = Project.open()
    if dataset:
        chosen = [project.contracts[name] for name in dict.fromkeys(dataset)]
    else:
        chosen = [c for c in project.contracts.values() if c.name.layer != "system"]
    with engine.connect(project.settings) as con:
        found = {c.id: judgements(con, project.lake, c, batches) for c in chosen}
    folder = out.resolve() if out else project.settings.lake_path / "_docs"
    built = data_docs.build(chosen, found, folder, project.settings.lake_name)
    output.out(f"Wrote {built.suites} suites and {built.verdicts} verdicts: {built.index}")
    return 0
