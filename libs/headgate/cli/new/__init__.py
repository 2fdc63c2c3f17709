"""`headgate new`: drafts of the files that a new source or model takes, right as they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from headgate.cli import output

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Draft the files of a new source or model; they pass `headgate check` as they are.",
    epilog="Example: headgate new source bronze.shop.orders --sample orders.jsonl",
)
_DATASET = typer.Argument(..., metavar="DATASET", help="Its id: <layer>.<domain>.<name>.")
_OWNER = typer.Option(
    "", "--owner", metavar="TEAM", help="Who answers for it; default: the domain."
)
_KEY = typer.Option(
    "", "--key", metavar="COLUMNS", help="Columns that identify a row, comma-separated."
)
_JSON = typer.Option(False, "--json", help="Print the paths of the new files as JSON.")


@app.command(
    "source",
    epilog="Example: headgate new source bronze.shop.orders --sample orders.jsonl --key id",
)
def draft_source(
    dataset: str = _DATASET,
    sample: Path | None = typer.Option(
        None,
        "--sample",
        metavar="FILE",
        help="A file as it will come (JSON lines, JSON, CSV or Parquet, perhaps .gz or .zst); format, "
        "columns, types and examples are taken from it.",
    ),
    path: str = typer.Option(
        "",
        "--path",
        metavar="PATH",
        help="Where files will lie: what a run without --source takes.",
    ),
    key: str = _KEY,
    owner: str = _OWNER,
    as_json: bool = _JSON,
) -> int:
    """Draft a source's contract, with rows that must pass and rows that must fail.

    Read the draft before you rely on it: meaning, classes and limits are guesses from the sample.
    """
    from headgate.cli.new import source as drafting
    from headgate.orchestration.project import Project

    project = Project.open()
    written = drafting.write(
        project, dataset, sample=sample, path=path, key=_listed(key), owner=owner
    )
    return _tell(written, as_json, f"headgate run --source {dataset}={sample or 'FILE'}")


@app.command(
    "model", epilog="Example: headgate new model gold.community.fct_replies --key message_id"
)
def draft_model(
    dataset: str = _DATASET,
    of: str = typer.Option(
        "", "--of", metavar="DATASET", help="Without SQL yet: start from this dataset's columns."
    ),
    key: str = _KEY,
    owner: str = _OWNER,
    as_json: bool = _JSON,
) -> int:
    """Draft a dbt model's contract from its SQL; with --of, draft the SQL too.

    Write models/marts/<domain>/<name>.sql first (silver: models/intermediate/<domain>/), then let
    this draft the contract: columns and types are what the SQL gives. A column that is one of
    another dataset, under whatever name, takes its meaning and class over; one that is computed
    is as confidential and as personal as what it is computed from, until you say otherwise.
    """
    from headgate.cli.new import model as drafting
    from headgate.orchestration.project import Project

    project = Project.open()
    drafted = drafting.write(project, dataset, of=of, key=_listed(key), owner=owner)
    follow = f"headgate preview {dataset}\n  headgate run --select {dataset}"
    return _tell(list(drafted.files), as_json, follow, drafted.notes)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _tell(written: list[Path], as_json: bool, following: str, notes: Sequence[str] = ()) -> int:
    if as_json:
        output.json([str(path) for path in written])
        return 0
    for path in written:
        output.out(f"wrote {output.near(path)}")
    for note in notes:
        output.out(note)
    output.out(f"Next: read them, then\n  headgate check\n  {following}")
    return 0
