"""Finding a transform by name, and the digest of the code that its rows follow from."""

from __future__ import annotations

import ast
import importlib
import inspect
from importlib.util import find_spec
from pathlib import Path

from headgate.core import ids
from headgate.core.errors import ModelError
from headgate.transforms.transform import Transform

ROOM = "headgate.transforms"


def load(name: str, inputs: int) -> Transform:
    """The transform ``<domain>.<module>``, which is given so many inputs.

    Raises:
        ModelError: there is no such module, or it defines no transform of so many inputs.
    """
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
    try:
        spec = find_spec(f"{ROOM}.{name}")
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        raise ModelError(
            f"there is no transform {name}.",
            remedy=f"Write libs/headgate/transforms/{name.replace('.', '/')}.py, or mend "
            "headgate.transform in the contract.",
        )
    return Path(spec.origin)


def _imported(tree: ast.Module) -> list[str]:
    """The modules of the room that the code imports, or imports names from."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return [m for m in found if m.startswith(f"{ROOM}.") and _is_module(m)]


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # a name inside a module
        return False


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
