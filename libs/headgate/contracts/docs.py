"""A contract as a Markdown page: what one row is, every column and rule, and who answers for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from headgate.contracts import protection
from headgate.contracts.model import INGEST_COLUMNS, Contract
from headgate.contracts.wording import code, expectation

__all__ = [
    "INGEST_MEANINGS",
    "expectation",
    "markdown_table",
    "page",
    "reference_of_contract_properties",
]

#: What ingest's own columns mean.
INGEST_MEANINGS = {
    "_rescued": "Fields of the record that the contract does not name, as JSON; empty if none.",
    "_source": "The file that the row was taken from.",
    "_position": "Which record of the file it was, counted from 1.",
    "_batch_id": "The batch that brought the row.",
    "_ingested_at": "When the row was taken in, UTC.",
}
_BREACHES = {
    "warn": "is recorded",
    "quarantine": "sets the row aside",
    "fail": "refuses the batch",
}


def page(
    contract: Contract,
    contracts: Mapping[str, Contract] | None = None,
    reads: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """The catalogue page of one contract; the same contracts always give the same bytes.

    Args:
        contract: what the page is about.
        contracts: all contracts by dataset id, by which its neighbours are described.
        reads: the datasets that each dataset's model reads, where that is known better than from
            the contracts.
    """
    inputs = {c.id: c.inputs for c in [*(contracts or {}).values(), contract]} | dict(reads or {})
    parts = [
        f"# {contract.id}",
        _prose(contract.description),
        *_remarks(contract),
        _facts(contract),
        "## Columns",
        _columns(contract),
        "## Rules",
        _rules(contract),
        *_promises(contract),
        *_neighbours(contract, contracts or {}, inputs),
        "## Reading it",
        f"```\nheadgate sql 'SELECT * FROM {contract.name.relation} LIMIT 10'\n```",
    ]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def reference_of_contract_properties() -> str:
    """Every custom property under `headgate.`, as a Markdown reference."""
    from headgate.contracts.properties import PREFIX, PROPERTIES

    parts = [
        "# Custom properties of contracts",
        "What ODCS has no field for stands under `customProperties`, each under the prefix "
        f"`{PREFIX}`.",
    ]
    for level in dict.fromkeys(p.level for p in PROPERTIES):
        rows = [
            (code(PREFIX + p.name), _prose(p.meaning), code(p.example))
            for p in PROPERTIES
            if p.level == level
        ]
        parts += [f"## Of a {level}", markdown_table(("property", "meaning", "example"), rows)]
    return "\n\n".join(parts) + "\n"


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; a pipe or line end within a cell is made harmless."""
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return " ".join(line.strip() for line in text.replace("|", "\\|").splitlines())


def _prose(text: str) -> str:
    """Text as written, in one line, with no tag in it; what stands in backticks is left alone."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    return "".join(p if p.startswith("`") else p.replace("<", "&lt;") for p in parts)


def _remarks(contract: Contract) -> Iterator[str]:
    written = contract.document.get("description")
    if not isinstance(written, Mapping):
        return
    for key, head in (("usage", "Use"), ("limitations", "Limits")):
        if written.get(key):
            yield f"**{head}:** {_prose(str(written[key]))}"


def _facts(contract: Contract) -> str:
    personal = ", ".join(code(c.name) for c in contract.columns if c.personal)
    share = contract.max_quarantine_share
    facts = [
        ("Grain", _prose(contract.grain)),
        ("Key", ", ".join(code(k) for k in contract.key)),
        ("Owner", _prose(contract.owner)),
        (
            "Contract",
            f"version {contract.version}" + f", {contract.status}" * bool(contract.status),
        ),
        ("Comes from", _origin(contract)),
        ("Fresh", _promise(contract.freshness_hours, "within {:g} hours", "not promised")),
        ("Kept", _promise(contract.retention_days, "for {:g} days", "without limit")),
        ("Released with", f"group {code(contract.release_group)}"),
        ("Batch refused", f"beyond {share:.4g} of its rows set aside" if share is not None else ""),
        ("Of two versions of a row", _order(contract)),
        ("Personal data", personal or "none"),
        ("Anonymised", _anonymised(contract)),
        ("Values shown", _shown(contract)),
        ("Tags", ", ".join(contract.tags)),
    ]
    return markdown_table(("", ""), [fact for fact in facts if fact[1]])


def _anonymised(contract: Contract) -> str:
    told = []
    for column in contract.columns:
        if column.anonymized:
            of = f" (of {', '.join(code(i) for i in column.anonymized_of)})"
            told.append(
                f"{code(column.name)}{of * bool(column.anonymized_of)}: {_prose(column.anonymized)}"
            )
    return "; ".join(told)


def _shown(contract: Contract) -> str:
    told = (f"{code(c.name)} to {c.unmasked_for}" for c in contract.columns if c.unmasked_for)
    return ", ".join(told)


def _promise(number: float | None, words: str, absent: str) -> str:
    return absent if number is None else words.format(number)


def _order(contract: Contract) -> str:
    told = []
    if contract.order_column:
        told.append(f"the one with the greater {code(contract.order_column)}")
    if contract.last_stays:
        told.append("the last in a file")
    return ", then ".join(told)


def _origin(contract: Contract) -> str:
    if contract.source:
        at = (
            f" at {code(contract.source.path)}"
            if contract.source.path
            else ", path given to the run"
        )
        return f"{contract.source.format} files{at}"
    return f"dbt model {code(contract.model)}" if contract.model else "Headgate itself"


def _columns(contract: Contract) -> str:
    own: dict[str, list[str]] = {}
    for rule in contract.rules:
        if rule.column:
            own.setdefault(rule.column, []).append(code(rule.id.removeprefix(f"{rule.column}.")))
    rows = [
        (
            code(c.name),
            c.type,
            _prose(c.description) + _examples(c.examples),
            c.classification,
            "yes" if c.personal else "",
            ", ".join(own.get(c.name, ())),
        )
        for c in contract.columns
    ]
    if contract.source:
        protected = protection.of_table(contract)
        for name, kind in INGEST_COLUMNS.items():
            own_class, personal = protected[name].classification, protected[name].personal
            meaning = INGEST_MEANINGS[name]
            rows.append((code(name), kind, meaning, own_class, "yes" if personal else "", ""))
    return markdown_table(("column", "type", "meaning", "class", "personal", "rules"), rows)


def _examples(values: Sequence[Any]) -> str:
    return f" For example {', '.join(code(str(v)) for v in values)}." if values else ""


def _rules(contract: Contract) -> str:
    if not contract.rules:
        return "None."
    rows = [
        (
            code(r.id),
            r.kind,
            r.scope,
            expectation(r, markdown=True),
            f"{r.severity}: {_BREACHES[r.severity]}",
            _prose(r.description),
        )
        for r in contract.rules
    ]
    return markdown_table(("rule", "kind", "judges", "demands", "a breach", "why"), rows)


def _promises(contract: Contract) -> Iterator[str]:
    """What is promised in words and judged by nobody."""
    if contract.promises:
        yield "## Promises that nothing judges"
        rows = [(code(p.column or ""), p.dimension, _prose(p.text)) for p in contract.promises]
        yield markdown_table(("column", "dimension", "promise"), rows)


def _neighbours(
    contract: Contract,
    contracts: Mapping[str, Contract],
    inputs: Mapping[str, Sequence[str]],
) -> Iterator[str]:
    """Where the rows come from and who reads them, as far as contracts tell."""
    parents = {str(r.arguments["parent"]) for r in contract.rules if r.kind == "foreign_key"}
    upstream = [(i, "read") for i in inputs[contract.id]]
    upstream += [(p, "looked up by key") for p in sorted(parents - {contract.id})]
    downstream = sorted(d for d, read in inputs.items() if contract.id in read and d != contract.id)
    for head, found in (
        ("## Upstream", upstream),
        ("## Downstream", [(d, "reads it") for d in downstream]),
    ):
        if found:
            yield head
            rows = [(code(i), how, _about(contracts.get(i))) for i, how in found]
            yield markdown_table(("dataset", "how", "what it is"), rows)


def _about(contract: Contract | None) -> str:
    return _prose(contract.description) if contract else ""
