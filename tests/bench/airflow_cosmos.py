"""The Cosmos side of the curate benchmark: the same models as plain dbt, in its fastest working mode."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.bench.scale import write_dbt
from tests.bench.scale_project import Scaled

DAG_ID = "cosmos"
_DAG = '''"""The same models by Cosmos: an airflow dag."""

from datetime import datetime
from pathlib import Path

from cosmos import DbtDag, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import ExecutionMode, InvocationMode, LoadMode, TestBehavior

ROOT = Path("{root}")

made = DbtDag(
    dag_id="{dag}",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    max_active_runs=1,
    project_config=ProjectConfig(
        dbt_project_path=ROOT, manifest_path=ROOT / "target/manifest.json", project_name="plain"
    ),
    profile_config=ProfileConfig(
        profile_name="plain", target_name="it", profiles_yml_filepath=ROOT / "profiles.yml"
    ),
    execution_config=ExecutionConfig(
        execution_mode=ExecutionMode.{mode}, invocation_mode=InvocationMode.DBT_RUNNER
    ),
    render_config=RenderConfig(
        load_method=LoadMode.DBT_MANIFEST, test_behavior=TestBehavior.NONE, emit_datasets=False
    ),
)
'''


def prepare(scaled: Scaled, dags: Path, mode: str = "WATCHER") -> Path:
    """Write the plain dbt project, its manifest and the DAG file; gives the database it builds in."""
    command = write_dbt(scaled)
    root = Path(command[command.index("--project-dir") + 1])
    parse = [part if part != "run" else "parse" for part in command]
    subprocess.run(parse, check=True, stdout=subprocess.DEVNULL)
    (dags / "cosmos_side.py").write_text(_DAG.format(root=root, dag=DAG_ID, mode=mode))
    return root / "it.duckdb"
