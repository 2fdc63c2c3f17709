"""Answers on impact and personal data as JSON values, the same for programs on the command line and over HTTP."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from headgate.lineage.graph_node import Node

if TYPE_CHECKING:
    from headgate.lineage.questions.impact import Affected, Impact
    from headgate.lineage.questions.personal import Flow, PersonalData


def of_impact(found: Impact) -> dict[str, Any]:
    """See :data:`IMPACT`."""
    return {
        "start": found.start._asdict(),
        "change": found.change,
        "as_of": found.as_of,
        "own": _affected(found.own),
        "affected": [_affected(one) for one in found.affected],
        "naming": list(found.naming),
        "untraced": list(found.untraced),
        "owners": {owner: [a.dataset for a in told] for owner, told in found.owners.items()},
    }


def of_personal(found: PersonalData) -> dict[str, Any]:
    """See :data:`PERSONAL`."""
    return {
        "as_of": found.as_of,
        "flows": [_flow(flow) for flow in found.flows],
        "holders": [
            {
                "dataset": one.dataset, "owners": list(one.owners), "columns": list(one.columns),
                "classification": one.classification, "personal": one.personal,
            }
            for one in found.holders
        ],
        "untraced": list(found.untraced),
    }  # fmt: skip


def _affected(one: Affected) -> dict[str, Any]:
    return {
        "dataset": one.dataset, "owners": list(one.owners), "direct": one.direct,
        "breaks": one.breaks, "stale": one.stale, "is_foreign": one.is_foreign,
        "jobs": list(one.jobs), "tasks": [dataclasses.asdict(task) for task in one.tasks],
        "rules": [
            {"name": r.name, "kind": r.kind, "severity": r.severity, "column": r.column or None}
            for r in one.rules
        ],
        "release": dataclasses.asdict(one.held) if one.held else None,
        "reached": [
            {
                "column": r.node.column, "direct": r.direct, "depth": r.depth, "path": _path(r.path),
                "ways": [{"type": kind, "subtype": subtype} for kind, subtype in r.ways],
            }
            for r in one.reached
        ],
    }  # fmt: skip


def _flow(flow: Flow) -> dict[str, Any]:
    return {
        **flow.column._asdict(),
        "classification": flow.classification, "personal": flow.personal,
        "owners": list(flow.owners), "comes_from": _path(flow.comes_from),
        "landings": [
            {
                **one.column._asdict(),
                "state": one.state, "how": one.how, "classification": one.classification,
                "personal": one.personal, "depth": one.depth, "path": _path(one.path),
                "owners": list(one.owners),
            }
            for one in flow.landings
        ],
    }  # fmt: skip


def _path(nodes: tuple[Node, ...]) -> list[dict[str, str]]:
    return [node._asdict() for node in nodes]


_TEXT: dict[str, Any] = {"type": "string"}
_FLAG: dict[str, Any] = {"type": "boolean"}
_NUMBER: dict[str, Any] = {"type": "integer", "minimum": 0}
_OR_NULL: dict[str, Any] = {"type": ["string", "null"]}


def _list(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": sorted(properties), "properties": properties}


_NODE = {"dataset": _TEXT, "column": {
    "type": "string", "description": "Empty: the dataset as a whole; *: which rows it has."}}  # fmt: skip
_AFFECTED = _object(
    dataset=_TEXT, owners=_list(_TEXT), direct=_FLAG, breaks=_FLAG, stale=_FLAG, is_foreign=_FLAG,
    jobs=_list(_TEXT), tasks=_list(_object(namespace=_TEXT, name=_TEXT, dag=_TEXT)),
    rules=_list(_object(name=_TEXT, kind=_TEXT, severity=_TEXT, column=_OR_NULL)),
    release={"anyOf": [_object(release=_NUMBER, version=_TEXT), {"type": "null"}]},
    reached=_list(_object(
        column=_NODE["column"], direct=_FLAG, depth=_NUMBER, path=_list(_object(**_NODE)),
        ways=_list(_object(type=_TEXT, subtype=_TEXT)),
    )),
)  # fmt: skip
#: The form of an answer on impact, as a JSON schema.
IMPACT = _object(
    start=_object(**_NODE), change={"enum": ["changes", "goes"]}, as_of=_OR_NULL, own=_AFFECTED,
    affected=_list(_AFFECTED), naming=_list(_TEXT), untraced=_list(_TEXT),
    owners={"type": "object", "additionalProperties": _list(_TEXT)},
)  # fmt: skip
_SHARED = {"classification": _TEXT, "personal": _FLAG, "owners": _list(_TEXT)}
#: The form of an answer on personal data, as a JSON schema.
PERSONAL = _object(
    as_of=_OR_NULL, untraced=_list(_TEXT),
    holders=_list(_object(dataset=_TEXT, columns=_list(_TEXT), **_SHARED)),
    flows=_list(_object(
        **_NODE, **_SHARED, comes_from=_list(_object(**_NODE)),
        landings=_list(_object(
            **_NODE, **_SHARED, how=_TEXT, depth=_NUMBER, path=_list(_object(**_NODE)),
            state={"enum": ["declared", "ended", "undeclared", "unknown", "influenced"]},
        )),
    )),
)  # fmt: skip
