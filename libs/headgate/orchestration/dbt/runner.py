"""One dbt invocation in process: the only module of ours that imports dbt itself."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from headgate.core import ids, secrets
from headgate.core.errors import ModelError
from headgate.lake.engines.duckdb import connect
from headgate.lake.session import Session
from headgate.lineage.emitter import Emitter
from headgate.orchestration.context import RunContext, activate
from headgate.orchestration.dbt import builds, properties
from headgate.orchestration.dbt.result import SKIPPED, DbtResult
from headgate.orchestration.project import Project

#: Where dbt keeps what it parsed and its log, below the lake.
FOLDER = "_dbt"
#: The target of the profile for each engine.
TARGETS = {"duckdb": "lake", "spark": "spark"}
_GOOD = {"success", "pass", "warn", "no-op", "partial success"}
#: The newest parsed project of this process, and what it was parsed from.
_parsed: tuple[str, Any] | None = None


def build(context: RunContext, *, models: Sequence[str], engine: str = "duckdb") -> DbtResult:
    """Build the models, in dbt's order, on an engine; singular tests and unit tests are not run.

    Raises:
        ModelError: the dbt project cannot be parsed or compiled.
    """
    command = ["build", "--select", *models, "--exclude", "test_type:singular", "test_type:unit"]
    return _result(context, command, engine)


def test(
    context: RunContext,
    *,
    tests: Sequence[str],
    engine: str = "duckdb",  # noqa: PT028
) -> DbtResult:
    """Run singular tests on an engine.

    Raises:
        ModelError: the dbt project cannot be parsed or compiled.
    """
    return _result(context, ["test", "--select", *tests], engine)


def compiled(project: Project, names: Sequence[str], *, incremental: bool) -> dict[str, str]:
    """The SQL that dbt makes of models and tests, by name, as for a full or an incremental build.

    Raises:
        ModelError: the dbt project cannot be parsed, or a model not compiled.
    """
    con, run_id = connect(project.settings), ids.new_id()
    # Nothing is committed, so nothing comes to be told in lineage.
    emitter = Emitter(project.lake.root / project.settings.lineage_file, project.settings.lake_name)
    context = RunContext(project, Session(project.lake, con, run_id), emitter)
    with con, activate(context), builds.forced(incremental=incremental):
        found = _invoke(project, ["compile", "--select", *names, "--target", TARGETS["duckdb"]])
    sql = {}
    for result in found.results:
        if result.node.name not in names:
            continue  # a test of one of them
        if result.status not in _GOOD:
            raise ModelError(_sentence(result), place=str(result.node.original_file_path))
        # Views of the lake are in no database of their own.
        sql[result.node.name] = str(result.node.compiled_code).replace('"memory".', "")
    return sql


def _result(context: RunContext, command: Sequence[str], engine: str) -> DbtResult:
    with activate(context), _adapter(engine):
        found = _invoke(context.project, [*command, "--target", TARGETS[engine]])
    failed: list[tuple[str, str]] = []
    ran: list[str] = []
    broken: set[str] = set()
    for result in found.results:
        node = result.node
        if result.status in _GOOD:
            ran += [node.name] if node.resource_type == "model" else []
            continue
        failed.append((node.name, _sentence(result)))
        read = getattr(node.depends_on, "nodes", ())
        broken |= {node.name} if node.resource_type == "model" else {n.split(".")[-1] for n in read}
    return DbtResult(not failed, tuple(failed), tuple(ran), frozenset(broken))


def _adapter(engine: str) -> AbstractContextManager[None]:
    """What dbt has to know of the engine beforehand."""
    if engine != "spark":
        return nullcontext()
    from headgate.orchestration.spark import dbt_adapter

    return dbt_adapter.registered()


def _invoke(project: Project, command: Sequence[str]) -> Any:
    """Run dbt quietly; what it says goes to its log in the lake. The command ends with its target."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    global _parsed
    properties.write(project)
    folder = project.lake.root / FOLDER
    place = project.settings.dbt_path
    options = [
        "--project-dir", str(place), "--profiles-dir", str(place),
        "--target-path", str(folder / "target"), "--log-path", str(folder / "logs"),
        "--log-level", "none", "--log-level-file", "info", "--no-print", "--no-use-colors",
        "--no-send-anonymous-usage-stats", "--no-version-check", "--partial-parse",
        "--no-write-json",
    ]  # fmt: skip
    target = list(command[-2:])
    key = ids.digest(_source_hash(place), *target)
    known = _parsed[1] if _parsed and _parsed[0] == key else None
    try:
        if known is None:
            parsed = dbtRunner().invoke(["parse", *target, *options])
            _close_logs()
            if not parsed.success:
                raise _failure(parsed, folder)
            known = parsed.result
            _parsed = (key, known)
        # Compiling marks the nodes as done, so each invocation gets a manifest of its own.
        outcome = dbtRunner(manifest=known.deepcopy()).invoke([*command, *options])
    finally:
        _close_logs()
        _disconnect(DuckDBConnectionManager)
        _scrub(folder)
    if outcome.result is None or not hasattr(outcome.result, "results"):
        raise _failure(outcome, folder)
    return outcome.result


def _close_logs() -> None:
    """dbt leaves its log files open."""
    from dbt_common.events.event_manager_client import get_event_manager

    for logger in getattr(get_event_manager(), "loggers", ()):
        for handler in getattr(logger._python_logger, "handlers", ()):
            if isinstance(handler, logging.FileHandler):
                handler.close()


def _scrub(folder: Path) -> None:
    """Leave no secret in dbt's files: it hides only those that are named as it says."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        text = path.read_bytes().decode("utf-8", "surrogateescape")
        if not secrets.holds_value(text):
            continue
        if path.suffix in (".log", ".sql", ".json"):
            told = secrets.without_values(text)
            path.write_bytes(told.encode("utf-8", "surrogateescape"))
        else:
            path.unlink()  # what was parsed is parsed anew


def _disconnect(manager: Any) -> None:
    """dbt-duckdb keeps its database for the life of the process, and in it this run's views."""
    environment = manager._ENV
    if environment is not None:
        environment.close()
        manager.close_all_connections()


def _source_hash(place: Path) -> str:
    """What the parsed project follows from: every SQL and YAML file of it."""
    files = sorted(
        p
        for suffix in ("*.sql", "*.yml", "*.yaml", "*.csv", "*.md")
        for p in place.rglob(suffix)
        if p.is_file() and not {"target", "logs"} & set(p.relative_to(place).parts)
    )
    return ids.digest(
        *(part for f in files for part in (str(f.relative_to(place)), f.read_bytes()))
    )


def _sentence(result: Any) -> str:
    """Why a node failed, without dbt's framing."""
    if result.node.resource_type == "test" and result.failures is not None:
        return f"the test found {result.failures} rows that should not be there."
    if result.status == "skipped":
        return SKIPPED
    lines = [line.strip() for line in str(result.message or result.status).splitlines()]
    told = [
        line
        for line in lines
        if line
        and not line.startswith(("Runtime Error", "Database Error", "Compilation Error", "> "))
    ]
    return " ".join(told) or "failed without a reason; see dbt's log."


def _failure(outcome: Any, folder: Path) -> ModelError:
    told = " ".join(str(outcome.exception or "dbt failed without a reason.").split())
    return ModelError(told, remedy=f"dbt's log is {folder / 'logs' / 'dbt.log'}.")
