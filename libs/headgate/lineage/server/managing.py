"""Routes of tokens: list, make and revoke them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Body, Path, Request, Response

from headgate.lineage import access
from headgate.lineage.access import Role, Token
from headgate.lineage.server import served
from headgate.lineage.server.problems import Problem
from headgate.lineage.server.rules import API

routes = APIRouter(prefix=API, tags=["tokens"])
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"


@dataclass(frozen=True)
class Tokens:
    """Every token, those that were revoked too."""

    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class Made:
    """A token that was just made; ``token`` is its text and cannot be had again."""

    name: str
    role: Role
    token: str


@routes.get(
    "/tokens", responses={200: {"model": Tokens, "description": "The answer."}, **served.refusals()}
)
def list_tokens(request: Request) -> Response:
    """Every token by name, without its text."""
    return served.answer(Tokens(access.every(served.of(request).store)))


@routes.post(
    "/tokens",
    status_code=201,
    responses={201: {"model": Made, "description": "It is made."}, **served.refusals(400, 409)},
)
def make_token(
    request: Request,
    name: Annotated[str, Body(pattern=_NAME, description="Letters, digits, dots, - and _.")],
    role: Annotated[Role, Body()],
) -> Response:
    """Make a token. Its text is told once, here."""
    around = served.of(request)
    text = access.create(around.store, name, role)
    around.keys.forget()
    return served.answer(Made(name, role, text), 201)


@routes.delete(
    "/tokens/{name}",
    responses={200: {"model": Token, "description": "The answer."}, **served.refusals(404, 409)},
)
def revoke_token(request: Request, name: Annotated[str, Path(pattern=_NAME)]) -> Response:
    """End a token; it is refused from now on. Nobody can end the one that they come with."""
    around = served.of(request)
    own: Token | None = request.scope.get("state", {}).get("token")
    if own is not None and own.name == name:
        raise Problem(409, "This is the token that you come with.", remedy="Use another to end it.")
    found = access.revoke(around.store, name)
    around.keys.forget()
    return served.answer(found)
