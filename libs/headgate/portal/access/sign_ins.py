"""Sign-ins that were begun and are not ended: each is known by its state, once, in one browser."""

from __future__ import annotations

import secrets
from datetime import timedelta

import sqlalchemy as sa

from headgate.core import clock, ids
from headgate.portal.access.oidc import Asked
from headgate.portal.access.refusal import Refusal
from headgate.portal.records.opening import Records
from headgate.portal.records.tables import signing_in as _table

#: How long somebody may be at the provider.
_LASTS = timedelta(minutes=15)
#: Of one browser; who begins more has the oldest forgotten.
_MOST = 20


def begin(records: Records, *, browser: str, redirect: str, goes_on: str) -> Asked:
    """Note that somebody goes to the provider; ``goes_on`` is where they wanted to go."""
    asked = Asked(
        state=secrets.token_urlsafe(32), nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(64), redirect=redirect,
    )  # fmt: skip
    own, column = _digest(browser), _table.c
    values = {
        "state": _digest(asked.state), "browser": own, "nonce": asked.nonce,
        "verifier": asked.verifier, "next": goes_on, "created_at": clock.micros(),
    }  # fmt: skip
    with records.writing() as connection:
        over = column.created_at < clock.micros(clock.now() - _LASTS)
        connection.execute(sa.delete(_table).where(over))
        earlier = sa.select(column.state).where(column.browser == own)
        held = connection.scalars(
            earlier.order_by(column.created_at.desc()).offset(_MOST - 1)
        ).all()
        if held:
            connection.execute(sa.delete(_table).where(column.state.in_(held)))
        connection.execute(sa.insert(_table).values(values))
    return asked


def take(records: Records, *, state: str, browser: str, redirect: str) -> tuple[Asked, str]:
    """What was noted under a state, and where to go on; it is not known any more afterwards.

    Raises:
        Refusal: nothing was begun under it in that browser, or long ago, or it was ended already.
    """
    with records.writing() as connection:
        found = connection.execute(
            sa.delete(_table)
            .where(_table.c.state == _digest(state), _table.c.browser == _digest(browser))
            .returning(_table.c.nonce, _table.c.verifier, _table.c.next, _table.c.created_at)
        ).first()
    if found is None or clock.moment(found.created_at) < clock.now() - _LASTS:
        raise Refusal(
            400, "This sign-in was not begun in this browser, is too long ago, or is over.",
            "Sign in again, from the beginning.",
        )  # fmt: skip
    return Asked(state, found.nonce, found.verifier, redirect), found.next


def _digest(text: str) -> bytes:
    return bytes.fromhex(ids.digest("sign-in", text))
