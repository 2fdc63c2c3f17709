"""`headgate portal audit`: whether the log of who saw and did what is as it was written, and all of it."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import typer

from headgate.cli import output, portal_token
from headgate.core import json as hjson
from headgate.core.errors import UsageError

if TYPE_CHECKING:
    from headgate.portal.records.chain import Head

app = typer.Typer(
    help="The log of who saw and did what in the portal.",
    no_args_is_help=True,
    epilog="Example: headgate portal audit verify",
)


@app.command("verify", epilog="Example: headgate portal audit verify --head 812:5c1f…")
def verify(
    head: str = typer.Option(
        "",
        "--head",
        metavar="NUMBER:HASH",
        help="How the log ended once, as this command printed it then.",
    ),
) -> int:
    """Compute every entry's hash anew, and print how the log ends.

    Note what it prints in another place: given as --head later, it proves that nothing up to there was
    changed or cut off. The exit status is 1 if the log is not as it was written.
    """
    from headgate.portal.records import chain

    noted = _head(head) if head else None
    with portal_token.records() as found:
        verified = chain.verify(found, noted=noted)
    output.out(str(verified.head))
    if verified.broken is not None:
        output.say(
            f"Entry {verified.broken} was changed or is missing; the {verified.broken - 1} before it"
            " are as they were written."
        )
        return 1
    output.say(f"All {verified.entries} entries are as they were written.")
    return 0


@app.command("export", epilog="Example: headgate portal audit export > audit.jsonl")
def export() -> int:
    """Print every entry as a line of JSON, the oldest first; that it was done is the last of them."""
    from headgate.portal.records import chain

    with portal_token.records() as found:
        chain.append(
            found, by=portal_token.caller(), action="exported", subject="audit log", via="command"
        )
        for entry in chain.every(found):
            output.out(hjson.dumps(vars(entry)))
        head = chain.head(found)
    sys.stdout.flush()
    output.say(f"The log ends with {head}.")
    return 0


def _head(text: str) -> Head:
    from headgate.portal.records.chain import Head

    match = re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{64})", text.strip())
    if match is None:
        raise UsageError(
            f"{text!r} is no end of a log.",
            remedy="It is a number and 64 hexadecimal digits, with a colon between.",
        )
    return Head(int(match[1]), match[2])
