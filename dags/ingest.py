"""Airflow DAGs that take what is new at each source, and the one that backfills; from contracts."""

from headgate.orchestration.airflow import ingest_dags

globals().update(ingest_dags(__file__))
