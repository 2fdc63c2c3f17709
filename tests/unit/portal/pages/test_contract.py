"""The page of a contract: the document, its history, and how two of it differ."""

from __future__ import annotations

from starlette.testclient import TestClient

from headgate.orchestration.project import Project
from headgate.portal import addresses
from headgate.portal.access.roles import Role
from headgate.portal.told import masked
from tests.shown_lake import IRC
from tests.unit.portal.conftest import AsRole
from tests.unit.portal.page import read

HISTORY = "Contracts that judged batches, the newest first"


def test_the_document_is_as_its_file_has_it(portal: TestClient, shown: Project) -> None:
    page = read(portal.get(addresses.contract(IRC)))
    written = shown.contracts[IRC].path.read_text("utf-8")
    (shown_text,) = page.all("pre")
    assert "".join(t for t in shown_text.inside if isinstance(t, str)) == written


def test_history_has_each_contract_that_judged(portal: TestClient) -> None:
    page = read(portal.get(addresses.contract(IRC)))
    told = page.table(HISTORY)
    assert [row["version"].split()[0] for row in told] == ["1.1.0", "1.0.0"]
    assert [row["batches"] for row in told] == ["1", "2"]
    old = read(portal.get(page.link("1.0.0")))
    assert "maxLength: 512" in old.text("main")
    assert "maxLength: 512" not in page.text("main")


def test_what_changed_is_told_in_words_and_lines(portal: TestClient) -> None:
    first = read(portal.get(addresses.contract(IRC)))
    compare = [a.get("href") for a in first.links() if a.text == "Compare with now"][-1]
    page = read(portal.get(compare))
    (change, _) = page.table("What the change means, the gravest first")
    assert "at most 600 characters" in change["what"]
    assert "compatible" in change["how grave"]
    assert [e.text for e in page.all("ins")] == ["+ version: 1.1.0", "+ maxLength: 600"]
    assert [e.text for e in page.all("del")] == ["- version: 1.0.0", "- maxLength: 512"]
    # The other way round it demands more of rows that are stored.
    hash_ = compare.rpartition("=")[2]
    back = read(portal.get(f"{addresses.contract(IRC)}?against=current&to={hash_}"))
    assert "needs-backfill" in back.text("main")


def test_nothing_differs_from_itself(portal: TestClient) -> None:
    page = read(portal.get(addresses.contract(IRC, "current")))
    assert "Nothing differs." in page.text("main")


def test_a_contract_that_is_not_kept_is_told(portal: TestClient) -> None:
    for which in ("0000", "../../../headgate.toml", "%00"):
        answer = portal.get(addresses.contract(IRC), params={"version": which})
        assert answer.status_code == 404, which
        assert "is kept" in answer.text


def test_examples_of_a_personal_column_are_kept_from_others(
    as_role: AsRole, shown: Project
) -> None:
    example = str(shown.contracts[IRC].column("author").examples[0])
    viewer, admin = (
        as_role(role).get(addresses.contract(IRC)) for role in (Role.VIEWER, Role.ADMIN)
    )
    assert example in admin.text
    assert example not in viewer.text
    assert masked.INSTEAD in viewer.text
    compared = as_role(Role.VIEWER).get(addresses.contract(IRC, "current"))
    assert example not in compared.text
