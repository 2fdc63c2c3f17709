"""Signing in at an OpenID Connect provider: by code, with PKCE, state and nonce, and a token that is checked."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client
from joserfc import errors, jwt
from joserfc.jwk import KeySet

from headgate.core import clock
from headgate.core.settings import Settings
from headgate.lineage.server.doorkeeping import is_loopback
from headgate.portal.access.refusal import Refusal

#: How ID tokens may be signed: by a key that the provider alone has.
_ALGORITHMS = ("RS256", "ES256", "PS256", "RS384", "ES384", "PS384", "RS512", "ES512", "PS512", "EdDSA")  # fmt: skip
_CACHED_SECONDS = 3600.0
#: How soon at the earliest keys are asked for again because one is not known.
_KEYS_SECONDS = 10.0
_TIMEOUT_SECONDS = 10.0
#: How far the clocks may be apart.
_LEEWAY_SECONDS = 60
_LONGEST = 1_000_000
_AGAIN = "Sign in again."
_TELL = "Tell whoever runs this portal."


@dataclass(frozen=True)
class Asked:
    """What one sign-in is known by at the provider."""

    state: str
    nonce: str
    verifier: str
    redirect: str


class Provider:
    """The provider that the settings name; what it says of itself is kept for an hour.

    ``transport`` is how it is reached, if not by the network.
    """

    def __init__(self, settings: Settings, *, transport: httpx.BaseTransport | None = None) -> None:
        self.issuer = settings.portal_oidc_issuer.rstrip("/")
        self._settings, self._transport = settings, transport
        self._lock = threading.Lock()
        self._about: tuple[float, Mapping[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    @property
    def name(self) -> str:
        """What people call it: its host."""
        return urlsplit(self.issuer).hostname or self.issuer

    def address(self, asked: Asked) -> str:
        """Where to send a browser.

        Raises:
            Refusal: the provider does not answer, or not as one.
        """
        client = self._client(asked.redirect, None)
        address, _ = client.create_authorization_url(
            self._endpoint("authorization_endpoint"), state=asked.state, nonce=asked.nonce,
            code_verifier=asked.verifier,
        )  # fmt: skip
        return str(address)

    def claims(self, asked: Asked, code: str, issuer: str | None) -> Mapping[str, Any]:
        """What the provider vouches for, of whoever came back with this code; the person's groups too.

        ``issuer`` is who the answer says it is from, where the provider says that.

        Raises:
            Refusal: the code or the token is not as it must be, or the provider does not answer.
        """
        about = self._discovered()
        vouches = about.get("authorization_response_iss_parameter_supported")
        if (vouches or issuer is not None) and issuer != about["issuer"]:
            raise Refusal(403, "The answer is not from the provider that was asked.", _AGAIN)
        try:
            with self._http() as session:
                token = self._client(asked.redirect, session).fetch_token(
                    self._endpoint("token_endpoint"), grant_type="authorization_code", code=code,
                    code_verifier=asked.verifier,
                )  # fmt: skip
        except OAuth2Error as error:
            told = f"The provider does not take the code: {str(error.error)[:100]}."
            raise Refusal(403, told, _AGAIN) from None
        except (httpx.HTTPError, ValueError):
            raise self._silent() from None
        found = self._checked(str(token.get("id_token") or ""), asked.nonce)
        return self._with_groups(found, str(token.get("access_token") or ""))

    def _client(self, redirect: str, session: httpx.Client | None) -> OAuth2Client:
        secret = self._settings.portal_oidc_client_secret
        ways = self._discovered().get("token_endpoint_auth_methods_supported") or ()
        way = "none"
        if secret:
            basic = not ways or "client_secret_basic" in ways
            way = "client_secret_basic" if basic else "client_secret_post"
        return _Client(
            session, self._settings.portal_oidc_client_id, secret or None, way,
            scope=self._settings.portal_oidc_scopes, redirect_uri=redirect,
            code_challenge_method="S256",
        )  # fmt: skip

    def _http(self) -> httpx.Client:
        return httpx.Client(
            timeout=_TIMEOUT_SECONDS, follow_redirects=False, transport=self._transport
        )

    def _checked(self, text: str, nonce: str) -> dict[str, Any]:
        """The claims of an ID token that is signed by the provider, for us, now, and for this sign-in."""
        try:
            token = self._decoded(text)
            _registry(
                str(self._discovered()["issuer"]), self._settings.portal_oidc_client_id, nonce
            ).validate(token.claims)
        except (errors.JoseError, ValueError, TypeError, KeyError) as error:
            raise Refusal(
                403, f"The provider's token does not hold: {_in_words(error)}.", f"{_AGAIN} {_TELL}"
            ) from None
        found = dict(token.claims)
        audience = found["aud"] if isinstance(found["aud"], list) else [found["aud"]]
        party = found.get(
            "azp", None if len(audience) > 1 else self._settings.portal_oidc_client_id
        )
        if party != self._settings.portal_oidc_client_id:
            raise Refusal(403, "The provider's token was made for another application.", _TELL)
        return found

    def _decoded(self, text: str) -> jwt.Token:
        try:
            return jwt.decode(text, self._key_set(), algorithms=_ALGORITHMS)
        except (ValueError, errors.JoseError):
            # The key may be newer than those that are known.
            if self._keys is not None and clock.monotonic() - self._keys[0] < _KEYS_SECONDS:
                raise
            return jwt.decode(text, self._key_set(anew=True), algorithms=_ALGORITHMS)

    def _with_groups(self, found: dict[str, Any], access: str) -> dict[str, Any]:
        """Some providers tell groups, and a name, only to who asks with the access token."""
        wanted = {self._settings.portal_oidc_groups_claim, self._settings.portal_oidc_name_claim}
        where = self._discovered().get("userinfo_endpoint")
        if wanted <= found.keys() or not where or not access:
            return found
        told = self._fetched(str(where), {"Authorization": f"Bearer {access}"})
        if told.get("sub") != found["sub"]:
            raise Refusal(403, "The provider tells of somebody else than who signed in.", _TELL)
        return {**told, **found}

    def _endpoint(self, name: str) -> str:
        where = self._discovered().get(name)
        if not isinstance(where, str):
            raise Refusal(503, f"The provider says of no {name.replace('_', ' ')}.", _TELL)
        _demand_encrypted(where)
        return where

    def _discovered(self) -> Mapping[str, Any]:
        with self._lock:
            if self._about is not None and clock.monotonic() - self._about[0] < _CACHED_SECONDS:
                return self._about[1]
            about = self._fetched(f"{self.issuer}/.well-known/openid-configuration")
            if str(about.get("issuer", "")).rstrip("/") != self.issuer:
                raise Refusal(503, f"{self.issuer} says that it is another provider.", _TELL)
            self._about = (clock.monotonic(), about)
            return about

    def _key_set(self, *, anew: bool = False) -> KeySet:
        held = self._keys
        if held is None or anew or clock.monotonic() - held[0] > _CACHED_SECONDS:
            found = KeySet.import_key_set(self._fetched(self._endpoint("jwks_uri")))  # type: ignore[arg-type]
            self._keys = held = (clock.monotonic(), found)
        return held[1]

    def _fetched(self, address: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        _demand_encrypted(address)
        try:
            with self._http() as client:
                answer = client.get(address, headers=headers)
            found = answer.raise_for_status().json() if len(answer.content) <= _LONGEST else None
        except (httpx.HTTPError, ValueError):
            raise self._silent() from None
        if not isinstance(found, dict):
            raise self._silent()
        return found

    def _silent(self) -> Refusal:
        return Refusal(
            503, f"The provider {self.name} does not answer as it should.",
            "Try again in a while; who is signed in already stays so.",
        )  # fmt: skip


class _Authenticated(httpx.Auth, ClientAuth):
    """Proves to the provider who we are, in the way that it takes."""

    requires_request_body = True

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]
        address, headers, body = self.prepare(
            request.method, str(request.url), request.headers, request.content
        )
        headers["Content-Length"] = str(len(body))
        yield httpx.Request(request.method, address, headers=headers, content=body)


class _Client(OAuth2Client):
    client_auth_class = _Authenticated


def _demand_encrypted(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise Refusal(503, f"The provider's {address} is not encrypted.", _TELL)


def _registry(issuer: str, audience: str, nonce: str) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        now=lambda: int(clock.now().timestamp()), leeway=_LEEWAY_SECONDS,
        iss={"essential": True, "value": issuer}, aud={"essential": True, "value": audience},
        nonce={"essential": True, "value": nonce}, sub={"essential": True},
        exp={"essential": True}, iat={"essential": True},
    )  # fmt: skip


def _in_words(error: Exception) -> str:
    text = str(getattr(error, "description", "") or error or type(error).__name__)
    return text.strip().rstrip(".")
