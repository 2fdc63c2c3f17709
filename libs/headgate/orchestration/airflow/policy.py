"""What every file in `dags/` keeps to, read from its text; no Airflow is needed to ask."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

#: A DAG file has fewer lines than this.
TOO_LONG = 120
#: Libraries that a process which only parses has no use for: they take seconds and memory.
HEAVY = frozenset(
    ("dbt", "delta", "deltalake", "duckdb", "great_expectations", "numpy", "pandas", "polars",
     "pyarrow", "pyspark", "scipy", "sklearn", "torch")
)  # fmt: skip
OURS = "headgate.orchestration.airflow"
#: What a top level may call: declarations that do nothing but say something.
_DECLARING = ("airflow.sdk", "airflow.timetables", "datetime", "zoneinfo", "pathlib", "re", OURS)
_MOVING = frozenset(("now", "utcnow", "today"))
_HAND_WRITTEN = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*__[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True, order=True)
class Finding:
    """A policy that a DAG does not keep: ``place`` (file and line, or DAG), what is wrong with the
    remedy, and the policy's name."""

    place: str
    problem: str
    policy: str


def check_folder(folder: Path) -> list[Finding]:
    """What is wrong with the DAG files at or below ``folder``; nothing if there is no such folder."""
    found = [finding for path in dag_files(folder) for finding in check_file(path, folder)]
    return sorted(found)


def dag_files(folder: Path) -> list[Path]:
    """The files below ``folder`` that Airflow may take for DAG files, in order."""
    every = sorted(folder.rglob("*.py")) if folder.is_dir() else []
    return [p for p in every if not any(part[0] in "._" for part in p.relative_to(folder).parts)]


def check_file(path: Path, folder: Path | None = None) -> list[Finding]:
    """What is wrong with one DAG file; ``folder`` is where the DAG files lie (default: its own)."""
    text = path.read_text("utf-8")
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        return [Finding(f"{path}:{error.lineno}", f"this is no Python: {error.msg}.", "python")]
    file = _File(path, folder or path.parent, text, tree)
    return [
        Finding(f"{path}:{line}" if line else str(path), problem, name)
        for name, policy in POLICIES.items()
        for line, problem in policy(file)
    ]


@dataclass(frozen=True)
class _File:
    path: Path
    folder: Path
    text: str
    tree: ast.Module
    #: Each name that the top level imports: where it comes from, with dots.
    imported: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in self.tree.body:
            for name, origin in _named(node):
                self.imported[name] = origin

    @property
    def by_hand(self) -> bool:
        """Whether somebody wrote its DAG; else it asks a factory for DAGs."""
        return "__" in self.path.stem

    def origin(self, node: ast.expr) -> str:
        """Where what is named comes from, with dots; empty if it was not imported."""
        if isinstance(node, ast.Attribute):
            base = self.origin(node.value)
            return f"{base}.{node.attr}" if base else ""
        return self.imported.get(node.id, "") if isinstance(node, ast.Name) else ""

    def dag_functions(self) -> dict[str, ast.FunctionDef]:
        """The functions that ``governed_dag`` decorates."""
        return {
            node.name: node
            for node in self.tree.body
            if isinstance(node, ast.FunctionDef)
            for decorator in node.decorator_list
            if self.origin(_called(decorator)) == f"{OURS}.governed_dag"
        }


Found = Iterator[tuple[int, str]]


def _name(file: _File) -> Found:
    stem = file.path.stem
    if file.by_hand and not _HAND_WRITTEN.fullmatch(stem):
        yield 0, f"{stem!r} does not say what it is: call the file <domain>__<verb>.py."
    if not file.by_hand and not any(_factory_call(file, node) for node in file.tree.body):
        yield (
            0,
            f"it asks no factory of {OURS} for DAGs, so it is written by hand:"
            " call the file <domain>__<verb>.py.",
        )


def _says_what(file: _File) -> Found:
    if not (ast.get_docstring(file.tree) or "").strip():
        yield 1, "it has no docstring: say what the DAG is for; the UI shows it (doc_md)."


def _short(file: _File) -> Found:
    count = len(file.text.splitlines())
    if count >= TOO_LONG:
        yield (
            count,
            f"{count} lines; a DAG file has fewer than {TOO_LONG}. Put what it computes into a"
            " transform or a module of your own.",
        )


def _imports(file: _File) -> Found:
    others = {p.stem for p in dag_files(file.folder)} | {file.folder.name}
    for node in _imports_in(file.tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno, "DAG files import no DAG files: each is parsed by itself."
            continue
        for _, origin in _named(node):
            root = origin.partition(".")[0]
            if root in others and root not in ("headgate", "airflow"):
                yield node.lineno, f"it imports the DAG file {root}: each is parsed by itself."
            if root == "headgate" and not origin.startswith("headgate.orchestration."):
                yield (
                    node.lineno,
                    f"it imports {origin}: a DAG file uses {OURS} and nothing else of ours.",
                )


def _heavy(file: _File) -> Found:
    dags = file.dag_functions().values()
    parsed = [*file.tree.body, *(node for dag in dags for node in dag.body)]
    for node in parsed:
        for _, origin in _named(node):
            if origin.partition(".")[0] in HEAVY:
                yield (
                    node.lineno,
                    f"it imports {origin.partition('.')[0]} whenever it is parsed: import it inside"
                    " the task.",
                )


def _no_work(file: _File) -> Found:
    for number, node in enumerate(file.tree.body):
        if isinstance(node, ast.Import | ast.ImportFrom) or (number == 0 and _is_text(node)):
            continue
        if isinstance(node, ast.If) and file.origin(node.test).endswith("TYPE_CHECKING"):
            continue
        if _makes_dags(file, node):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            asked = [*node.decorator_list, *node.args.defaults, *node.args.kw_defaults]
        elif isinstance(node, ast.ClassDef):
            asked = [*node.decorator_list, *node.bases]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            asked = [node.value]
        else:
            yield node.lineno, _work(ast.unparse(node))
            continue
        for part in asked:
            if part is not None:
                yield from _calls(file, part)


def _calls(file: _File, part: ast.expr) -> Found:
    for node in ast.walk(part):
        if isinstance(node, ast.Call):
            origin = file.origin(node.func)
            if origin.rpartition(".")[2] in _MOVING:
                yield (
                    node.lineno,
                    f"{ast.unparse(node)} gives something else at each parse: write a fixed value.",
                )
            elif not any(origin == d or origin.startswith(f"{d}.") for d in _DECLARING):
                yield node.lineno, _work(ast.unparse(node))
        elif isinstance(node, ast.Await | ast.Yield | ast.NamedExpr | ast.comprehension):
            yield part.lineno, _work(ast.unparse(part))


def _work(code: str) -> str:
    first = code.splitlines()[0]
    shown = first if len(first) <= 60 else first[:57] + "…"
    return (
        f"`{shown}` is work at the top level, done whenever Airflow parses the file:"
        " move it into a task."
    )


def _one_dag(file: _File) -> Found:
    made = [node for node in file.tree.body if _makes_dags(file, node)]
    if not made:
        missing = "call it at the end" if file.dag_functions() else "write a @governed_dag function"
        yield 0, f"it makes no DAG: {missing}."
    for node in made[1:]:
        yield node.lineno, "a DAG file makes its DAGs by one call; give another DAG its own file."


def _governed(file: _File) -> Found:
    for node in _imports_in(file.tree):
        for _, origin in _named(node):
            if origin in (
                "airflow.sdk.DAG",
                "airflow.sdk.dag",
                "airflow.DAG",
                "airflow.decorators.dag",
            ):
                yield (
                    node.lineno,
                    f"{origin} makes a DAG without owner, alerts and retries: use"
                    f" {OURS}.governed_dag.",
                )


POLICIES: dict[str, Callable[[_File], Found]] = {
    "name": _name,
    "docstring": _says_what,
    "length": _short,
    "imports": _imports,
    "heavy": _heavy,
    "work": _no_work,
    "one-dag": _one_dag,
    "governed": _governed,
}


def _named(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The names that an import brings, each with where it comes from."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield (
                (alias.asname or alias.name.partition(".")[0]),
                (alias.name if alias.asname else alias.name.partition(".")[0]),
            )
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name, f"{node.module or ''}.{alias.name}"


def _imports_in(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import, also those inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _called(node: ast.expr) -> ast.expr:
    return node.func if isinstance(node, ast.Call) else node


def _makes_dags(file: _File, node: ast.stmt) -> bool:
    """Whether a statement of the top level is the call that makes the file's DAGs."""
    if _factory_call(file, node):
        return True
    value = node.value if isinstance(node, ast.Expr | ast.Assign) else None
    if not isinstance(value, ast.Call) or value.args or value.keywords:
        return False
    return isinstance(value.func, ast.Name) and value.func.id in file.dag_functions()


def _factory_call(file: _File, node: ast.stmt) -> bool:
    """``globals().update(<factory of ours>(__file__))``, or the factory's call alone."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    call = node.value
    if ast.unparse(call.func) == "globals().update" and len(call.args) == 1:
        inner = call.args[0]
        if not isinstance(inner, ast.Call):
            return False
        call = inner
    ours = file.origin(call.func).startswith(f"{OURS}.")
    return ours and [ast.unparse(a) for a in call.args] == ["__file__"]
