"""A real Airflow on this machine: its database, its four components, and whoever watches them.

Only the processes that are started here import Airflow.
"""

from headgate.orchestration.airflow.serving.server import Server

__all__ = ["Server"]
