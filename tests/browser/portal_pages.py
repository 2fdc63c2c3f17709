"""Every kind of page that the portal has: the one list, so that a new one is under all tests of pages.

`tests/unit/portal/test_every_page.py` asks each in process, `tests/browser/test_portal_pages.py` in a real
browser. `{words}` in an address are filled in from the lake that is shown (:func:`names`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from headgate.lake import ledger
from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from tests.shown_lake import IRC, OWNER


@dataclass(frozen=True)
class Kind:
    """A kind of page: where one is found, and what its heading says (a part of it)."""

    address: str
    heading: str
    status: int = 200

    def at(self, names: Mapping[str, str]) -> str:
        """Its address in a portal."""
        filled = {key: quote(value, safe="") for key, value in names.items()}
        return self.address.format_map(filled)


PAGES = {
    "home": Kind("/", ""),
    "catalogue": Kind("/catalogue", ""),
    "found": Kind("/catalogue?q=nickname", ""),
    "nothing found": Kind("/catalogue?q=zzzzzz", ""),
    "dataset": Kind("/datasets/{dataset}", "{dataset}"),
    "model": Kind("/datasets/{model}", "{model}"),
    "column": Kind("/datasets/{model}/columns/name", "name"),
    "personal column": Kind("/datasets/{dataset}/columns/author", "author"),
    "contract": Kind("/datasets/{dataset}/contract", ""),
    "difference": Kind("/datasets/{dataset}/contract?against={older}", ""),
    "code": Kind("/datasets/{model}/code", ""),
    "batches": Kind("/datasets/{dataset}/batches", ""),
    "refused batch": Kind("/datasets/{dataset}/batches/{refused}", ""),
    "examples": Kind("/datasets/{dataset}/examples", ""),
    "quarantine": Kind("/datasets/{dataset}/quarantine", ""),
    "lineage": Kind("/lineage", ""),
    "lineage of a dataset": Kind("/lineage?dataset={model}", ""),
    "lineage of a column": Kind("/lineage?dataset={model}&column=name&direction=up", ""),
    "lineage as it was": Kind("/lineage?dataset={model}&as_of=release:1", ""),
    "runs": Kind("/runs", ""),
    "run": Kind("/runs/{run}", ""),
    "releases": Kind("/releases", ""),
    "release": Kind("/releases/2", "elease"),
    "why": Kind("/releases/2/why?dataset={model}", ""),
    "quality": Kind("/quality", ""),
    "quality of an owner": Kind("/quality/owners/{owner}", "{owner}"),
    "quality of a domain": Kind("/quality/domains/chat", "chat"),
    "exceptions": Kind("/quality/exceptions", ""),
    "no data docs yet": Kind("/quality/data-docs/", "Data Docs"),
    "quality over a year": Kind("/quality/domains/irc?days=366", "irc"),
    "personal data of a dataset": Kind("/personal-data?dataset={dataset}", "{dataset}"),
    "personal data": Kind("/personal-data", "ersonal data"),
    "audit": Kind("/audit", ""),
    "people": Kind("/people", ""),
    "tokens": Kind("/tokens", ""),
    "no such page": Kind("/nothing", "no such thing", 404),
    "no such dataset": Kind("/datasets/bronze.irc.message", "no such thing", 404),
}


def names(project: Project) -> dict[str, str]:
    """What the words in addresses stand for in a project of :func:`tests.shown_lake.shown_lake`."""
    with connect(project.settings) as con:
        found = ledger.rows(project.lake, con, ledger.BATCHES, "outcome = 'refused'")
    return {
        "dataset": IRC, "model": "gold.community.dim_users", "owner": OWNER,
        "refused": str(found[0]["batch_id"]), "run": str(found[0]["run_id"]),
        "older": str(found[0]["contract_hash"]),
    }  # fmt: skip
