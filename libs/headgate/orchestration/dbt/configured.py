"""What the dbt project's own YAML says of its models, as far as compiling and building them goes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from headgate.contracts import dbt
from headgate.core import ids
from headgate.orchestration.project import Project

#: Configuration that changes neither a model's SQL nor how it is built.
INERT = frozenset(
    {"tags", "meta", "description", "docs", "group", "access", "owner", "enabled", "persist_docs"}
)
#: Keys of dbt_project.yml that do not, or that are looked at by themselves.
_PROJECT_WORDS = """name version config-version profile require-dbt-version model-paths macro-paths test-paths
    analysis-paths docs-paths asset-paths seed-paths snapshot-paths target-path log-path
    packages-install-path clean-targets flags models vars query-comment unit_tests data_tests
    restrict-access"""
_PROJECT = frozenset(_PROJECT_WORDS.split())
_MODELS = re.compile(r"""^\s*["']?models["']?\s*:""", re.MULTILINE)


@dataclass(frozen=True)
class Configured:
    """The dbt project as its YAML has it.

    ``not_plain`` says why no model of it is plain, ``models`` why some are not; ``target`` is what
    the profile says of its output, ``macro_files`` are macros by file; ``hash`` is of all that.
    """

    name: str
    variables: Mapping[str, Any]
    target: Mapping[str, Any]
    not_plain: str
    models: Mapping[str, str]
    macro_files: Mapping[str, str]
    hash: str


def read(project: Project) -> Configured:
    """What the project's YAML says; what cannot be read makes every model one for dbt."""
    folder = project.settings.dbt_path
    texts = {
        str(p.relative_to(folder)): p.read_text("utf-8")
        for p in (folder / n for n in ("dbt_project.yml", "profiles.yml", "vars.yml"))
        if p.is_file()
    }
    macros = {
        str(p.relative_to(folder)): p.read_text("utf-8")
        for p in sorted((folder / "macros").rglob("*.sql"))
    }
    patches = dict(_patches(folder))
    parts = [part for group in (texts, macros, patches) for pair in group.items() for part in pair]
    hashed = ids.digest(*parts)
    try:
        said = yaml.load(texts.get("dbt_project.yml", ""), yaml.CSafeLoader) or {}
        models = _patched(patches)
        target = _target(yaml.load(texts.get("profiles.yml", ""), yaml.CSafeLoader), said)
        why = _why(said, texts)
    except (yaml.YAMLError, AttributeError, TypeError) as error:
        return Configured("", {}, {}, f"YAML: {error}", {}, macros, hashed)
    name = str(said.get("name", ""))
    variables = said.get("vars") or {}
    own = variables.get(name)
    merged = {**variables, **(own if isinstance(own, Mapping) else {})}
    return Configured(name, merged, target, why, models, macros, hashed)


def _patches(folder: Path) -> Iterator[tuple[str, str]]:
    """The analyst's own YAML files that say anything of models; the generated ones are known."""
    for path in sorted([*(folder / "models").rglob("*.yml"), *(folder / "models").rglob("*.yaml")]):
        if dbt.FOLDER in path.relative_to(folder).parts:
            continue
        text = path.read_text("utf-8")
        if _MODELS.search(text):
            yield str(path.relative_to(folder)), text


def _patched(patches: Mapping[str, str]) -> dict[str, str]:
    """Models of which a YAML file says more than documentation, and what."""
    found = {}
    for file, text in patches.items():
        for entry in (yaml.load(text, yaml.CSafeLoader) or {}).get("models") or ():
            config = entry.get("config") or {}
            views = config.get("materialized") in ("ephemeral", "view")
            more = set(config) - INERT - ({"materialized"} if views else set())
            more |= set(entry) & {"versions", "latest_version", "tests", "data_tests"}
            more |= {
                t for c in entry.get("columns") or () for t in ("tests", "data_tests") if t in c
            }
            if more or config.get("enabled", True) is not True:
                found[str(entry.get("name"))] = f"{file} configures {', '.join(sorted(more))}"
    return found


def _why(said: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    """Why nothing in the project is plain, if so."""
    other = set(said) - _PROJECT
    if other:
        return f"dbt_project.yml says {', '.join(sorted(map(str, other)))}"
    if "vars.yml" in texts:
        return "vars.yml"
    for key, usual in (("model-paths", "models"), ("macro-paths", "macros")):
        if said.get(key, [usual]) != [usual]:
            return f"dbt_project.yml has {key} of its own"
    return _tree(said.get("models") or {})


def _tree(level: Mapping[str, Any]) -> str:
    """What the ``models:`` of dbt_project.yml configures beyond what is inert."""
    for key, value in level.items():
        if isinstance(value, Mapping) and not str(key).startswith("+"):
            told = _tree(value)
            if told:
                return told
            continue
        name = str(key).lstrip("+")
        if name in INERT and not (name == "enabled" and value is not True):
            continue
        if name == "materialized" and value in ("ephemeral", "view"):
            continue
        return f"dbt_project.yml configures {name}"
    return ""


def _target(profiles: Any, said: Mapping[str, Any]) -> dict[str, Any]:
    """The profile's default output, without what is a template."""
    profile = (profiles or {}).get(said.get("profile")) or {}
    name = profile.get("target", "default")
    output = (profile.get("outputs") or {}).get(name) or {}
    known = {k: output[k] for k in ("type", "schema", "threads") if k in output} | {"name": name}
    return {k: v for k, v in known.items() if not (isinstance(v, str) and "{{" in v)}
