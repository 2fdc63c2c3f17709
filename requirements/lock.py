"""Writes the lock (hashed requirement files, one a footprint), or checks without a network that it is fresh.

`python requirements/lock.py` resolves, and keeps the versions that are locked where they still fit;
`--upgrade` takes the newest that fit. `--check` compares the stamp on each file's first line with what
pyproject.toml asks for now. Needs the standard library only, because it runs before anything is
installed.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"
#: Each footprint, and the extras of pyproject.toml that it holds. `all` comes first: it decides
#: every version, so that no two footprints ever disagree.
FOOTPRINTS = {
    "all": ["--all-extras"], "core": [], "lineage": ["--extra", "lineage"],
    "portal": ["--extra", "portal"],
    "airflow": ["--extra", "airflow", "--extra", "lineage"],
    "stream": ["--extra", "stream"], "spark": ["--extra", "spark", "--extra", "stream"],
    "dev": ["--extra", "dev"],
    "servers": ["--extra", "dev", "--extra", "spark", "--extra", "pulsar"],
    "bench": ["--extra", "dev", "--extra", "spark", "--extra", "pulsar", "--extra", "cosmos"],
}  # fmt: skip
STAMP = "# inputs sha256:"


def inputs(project: dict[str, object]) -> dict[str, object]:
    """The parts of pyproject.toml that decide the lock."""
    meta, tool = project["project"], project["tool"]
    assert isinstance(meta, dict)
    assert isinstance(tool, dict)
    return {
        "dependencies": meta["dependencies"],
        "extras": meta["optional-dependencies"],
        "python": meta["requires-python"],
        "build": project["build-system"],
        "uv": tool["uv"],
        "footprints": FOOTPRINTS,
    }


def stamp(root: Path) -> str:
    """The line that a fresh requirement file of the project at ``root`` begins with."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    canonical = json.dumps(inputs(project), sort_keys=True)
    return f"{STAMP} {hashlib.sha256(canonical.encode()).hexdigest()}"


def files() -> list[str]:
    """The names of the requirement files."""
    return [*(f"{name}.txt" for name in FOOTPRINTS), "build.txt", "uv.txt"]


def stale(root: Path) -> list[str]:
    """The requirement files of the project at ``root`` that are missing or older than their inputs."""
    want = stamp(root)
    found = []
    for name in files():
        path = root / "requirements" / name
        if not path.is_file() or path.read_text("utf-8").partition("\n")[0] != want:
            found.append(f"requirements/{name}")
    return found


def write(*, upgrade: bool = False) -> None:
    """Resolve every footprint and write the files; ``upgrade`` forgets the versions that are locked."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    build = [*project["build-system"]["requires"], "editables"]
    pinned = project["tool"]["uv"]["required-version"]
    uv, head = _resolver(pinned), stamp(ROOT)
    for name, extras in FOOTPRINTS.items():
        against = [] if name == "all" else ["-c", "requirements/all.txt"]
        _compile(uv, name, ["pyproject.toml", *extras, *against], head, upgrade=upgrade)
    _compile(uv, "build", ["-", "-c", "requirements/all.txt"], head, "\n".join(build))
    _compile(uv, "uv", ["-"], head, f"uv{pinned}")


def _resolver(pinned: str) -> str:
    """A uv of the version that pyproject.toml asks for, apart from the one that uv.txt pins now."""
    folder = ROOT / ".tools" / f"uv{pinned}"
    if not (folder / "bin" / "uv").is_file():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)]
        subprocess.run([*command, f"uv{pinned}"], check=True)
    return str(folder / "bin" / "uv")


def _compile(
    uv: str, name: str, arguments: list[str], head: str, given: str = "", *, upgrade: bool = False
) -> None:
    # The lowest Python that is supported decides; markers in the file cover the others.
    fixed = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url"]
    path = FOLDER / f"{name}.txt"
    if upgrade:
        path.unlink(missing_ok=True)
    # What stands in the file that it writes, uv keeps where it can.
    command = [uv, "pip", "compile", *arguments, *fixed, "--no-header", "--quiet"]
    subprocess.run(
        [*command, "--output-file", str(path)],
        cwd=ROOT, input=given, text=True, stdout=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    note, written = (
        "# Written by `make lock`; change pyproject.toml instead.",
        path.read_text("utf-8"),
    )
    path.write_text(f"{head}\n{note}\n{written}", "utf-8")
    print(f"requirements/{name}.txt: {len(re.findall(r'(?m)^[^ #]+==', written))} pins")


def main(arguments: list[str]) -> int:
    """Check or write, as the arguments say; 0 when the lock is fresh."""
    if arguments[:1] == ["--check"]:
        old = stale(Path(arguments[1]) if arguments[1:] else ROOT)
        if old:
            print(f"stale: {', '.join(old)}. Run: make lock", file=sys.stderr)
        return 1 if old else 0
    write(upgrade="--upgrade" in arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
