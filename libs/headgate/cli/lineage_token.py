"""`headgate lineage token`: who may post events to the lineage server, and who may ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from headgate.cli import output

if TYPE_CHECKING:
    from headgate.lineage.store.opening import Store

app = typer.Typer(
    help="Who may post events to the lineage server, and who may ask.",
    no_args_is_help=True,
    epilog="Example: headgate lineage token create airflow --role producer",
)
_NAME = typer.Argument(..., metavar="NAME", help="What the token is called; never used twice.")


@app.command("create", epilog="Example: headgate lineage token create airflow --role producer")
def create(
    name: str = _NAME,
    role: str = typer.Option(
        "reader",
        "--role",
        metavar="ROLE",
        help="producer (may only post events), reader (may only ask) or admin (both, and tokens).",
    ),
) -> int:
    """Make a token and print it. It is told once: only a digest of it is kept."""
    from headgate.lineage import access

    with _store() as store:
        text = access.create(store, name, role)
    # To be caught by `TOKEN=$(…)`.
    output.out(text)
    output.say(f"This is the token of {name}, a {role}; it is told once.")
    output.say("Send it as `Authorization: Bearer TOKEN`, or set OPENLINEAGE_API_KEY to it.")
    return 0


@app.command("list", epilog="Example: headgate lineage token list")
def list_tokens(as_json: bool = typer.Option(False, "--json", help="Print it as JSON.")) -> int:
    """List every token, revoked ones too, and when each was used last."""
    from headgate.lineage import access

    with _store() as store:
        found = access.every(store)
    if as_json:
        output.json(found)
        return 0
    if not found:
        output.out("There is no token: only this machine is served, and everybody on it.")
        return 0
    output.table(
        ("token", "role", "made", "last used", "revoked"),
        [(t.name, str(t.role), t.created_at, t.used_at, t.revoked_at) for t in found],
    )
    return 0


@app.command("revoke", epilog="Example: headgate lineage token revoke airflow")
def revoke(name: str = _NAME) -> int:
    """End a token: a server that runs refuses it within two seconds."""
    from headgate.lineage import access

    with _store() as store:
        access.revoke(store, name)
        left = access.is_guarded(store)
    output.say(f"The token of {name} is revoked.")
    if not left:
        output.say("It was the last: nobody is served until another is made.")
    return 0


@contextmanager
def _store() -> Iterator[Store]:
    from headgate.core import settings
    from headgate.lineage.store.opening import open_store
    from headgate.orchestration.lineage_store import where

    store = open_store(where(settings.load()))
    try:
        yield store
    finally:
        store.close()
