"""Example rows: as the contract lets who asks see them, and each look on record."""

from __future__ import annotations

from headgate.portal import addresses
from headgate.portal.access.roles import Role
from headgate.portal.records import chain
from tests.shown_lake import IRC, OWNER, SAID
from tests.unit.portal.conftest import AsRole
from tests.unit.portal.page import read


def test_rows_are_those_of_the_newest_release(as_role: AsRole) -> None:
    page = read(as_role(Role.OWNER, {OWNER}).get(addresses.examples(IRC)))
    rows = page.table("Example rows")
    assert 0 < len(rows) <= 20
    assert any(row["text"] == SAID for row in rows)
    assert "65 rows, as release" in page.text("main")


def test_personal_columns_are_kept_from_others(as_role: AsRole) -> None:
    for client in (as_role(Role.VIEWER), as_role(Role.REVIEWER), as_role(Role.OWNER, {"others"})):
        answer = client.get(addresses.examples(IRC))
        assert SAID not in answer.text
        row = read(answer).table("Example rows")[0]
        assert row["author"].startswith("kept from you")
        assert row["channel"] == "#harbour"


def test_each_look_is_on_record(as_role: AsRole) -> None:
    client = as_role(Role.REVIEWER)
    records = client.app.state.served.records  # type: ignore[attr-defined]
    before = chain.head(records).number
    client.get(addresses.examples(IRC))
    client.get(addresses.dataset(IRC))
    (entry,) = chain.entries(records, action="examples_seen", subject=IRC, limit=1)
    assert entry.number == before + 1 == chain.head(records).number
    assert (entry.who, entry.role) == ("local:reviewer", "reviewer")
    assert {"author", "text"} <= set(entry.detail["kept_from_them"])
    assert SAID not in str(entry.detail)
