"""Every route by every role, and every personal column by every page: nobody gets more than is theirs.

What is allowed is written down here a second time, so that a rule that is loosened is seen.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from headgate.orchestration.project import Project
from headgate.portal import rules
from headgate.portal.access import masking
from headgate.portal.access.entering import Access
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Right, Role
from headgate.portal.application import create_app
from headgate.portal.limits import Limits
from headgate.portal.records.opening import Records
from headgate.portal.served import Served
from tests.shown_lake import DISCORD, IRC, OWNER, PERSONAL, SAID
from tests.unit.portal.access.conftest import AT_PROVIDER

EVERYBODY = "everybody"
SIGNED_IN = ("viewer", "reviewer", "another's owner", "owner", "admin")
FROM_REVIEWER = SIGNED_IN[1:]
TEAM = frozenset({OWNER})
PEOPLE: dict[str, Person] = {
    "viewer": Person("viewer@x", Role.VIEWER, TEAM),
    "reviewer": Person("reviewer@x", Role.REVIEWER, TEAM),
    "another's owner": Person("other@x", Role.OWNER, frozenset({"others"})),
    "owner": Person("owner@x", Role.OWNER, TEAM),
    "admin": Person("admin@x", Role.ADMIN),
}
#: Who may, by patterns over method and route; the first that fits counts.
MAY: tuple[tuple[str, Any], ...] = (
    (r"GET /(health|static/.*)", EVERYBODY),
    (r"(GET|POST) /sign-in(/callback)?", EVERYBODY),
    (r"POST /sign-out", SIGNED_IN),
    (r"(GET|POST) /(people|tokens)(/.*)?", ("admin",)),
    (r"GET /audit(\.csv)?", FROM_REVIEWER),
    (r"GET .*\.(csv|pdf|zip)", FROM_REVIEWER),
    (r"POST /datasets/\{dataset\}/quarantine/(waive|replay)", ("owner", "admin")),
    (r"POST /quality/.*", FROM_REVIEWER),
    # What a page of it quotes of rows is judged by their columns: tests/unit/portal/pages/test_data_docs.py
    (r"GET /quality/data-docs/\{path:path\}", SIGNED_IN),
    (r"GET /(catalogue|lineage|runs|releases|quality|personal-data|datasets)?(/.*)?", SIGNED_IN),
)  # fmt: skip
GIVEN = {
    "dataset": DISCORD, "column": "author_id", "batch": "b", "run": "r", "number": "1", "name": "x",
    "path": "portal.css",
}  # fmt: skip
#: What is sent with a POST: enough to be judged by who sends it, and of rows that there are not.
SENT = {"which": "selected", "row": "none", "why": "to try", "who": "nobody", "name": "none"}


def expected(method: str, route: str) -> Any:
    """Who may use a route.

    Raises:
        LookupError: this test knows nothing of it.
    """
    for pattern, who in MAY:
        if re.fullmatch(pattern, f"{method} {route}"):
            return who
    raise LookupError(f"write down in {__file__} who may use {method} {route}")


class _Unlimited(Limits):
    def __init__(self) -> None:
        super().__init__(rate=1e9, burst=1e9, strangers=1e9)


@pytest.fixture(scope="module")
def people(
    parts_of_shown: Served, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, TestClient]]:
    """A browser of everybody, and one of nobody."""
    from headgate.portal.records.opening import open_records

    records: Records = open_records(tmp_path_factory.mktemp("matrix") / "portal.db")

    def client(**settings: Any) -> TestClient:
        said = replace(parts_of_shown.project.settings, **settings)
        access = Access(records, said, owners=lambda: parts_of_shown.knowing.now().owners)
        parts = replace(parts_of_shown, records=records, access=access, limits=_Unlimited())
        return TestClient(
            create_app(parts), base_url="http://localhost", client=("127.0.0.1", 1),
            follow_redirects=False, raise_server_exceptions=False,
        )  # fmt: skip

    found = {"nobody": client(**AT_PROVIDER)}
    for name, person in PEOPLE.items():
        found[name] = client(**AT_PROVIDER)
        sign_in(found[name], person)
    yield found
    records.close()


def sign_in(client: TestClient, person: Person) -> None:
    """As the provider's answer would."""
    app: Any = client.app
    client.cookies.clear()
    key = app.state.served.access.sessions.begin(person)
    client.cookies.set("headgate_session", key)


def routes(app: Any) -> list[tuple[str, str]]:
    return [(method, path) for method, path in rules.routes(app) if method != "*"]


def asked(client: TestClient, method: str, route: str) -> int:
    """The status that a request to a route gets, with the hidden field where it needs one."""
    path = re.sub(r"\{(\w+)(:\w+)?\}", lambda m: GIVEN[m[1]], route)
    if method == "GET":
        return client.get(path).status_code
    from headgate.core import ids

    key = client.cookies.get("headgate_session")
    field = ids.digest("form", key) if key else ""
    return client.request(method, path, data={**SENT, "form_token": field}).status_code


def walked(
    people: dict[str, TestClient], every: list[tuple[str, str]]
) -> tuple[list[str], list[str]]:
    """Who was let in and should not have been, and who should and was not."""
    over, under = [], []
    for method, route in every:
        allowed = expected(method, route)
        for name, client in people.items():
            status = asked(client, method, route)
            let_in = status not in (401, 403) and not (status == 303 and name == "nobody")
            should = allowed == EVERYBODY or name in allowed
            if (method, route) in (("GET", "/sign-in/callback"), ("POST", "/sign-in")):
                should = let_in  # nobody is let in there but by the provider, or a token
            if (method, route) == ("POST", "/sign-out") and name in PEOPLE:
                sign_in(client, PEOPLE[name])
            (over if let_in and not should else under if should and not let_in else []).append(
                f"{name}: {method} {route} {status}"
            )
    return over, under


def test_every_route_serves_whom_it_is_for_and_nobody_else(people: dict[str, TestClient]) -> None:
    every = routes(people["nobody"].app)
    assert len(every) > 40
    assert walked(people, every) == ([], [])


@pytest.mark.parametrize(
    ("route", "right", "over"),
    [
        (("GET", "/tokens"), Right.AUDIT, {"reviewer", "another's owner", "owner"}),
        (("GET", "/audit"), Right.SEE, {"viewer"}),
    ],
)
def test_a_rule_that_is_loosened_would_be_seen(
    people: dict[str, TestClient], monkeypatch: pytest.MonkeyPatch,
    route: tuple[str, str], right: Right, over: set[str],
) -> None:  # fmt: skip
    monkeypatch.setitem(rules.RULES, route, right)
    found, _ = walked(people, [route])
    assert {told.partition(":")[0] for told in found} == over


def test_a_mask_that_is_taken_off_would_be_seen(
    people: dict[str, TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(masking, "may_see", lambda *_: True)
    page = people["viewer"].get(f"/datasets/{IRC}/examples")
    assert SAID in page.text


def test_every_rule_is_of_a_route_that_there_is(people: dict[str, TestClient]) -> None:
    known = {*rules.RULES, *rules.OPEN, *rules.ENTRANCES}
    assert known - set(routes(people["nobody"].app)) == set()


def test_a_route_without_a_rule_is_not_served(parts_of_shown: Served) -> None:
    new = APIRouter()

    @new.get("/new")
    def page() -> str:
        return "new"

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.router.routes.extend(new.routes)
    with pytest.raises(LookupError, match="nothing says who may open GET /new"):
        rules.demand(rules.routes(app))
    with pytest.raises(LookupError):
        expected("GET", "/new")


def test_a_route_that_came_later_is_refused_to_all(people: dict[str, TestClient]) -> None:
    """Even if one got past the check at the start."""
    app = people["admin"].app
    route = APIRouter()
    route.add_api_route("/late", lambda: "late")
    app.router.routes.extend(route.routes)
    try:
        assert people["admin"].get("/late").status_code == 500
    finally:
        app.router.routes.pop()


# ------------------------------------------------------------------------ values of personal columns

#: Where values of a dataset could be seen.
PAGES: tuple[str, ...] = (
    "/datasets/{d}", "/datasets/{d}/examples", "/datasets/{d}/quarantine",
    "/datasets/{d}/quarantine?state=any", "/datasets/{d}/batches", "/datasets/{d}/contract", "/datasets/{d}/columns/{c}",
)  # fmt: skip
MASKED = {
    # dataset: (a personal or restricted column, what stands in its rows, or in refused ones)
    IRC: ("author", ["u_" + "secret" * 5, SAID, PERSONAL]),
    DISCORD: ("content", ["hello 1", "hello 2", "nick1"]),
    # Which of its sources the rows are from that are shown as examples is not fixed.
    "silver.chat.messages": ("content", ["hello 1", "hello 2", "nick1", SAID]),
}


def addresses(admin: TestClient, dataset: str, column: str) -> list[str]:
    """Every page of a dataset that could show values, one of each of its batches too."""
    text = admin.get(f"/datasets/{dataset}/batches").text
    batches = sorted(set(re.findall(r"/batches/([^\"?#]+)", text)))
    assert batches
    plain = [page.format(d=dataset, c=column) for page in PAGES]
    return plain + [f"/datasets/{dataset}/batches/{batch}" for batch in batches]


@pytest.mark.parametrize("dataset", MASKED)
def test_no_page_shows_a_value_to_whom_its_contract_does_not_name(
    people: dict[str, TestClient], shown: Project, dataset: str
) -> None:
    column, values = MASKED[dataset]
    contract = shown.contracts[dataset]
    own = contract.owner == OWNER
    seen_by_owner: set[str] = set()
    for name, client in people.items():
        if name == "nobody":
            continue
        may = name == "admin" or (name == "owner" and own)
        for address in addresses(people["admin"], dataset, column):
            answer = client.get(address)
            assert answer.status_code == 200, (address, answer.status_code)
            found = {value for value in values if value in answer.text}
            assert may or not found, (name, address, found)
            seen_by_owner |= found
    assert seen_by_owner, "these values are shown to nobody, so that this test would not see a leak"


#: Pages of more than one dataset, and what is taken away; none of them is a place for values of rows.
ELSEWHERE = (
    "/", "/catalogue", "/catalogue?q=pier", "/lineage", "/runs", "/releases", "/releases/1", "/quality",
    "/quality/domains/irc", "/quality/domains/chat", f"/quality/owners/{OWNER}", "/personal-data",
    "/audit", "/audit.csv", "/personal-data.csv", "/quality/domains/irc.csv", "/releases/1/evidence.zip",
)  # fmt: skip


@pytest.mark.parametrize("name", ["viewer", "reviewer", "another's owner"])
def test_nothing_else_shows_values_of_rows(people: dict[str, TestClient], name: str) -> None:
    client = people[name]
    runs = sorted(set(re.findall(r"/runs/[0-9a-f-]{8,}", people["admin"].get("/runs").text)))
    assert runs
    values = {value for _, told in MASKED.values() for value in told if len(value) > 8}
    for address in (*ELSEWHERE, *runs):
        answer = client.get(address)
        assert answer.status_code in ((200,) if name != "viewer" else (200, 403)), address
        for part in parts_of(answer.content):
            assert not [v for v in values if v.encode() in part], (name, address)


def parts_of(content: bytes) -> list[bytes]:
    """What an answer holds, unpacked where it is an archive."""
    if not content.startswith(b"PK"):
        return [content]
    with zipfile.ZipFile(io.BytesIO(content)) as pack:
        return [pack.read(name) for name in pack.namelist()]
