"""Airflow DAGs that keep the lake in order: maintenance, freshness, verification; by settings."""

from headgate.orchestration.airflow import maintenance_dags

globals().update(maintenance_dags(__file__))
