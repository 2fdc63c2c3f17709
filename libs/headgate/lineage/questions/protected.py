"""How columns are protected, as the tags of events say: class, personal data, where a flow ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headgate.contracts.protection import CLASSES, Protection
from headgate.lineage.graph_node import Node


@dataclass(frozen=True)
class Tagged:
    """What the tags of a column say. ``anonymized`` says how what it is made from ends in it, of the
    inputs in ``anonymized_of``, of all if there are none."""

    protection: Protection
    anonymized: str = ""
    anonymized_of: tuple[str, ...] = ()

    @property
    def is_protected(self) -> bool:
        """Whether it is personal or classified."""
        return self.protection.is_protected

    def ends(self, source: Node) -> bool:
        """Whether what comes from that column ends here."""
        return bool(self.anonymized) and (
            not self.anonymized_of or f"{source.dataset}.{source.column}" in self.anonymized_of
        )


def of_columns(facet: Any) -> dict[str, Tagged]:
    """What a tags facet says of columns; of those whose class or personal data it tells."""
    said: dict[str, dict[str, str]] = {}
    for tag in (facet or {}).get("tags") or ():
        if isinstance(tag, Mapping) and tag.get("field"):
            said.setdefault(str(tag["field"]), {})[str(tag.get("key"))] = str(tag.get("value"))
    found = {}
    for column, tags in said.items():
        if not {"classification", "personal_data"} & tags.keys():
            continue
        is_personal = tags.get("personal_data", "").lower() == "true"
        of = tuple(part for part in tags.get("anonymized_of", "").split(", ") if part)
        found[column] = Tagged(
            Protection(tags.get("classification", CLASSES[0]), is_personal),
            tags.get("anonymized", ""),
            of,
        )
    return found
