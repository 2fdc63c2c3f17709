"""Personal data flows where it is declared, ends where that is declared, and is found anywhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headgate.orchestration import personal_flow
from headgate.orchestration.personal_flow import Place
from headgate.orchestration.project import Project
from tests.unit.orchestration.declared_columns import DeclaredProject

PEOPLE = "bronze.shop.people"
GOLD = "gold.shop.facts"
#: A source of every kind of column.
SOURCE = {
    "person_id": "confidential personal", "name": "internal personal", "salary": "restricted int",
    "city": "internal", "country": "public",
}  # fmt: skip
FROM = "from {{ source('bronze_shop', 'people') }}"


@pytest.fixture
def shop(tmp_path: Path) -> DeclaredProject:
    """A project with one source."""
    made = DeclaredProject(tmp_path / "project")
    made.source(PEOPLE, SOURCE)
    return made


def column(shop: DeclaredProject, expression: str, told: Any, more: str = "") -> dict[str, str]:
    """The findings where one column of a model is that expression."""
    columns = {"country": "public", "x": told}
    shop.model(GOLD, columns, f"select {PEOPLE_KEY} as country, {expression} as x {FROM} {more}")
    return shop.findings()


PEOPLE_KEY = "country"


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("name", "identity"),
        ("(name)", "identity"),
        ("case when country = 'no' then name end", "identity"),
        ("coalesce(country, name)", "identity"),
        ("lower(name)", "transformation"),
        ("md5(name)", "transformation"),
        ("name || country", "transformation"),
        ("length(name) > 3", "transformation"),
        ("cast(name is null as varchar)", "transformation"),
        ("{'n': name}.n", "transformation"),
        ("first_value(name) over (order by country)", "transformation"),
        ("(select max(name) {from})", "aggregation"),
    ],
)
def test_what_is_made_of_a_personal_column_has_to_say_so(
    shop: DeclaredProject, expression: str, kind: str
) -> None:
    expression = expression.replace("{from}", FROM)
    kind_of = " bool" if ">" in expression else ""
    found = column(shop, expression, f"internal{kind_of}")
    assert list(found) == [f"{GOLD}.x"], found
    assert f"-> (identity) {PEOPLE}.name -> ({kind}) {GOLD}.x" in found[f"{GOLD}.x"]
    assert "Declare headgate.personalData: true; or" in found[f"{GOLD}.x"]
    assert column(shop, expression, f"internal personal{kind_of}") == {}
    anonymized = {"is": f"internal{kind_of}", "anonymized": {"how": "So it is."}}
    assert column(shop, expression, anonymized) == {}


@pytest.mark.parametrize("expression", ["count(name)", "count(distinct name)", "max(name)", "list(name)"])  # fmt: skip
def test_no_aggregate_ends_a_flow_by_itself(shop: DeclaredProject, expression: str) -> None:
    more = "group by country"
    assert list(column(shop, expression, "internal", more)) == [f"{GOLD}.x"]
    counted = {"is": "internal", "anonymized": {"how": "Counted.", "of": [f"{PEOPLE}.name"]}}
    assert column(shop, expression, counted, more) == {}


@pytest.mark.parametrize(
    ("expression", "more"),
    [
        ("country", ""),
        ("case when name = 'Ann' then country end", ""),
        ("max_by(country, name)", "group by country"),
        ("count(*) filter (where name = 'Ann')", "group by country"),
        ("row_number() over (order by name)", ""),
        ("count(*)", "group by country, name"),
        ("country", "where name <> 'Ann' order by name limit 3"),
    ],
)
def test_what_only_decides_values_or_rows_is_no_flow(
    shop: DeclaredProject, expression: str, more: str
) -> None:
    assert column(shop, expression, "public", more) == {}


@pytest.mark.parametrize("of", ["public", "internal", "confidential", "restricted", "secret", "Secret"])  # fmt: skip
@pytest.mark.parametrize("to", ["public", "internal", "confidential", "restricted", "secret", "private"])  # fmt: skip
def test_classes_go_up_and_unknown_ones_are_equal_to_themselves(
    tmp_path: Path, of: str, to: str
) -> None:
    order = ["public", "internal", "confidential", "restricted"]
    made = DeclaredProject(tmp_path)
    made.source(PEOPLE, {"id": "public", "value": of})
    made.model(GOLD, {"id": "public", "x": to}, f"select id, value as x {FROM}")
    if of in order:
        allowed = to not in order or order.index(of) <= order.index(to)
    else:
        allowed = of.lower() == to
    found = made.findings()
    assert found.keys() == (set() if allowed else {f"{GOLD}.x"})
    assert allowed or f"Declare classification: {of}; or" in found[f"{GOLD}.x"]


def test_the_way_leads_through_private_models_from_where_it_began(shop: DeclaredProject) -> None:
    shop.sql("stg_people", f"select country, trim(name) as called {FROM}")
    shop.sql("called", "select country, called from {{ ref('stg_people') }}")
    kept = {"country": "public", "called": "internal personal"}
    shop.model("silver.shop.names", kept, "select * from {{ ref('called') }}")
    first = {"country": "public", "initial": "internal"}
    shop.model(
        GOLD, first, "select country, called[1] as initial from {{ ref('int_shop__names') }}"
    )
    last = {
        "country": "public",
        "letter": "public",
        "fine": {"is": "public", "anonymized": {"how": "No."}},
    }
    shop.model("gold.shop.ends", last, "select country, initial as letter, initial as fine from {{ ref('facts') }}")  # fmt: skip
    found = shop.findings()
    assert found.keys() == {f"{GOLD}.initial", "gold.shop.ends.letter"}
    assert (
        f"The way: source:{PEOPLE}.name -> (identity) {PEOPLE}.name -> (transformation in stg_people) "
        "silver.shop.names.called -> (transformation) gold.shop.facts.initial. "
        "From there it goes on to gold.shop.ends.letter." in found[f"{GOLD}.initial"]
    )
    assert "Declare classification: internal; or" in found["gold.shop.ends.letter"]


def test_one_input_may_end_while_another_goes_on(shop: DeclaredProject) -> None:
    one = {"is": "internal", "anonymized": {"how": "Cut.", "of": [f"{PEOPLE}.name"]}}
    found = column(shop, "name || person_id", one)
    assert f"made of {PEOPLE}.person_id (personal, confidential)." in found[f"{GOLD}.x"]
    assert column(shop, "name || person_id", {**one, "is": "confidential personal"}) == {}


@pytest.mark.parametrize(
    ("anonymized", "told"),
    [
        ({"how": "Counted."}, "nothing that it is made of is personal or classified higher"),
        ({"how": "Cut.", "of": [f"{PEOPLE}.name"]}, f"{PEOPLE}.name is anonymised, and is not made of it"),
        ({"how": "Cut.", "of": [f"{PEOPLE}.country"]}, "which is not personal or classified higher"),
    ],
)  # fmt: skip
def test_a_declaration_that_ends_nothing_is_found(
    shop: DeclaredProject, anonymized: dict[str, Any], told: str
) -> None:
    found = column(shop, "country", {"is": "public", "anonymized": anonymized})
    assert told in found[f"{GOLD}.x"]


def test_nothing_ends_in_what_was_delivered(shop: DeclaredProject) -> None:
    columns = {**SOURCE, "city": {"is": "internal", "anonymized": {"how": "By them."}}}
    shop.source(PEOPLE, columns)
    assert "taken as it was delivered" in shop.findings()[f"{PEOPLE}.city"]


def test_what_is_rescued_is_as_strict_as_the_strictest(shop: DeclaredProject) -> None:
    told = column(shop, "_rescued", "restricted json")[f"{GOLD}.x"]
    assert f"{PEOPLE}._rescued (personal, restricted)" in told
    assert column(shop, "_rescued", "restricted personal json") == {}
    assert column(shop, "_source", "internal") == {}


def test_columns_that_hold_the_same_agree(tmp_path: Path) -> None:
    made = DeclaredProject(tmp_path)
    path, records = "landing/x", "$.orders[*]"
    made.source(
        "bronze.shop.orders", {
            "id": "internal", "customer": {"is": "internal json", "at": "@.customer"},
            "shop": {"is": "public", "at": "$.shop.name"},
        }, format="json", path=path, records=records,
    )  # fmt: skip
    made.source(
        "bronze.shop.customers", {"email": {"is": "confidential personal", "at": "email"}},
        format="json", path=path, records="$.orders[*].customer",
    )  # fmt: skip
    made.source("bronze.shop.emails", {"email": "public"}, path="landing/else")
    made.source("bronze.shop.all", {"all": {"is": "public json", "at": "$.orders"}, "n": "public"}, format="json", path=path)  # fmt: skip
    found = made.findings()
    assert found.keys() == {"bronze.shop.orders.customer", "bronze.shop.all.all"}
    assert "holds $.orders[*].customer.email of its source" in found["bronze.shop.orders.customer"]
    assert "bronze.shop.customers.email declares" in found["bronze.shop.orders.customer"]


def test_what_cannot_be_followed_is_told_where_it_could_matter(shop: DeclaredProject) -> None:
    untraceable = f"select columns(c -> c = 'country') {FROM}"
    shop.model(GOLD, {"country": "public"}, untraceable)
    remarks = list(personal_flow.remarks(shop.flows()))
    assert [place for place, _ in remarks] == [str(shop.path(GOLD))]
    assert "reads what is personal, restricted, and whether that flows into it" in remarks[0][1]
    shop.source(PEOPLE, {"country": "public", "city": "internal"})
    shop.model(GOLD, {"country": "internal"}, untraceable)
    assert list(personal_flow.remarks(shop.flows())) == []


def test_the_flows_of_this_repository_are_all_declared(project: Project) -> None:
    known = personal_flow.flows(project)
    assert list(personal_flow.findings(known)) == []
    assert known.untraced == {}
    assert {c.id for c in project.contracts.curated} <= {p.dataset for p in known.into}
    ended = {h for hops in known.into.values() for h in hops if known.ended(h)}
    assert Place("silver.chat.messages", "content") in {h.source for h in ended}
    through = known.private["silver.chat.messages", "bronze.irc.messages"]
    assert "stg_irc__messages" in through
