"""Great Expectations' Data Docs of a lake: its suites and verdicts as pages that need no network.

Great Expectations renders each suite and each validation result; the pages are then made our own
(:mod:`headgate.governance.own_page`), and put under names that a person can guess.
"""

from __future__ import annotations

import html
import posixpath
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.contracts.model import Contract
from headgate.core import json as hjson
from headgate.core.errors import UsageError
from headgate.core.secrets import redact
from headgate.governance import docs_index, layout
from headgate.governance.judgements import Judgement
from headgate.governance.own_page import body_of
from headgate.quality import gx_library, gx_suites

#: What tells that a folder is one of ours, and may be replaced.
MARK = ".headgate-data-docs"


@dataclass(frozen=True)
class Built:
    """What was written: the index, and how many suites and verdicts have a page."""

    index: Path
    suites: int
    verdicts: int


def build(
    contracts: Sequence[Contract],
    judgements: Mapping[str, Sequence[Judgement]],
    out: Path,
    lake_name: str,
) -> Built:
    """Write the pages of these datasets to the folder ``out``, replacing what was built there.

    ``judgements`` are those of each dataset, newest first.

    Raises:
        UsageError: Great Expectations is not installed, or ``out`` holds something else.
    """
    if out.exists() and not (out / MARK).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(
            f"{out} holds something that is no Data Docs of ours, and would be replaced.",
            remedy="Name another folder with --out, or empty this one.",
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".data_docs-", dir=out.parent) as made:
        folder = Path(made) / "site"
        folder.mkdir()
        (folder / MARK).write_text("Built by `headgate docs`; built anew, it is replaced.\n")
        with tempfile.TemporaryDirectory() as scratch:
            site = _rendered(Path(scratch), contracts, judgements)
            _write_pages(site, folder, contracts, judgements)
        docs_index.write(folder, contracts, judgements, lake_name)
        shutil.rmtree(out, ignore_errors=True)
        folder.rename(out)
    return Built(out / "index.html", len(contracts), sum(map(len, judgements.values())))


def _rendered(
    root: Path, contracts: Sequence[Contract], judgements: Mapping[str, Sequence[Judgement]]
) -> Path:
    """The site as Great Expectations builds it from the suites and results, below ``root``."""
    context = gx_library.context(root)
    from great_expectations import ExpectationSuite
    from great_expectations.core.expectation_suite import expectationSuiteSchema
    from great_expectations.core.expectation_validation_result import (
        expectationSuiteValidationResultSchema,
    )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for contract in contracts:
            suite = _plain(gx_suites.suite(contract))
            for config in suite["expectations"]:
                config["description"] = _escaped(config["description"])
            context.suites.add(ExpectationSuite(**expectationSuiteSchema.load(suite)))
            for judgement in judgements.get(contract.id, ()):
                loaded = expectationSuiteValidationResultSchema.load(_shown(judgement.result()))
                context.validation_results_store.add(_identifier(judgement), loaded)
        context.build_data_docs()
    found = next(root.rglob("local_site"), None)
    assert found is not None, "Great Expectations built no site"
    return found


def _identifier(judgement: Judgement) -> Any:
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    return ValidationResultIdentifier(
        expectation_suite_identifier=ExpectationSuiteIdentifier(judgement.contract.id),
        run_id=RunIdentifier(run_name="batch", run_time=judgement.judged_at),
        batch_identifier=judgement.verdict.batch_id,
    )


def _plain(document: Any) -> Any:
    return hjson.loads(hjson.dumps(document))


def _shown(document: dict[str, Any]) -> dict[str, Any]:
    """A result whose texts are safe in a page: Great Expectations writes some as they are."""
    plain: dict[str, Any] = _plain(document)
    for entry in plain["results"]:
        entry["result"] = _escaped(entry["result"])
        config = entry["expectation_config"]
        config["description"] = _escaped(config["description"])
    return plain


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return html.escape(value, quote=False)
    if isinstance(value, list):
        return [_escaped(v) for v in value]
    if isinstance(value, dict):
        return {k: _escaped(v) for k, v in value.items()}
    return value


def _write_pages(
    site: Path,
    folder: Path,
    contracts: Sequence[Contract],
    judgements: Mapping[str, Sequence[Judgement]],
) -> None:
    """Each page of the site under its own name, with the account above it."""
    moved: dict[str, str] = {"index.html": "index.html"}
    for contract in contracts:
        suite = f"expectations/{contract.id.replace('.', '/')}.html"
        moved[suite] = f"{contract.id}/suite.html"
        for judgement in judgements.get(contract.id, ()):
            batch = judgement.verdict.batch_id
            pages = site.glob(f"validations/{contract.id.replace('.', '/')}/batch/*/{batch}.html")
            moved[next(pages).relative_to(site).as_posix()] = f"{contract.id}/{batch}.html"
    old = {new: was for was, new in moved.items()}
    for contract in contracts:
        (folder / contract.id).mkdir()
        home = [("All datasets", "../index.html"), (contract.id, "index.html")]
        name = f"{contract.id}/suite.html"
        body = _own(site, old[name], moved)
        title = f"What {contract.id} promises"
        (folder / name).write_text(redact(layout.page(title, body, home)), "utf-8")
        for judgement in judgements.get(contract.id, ()):
            name = f"{contract.id}/{judgement.verdict.batch_id}.html"
            body = docs_index.account(judgement) + _own(site, old[name], moved)
            title = f"{contract.id}: {judgement.outcome}"
            (folder / name).write_text(redact(layout.page(title, body, home)), "utf-8")
            result = hjson.dumps(judgement.result(), indent=2)
            (folder / name).with_suffix(".json").write_text(redact(result) + "\n", "utf-8")


def _own(site: Path, name: str, moved: Mapping[str, str]) -> str:
    body = body_of((site / name).read_text("utf-8"), _links(name, moved))
    contents = "".join(f"<li>{layout.link(h, '#' + i)}</li>" for i, h in body.sections)
    return f'<nav aria-label="Contents"><ul class="contents">{contents}</ul></nav>{body.html}'


def _links(name: str, moved: Mapping[str, str]) -> Callable[[str], str | None]:
    """Where the links of the page that was called ``name`` lead now."""

    def target(href: str) -> str | None:
        if href.startswith("#"):
            return href
        was = posixpath.normpath(posixpath.join(posixpath.dirname(name), href))
        new = moved.get(was)
        return new and posixpath.relpath(new, posixpath.dirname(moved[name]))

    return target
