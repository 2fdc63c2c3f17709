"""Finding a transform by name, and the digest of the code that its rows follow from."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING

from headgate import transforms
from headgate.core import ids
from headgate.core.errors import ModelError

if TYPE_CHECKING:
    from headgate.transforms.transform import Transform

ROOM = "headgate.transforms"


def load(name: str, inputs: int) -> Transform:
    """The transform ``<domain>.<module>``, which is given so many inputs.

    Raises:
        ModelError: there is no such module, or it defines no transform of so many inputs.
    """
    from headgate.transforms.transform import Transform

    place = _file(name)
    try:
        module = importlib.import_module(f"{ROOM}.{name}")
    except Exception as error:
        told = f"it cannot be imported: {type(error).__name__}: {error}"
        raise ModelError(told, place=str(place)) from None
    transform = getattr(module, "TRANSFORM", None)
    if not isinstance(transform, Transform):
        raise ModelError(
            "the module defines no transform.",
            remedy="Write TRANSFORM = Transform(build) at its end.",
            place=str(place),
        )
    try:
        inspect.signature(transform.build).bind(*range(inputs))
    except TypeError as error:
        raise ModelError(
            f"build cannot be given {inputs} inputs: {error}.",
            remedy="It takes one frame for each of the contract's headgate.inputs, in their order.",
            place=str(place),
        ) from None
    return transform


def code_hash(name: str) -> str:
    """Digest of the transform's code and that of the transforms room which it imports.

    Comments, docstrings and layout do not count.

    Raises:
        ModelError: there is no such module, or one of them is no Python.
    """
    found: dict[str, str] = {}
    waiting = [f"{ROOM}.{name}"]
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        place = _file(module.removeprefix(f"{ROOM}."))
        try:
            tree = ast.parse(place.read_text("utf-8"))
        except SyntaxError as error:
            raise ModelError(f"no Python: {error.msg}.", place=f"{place}:{error.lineno}") from None
        waiting += _imported(tree)
        found[module] = ast.unparse(_without_docstrings(tree))
    return ids.digest(*(part for entry in sorted(found.items()) for part in entry))


def _file(name: str) -> Path:
    found = _find(name)
    if found is None:
        raise ModelError(
            f"there is no transform {name}.",
            remedy=f"Write libs/headgate/transforms/{name.replace('.', '/')}.py, or mend "
            "headgate.transform in the contract.",
        )
    return found


def _find(name: str) -> Path | None:
    """The file of a module of the room; looked for, since the import system would import it."""
    for folder in transforms.__path__:
        place = Path(folder, *name.split("."))
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                return file
    return None


def _imported(tree: ast.Module) -> list[str]:
    """The modules of the room that the code imports, or imports names from."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    mine = [m for m in found if m.startswith(f"{ROOM}.")]
    return [m for m in mine if _find(m.removeprefix(f"{ROOM}."))]  # others are names in modules


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:] or [ast.Pass()]
    return tree
