"""What the processes of a server are told through their environment."""

from __future__ import annotations

import os
import secrets as _secrets
from collections.abc import Mapping
from pathlib import Path

from headgate.core import json as hjson
from headgate.core import settings as core_settings
from headgate.core.settings import Settings

HOST = "127.0.0.1"
USER = "admin"
#: The pool that tasks wait in who need the lake for themselves.
POOL = "lake"
SECRETS, PASSWORDS = "secrets.json", "passwords.json"

_READABLE = "abcdefghkmnpqrstuvwxyzABCDEFGHKMNPQRSTUVWXYZ23456789"

#: For a machine that somebody works at: what changes is seen within a quarter of a minute.
CALM = {
    "DAG_PROCESSOR__REFRESH_INTERVAL": "15",
    "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "15",
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "120",
}
#: For tests: what changes, and who died, is seen within seconds.
HASTY = {
    "DAG_PROCESSOR__REFRESH_INTERVAL": "3",
    "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "8",
    "DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
    "CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "1",
    "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "SCHEDULER__JOB_HEARTBEAT_SEC": "2",
    "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "12",
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "TRIGGERER__JOB_HEARTBEAT_SEC": "2",
    "WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
}
_ALWAYS = {
    "API__HOST": HOST,
    "API__WORKERS": "1",
    "CORE__AUTH_MANAGER": (
        "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
    ),
    "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
    "CORE__EXECUTOR": "LocalExecutor",
    "CORE__LOAD_EXAMPLES": "False",
    "USAGE_DATA_COLLECTION__ENABLED": "False",
    "WORKERS__EXECUTION_API_TIMEOUT": "60",
    "LOGGING__COLORED_CONSOLE_LOG": "False",
    "LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
    "LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
}
#: What whoever starts the server may say otherwise in the environment.
_DEFAULTS = {"CORE__PARALLELISM": "8", "CORE__DAGS_ARE_PAUSED_AT_CREATION": "True"}


def of_server(
    settings: Settings, home: Path, *, port: int, database: str, hasty: bool,
    more: Mapping[str, str],
) -> dict[str, str]:  # fmt: skip
    """The environment of Airflow's processes: ours, over what Airflow's settings say here already.

    ``more`` are variables that win over everything.
    """
    from headgate.orchestration.airflow.lineage import provider_environment

    address = f"http://{HOST}:{port}"
    own = {
        **_ALWAYS,
        "API__PORT": str(port),
        "API__BASE_URL": address,
        "CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "CORE__DAGS_FOLDER": str(settings.root / "dags"),
        "CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / PASSWORDS),
        "DATABASE__SQL_ALCHEMY_CONN": database,
        "LOGGING__BASE_LOG_FOLDER": str(home / "logs" / "tasks"),
        "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(home / "logs" / "parsing"),
        **_kept_secrets(home),
    }
    found = {"AIRFLOW__" + k: v for k, v in {**_DEFAULTS, **(HASTY if hasty else CALM)}.items()}
    found |= provider_environment(settings)
    found |= os.environ  # noqa: TID251 (not ours: a child's)
    found |= {"AIRFLOW__" + k: v for k, v in own.items()}
    found |= {
        "AIRFLOW_HOME": str(home),
        "HEADGATE_ROOT": str(settings.root),
        "HEADGATE_AIRFLOW_POOL": POOL,
        "PYTHONUNBUFFERED": "1",
        **_lake(settings),
    }
    for name in ("AIRFLOW_CONFIG", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC"):
        found.pop(name, None)
    return found | dict(more)


def _lake(settings: Settings) -> dict[str, str]:
    """The lake, where it is not the one that every process finds by itself."""
    by_itself = core_settings.load(settings.root, lake=core_settings.MAIN)
    if settings.lake_path == by_itself.lake_path:
        return {}
    return {"HEADGATE_LAKE": str(settings.lake_path), "HEADGATE_LAKE_NAME": settings.lake_name}


def password(home: Path) -> tuple[str, bool]:
    """The password of ``admin``, and whether it was made just now."""
    file = home / PASSWORDS
    if file.exists():
        found: str = hjson.loads(file.read_bytes())[USER]
        return found, False
    made = "".join(_secrets.choice(_READABLE) for _ in range(16))
    write_secret(file, hjson.dumps({USER: made}) + "\n")
    return made, True


def _kept_secrets(home: Path) -> dict[str, str]:
    """What Airflow signs and encrypts with: made once, so that a second start reads the first's."""
    file = home / SECRETS
    if not file.exists():
        from cryptography.fernet import Fernet

        made = {
            "CORE__FERNET_KEY": Fernet.generate_key().decode(),
            "API_AUTH__JWT_SECRET": _secrets.token_urlsafe(48),
            "API__SECRET_KEY": _secrets.token_urlsafe(48),
        }
        write_secret(file, hjson.dumps(made) + "\n")
    found: dict[str, str] = hjson.loads(file.read_bytes())
    return found


def write_secret(file: Path, text: str) -> None:
    """Write a file that nobody but us can read, whole or not at all."""
    beside = file.with_name(file.name + ".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    beside.replace(file)
