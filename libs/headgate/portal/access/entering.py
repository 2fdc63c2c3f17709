"""Who comes in, and how: this machine's own people, a token, or a session that a sign-in began."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from headgate.core.errors import SettingError, UsageError
from headgate.core.settings import Settings
from headgate.lineage.server import doorkeeping
from headgate.lineage.server.doorkeeping import Headers
from headgate.portal.access import policy
from headgate.portal.access.people import Person
from headgate.portal.access.refusal import Refusal
from headgate.portal.access.roles import Role
from headgate.portal.access.sessions import Sessions
from headgate.portal.access.tokens import TOKENS, Keys
from headgate.portal.records.checking import Checker
from headgate.portal.records.opening import Records

if TYPE_CHECKING:
    from headgate.portal.access.oidc import Provider

_LONGEST_NAME = 320
#: What people at this machine and tokens are called; nobody else may be.
_OURS = ("local:", "token:")
_TELL = "Tell whoever runs this portal."
#: The cookie of who is signed in, where it is sent encrypted alone, and on this machine.
COOKIE, COOKIE_HERE = "__Host-headgate", "headgate_session"
_MAKE_ONE = (
    "Set portal_oidc_issuer and its companions, or make a token: headgate portal token create NAME."
)


@dataclass(frozen=True)
class Entered:
    """Who came in; ``session`` is what their cookie holds, if that is how they came."""

    person: Person
    session: str | None = None


class Access:
    """The ways into a portal.

    Args:
        records: where tokens, sessions and the log are.
        settings: the provider, the policy, and how long sessions last.
        owners: gives those of the contracts: teams are called so.

    Raises:
        SettingError: a setting is wrong.
    """

    def __init__(
        self,
        records: Records,
        settings: Settings,
        *,
        owners: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self.records, self.settings = records, settings
        self.owners = owners
        self.policy = policy.load(settings)
        self.keys = Keys(records)
        self.sessions = Sessions(
            records,
            idle=timedelta(minutes=settings.portal_idle_minutes),
            whole=timedelta(hours=settings.portal_session_hours),
        )
        self.checker = Checker(records)
        self.address = _address(settings.portal_url)
        self._is_alone = True
        self._sitting: Person | None = None

    def person_of(self, claims: Mapping[str, Any]) -> Person:
        """Who somebody is here, by what the provider vouches for.

        Raises:
            Refusal: they have no name that it vouches for, or nothing gives them a role.
        """
        claim = self.settings.portal_oidc_name_claim
        name = claims.get(claim)
        if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME:
            raise Refusal(403, f"The provider says no {claim} of whoever signed in.", _TELL)
        name = name.strip()
        if claim == "email" and claims.get("email_verified") is not True:
            raise Refusal(403, f"The provider did not verify the address {name}.", _TELL, who=name)
        if name.startswith(_OURS):
            raise Refusal(403, f"Nobody may be called {name} here.", _TELL)
        groups = claims.get(self.settings.portal_oidc_groups_claim) or ()
        groups = [groups] if isinstance(groups, str) else groups
        found = self.policy.person(name, map(str, groups), frozenset(self.owners()))
        if found is None:
            raise Refusal(
                403, f"{name} is in no group that has a role here.",
                "Ask whoever runs this portal to give one of your groups a role.", who=name,
            )  # fmt: skip
        return found

    @cached_property
    def provider(self) -> Provider:
        """Where people sign in."""
        from headgate.portal.access.oidc import Provider

        return Provider(self.settings)

    @property
    def has_provider(self) -> bool:
        """Whether people can sign in at a provider."""
        return bool(self.settings.portal_oidc_issuer)

    @property
    def is_guarded(self) -> bool:
        """Whether somebody could come in from elsewhere."""
        return self.has_provider or TOKENS.is_guarded(self.records)

    def demand_guarded(self, host: str) -> None:
        """Let only a guarded portal be served where others can reach it.

        Raises:
            UsageError: there is no way to sign in; or passwords would pass unencrypted.
        """
        if doorkeeping.is_loopback(host):
            return
        if not self.is_guarded:
            raise UsageError(
                f"nothing is served at {host}, where others can reach it, as long as nobody can sign in.",
                remedy=f"{_MAKE_ONE} Or leave out --host.",
            )
        if self.has_provider and not self.address.startswith("https://"):
            raise UsageError(
                f"people would sign in over an unencrypted line at {host}.",
                remedy="Set portal_url to the https address that leads here.",
            )
        self._is_alone = False

    def opened_by(self, person: Person) -> Access:
        """Whoever sits at this machine is that person (for tests)."""
        self._sitting = person
        return self

    @property
    def local(self) -> Person:
        """Who sits at this machine: an admin, to whom everything belongs."""
        return self._sitting or sitting(self.owners())

    @property
    def is_open(self) -> bool:
        """Whether nobody has to sign in: nothing is configured, and only this machine is served."""
        return self._is_alone and not self.has_provider and not self.keys.any

    def find(self, headers: Headers, address: str) -> Entered | None:
        """Who sends a request, and from where; None if nothing says who. It asks the records: not for
        the event loop.

        Raises:
            Refusal: what they send lets nobody in.
        """
        if self.is_open:
            why = doorkeeping.not_this_machine(headers, links=True)
            if why is None and not doorkeeping.is_loopback(address):
                why = 403, "nobody is served but who is on this machine"
            if why is not None:
                raise Refusal(why[0], f"As long as nobody can sign in, {why[1]}.", _MAKE_ONE)
            return Entered(self.local)
        text = doorkeeping.bearer(headers)
        if text is not None:
            token = self.keys.find(text)
            if token is None:
                raise Refusal(
                    401,
                    "This token is not known, was revoked, or has expired.",
                    "Send `Authorization: Bearer TOKEN`; an admin makes one at /tokens.",
                )
            self.keys.note_use()
            return Entered(token.person)
        key = self.cookie(headers)
        found = self.sessions.find(key) if key else None
        if found is None or key is None:
            return None
        if found.person.name.startswith("token:") and self.keys.holder(found.person.name) is None:
            return None  # the token by which they signed in was revoked since
        return Entered(found.person, key)

    def cookie(self, headers: Headers) -> str | None:
        """What the cookie of who is signed in holds."""
        jar = SimpleCookie()
        try:
            jar.load(headers.get(b"cookie", b"").decode("latin-1"))
        except CookieError:
            return None
        found = jar.get(self.cookie_name(headers))
        return found.value if found else None

    def is_encrypted(self, headers: Headers) -> bool:
        """Whether cookies may be sent encrypted alone: everywhere but on this machine's own name."""
        if self.address:
            return self.address.startswith("https://")
        return not doorkeeping.is_loopback(doorkeeping.host_of(headers))

    def cookie_name(self, headers: Headers) -> str:
        """What the cookie of who is signed in is called."""
        return COOKIE if self.is_encrypted(headers) else COOKIE_HERE

    def is_other_site(self, headers: Headers) -> bool:
        """Whether a page of another site made a browser send this."""
        if self.address and headers.get(b"origin", b"").decode("latin-1") == self.address:
            return headers.get(b"sec-fetch-site") in (b"cross-site", b"same-site")
        return doorkeeping.is_other_site(headers)


def _address(text: str) -> str:
    """The origin of ``portal_url``; empty if it is not set.

    Raises:
        SettingError: it is no address, or has more than an origin.
    """
    if not text:
        return ""
    parts = urlsplit(text)
    plain = parts.scheme == "http" and doorkeeping.is_loopback(parts.hostname or "")
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.username:
        raise SettingError(
            f"portal_url: {text!r} is no address of a portal.",
            remedy="Such as https://data.example.org, with no path behind it.",
        )
    if parts.scheme != "https" and not plain:
        raise SettingError(
            f"portal_url: {text!r} is not encrypted.", remedy="It has to begin with https://."
        )
    return f"{parts.scheme}://{parts.netloc}"


def sitting(owners: Iterable[str] = ()) -> Person:
    """Who sits at this machine, and is an admin."""
    return Person(f"local:{_user()}", Role.ADMIN, frozenset(owners))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number that has no name, as in a container
        return "unknown"
