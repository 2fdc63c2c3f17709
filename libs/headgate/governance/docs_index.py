"""The pages of the Data Docs that Great Expectations does not write: indexes, and a batch's account."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from headgate.contracts.model import Contract
from headgate.core import clock
from headgate.core.secrets import redact
from headgate.governance import layout
from headgate.governance.judgements import Judgement
from headgate.quality.gx_results import is_rule


def write(
    folder: Path,
    contracts: Sequence[Contract],
    judgements: Mapping[str, Sequence[Judgement]],
    lake_name: str,
) -> None:
    """Write the index of all datasets, and that of each dataset's batches."""
    rows = []
    for contract in contracts:
        found = judgements.get(contract.id, ())
        _write_dataset(folder, contract, found)
        rows.append(_line(contract, found[0] if found else None))
    columns = ("dataset", "owner", "last verdict", "broken rules", "read", "published",
               "set aside", "judged (UTC)")  # fmt: skip
    broken = sum(bool(f) and _broken(f[0]) > 0 for f in judgements.values())
    told = (
        f"<p>{len(contracts)} datasets; the last verdict of {broken} names a broken rule. "
        "Each line is the last batch that the gate judged.</p>"
    )
    body = told + layout.table("Datasets", columns, rows)
    body += f'<p class="quiet">Built {_time(clock.iso())} from the ledger of this lake.</p>'
    page = layout.page(f"Data quality of lake {lake_name}", body)
    (folder / "index.html").write_text(redact(page), "utf-8")


def account(judgement: Judgement) -> str:
    """A batch's account, and what the gate found beyond the contract's rules, as HTML."""
    batch = judgement.batch
    facts = (
        ("verdict", layout.badge(judgement.outcome, judgement.outcome != "refused")),
        ("source", html.escape(str(batch["source"] or ""))),
        ("judged", _time(clock.iso(judgement.judged_at)) + " UTC"),
        ("contract", html.escape(str(batch["contract_version"]))),
        *((name, f"{batch[name]:,}") for name in ("read", "published", "quarantined",
                                                  "deduplicated", "refused")),
        ("result as JSON", layout.link("validation result", f"{batch['batch_id']}.json")),
    )  # fmt: skip
    text = layout.table("Account of the batch", ("what", "value"), facts)
    beyond = [r for r in judgement.verdict.results if not is_rule(r) and not r.passed]
    if beyond:
        rows = [
            (html.escape(r.rule_id), html.escape(r.severity), f"{r.breaches:,}",
             html.escape(r.observed or ""), html.escape(r.expected))
            for r in beyond
        ]  # fmt: skip
        columns = ("rule", "breach", "rows", "found", "expected")
        text += layout.table("Found beyond the contract's rules", columns, rows)
    return text


def _write_dataset(folder: Path, contract: Contract, found: Sequence[Judgement]) -> None:
    rows = [
        (
            layout.link(_time(clock.iso(j.judged_at)), f"{j.verdict.batch_id}.html"),
            layout.badge(j.outcome, j.outcome != "refused"),
            _rules(j),
            html.escape(str(j.batch["source"] or "")),
            *(f"{j.batch[n]:,}" for n in ("read", "published", "quarantined", "refused")),
        )
        for j in found
    ]
    columns = ("judged (UTC)", "verdict", "broken rules", "source", "read", "published",
               "set aside", "refused")  # fmt: skip
    body = f"<p>{html.escape(contract.description)}</p>"
    body += f"<p>Owner: {html.escape(contract.owner)}. One row is {html.escape(contract.grain)} "
    body += f"{layout.link('All that it promises', 'suite.html')}.</p>"
    body += layout.table("Judged batches", columns, rows) if rows else "<p>No batch yet.</p>"
    page = layout.page(contract.id, body, [("All datasets", "../index.html")])
    (folder / contract.id / "index.html").write_text(redact(page), "utf-8")


def _line(contract: Contract, last: Judgement | None) -> list[str]:
    name = layout.link(contract.id, f"{contract.id}/index.html")
    owner = html.escape(contract.owner)
    if last is None:
        return [name, owner, "none yet", "", "", "", "", ""]
    verdict = layout.badge(last.outcome, last.outcome != "refused")
    at = f"{contract.id}/{last.verdict.batch_id}.html"
    counts = [f"{last.batch[n]:,}" for n in ("read", "published", "quarantined")]
    judged = layout.link(_time(clock.iso(last.judged_at)), at)
    return [name, owner, verdict, _rules(last), *counts, judged]


def _broken(judgement: Judgement) -> int:
    return len(judgement.verdict.failed)


def _rules(judgement: Judgement) -> str:
    number, of = _broken(judgement), len(judgement.verdict.results)
    return layout.badge(f"none of {of}", True) if not number else f"{number} of {of}"


def _time(iso: str) -> str:
    """An instant as people read it, to the second."""
    return iso[:19].replace("T", " ")
