"""Imports point one way, the one doors are used, and the core runs without what only others need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
#: What the core footprint does not hold, so nothing that is imported on the way may ask for it.
NOT_IN_CORE = (
    "great_expectations", "pandas", "airflow", "pyspark", "delta", "pytest", "confluent_kafka",
    "fastavro", "pulsar",
)  # fmt: skip


def test_imports_point_one_way() -> None:
    done = subprocess.run(
        [BIN / "lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_linter_of_imports_would_notice(tmp_path: Path) -> None:
    """The lowest room importing the highest must fail, else the test above proves nothing."""
    for source in sorted((ROOT / "libs").rglob("*.py")):
        target = tmp_path / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    clock = tmp_path / "libs" / "headgate" / "core" / "clock.py"
    clock.write_text(clock.read_text() + "\nfrom headgate.cli import output\n")
    done = subprocess.run(
        [BIN / "lint-imports", "--no-cache"], cwd=tmp_path, capture_output=True, text=True,
        check=False, env={"PYTHONPATH": str(tmp_path / "libs"), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode != 0
    assert "headgate.core.clock -> headgate.cli" in done.stdout


def banned(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "ruff", "check", "--select", "TID251", "--no-cache", path],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_one_doors_are_used() -> None:
    done = banned(ROOT / "libs")
    assert done.returncode == 0, done.stdout


def test_going_around_a_door_is_noticed() -> None:
    text = (
        "import json, os, time, uuid, hashlib\nfrom datetime import datetime\n"
        "datetime.now()\nos.environ['A']\nos.getenv('B')\n"
    )
    done = subprocess.run(
        [BIN / "ruff", "check", "--select", "TID251", "--no-cache",
         "--stdin-filename", "libs/headgate/cli/new_file.py", "-"],
        cwd=ROOT, input=text, capture_output=True, text=True, check=False,
    )  # fmt: skip
    for what in ("json", "time", "uuid", "hashlib", "datetime.datetime.now", "os.environ"):
        assert f"`{what}` is banned" in done.stdout


def test_dag_files_import_orchestration_only() -> None:
    for path in (ROOT / "dags").glob("*.py"):
        for line in path.read_text("utf-8").splitlines():
            if "import headgate" in line or "from headgate" in line:
                assert "headgate.orchestration" in line, path


def run_without(modules: tuple[str, ...], code: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a Python in which the modules cannot be imported."""
    block = f"import sys\nfor name in {modules!r}: sys.modules[name] = None\n"
    return subprocess.run(
        [sys.executable, "-c", block + code], cwd=ROOT, capture_output=True, text=True, check=False
    )


#: Modules that nobody comes to without the extra that they are for.
OF_EXTRAS = (
    "headgate.orchestration.airflow",
    "headgate.orchestration.spark.dbt_adapter",
    "headgate.orchestration.spark_streaming",
    "headgate.ingest.streams.codecs.",
    "headgate.ingest.streams.kafka",
    "headgate.ingest.streams.producing",
    "headgate.ingest.streams.pulsar",
)


def test_every_module_imports_on_the_core_footprint() -> None:
    names = [
        ".".join(p.relative_to(ROOT / "libs").with_suffix("").parts).removesuffix(".__init__")
        for p in sorted((ROOT / "libs").rglob("*.py"))
    ]
    assert "headgate.cli.main" in names
    names = [n for n in names if not n.startswith(OF_EXTRAS)]
    code = f"import importlib\nfor name in {names!r}: importlib.import_module(name)"
    done = run_without(NOT_IN_CORE, code)
    assert done.returncode == 0, done.stderr


def test_help_imports_nothing_heavy() -> None:
    code = (
        "from headgate.cli.main import invoke\ncode = invoke(['--help'])\n"
        "heavy = {'duckdb', 'polars', 'pyarrow', 'dbt', 'yaml', 'rich', 'sqlglot', 'jsonschema'}\n"
        "print('heavy:', sorted(heavy & set(sys.modules)), code)"
    )
    done = run_without((), code)
    assert done.stdout.strip().endswith("heavy: [] 0"), done.stdout + done.stderr
