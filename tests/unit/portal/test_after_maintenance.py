"""Pages tell the same of ledgers that maintenance has laid in order as of those that runs wrote."""

from __future__ import annotations

from typing import Any

import pytest

from headgate.lake import ledger
from headgate.lake.engines.duckdb import identifiers, literal
from headgate.lake.maintenance import compaction
from headgate.orchestration.maintaining import COMPACTED, maintain
from headgate.orchestration.project import Project
from headgate.portal.knowing.watching import Watcher
from headgate.portal.reports import quality
from headgate.portal.reports.counting import Counts
from headgate.portal.reports.periods import Period, Scope
from headgate.portal.told import batches, releases, versions
from headgate.portal.told.asking import Asking


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two files are enough to be put together."""
    monkeypatch.setattr(compaction, "FEWEST", 2)


def told(project: Project) -> dict[str, Any]:
    """What the pages of every dataset say that comes from ledgers."""
    asking, found = Asking(project.settings), dict[str, Any]()
    for dataset in project.contracts:
        page = batches.accounts(asking, dataset)
        found[dataset] = (
            page, batches.accounts(asking, dataset, limit=1),
            [batches.account(asking, dataset, b.batch_id) for b in page.accounts],
            batches.verdicts(asking, dataset, page.accounts),
            releases.moved(asking, dataset), versions.spans(asking, dataset),
        )  # fmt: skip
    known = Watcher(project).looked()
    first, last = known.days[0][0], known.days[-1][0]
    for owner in known.owners:
        report = quality.report(
            Counts(project.settings), known, Scope("owner", owner), Period(first, last)
        )
        found[f"owner:{owner}"] = report.figures
    return found


def test_pages_tell_the_same_before_and_after(own_project: Project) -> None:
    before = told(own_project)
    report = maintain(own_project, ledger.ALL)
    assert report.problems == []
    assert {w.where for w in report.works if w.what == COMPACTED} >= set(ledger.ORDER)

    assert told(Project.open(own_project.settings.root)) == before
    assert any(page.accounts and verdicts for page, _, _, verdicts, *_ in _of_datasets(before))


@pytest.mark.parametrize("name", list(ledger.ORDER))
def test_rows_of_a_ledger_lie_in_order(name: str, own_project: Project) -> None:
    maintain(own_project, [name])
    snapshot = own_project.lake.snapshot(name)
    assert snapshot is not None and snapshot.content_version < snapshot.version
    (file,) = snapshot.files
    asking = Asking(own_project.settings)
    rows = [
        tuple(row.values())
        for row in asking.rows(
            f"SELECT {identifiers(ledger.ORDER[name])} FROM read_parquet({literal(file.uri)},"
            " file_row_number=true) ORDER BY file_row_number"
        )
    ]
    assert len({row[0] for row in rows}) > 2
    assert rows == sorted(rows)


def _of_datasets(found: dict[str, Any]) -> list[Any]:
    return [told for name, told in found.items() if not name.startswith("owner:")]
