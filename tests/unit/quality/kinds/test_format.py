"""Well-known forms, against other people's parsers where there are some."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import itertools
import random

import pytest

from headgate.contracts.formats import FORMATS
from headgate.core.errors import ContractError
from tests.unit.quality.judging import NASTY, holds, rule

GOOD = {
    "uuid": ["00000000-0000-0000-0000-000000000000", "0196F0C8-7a4e-7000-8000-0000000000Ff"],
    "email": ["a@b.co", "first.last+tag@sub.example.org", "o'neil@example.com"],
    "uri": ["https://example.org/a?b=c#d", "mailto:a@b.co", "urn:isbn:0451450523", "file:///a"],
    "hostname": ["localhost", "a.b-c.example", "1.example", "x" * 63 + ".org"],
    "ipv4": ["0.0.0.0", "255.255.255.255", "10.1.2.3"],
    "ipv6": ["::", "::1", "1::", "2001:db8::8:800:200C:417A", "::ffff:129.144.52.38"],
    "time": ["00:00", "09:30:00", "23:59:59.999999", "12:00:00.5"],
    "byte": ["", "aGVhZA==", "Z2F0ZQ==", "YWJj"],
}
BAD = {
    "uuid": ["0000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}", "x"],
    "email": ["a", "a@b", "@b.co", "a@b.co ", "a b@c.de", "a@-b.co", "a@b..co"],
    "uri": ["example.org", "http://a b", "://x", "1http:x", "http:<x>"],
    "hostname": ["-a.org", "a-.org", "a..b", "a_b", "x" * 64 + ".org", "", "a.org."],
    "ipv4": ["256.0.0.1", "1.2.3", "01.2.3.4", "1.2.3.4.5", "1.2.3.4\n"],
    "ipv6": [
        ":::",
        "1::2::3",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "g::",
        "::1.2.3",
        "fe80::1%eth0",
    ],
    "time": ["24:00", "9:30", "12:60", "12:00:60", "12:00Z", "12:00:00.1234567", "", "12:00\n"],
    "byte": ["a", "aGVhZA=", "aGVhZA==\n", "a-b_", "===="],
}


def test_every_form_is_tried() -> None:
    assert set(GOOD) == set(BAD) == set(FORMATS)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_forms(name: str) -> None:
    values = [None, *GOOD[name], *BAD[name]]
    expected = [True] * (1 + len(GOOD[name])) + [False] * len(BAD[name])
    assert holds(rule("format", value=name), values) == expected


def test_addresses_are_those_that_python_reads() -> None:
    rng = random.Random(7)
    groups = ["0", "1", "ab", "FFFF", "12345", "", "", "1.2.3.4", "::"]
    texts = [":".join(rng.choice(groups) for _ in range(rng.randint(1, 9))) for _ in range(4000)]
    texts += [".".join(rng.choice(["0", "1", "99", "255", "256", "01", ""]) for _ in range(rng.randint(3, 5)))
              for _ in range(500)]  # fmt: skip
    for name, read in (("ipv6", ipaddress.IPv6Address), ("ipv4", ipaddress.IPv4Address)):
        found = holds(rule("format", value=name), texts)
        assert sum(found) > 20
        assert found == [_reads(read, t) for t in texts], name


def test_bytes_are_those_that_python_decodes() -> None:
    texts = ["".join(t) for n in range(5) for t in itertools.product("aZ9+=", repeat=n)]

    def decodes(text: str) -> bool:
        try:
            base64.b64decode(text, validate=True)
        except binascii.Error:
            return False
        return True

    assert holds(rule("format", value="byte"), texts) == [decodes(t) for t in texts]


def test_nasty_texts_are_of_no_form_but_their_own() -> None:
    own = {
        "byte": {"", "NULL", "null", "x" * 256},
        "hostname": {"a", "A", "aa", "b", "5", "NULL", "null", "nan"},
    }
    for name in FORMATS:
        found = holds(rule("format", value=name), NASTY["string"])
        taken = {v for v, ok in zip(NASTY["string"], found, strict=True) if ok}
        assert taken == own.get(name, set()), name


def test_a_form_that_nothing_can_judge_is_refused() -> None:
    with pytest.raises(ContractError, match="expected one of uuid, email"):
        holds(rule("format", value="password"), [])


def _reads(read: type, text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True
