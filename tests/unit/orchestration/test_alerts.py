"""Alerts reach webhooks and mailboxes, never fail what they tell of, and give nothing away."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from headgate.core import settings as core_settings
from headgate.core.settings import Settings
from headgate.orchestration import alerts
from headgate.orchestration.alerting import routes, words
from headgate.orchestration.alerts import Alert
from headgate.quality.outcome import BatchOutcome
from headgate.quality.verdict import RuleResult, Verdict
from tests.alert_servers import certificate, mailbox, webhook

ALERT = Alert(
    kind="refused",
    dataset="bronze.irc.messages",
    owner="chat-platform",
    what="day.jsonl was refused: 12 of 40 rows.",
    show="headgate show verdicts bronze.irc.messages",
    link="http://localhost:8080/dags/ingest.bronze.irc.messages/runs/r1/tasks/take",
    run="r1",
)
CANARY = "canary-of-a-hook-5d1f0c"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(routes, "PAUSES", (0.0, 0.01, 0.01))
    monkeypatch.setenv("no_proxy", "*")
    yield
    routes._gave_out.clear()


def made(folder: Path, toml: str = "", **variables: str) -> Settings:
    (folder / "headgate.toml").write_text(toml)
    return core_settings.load(folder, {f"HEADGATE_{k.upper()}": v for k, v in variables.items()})


def test_the_log_is_told_always(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "headgate.alerts"):
        assert alerts.send(made(tmp_path), ALERT) == ()
    [record] = caplog.records
    assert record.levelname == "WARNING"
    for part in (ALERT.dataset, ALERT.owner, ALERT.what, ALERT.show, ALERT.link):
        assert part in record.getMessage()


def test_a_webhook_is_posted_to(tmp_path: Path) -> None:
    with webhook() as hook:
        assert alerts.send(made(tmp_path, alert_webhook=hook.address), ALERT) == ()
    [post] = hook.posts
    assert {k: post[k] for k in ("kind", "dataset", "owner", "what", "show", "link", "run")} == {
        k: getattr(ALERT, k) for k in ("kind", "dataset", "owner", "what", "show", "link", "run")
    }
    assert post["lake"] == "local" and post["at"].endswith("Z")
    assert post["text"].splitlines() == [
        "Refused: bronze.irc.messages (owner: chat-platform)",
        ALERT.what, f"Look: {ALERT.show}", ALERT.link,
    ]  # fmt: skip
    assert hook.headers[0]["Content-Type"].startswith("application/json")


def test_an_owners_own_goes_before_the_settings(tmp_path: Path) -> None:
    with webhook() as ours, webhook() as theirs, mailbox() as mails:
        toml = f'[owners.chat-platform]\nwebhook = "{theirs.address}"\n'
        settings = made(
            tmp_path, toml, alert_webhook=ours.address, alert_email="ops@example.com",
            smtp_url=f"smtp://127.0.0.1:{mails.port}",
        )  # fmt: skip
        assert alerts.send(settings, ALERT) == ()
        assert (len(ours.posts), len(theirs.posts), mails.recipients) == (
            0,
            1,
            [["ops@example.com"]],
        )
        other = Alert("failed", "gold.x.y", "somebody-else", "It broke.", "headgate status")
        assert alerts.send(settings, other) == ()
        assert (len(ours.posts), len(theirs.posts), len(mails.letters)) == (1, 1, 2)


def test_an_owners_webhook_may_be_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = '[owners.chat-platform]\nwebhook = "${CHAT_HOOK}"\n'
    with webhook() as hook:
        [problem] = alerts.send(made(tmp_path, toml), ALERT)
        assert "not set" in problem
        monkeypatch.setenv("CHAT_HOOK", hook.address)
        assert alerts.send(made(tmp_path, toml), ALERT) == ()
    assert len(hook.posts) == 1


def test_https_is_demanded_to_be_who_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = certificate(tmp_path)
    with webhook(f"/{CANARY}", tls=tls) as hook:
        settings = made(tmp_path, alert_webhook=hook.address)
        [problem] = alerts.send(settings, ALERT)
        assert "localhost cannot be reached" in problem and not hook.posts
        routes._gave_out.clear()
        monkeypatch.setenv("SSL_CERT_FILE", str(tls[0]))
        assert alerts.send(settings, ALERT) == ()
    assert len(hook.posts) == 1


@pytest.mark.parametrize(
    ("answers", "posts", "problem"),
    [
        ([503, 429, 200], 3, None),
        ([500], 3, "answered 500"),
        ([404], 1, "answered 404"),
        ([302], 1, "answered 302"),
    ],
)
def test_what_may_pass_is_tried_again(
    tmp_path: Path, answers: list[int], posts: int, problem: str | None
) -> None:
    with webhook(f"/{CANARY}") as hook:
        hook.answers[:] = answers
        told = alerts.send(made(tmp_path, alert_webhook=hook.address), ALERT)
    assert len(hook.posts) == posts
    assert [problem in t for t in told] == ([True] if problem else [])
    assert CANARY not in "".join(told)


def dead_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_dead_ends_are_told_and_fail_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = dead_port()
    settings = made(
        tmp_path,
        alert_webhook=f"http://127.0.0.1:{port}/services/{CANARY}?token={CANARY}",
        alert_email="ops@example.com",
        smtp_url=f"smtp://robot:{CANARY}@127.0.0.1:{port}",
    )
    told = alerts.send(settings, ALERT)
    assert len(told) == 2 and all("127.0.0.1 cannot be reached" in t for t in told)
    assert CANARY not in "".join(told) + caplog.text
    again = alerts.send(settings, ALERT)
    assert all("gave out a moment ago" in t for t in again)


def test_nobody_waits_longer_than_is_said(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # takes the connection, and never says a word
        settings = made(
            tmp_path, alert_webhook=f"http://127.0.0.1:{silent.getsockname()[1]}/", alert_seconds="0.3"
        )  # fmt: skip
        [problem] = alerts.send(settings, ALERT)
    assert "was not told" in problem


@pytest.mark.parametrize(
    "variables",
    [
        {"alert_webhook": f"ftp://{CANARY}/"},
        {"alert_webhook": f"https://[{CANARY}"},
        {"alert_webhook": f"http://h x/{CANARY}"},
        {"alert_email": "ops@example.com"},
        {"alert_email": "ops@example.com", "smtp_url": f"https://{CANARY}"},
        {"alert_email": "ops@example.com", "smtp_url": f"smtp://{CANARY}:port"},
    ],
)
def test_what_is_set_wrongly_is_told(tmp_path: Path, variables: dict[str, str]) -> None:
    settings = made(tmp_path, **variables)
    told = alerts.send(settings, ALERT)
    assert len(told) == 1 and CANARY not in told[0]
    found = list(routes.findings(settings))
    assert len(found) == 1 and CANARY not in str(found)


def test_wrong_owners_do_not_stop_an_alert(tmp_path: Path) -> None:
    with webhook() as hook:
        settings = made(tmp_path, "[owners.a]\nemail = 3\n", alert_webhook=hook.address)
        [told] = alerts.send(settings, ALERT)
    assert "headgate.toml:2" in told and len(hook.posts) == 1
    [(place, _)] = routes.findings(settings)
    assert place.endswith("headgate.toml:2")


def test_a_defect_of_ours_fails_nothing(tmp_path: Path) -> None:
    [told] = alerts.send(SimpleNamespace(), ALERT)  # type: ignore[arg-type]
    assert "could not be sent: AttributeError" in told


def test_a_private_lake_tells_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with webhook() as hook:
        settings = made(tmp_path, alert_webhook=hook.address).with_lake("mine")
        assert alerts.send(settings, ALERT) == ()
    assert not hook.posts and ALERT.dataset in caplog.text


def test_mail_goes_by_starttls_with_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tls[0]))
    toml = '[owners.chat-platform]\nemail = ["a@example.com", "B <b@example.com>"]\n'
    with mailbox(tls) as mails:
        settings = made(tmp_path, toml, smtp_url=f"smtp://robot:p%40ss-word@localhost:{mails.port}")
        assert alerts.send(settings, ALERT) == ()
    [letter] = mails.letters
    assert mails.encrypted == [True] and mails.recipients == [["a@example.com", "b@example.com"]]
    said = next(s for s in mails.said if s.startswith("AUTH PLAIN"))
    assert said.split()[2] == "AHJvYm90AHBAc3Mtd29yZA=="  # \0robot\0p@ss-word
    assert letter["Subject"] == "[headgate] Refused: bronze.irc.messages (owner: chat-platform)"
    assert letter["From"] == "headgate@localhost" and letter["Message-ID"] and letter["Date"]
    text = letter.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert ALERT.what in text and ALERT.show in text and ALERT.link in text


def test_mail_goes_by_tls_from_the_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = certificate(tmp_path)
    with mailbox(tls, at_once=True) as mails:
        settings = made(
            tmp_path, alert_email="ops@example.com", smtp_url=f"smtps://localhost:{mails.port}"
        )
        [problem] = alerts.send(settings, ALERT)
        assert "certificate of localhost" in problem and not mails.letters
        monkeypatch.setenv("SSL_CERT_FILE", str(tls[0]))
        assert alerts.send(settings, ALERT) == ()
    assert mails.encrypted == [True]


def test_a_password_is_never_sent_in_the_clear(tmp_path: Path) -> None:
    with mailbox() as mails:
        settings = made(
            tmp_path, alert_email="ops@example.com",
            smtp_url=f"smtp://robot:{CANARY}@127.0.0.1:{mails.port}",
        )  # fmt: skip
        [problem] = alerts.send(settings, ALERT)
    assert "STARTTLS" in problem and not mails.letters
    assert [s for s in mails.said if not s.upper().startswith(("EHLO", "QUIT"))] == []


def test_a_refused_letter_is_told_by_its_number(tmp_path: Path) -> None:
    with mailbox() as mails:
        mails.refuse = f"550 not from you, {CANARY}"
        settings = made(
            tmp_path, alert_email="ops@example.com", smtp_url=f"smtp://127.0.0.1:{mails.port}"
        )
        [problem] = alerts.send(settings, ALERT)
    assert "answered 550" in problem and CANARY not in problem


def test_nothing_in_an_alert_can_forge_a_header_or_a_line(tmp_path: Path) -> None:
    forged = Alert(
        "failed",
        "gold.x.y\r\nBcc: evil@example.com",
        "me\x1b[31m",
        "a\nb\x00c" * 2000,
        "x",
        run="r",
    )
    with webhook() as hook, mailbox() as mails:
        settings = made(
            tmp_path, alert_webhook=hook.address, alert_email="ops@example.com",
            smtp_url=f"smtp://127.0.0.1:{mails.port}",
        )  # fmt: skip
        assert alerts.send(settings, forged) == ()
    assert mails.letters[0]["Bcc"] is None and mails.recipients == [["ops@example.com"]]
    text = hook.posts[0]["text"]
    assert text.count("\n") == 2 and re.search(r"[\x00-\x09\x0b-\x1f]", text) is None
    assert len(text) < 2000


@pytest.mark.parametrize("secret", ["alert_webhook", "smtp_url"])
def test_the_addresses_are_shown_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], secret: str
) -> None:
    from headgate.cli.main import invoke

    (tmp_path / "headgate.toml").write_text(f'{secret} = "https://u:{CANARY}@h.example/{CANARY}"\n')
    monkeypatch.setenv("HEADGATE_ROOT", str(tmp_path))
    assert invoke(["show", "settings"]) == 0
    assert CANARY not in capsys.readouterr().out
    told = core_settings.SettingError(f"at {CANARY} or /{CANARY}")
    assert CANARY not in str(told)


def rule(name: str, breaches: int, severity: str = "fail") -> RuleResult:
    return RuleResult(name, "max", severity, "text", "row", breaches == 0, breaches,
                      f"Alice {CANARY}", "at most 5", f"no answer: {CANARY}")  # fmt: skip


def test_a_refused_batch_is_told_by_rules_and_counts() -> None:
    results = tuple(rule(f"text.r{i}", i) for i in range(8))
    verdict = Verdict("bronze.irc.messages", "b", "refused", results)
    outcome = BatchOutcome(
        "bronze.irc.messages", "b", "day.jsonl", "refused", read=1200, refused=1200,
        problems=(f"text.r1: expected at most 5, found {CANARY}.",), verdict=verdict,
    )  # fmt: skip
    assert words.refused(outcome) == (
        "day.jsonl was refused: 1,200 of 1,200 rows. Rules: text.r7 (7 breaches), text.r6 (6"
        " breaches), text.r5 (5 breaches), text.r4 (4 breaches), text.r3 (3 breaches), 2 more."
    )


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"m.sql:3: Conversion Error: Could not convert string 'O'{CANARY}' to INT32", "m.sql:3"),
        (f"Runtime Error in model x (p)\n  Invalid Input Error: at {CANARY}\n{CANARY}", "model x"),
        (f"transform x failed: ValueError: could not convert '{CANARY}'", "transform x failed"),
        (f"polars.exceptions.InvalidOperationError: {CANARY}", "InvalidOperationError"),
        (f"duckdb.OutOfRangeException: Type INT64 with value {CANARY}", "OutOfRangeException"),
        (f"a.max: expected at most 5, found {CANARY}. {CANARY}", "a.max: expected at most 5."),
        (f"KeyError: {CANARY}", "KeyError"),
    ],
)
def test_what_may_quote_a_row_is_left_out(tmp_path: Path, text: str, kept: str) -> None:
    told = words.without_values(text)
    assert kept in told and CANARY not in told
    with webhook() as hook:
        settings = made(tmp_path, alert_webhook=hook.address)
        alerts.send(settings, Alert("failed", "gold.x.y", "me", text, "headgate status"))
    assert CANARY not in str(hook.posts)


@pytest.mark.parametrize(
    "text",
    [
        'models/x.sql:3: Binder Error: Referenced column "frm" not found in FROM clause!',
        'Parser Error: syntax error at or near "selct"',
        "No space left on device. Free some space, then run again.",
        "test days_add_up: 3 rows.",
    ],
)
def test_what_speaks_of_code_is_kept(text: str) -> None:
    assert words.without_values(text) == text


def test_a_strange_error_is_told_by_its_name_alone() -> None:
    assert CANARY not in words.of_error(ValueError(CANARY))
    assert words.of_error(ValueError(CANARY)).startswith("ValueError;")
