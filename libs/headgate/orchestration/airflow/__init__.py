"""Airflow: DAGs derived from contracts, and what a hand-written one is governed by."""
