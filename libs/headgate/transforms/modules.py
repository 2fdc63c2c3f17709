"""Finding a transform by name, and the digest of the code that its rows follow from."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from headgate import transforms
from headgate.core import ids
from headgate.core.errors import ModelError

if TYPE_CHECKING:
    from headgate.transforms.transform import Transform

ROOM = "headgate.transforms"
#: The code of each transform as this process imported it.
_loaded: dict[str, dict[str, str]] = {}


def load(name: str, inputs: int) -> Transform:
    """The transform ``<domain>.<module>``, which is given so many inputs.

    Raises:
        ModelError: there is no such module, or it defines no transform of so many inputs.
    """
    from headgate.transforms.transform import Transform

    place, code = _file(name), _code(name)
    if _loaded.get(name, code) != code:
        # It was changed since this process imported it: what is built is what the hash says.
        for stale in code.keys() - {f"{ROOM}.transform"}:
            sys.modules.pop(stale, None)
    try:
        module = importlib.import_module(f"{ROOM}.{name}")
    except Exception as error:
        told = f"it cannot be imported: {type(error).__name__}: {error}"
        raise ModelError(told, place=str(place)) from None
    _loaded[name] = code
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


def code_hash(name: str, room: Path | None = None) -> str:
    """Digest of the transform's code and that of the transforms room which it imports.

    Comments, docstrings and layout do not count. ``room`` is a folder of transforms to look in
    instead of this distribution's own.

    Raises:
        ModelError: there is no such module, or one of them is no Python.
    """
    return ids.digest(*(part for entry in sorted(_code(name, room).items()) for part in entry))


def source(name: str, room: Path | None = None) -> str:
    """The code that :func:`code_hash` is a digest of, module by module.

    Raises:
        ModelError: as :func:`code_hash`.
    """
    return "\n".join(f"# {module}\n{code}\n" for module, code in sorted(_code(name, room).items()))


def _code(name: str, room: Path | None = None) -> dict[str, str]:
    """The code that counts of the transform's module and of those that it imports, by module."""
    found: dict[str, str] = {}
    waiting = [f"{ROOM}.{name}"]
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        place = _file(module.removeprefix(f"{ROOM}."), room)
        try:
            imported, found[module] = _understood(place.read_text("utf-8"))
        except SyntaxError as error:
            raise ModelError(f"no Python: {error.msg}.", place=f"{place}:{error.lineno}") from None
        # What is left out are names in modules.
        waiting += [m for m in imported if _find(m.removeprefix(f"{ROOM}."), room)]
    return found


@lru_cache(maxsize=64)  # a run asks for the same few texts some ten times
def _understood(text: str) -> tuple[tuple[str, ...], str]:
    """What of the room a module's text imports, or imports names from; and its code that counts."""
    tree = ast.parse(text)
    return tuple(_imported(tree)), ast.unparse(_without_docstrings(tree))


def _file(name: str, room: Path | None = None) -> Path:
    found = _find(name, room)
    if found is None:
        raise ModelError(
            f"there is no transform {name}.",
            remedy=f"Write libs/headgate/transforms/{name.replace('.', '/')}.py, or mend "
            "headgate.transform in the contract.",
        )
    return found


def _find(name: str, room: Path | None) -> Path | None:
    """The file of a module of the room; looked for, since the import system would import it."""
    for folder in transforms.__path__ if room is None else [room]:
        place = Path(folder, *name.split("."))
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                return file
    return None


def _imported(tree: ast.Module) -> list[str]:
    """What of the room the code imports, or imports names from."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return [m for m in found if m.startswith(f"{ROOM}.")]


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
