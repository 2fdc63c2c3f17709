"""A contract's YAML as a document: no key twice, and dates left as the text they are in JSON."""

from __future__ import annotations

from typing import Any

import yaml

from headgate.core.errors import ContractError


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
        ContractError: it is not YAML, or no mapping.
    """
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 (a safe loader)
    except yaml.YAMLError as error:
        raise ContractError(
            f"not valid YAML: {' '.join(str(error).split())}.", place=place
        ) from None
    if not isinstance(document, dict):
        raise ContractError("a contract is a YAML mapping.", place=place)
    return document
