"""Where in a contract's file something stands: the line of a pointer into its document."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from headgate.contracts import files
from headgate.core.errors import ContractError

_TOLD = re.compile(r"\bline (\d+)")


def line_of(text: str, pointer: str) -> int:
    """The line, counted from 1, of what ``pointer`` names in a YAML document.

    A step of a pointer is a key, an index, or what an entry of a list calls itself (its name, or as
    a custom property). Where a step leads nowhere, it is the line of the step before.
    """
    try:
        node = yaml.compose(text, yaml.CSafeLoader)
    except yaml.YAMLError as error:
        told = _TOLD.findall(str(error))
        return int(told[-1]) if told else 1
    line = 1
    for step in filter(None, pointer.split("/")):
        found = _step(node, step)
        if found is None:
            break
        line, node = found
    return line


def _step(node: yaml.Node | None, step: str) -> tuple[int, yaml.Node] | None:
    """The line of a part of a node, and the part."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if getattr(key, "value", None) == step:
                return _line(key), value
    if isinstance(node, yaml.SequenceNode):
        if step.isdigit() and int(step) < len(node.value):
            entry = node.value[int(step)]
            return _line(entry), entry
        for entry in node.value:
            named = {getattr(k, "value", ""): v for k, v in getattr(entry, "value", ())}
            if getattr(named.get("property"), "value", None) == step:
                return _line(entry), named.get("value", entry)
            if getattr(named.get("name"), "value", None) == step:
                return _line(entry), entry
    return None


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def place_of(path: Path, pointer: str = "") -> str:
    """``path:line`` of what a pointer names in a contract's file; of its first line if that cannot
    be read."""
    try:
        return f"{path}:{line_of(files.text_of(path), pointer)}"
    except (OSError, ContractError):
        return f"{path}:1"


def located(error: ContractError, path: Path, text: str) -> ContractError:
    """The error of a contract with the line that it is about in its place, before the pointer."""
    at, mark, pointer = error.place.partition("#")
    if at != str(path):
        return error
    told = _TOLD.findall(error.message)
    line = line_of(text, pointer) if mark or not told else int(told[-1])
    return ContractError(error.message, remedy=error.remedy, place=f"{at}:{line}{mark}{pointer}")
