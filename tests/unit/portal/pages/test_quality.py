"""Quality reports: what they count, how they are signed and excepted, and what is taken away of them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta

from starlette.testclient import TestClient

from headgate.core import clock
from headgate.lake import ledger
from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.portal.access.roles import Role
from headgate.portal.reports.counting import UNWRITTEN
from tests.shown_lake import HOSTILE, IRC, OWNER
from tests.unit.portal.conftest import AsRole
from tests.unit.portal.page import Page, read

REPORT = "/quality/domains/irc"
Serve = Callable[..., TestClient]


def _fields(page: Page, action: str) -> dict[str, str]:
    """What the form that goes to ``action`` would send as it stands."""
    (form,) = [f for f in page.all("form") if f.get("action") == action]
    return {f.get("name"): f.get("value", "") for f in form.all("input") if f.get("name")}


def _send(client: TestClient, page: Page, action: str, **typed: str) -> Page:
    answer = client.post(action, data={**_fields(page, action), **typed})
    return read(answer)


def test_the_score_is_the_share_of_rule_verdicts_that_held(
    portal: TestClient, shown: Project
) -> None:
    with connect(shown.settings) as con:
        rows = ledger.rows(shown.lake, con, ledger.VERDICTS, f"dataset = '{IRC}'", limit=10_000)
    rows = [r for r in rows if r["rule_kind"] not in UNWRITTEN and r["rule_id"] != "primary_key"]
    held = sum(r["passed"] for r in rows)
    page = read(portal.get(REPORT))
    (line,) = page.table("Datasets of the domain irc")
    assert line["verdicts held"] == f"{held} of {len(rows)}"
    assert 0 < held < len(rows)
    assert f"{held} of {len(rows)}" in page.text("div.figures")
    assert "each rule of a contract counts once for each batch" in page.text("main")


def test_rows_of_a_report_add_up(portal: TestClient) -> None:
    (line,) = read(portal.get(REPORT)).table("What became of the rows, by day")[-1:]
    account = {k: int(v) for k, v in line.items() if k != "day"}
    assert account["quarantined"] == 4 and account["refused"] == 10
    text = read(portal.get(REPORT)).text("main")
    assert f"Rows: read {sum(account.values())} = published {account['published']}" in text


def test_a_period_without_batches_says_so(portal: TestClient) -> None:
    page = read(portal.get(f"{REPORT}?from=2020-01-01&to=2020-01-31"))
    assert "Every rule held in these days." in page.text("main")
    assert page.table("Datasets of the domain irc")[0]["score"] == "not judged"


def test_what_is_no_period_is_told(portal: TestClient) -> None:
    for query in (
        "from=yesterday",
        "from=2026-02-01&to=2026-01-01",
        "days=9999",
        "from=1800-01-01",
    ):
        answer = portal.get(f"{REPORT}?{query}")
        assert answer.status_code == 400, query
        assert read(answer).text("main h1")
    assert portal.get("/quality/domains/nothing").status_code == 404


def test_a_report_is_signed_as_it_was_shown_and_says_when_it_changed_since(
    own_project: Project, serve: Serve
) -> None:
    client = serve(own_project, role=Role.REVIEWER)
    page = read(client.get(REPORT))
    signed = _send(client, page, "/quality/sign-offs", note="read in full")
    assert "The figures are still those that were signed." in signed.text("main")
    assert signed.table("Figures that were signed")[0]["now"].endswith("the same")
    address = f"/quality/sign-offs/{re.findall('[0-9]+', signed.text('h1'))[0]}"
    _another_batch(own_project)
    changed = read(client.get(address))
    assert "The figures changed since" in changed.text("main")
    assert "changed since" in changed.table("Figures that were signed")[0]["now"]
    assert (
        "figures changed since"
        in read(client.get(REPORT)).table("Sign-offs of this report")[0]["state"]
    )
    stale = client.post("/quality/sign-offs", data=_fields(page, "/quality/sign-offs"))
    assert stale.status_code == 409
    assert "nothing is signed" in read(stale).text("main")
    done = _send(client, changed, f"{address}/withdraw", why="too early")
    assert "too early" in done.text("main")
    assert "withdrawn" in read(client.get(REPORT)).table("Sign-offs of this report")[0]["state"]


def _another_batch(project: Project) -> None:
    """A further verdict in the ledger, as a run would enter it."""
    with connect(project.settings) as con:
        for name in (ledger.BATCHES, ledger.VERDICTS):
            (row,) = ledger.rows(project.lake, con, name, f"dataset = '{IRC}'", limit=1)
            row = {k: v for k, v in row.items() if not k.startswith("_")}
            row["batch_id"] = "another"
            ledger.append(con, project.lake, project.contracts, name, [row], "another")


def test_an_exception_is_shown_where_its_rule_is_and_changes_no_verdict(
    own_project: Project, serve: Serve
) -> None:
    client = serve(own_project, role=Role.REVIEWER)
    page = read(client.get(REPORT))
    score = page.table("Datasets of the domain irc")[0]["score"]
    until = (clock.now() + timedelta(days=5)).date().isoformat()
    given = {"dataset": IRC, "rule": "type.accepted", "reason": HOSTILE, "until": until}
    granted = _send(client, page, "/quality/exceptions", **given)
    assert "type.accepted" in granted.table("Exceptions")[0]["rule"]
    page = read(client.get(REPORT))
    told = {r["rule"]: r["exception"] for r in page.table("Rules that did not hold")}
    assert f"until {until}" in told["type.accepted"] and "until" not in told["author.max_length"]
    assert page.table("Datasets of the domain irc")[0]["score"] == score
    assert not page.all("main script") and HOSTILE in page.table("Exceptions in force")[0]["reason"]
    (number,) = {row["entry"] for row in granted.table("Exceptions")}
    ended = _send(client, granted, f"/quality/exceptions/{number}/end", why="mended")
    assert "ended" in ended.table("Exceptions")[0]["state"]
    no_rule = client.post("/quality/exceptions", data={**_fields(page, "/quality/exceptions"), **given, "rule": "no_such"})  # fmt: skip
    assert no_rule.status_code == 400
    assert "type.accepted" in read(no_rule).text("main")


def test_a_viewer_signs_nothing_and_takes_nothing_away(as_role: AsRole) -> None:
    viewer = as_role(Role.VIEWER)
    page = read(viewer.get(REPORT))
    assert not [f for f in page.all("form") if f.get("method") == "post" and "quality" in f.get("action")]  # fmt: skip
    assert not [a for a in page.links() if "PDF" in a.text or "CSV" in a.text]
    for address in (f"{REPORT}.pdf", f"{REPORT}.csv", "/personal-data.csv"):
        assert viewer.get(address).status_code == 403, address
    for address in ("/quality/sign-offs", "/quality/exceptions", "/quality/exceptions/1/end"):
        assert viewer.post(address, data={}).status_code == 403, address


def test_the_csv_has_the_figures_of_the_page_and_its_export_is_in_the_log(
    own_project: Project, serve: Serve
) -> None:
    client = serve(own_project, role=Role.REVIEWER)
    answer = client.get(f"{REPORT}.csv")
    assert answer.headers["content-disposition"].startswith("attachment")
    (line,) = csv.DictReader(io.StringIO(answer.text))
    shown = read(client.get(REPORT)).table("Datasets of the domain irc")[0]
    assert f"{line['held']} of {line['judged']}" == shown["verdicts held"]
    assert int(line["read"]) == sum(
        int(line[n]) for n in ("published", "quarantined", "deduplicated", "refused")
    )
    told = read(client.get("/audit?action=exported"))
    assert "domain:irc" in told.text("main")


def test_the_pdf_is_one_with_the_same_bytes_for_the_same_figures(portal: TestClient) -> None:
    days = "from=2020-01-01&to=2020-01-31"
    made = portal.get(f"/quality/owners/{OWNER}.pdf?{days}")
    assert made.headers["content-type"] == "application/pdf"
    assert made.content.startswith(b"%PDF-") and made.content.rstrip().endswith(b"%%EOF")
