"""A digest of each week: how each community did, and which weeks were unusual.

Runs when a release changes the daily figures, and delivers what it finds as a source of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.orchestration.airflow import gated_write, governed_dag, read_release

if TYPE_CHECKING:
    import polars as pl

DAYS = "gold.community.community_health_daily"


@governed_dag(owner="community-insights", after=[DAYS])
def weekly() -> None:
    """One task: from days to weeks."""

    @gated_write("bronze.community.weekly_digest")
    def digest(days: pl.LazyFrame = read_release(DAYS)) -> pl.LazyFrame:
        import polars as pl

        sums = pl.col("messages", "new_authors", "answered", "unanswered").sum()
        busiest = pl.col("sent_date").sort_by("messages", "sent_date").last()
        weeks = days.group_by("community_id", pl.col("sent_date").dt.truncate("1w").alias("week"))
        found = weeks.agg(sums, active_days=pl.len(), busiest_date=busiest)
        over = found.filter(pl.col("week") < pl.col("week").max()).sort("community_id", "week")
        before = pl.col("messages").shift(1).rolling_median(4).over("community_id")
        high = pl.col("messages") > 3 * pl.col("usual_messages")
        low = 3 * pl.col("messages") < pl.col("usual_messages")
        told = over.with_columns(usual_messages=before)
        return told.with_columns(unusual=(high | low).fill_null(False))

    digest()


weekly()
