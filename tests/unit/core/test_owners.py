"""The tables of owners: who answers for datasets, and at which line they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from headgate.core import owners, secrets, settings
from headgate.core.errors import SettingError
from headgate.core.owners import Owner

TOML = """\
lake = "lake"

[owners.chat-platform]
email = ["a@example.com", "B <b@example.com>"]
webhook = "https://hooks.example.com/services/canary-of-an-owner"

[owners . "people ops"]
# email = "nobody"
webhook = "${PEOPLE_HOOK}"
"""


def write(folder: Path, text: str) -> Path:
    (folder / "headgate.toml").write_text(text)
    return folder


def test_owners_are_read_with_their_place(tmp_path: Path) -> None:
    found = owners.load(write(tmp_path, TOML))
    assert dict(found) == {
        "chat-platform": Owner(
            "chat-platform", ("a@example.com", "b@example.com"),
            "https://hooks.example.com/services/canary-of-an-owner", "headgate.toml:3",
        ),
        "people ops": Owner("people ops", (), "${PEOPLE_HOOK}", "headgate.toml:7"),
    }  # fmt: skip
    assert "canary" not in secrets.redact(f"posting to {found['chat-platform'].webhook}")
    assert "canary" not in secrets.redact("POST /services/canary-of-an-owner failed")


def test_none_are_needed(tmp_path: Path) -> None:
    assert owners.load(tmp_path) == {}
    assert owners.load(write(tmp_path, 'lake = "lake"\n')) == {}


def test_they_are_no_setting(tmp_path: Path) -> None:
    assert settings.load(write(tmp_path, TOML), environ={}).lake == Path("lake")


def test_an_address_may_stand_in_the_environment() -> None:
    given = {"PEOPLE_HOOK": "https://hooks.example.com/canary-of-a-variable"}
    assert owners.webhook_of("${PEOPLE_HOOK}", given) == given["PEOPLE_HOOK"]
    assert owners.webhook_of("${PEOPLE_HOOK}", {}) == ""
    assert "canary" not in secrets.redact(given["PEOPLE_HOOK"])


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ('[owners.a]\nemail = "x@y.z"\nphone = 1\n', 3, "has no 'phone'"),
        ('[owners.a]\n\nemail = "nobody"\n', 3, "no mail address"),
        ("[owners.a]\nemail = 7\n", 2, "no text"),
        ('[owners.b]\nemail = "x@y.z"\n[owners.a]\nwebhook = "ftp://canary/"\n', 4, "no http"),
        ("[owners]\na = 3\n", 2, "no table"),
        ("owners = 3\n", 1, "no table"),
        ("[owners.a]\n[owners.a]\n", None, "not valid TOML"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, text: str, line: int | None, told: str
) -> None:
    with pytest.raises(SettingError, match=told) as error:
        owners.load(write(tmp_path, text))
    assert error.value.place == (f"headgate.toml:{line}" if line else "headgate.toml")
    assert "canary" not in str(error.value)


def test_one_wrong_table_hides_no_other(tmp_path: Path) -> None:
    found, wrong = owners.read(write(tmp_path, TOML + "[owners.x]\nwebhook = 3\n"))
    assert set(found) == {"chat-platform", "people ops"}
    assert [w.place for w in wrong] == ["headgate.toml:11"]
