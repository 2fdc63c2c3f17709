"""A process that makes Airflow's tables, or brings them up to date, and the pool of the lake."""

from __future__ import annotations

from headgate.orchestration.airflow.serving.environment import POOL


def prepare() -> None:
    """Tables as this Airflow wants them; a pool of one slot."""
    from airflow.models.pool import Pool
    from airflow.utils import db

    db.initdb()
    Pool.create_or_update_pool(
        POOL,
        slots=1,
        description="Tasks that need the lake for themselves wait here, and not in a worker.",
        include_deferred=False,
    )


if __name__ == "__main__":
    prepare()
