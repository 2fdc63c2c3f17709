"""Secrets are found as fast as texts are long, and none is overlooked for it."""

from __future__ import annotations

import random

import pytest

from headgate.core import secrets
from headgate.core.secrets import HIDDEN

PARTS = [
    "password", "PassWord", "token", "auth_token", "access_token", "api_key", "sig", "x-amz-signature",
    "secret_access_key", "sharedaccesskey", "keypassword", "=", "=", "==", "@", ":", "://", "//", "http",
    "postgresql", "u", "hunter2hunter2", " ", '"', "'", "\\", "&", ";", ",", ")", "*", "***", "_", "-", "\n", "é",
]  # fmt: skip


def as_it_is_said(text: str) -> str:
    """What :func:`secrets.redact` says it does, without looking for where to look."""
    text = secrets._ADDRESS.sub(rf"\1:{HIDDEN}@", text)
    return secrets._PAIR.sub(rf"\1{HIDDEN}", text)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_overlooked(seed: int) -> None:
    rnd, hidden = random.Random(seed), 0
    for _ in range(4000):
        text = "".join(rnd.choices(PARTS, k=rnd.randrange(1, 14)))
        found = secrets.redact(text)
        assert found == secrets.without_values(as_it_is_said(text)), text
        hidden += HIDDEN in found and HIDDEN not in text
    assert hidden > 100


def test_values_are_hidden_in_every_form() -> None:
    secrets.add(["pass wörd/1", "another-one"])
    text = "a pass wörd/1 b pass%20w%C3%B6rd%2F1 c pass+w%C3%B6rd%2F1 another-one"
    assert "rd/1" not in secrets.redact(text) and "another" not in secrets.redact(text)
    assert secrets.holds_value(text) and not secrets.holds_value("nothing of that")
