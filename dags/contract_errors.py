"""No DAG: what is wrong with contracts, where Airflow lists its import errors. See ingest.py."""

from headgate.orchestration.airflow import contract_errors

contract_errors(__file__)
