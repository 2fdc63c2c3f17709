"""`headgate status`: where every dataset stands, what readers see of it, and whether it is late."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from headgate.cli import output
from headgate.core.errors import SettingError

if TYPE_CHECKING:
    from headgate.orchestration.project import Project

EXAMPLE = "Example: headgate status --json"


def status(
    as_json: bool = typer.Option(False, "--json", help="Print it as JSON."),
    alert: bool = typer.Option(
        False,
        "--alert",
        help="Tell the owners of late datasets too: once, again each day, and when they are fresh "
        "again (for cron, where no Airflow does).",
    ),
) -> int:
    """Show every dataset: its owner, rows, versions, freshness and open quarantine."""
    from headgate.orchestration.project import Project
    from headgate.orchestration.status import status as status_of

    project = Project.open()
    found = status_of(project)
    if alert:
        from headgate.orchestration import freshness

        freshness.tell(project)
    if as_json:
        output.json(found)
        return 0
    output.table(
        ("dataset", "owner", "rows", "version", "released", "last published", "freshness",
         "open quarantine", "last outcome"),
        [
            (
                *(s.dataset, s.owner, s.rows, s.version, s.released_version, s.last_published_at),
                _freshness(s.fresh, s.freshness_hours_allowed),
                *(s.open_quarantine, s.last_outcome),
            )
            for s in found
        ],
    )  # fmt: skip
    for late in (s for s in found if s.fresh is False):
        output.out(
            f"{late.dataset} is late: its contract allows {late.freshness_hours_allowed:g} hours. "
            f"Tell {late.owner}, or run: headgate run --select {late.dataset}"
        )
    small = [s for s in found if s.small_files]
    if small:
        files = sum(s.small_files for s in small)
        output.out(
            f"{files} small files in {len(small)} tables could be put together: headgate maintain"
        )
    _destinations(project)
    return 0


def _destinations(project: Project) -> None:
    """Say which destinations of lineage lack events, if any does."""
    from headgate.orchestration import forwarding_lineage

    try:
        found = forwarding_lineage.standings(project.settings)
    except SettingError as error:  # the tables are shown all the same
        output.out(f"Lineage is not forwarded: {error}")
        return
    for one in found:
        since = f" since {one.down_since:%Y-%m-%d %H:%M} UTC" if one.down_since else ""
        if one.behind:
            why = f" ({one.why})" if one.why else ""
            output.out(
                f"Lineage: {one.destination} is {one.behind:,} events behind{since}{why}: "
                "headgate lineage forward"
            )
        if one.set_aside:
            output.out(
                f"Lineage: {one.destination} refused {one.set_aside:,} events, which were set aside: "
                f"headgate lineage forward {one.destination} --rejected"
            )


def _freshness(fresh: bool | None, hours: float | None) -> str:
    if fresh is None or hours is None:
        return "-"
    return f"{'fresh' if fresh else 'late'} ({hours:g} h)"
