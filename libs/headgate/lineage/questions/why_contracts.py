"""What changed in a dataset's contract and in what its rules found, between two events of its gate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

#: Rules that no contract writes down: they are judged where they apply.
_UNWRITTEN = frozenset(("read", "conflicting_key", "control_total", "snapshot_deletes"))
_UNWRITTEN_RULES = frozenset(("max_quarantine_share", "primary_key"))


@dataclass(frozen=True)
class Rule:
    """A rule as an event tells of it, and what it found."""

    id: str
    kind: str
    severity: str
    expected: str
    passed: bool
    breaches: int
    observed: str


@dataclass(frozen=True)
class Terms:
    """What an event of a gate tells of the contract: columns and their types, descriptions and tags,
    rules, owner, the dataset's description."""

    version: str = ""
    hash: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    described: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict)
    owner: str = ""
    description: str = ""


def terms(event: Mapping[str, Any], dataset: str) -> Terms:
    """The contract's terms in an event of the dataset's gate; what it does not say is empty."""
    outputs = [n for n in event.get("outputs") or () if n.get("name") == dataset]
    facets = (outputs[0].get("facets") or {}) if outputs else {}
    fields = (facets.get("schema") or {}).get("fields") or ()
    own: dict[str, str] = {}
    tags: dict[str, dict[str, str]] = {}
    for tag in (facets.get("tags") or {}).get("tags") or ():
        target = tags.setdefault(str(tag["field"]), {}) if tag.get("field") else own
        target[str(tag["key"])] = str(tag["value"])
    owners = (facets.get("ownership") or {}).get("owners") or ()
    return Terms(
        version=own.get("contract_version", ""),
        hash=own.get("contract_hash", ""),
        columns={str(f["name"]): str(f.get("type") or "") for f in fields},
        described={str(f["name"]): str(f.get("description") or "") for f in fields},
        tags=tags,
        rules={rule.id: rule for rule in _rules(event)},
        owner=", ".join(str(o["name"]) for o in owners),
        description=str((facets.get("documentation") or {}).get("description") or ""),
    )


def changes(old: Terms, new: Terms) -> tuple[list[str], list[str]]:
    """Sentences of what changed that rows may depend on, and of what they do not."""
    real = [*_columns(old, new), *_rules_changed(old, new)]
    talk = []
    if old.owner != new.owner:
        talk.append(f"the owner was {old.owner or 'nobody'} and is {new.owner or 'nobody'}")
    if old.description != new.description:
        talk.append("the description")
    shared = [c for c in new.columns if c in old.columns]
    for what, before, after in (
        ("how columns are described", old.described, new.described),
        ("how columns are classified", old.tags, new.tags),
    ):
        named = [c for c in shared if before.get(c) != after.get(c)]
        if named:
            talk.append(f"{what}: {', '.join(named)}")
    return real, talk


def turned(old: Terms, new: Terms) -> list[Rule]:
    """Rules that both judged and that found otherwise: broken now and held then, or held again."""
    return [
        rule
        for rule in new.rules.values()
        if rule.id in old.rules and rule.passed != old.rules[rule.id].passed
    ]


def _rules(event: Mapping[str, Any]) -> Iterator[Rule]:
    for node in event.get("inputs") or ():
        facet = (node.get("inputFacets") or {}).get("dataQualityAssertions") or {}
        for one in facet.get("assertions") or ():
            told = one.get("params") or {}
            yield Rule(
                str(one.get("name") or one["assertion"]),
                str(told.get("kind") or one["assertion"]),
                str(told.get("severity") or one.get("severity") or ""),
                str(one.get("expected") or ""),
                bool(one["success"]),
                int(told.get("breaches") or 0),
                str(one.get("actual") or ""),
            )


def _columns(old: Terms, new: Terms) -> Iterator[str]:
    for column, kind in new.columns.items():
        if column not in old.columns:
            yield f"column {column} ({kind}) is new"
        elif old.columns[column] != kind:
            yield f"column {column} was {old.columns[column]} and is {kind}"
    for column in old.columns:
        if column not in new.columns:
            yield f"column {column} is gone"


def _rules_changed(old: Terms, new: Terms) -> Iterator[str]:
    before, after = _written(old), _written(new)
    for name, rule in after.items():
        was = before.get(name)
        if was is None:
            yield f"rule {name} is new: {rule.expected} ({rule.severity})"
        elif (was.expected, was.severity) != (rule.expected, rule.severity):
            yield (
                f"rule {name} was {was.expected} ({was.severity})"
                f" and is {rule.expected} ({rule.severity})"
            )
    yield from (f"rule {name} is gone" for name in before if name not in after)


def _written(terms: Terms) -> dict[str, Rule]:
    """The rules that the contract itself writes down."""
    return {
        name: rule
        for name, rule in terms.rules.items()
        if rule.kind not in _UNWRITTEN and name not in _UNWRITTEN_RULES
    }
