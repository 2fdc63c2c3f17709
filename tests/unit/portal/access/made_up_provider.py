"""An OpenID Connect provider in memory, that can be told to answer wrongly in every way."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

ISSUER = "http://127.0.0.1:1/provider"
CLIENT, SECRET = "headgate", "a secret of the client"
KEY = RSAKey.generate_key(2048, {"kid": "one"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "two"})


@dataclass
class MadeUpProvider:
    """``claims`` are laid over what a good token says; None takes one away. ``person`` is what the
    provider knows of who signs in. ``down`` answers nothing."""

    person: dict[str, Any] = field(
        default_factory=lambda: {
            "sub": "1", "email": "ann@example.org", "email_verified": True, "groups": ["stewards"],
        }
    )  # fmt: skip
    claims: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    key: Any = field(default_factory=lambda: KEY)
    keys: list[Any] = field(default_factory=lambda: [KEY])
    told_in_token: bool = True
    userinfo: dict[str, Any] = field(default_factory=dict)
    down: bool = False
    begun: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def begin(self, address: str) -> str:
        """What a browser that follows ``address`` comes back with: a code."""
        asked = {k: v[0] for k, v in parse_qs(urlsplit(address).query).items()}
        assert asked["code_challenge_method"] == "S256" and asked["response_type"] == "code"
        code = f"code-{len(self.begun)}"
        self.begun[code] = asked
        return code

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What is answered over HTTP."""
        self.asked.append(request.url.path)
        if self.down:
            raise httpx.ConnectError("refused", request=request)
        match request.url.path:
            case "/provider/.well-known/openid-configuration":
                return httpx.Response(200, json=self.discovery())
            case "/provider/jwks":
                public = KeySet(self.keys).as_dict(private=False)
                return httpx.Response(200, json=public)
            case "/provider/userinfo":
                assert request.headers["authorization"] == "Bearer access"
                return httpx.Response(200, json={**self.person, **self.userinfo})
            case "/provider/token":
                return self.exchange(request)
        return httpx.Response(404)

    def discovery(self) -> dict[str, Any]:
        """What it says of itself."""
        names = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "jwks",
                 "userinfo_endpoint": "userinfo"}  # fmt: skip
        found: dict[str, Any] = {name: f"{ISSUER}/{path}" for name, path in names.items()}
        return {"issuer": ISSUER, **found, **self.about}

    def exchange(self, request: httpx.Request) -> httpx.Response:
        """A code for a token: once, and only to who has the verifier and the client's secret."""
        sent = {k: v[0] for k, v in parse_qs(request.content.decode()).items()}
        asked = self.begun.pop(sent["code"], None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        digest = hashlib.sha256(sent["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            asked is None
            or request.headers.get("authorization") not in (f"Basic {basic}", _encoded())
            or challenge != asked["code_challenge"]
            or sent["redirect_uri"] != asked["redirect_uri"]
        ):
            return httpx.Response(400, json={"error": "invalid_grant"})
        token = {"access_token": "access", "token_type": "Bearer", "id_token": self.token(asked)}
        return httpx.Response(200, json=token)

    def token(self, asked: dict[str, str]) -> str:
        """The ID token."""
        now = int(time.time())
        told = self.person if self.told_in_token else {"sub": self.person["sub"]}
        found = {
            "iss": ISSUER, "aud": CLIENT, "nonce": asked["nonce"], "iat": now, "exp": now + 300,
            **told, **self.claims,
        }  # fmt: skip
        found = {k: v for k, v in found.items() if v is not None}
        if self.algorithm in ("none", "HS256"):
            return self.forged(found)
        header = {"alg": self.algorithm, "kid": "one"}
        if isinstance(self.key, RSAKey):
            header["kid"] = str(self.key.kid)
        return jwt.encode(header, found, self.key)

    def forged(self, claims: dict[str, Any]) -> str:
        """Signed by nobody, or with what everybody knows of the key."""
        header = {"alg": self.algorithm, "typ": "JWT", "kid": "one"}
        text = ".".join(_packed(json.dumps(part).encode()) for part in (header, claims))
        if self.algorithm == "none":
            return f"{text}."
        known = KEY.as_pem(private=False)
        return f"{text}.{_packed(hmac.new(known, text.encode(), hashlib.sha256).digest())}"


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _encoded() -> str:
    from urllib.parse import quote_plus

    text = f"{quote_plus(CLIENT)}:{quote_plus(SECRET)}"
    return "Basic " + base64.b64encode(text.encode()).decode()
