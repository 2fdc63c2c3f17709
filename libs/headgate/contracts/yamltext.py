"""A contract's YAML as a document: no key twice, and dates left as the text they are in JSON."""

from __future__ import annotations

import re
from typing import Any

import yaml

from headgate.core.errors import ContractError

#: Values that a contract may come to once all of its aliases are written out, and their nesting.
MOST_VALUES, DEEPEST = 200_000, 64
#: What nothing harmless has: only then are a document's parts counted before it is made.
_LONG = 1 << 16
_BRACKETS = re.compile(r"[\[{]")
_NESTED = re.compile(r"(?:[-?:][ \t]+){16}")


class _Loader(yaml.CSafeLoader):
    """YAML that refuses a key given twice, and leaves dates as text, as JSON would."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    result: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in result:
            raise yaml.constructor.ConstructorError(
                None, None, f"key {key!r} is given twice", key_node.start_mark
            )
        result[key] = loader.construct_object(value_node, deep=True)
    return result


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read(text: str, place: str) -> dict[str, Any]:
    """The document that ``text`` is.

    Raises:
        ContractError: it is not YAML, or no mapping, or it comes to more than any contract says.
    """
    try:
        if _suspicious(text):
            _count(text, place)
        document = yaml.load(text, _Loader)  # noqa: S506 (a safe loader)
    except yaml.YAMLError as error:
        raise ContractError(
            f"not valid YAML: {' '.join(str(error).split())}.", place=place
        ) from None
    if not isinstance(document, dict):
        raise ContractError("a contract is a YAML mapping.", place=place)
    return document


def _suspicious(text: str) -> bool:
    """Whether the text may come to much more than it seems, or nest without end."""
    if len(text) > _LONG or "&" in text or _NESTED.search(text):
        return True
    return len(text) > DEEPEST and len(_BRACKETS.findall(text)) > DEEPEST


def _count(text: str, place: str) -> None:
    """Count what a document comes to, without making it.

    Raises:
        ContractError: it is too much, or nests too deep.
        YAMLError: it is not YAML.
    """
    anchored: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = []  # anchors, and how many values there were before
    total = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor:
                anchored[anchor] = total - before
        elif isinstance(event, yaml.AliasEvent):
            total += anchored.get(event.anchor or "", 1)
        elif isinstance(event, yaml.NodeEvent):
            total += 1
            if isinstance(event, yaml.CollectionStartEvent):
                open_.append((event.anchor, total - 1))
            elif event.anchor:
                anchored[event.anchor] = 1
        if total > MOST_VALUES or len(open_) > DEEPEST:
            told = f"nests deeper than {DEEPEST}" if total <= MOST_VALUES else (
                f"comes to more than {MOST_VALUES:,} values, its aliases written out"
            )  # fmt: skip
            line = event.start_mark.line + 1 if event.start_mark else 0
            raise ContractError(
                f"it {told} at line {line}.",
                remedy="No contract needs that; write what one table promises.",
                place=place,
            )
