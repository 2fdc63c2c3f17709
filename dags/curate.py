"""Curate DAGs, one for each release group; derived from the contracts."""

from headgate.orchestration.airflow import curate_dags

globals().update(curate_dags(__file__))  # airflow: dags
