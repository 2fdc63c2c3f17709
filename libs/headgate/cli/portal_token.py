"""`headgate portal token`: which machines may come to the portal, and as what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from headgate.cli import output
from headgate.core.errors import UsageError

if TYPE_CHECKING:
    from headgate.portal.access.people import Person
    from headgate.portal.records.opening import Records

app = typer.Typer(
    help="Which machines may come to the portal, and as what.",
    no_args_is_help=True,
    epilog="Example: headgate portal token create nightly-export --role reviewer",
)
_NAME = typer.Argument(..., metavar="NAME", help="What the token is called; never used twice.")


@app.command("create", epilog="Example: headgate portal token create ci --role viewer --days 30")
def create(
    name: str = _NAME,
    role: str = typer.Option(
        "viewer", "--role", metavar="ROLE", help="viewer, reviewer, owner or admin."
    ),
    teams: list[str] = typer.Option(
        [], "--team", metavar="OWNER", help="An owner of datasets that it is; for the role owner."
    ),
    days: int = typer.Option(90, "--days", min=1, max=366, metavar="N", help="How long it lasts."),
) -> int:
    """Make a token and print it. It is told once: only a digest of it is kept."""
    from headgate.portal.access import tokens

    with records(create=True) as found:
        text = tokens.create(found, name, role, by=caller(), teams=frozenset(teams), days=days)
    # To be caught by `TOKEN=$(…)`.
    output.out(text)
    output.say(f"This is the token of {name}, a {role}, for {days} days; it is told once.")
    output.say("Send it as `Authorization: Bearer TOKEN`, or sign in with it.")
    return 0


@app.command("list", epilog="Example: headgate portal token list")
def list_tokens(as_json: bool = typer.Option(False, "--json", help="Print it as JSON.")) -> int:
    """List every token, revoked ones too, and when each was used last."""
    from headgate.portal.access.tokens import TOKENS

    with records() as found:
        every = TOKENS.every(found)
    if as_json:
        output.json(every)
        return 0
    if not every:
        output.out("There is no token.")
        return 0
    output.table(
        ("token", "role", "teams", "made", "ends", "last used", "revoked"),
        [
            (t.name, str(t.role), ", ".join(sorted(t.owners)), t.created_at, t.expires_at,
             t.used_at, t.revoked_at)
            for t in every
        ],
    )  # fmt: skip
    return 0


@app.command("revoke", epilog="Example: headgate portal token revoke ci")
def revoke(name: str = _NAME) -> int:
    """End a token: a portal that runs refuses it within two seconds."""
    from headgate.portal.access import tokens

    with records() as found:
        tokens.revoke(found, name, by=caller())
    output.say(f"The token of {name} is revoked.")
    return 0


def caller() -> Person:
    """Whoever runs the command, as the log names them."""
    from headgate.portal.access.entering import sitting

    return sitting()


@contextmanager
def records(*, create: bool = False) -> Iterator[Records]:
    """The portal's records of this project, as long as the block lasts.

    Raises:
        NotFoundError: there are none, and they are not to be made.
        UsageError: there is no lake yet for them to lie in.
    """
    from headgate.core import settings
    from headgate.portal.records.opening import open_records, where

    said = settings.load()
    if not said.portal_store and not said.lake_path.exists():
        raise UsageError(
            f"there is no lake yet at {output.near(said.lake_path)}.",
            remedy="make demo fills one with simulated chat; headgate run takes your own sources.",
        )
    found = open_records(where(said), create=create)
    try:
        yield found
    finally:
        found.close()
