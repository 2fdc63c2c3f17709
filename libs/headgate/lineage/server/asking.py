"""Routes that ask: where something comes from, what a change breaks, why it changed, personal data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Query, Request, Response

from headgate.core.errors import NotFoundError
from headgate.lineage.questions import answers, datasets
from headgate.lineage.questions.impact import impact
from headgate.lineage.questions.personal import personal
from headgate.lineage.questions.trace import MOST_NODES, trace
from headgate.lineage.questions.why import Why, why
from headgate.lineage.server import served
from headgate.lineage.server.rules import API
from headgate.lineage.server.served import Name, Needed, Space, Text
from headgate.lineage.store.opening import Store

Answer = TypeVar("Answer")
routes = APIRouter(prefix=API, tags=["questions"])
Column = Annotated[Text, Query(description="One of its columns; `*` stands for which rows it has.")]
AsOf = Annotated[
    Text,
    Query(
        description="As things stood then: a date or time, `run:UUID`, `release:NUMBER` or"
        " `release:LAKE/NUMBER`. Default: now."
    ),
]
End = Annotated[
    Needed,
    Query(description="A release's number, a time, or `run:UUID` (what readers saw at its end)."),
]


@routes.get(
    "/trace",
    responses={
        200: served.of_schema("Trace"),
        **served.refusals(404),
    },
)
def get_trace(
    request: Request,
    name: Name,
    namespace: Space = None,
    column: Column = None,
    direction: Annotated[
        Literal["up", "down"],
        Query(description="What it is made from, or what is made from it."),
    ] = "up",
    depth: Annotated[
        int | None, Query(ge=1, le=1_000, description="At most so many steps.")
    ] = None,
    indirect: Annotated[
        bool, Query(description="Follow also what only decides which value or row is taken.")
    ] = True,
    as_of: AsOf = None,
    limit: Annotated[
        int, Query(ge=1, le=MOST_NODES, description="At most so many nodes.")
    ] = MOST_NODES,
) -> Response:
    """Where a dataset or column comes from, or what follows from it, each edge once."""
    store = served.of(request).store
    found = _of_any(
        store, name, namespace,
        lambda space, its: trace(
            store, _what(its, column), direction, namespace=space,
            depth=depth, indirect=indirect, as_of=as_of, limit=limit,
        ),
    )  # fmt: skip
    return Response(found.json(), media_type="application/json")


@routes.get("/impact", responses={200: served.of_schema("Impact"), **served.refusals(404)})
def get_impact(
    request: Request,
    name: Name,
    namespace: Space = None,
    column: Column = None,
    change: Annotated[
        Literal["changes", "goes"], Query(description="Whether it changes, or is no more.")
    ] = "changes",
    as_of: AsOf = None,
) -> Response:
    """What breaks if a dataset or column changes or goes: columns, jobs, rules, owners to tell."""
    store = served.of(request).store
    found = _of_any(
        store, name, namespace,
        lambda space, its: impact(
            store, _what(its, column), change=change, namespace=space, as_of=as_of
        ),
    )  # fmt: skip
    return served.answer(answers.of_impact(found))


@routes.get(
    "/why", responses={200: {"model": Why, "description": "The answer."}, **served.refusals(404)}
)
def get_why(
    request: Request,
    name: Name,
    before: End,
    after: End,
    namespace: Space = None,
    column: Column = None,
) -> Response:
    """Why a dataset is other than it was: what moved between two releases, and what moved that."""
    store = served.of(request).store
    found = why(store, name, before, after, column=column, namespace=namespace)
    roots = [one.dataset for one in found.roots]
    return served.answer({**served.plain(found), "nothing": found.nothing, "roots": roots})


@routes.get(
    "/personal-data", responses={200: served.of_schema("PersonalData"), **served.refusals(404)}
)
def get_personal_data(
    request: Request,
    name: Annotated[Text, Query(description="One dataset. Default: all.")] = None,
    namespace: Space = None,
    column: Column = None,
    as_of: AsOf = None,
) -> Response:
    """Where columns flow that are personal or classified, and where that ends by declaration."""
    store = served.of(request).store
    if name is None:
        found = personal(store, as_of=as_of)
    else:
        found = _of_any(
            store, name, namespace,
            lambda space, its: personal(store, _what(its, column), as_of=as_of, namespace=space),
        )  # fmt: skip
    return served.answer(answers.of_personal(found))


def _of_any(
    store: Store, name: str, namespace: str | None, ask: Callable[[str | None, str], Answer]
) -> Answer:
    """What is answered of a dataset, by its name or an alias of it, wherever that alone is enough."""
    try:
        return ask(namespace, name)
    except NotFoundError:
        with store.reading() as connection:
            itself, _ = datasets.find(connection, name, namespace)
        if (itself.namespace, itself.name) == (namespace, name):
            raise
        return ask(itself.namespace, itself.name)


def _what(name: str, column: str | None) -> str:
    return name if not column else f"{name}.{column}"
