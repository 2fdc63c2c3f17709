"""The house keeps its shape: top level, lengths, docstrings, and what no file may name."""

from __future__ import annotations

import ast
import statistics
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP_LEVEL = {
    *("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "CODEOWNERS"),
    *("Makefile", "pyproject.toml", "headgate.toml", "requirements", ".gitignore", ".ci"),
    *("data_contracts", "dags", "dbt_project", "libs", "tests", "infra", "docs"),
}
ROOMS = {
    *("core", "contracts", "simulation", "lake", "lineage", "quality", "ingest"),
    *("transforms", "governance", "orchestration", "portal", "cli"),
}
LONGEST_FILE, MEDIAN_FILE = 600, 170
LONG_FUNCTION, LONGEST_FUNCTION, LONG_SHARE = 50, 80, 0.02
#: Written in pieces, so that this file does not name them either.
REGISTRIES = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "maven" + ".org",
    "anaconda" + ".org",
    "docker" + ".io",
]
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def repository_files() -> list[Path]:
    """Every file that is or would be committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\n")  # fmt: skip
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


FILES = repository_files()
PYTHON = [p for p in FILES if p.suffix == ".py"]
LIBS = [p for p in PYTHON if p.is_relative_to(ROOT / "libs")]


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def lines_of(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def test_the_top_level_is_fixed() -> None:
    found = {p.relative_to(ROOT).parts[0] for p in FILES}
    assert found == TOP_LEVEL


def test_each_room_says_what_it_is_for() -> None:
    rooms = {p.parent.name for p in LIBS if p.parent.parent == ROOT / "libs" / "headgate"}
    assert rooms == ROOMS
    for room in ROOMS:
        package = ROOT / "libs" / "headgate" / room / "__init__.py"
        assert ast.get_docstring(ast.parse(package.read_text("utf-8"))), shown(package)


@pytest.mark.parametrize("path", PYTHON, ids=shown)
def test_a_file_says_what_it_is_for_and_can_be_held_in_mind(path: Path) -> None:
    text = path.read_text("utf-8")
    assert ast.get_docstring(ast.parse(text)), "no docstring"
    assert lines_of(path) <= LONGEST_FILE
    assert not VAGUE & set(path.stem.split("_")), "a vague name"


def test_most_files_are_short() -> None:
    assert statistics.median(map(lines_of, LIBS)) <= MEDIAN_FILE


def functions() -> list[tuple[str, int]]:
    found = []
    for path in LIBS:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                found.append((f"{shown(path)}:{node.name}", length))
    return found


def test_functions_are_rarely_long() -> None:
    found = functions()
    assert len(found) > 100
    too_long = [f for f in found if f[1] > LONGEST_FUNCTION]
    assert not too_long
    long = [f for f in found if f[1] > LONG_FUNCTION]
    assert len(long) <= LONG_SHARE * len(found), long


@pytest.mark.parametrize("host", REGISTRIES)
def test_no_file_names_where_packages_come_from(host: str) -> None:
    named = [shown(p) for p in FILES if host in p.read_text("utf-8", errors="replace")]
    assert not named


def test_nothing_generated_is_committed() -> None:
    for path in FILES:
        parts = path.relative_to(ROOT).parts
        assert not {"_contracts", "target", "lake", "demo_data"} & set(parts[:-1]) - {
            "lake" if parts[0] in ("libs", "tests") else ""
        }, shown(path)
        assert path.stat().st_size < 1_000_000, f"{shown(path)} is big"
