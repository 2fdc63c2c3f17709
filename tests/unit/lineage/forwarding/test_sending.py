"""Every event arrives, in order, once it can, whatever the receiver does meanwhile; a bad one stops nobody."""

from __future__ import annotations

import json
import random
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from headgate.core import clock
from headgate.core.errors import SettingError
from headgate.core.forwards import Destination
from headgate.lineage.forwarding import retrying, sending, set_aside, standing
from headgate.lineage.forwarding.sending import Forwarded, Terms
from tests.alert_servers import certificate
from tests.unit.lineage.forwarding.receivers import (
    Receiver,
    event,
    port_of_nobody,
    receiver,
    run_of,
    until,
    write,
)

MANY = 40
RUNS = [run_of(n) for n in range(MANY)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_PAUSE", 0.001)
    monkeypatch.setattr(sending, "_LOOK", 0.01)
    monkeypatch.setenv("no_proxy", "*")


class Outbox:
    """A lake with two files of events, and one who is sent them."""

    def __init__(self, lake: Path) -> None:
        self.lake = lake
        self.own, self.other = lake / "_events" / "own.jsonl", lake / "_events" / "other.jsonl"

    def send(self, to: Receiver | str, terms: Terms | None = None, **config: Any) -> Forwarded:
        url = to if isinstance(to, str) else to.url
        self.destination = Destination("there", "http", {"url": url, **config}, place="here:1")
        return sending.forward(
            self.lake, (self.own, self.other), self.destination, terms or Terms(patience=20.0)
        )

    @property
    def standing(self) -> standing.Standing:
        return standing.load(self.lake, "there")

    def aside(self) -> list[dict[str, Any]]:
        return list(set_aside.read(self.lake, "there"))


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    found = Outbox(tmp_path / "lake")
    write(found.own, [event(n) for n in range(MANY)])
    return found


def test_all_arrive_once_and_in_order(outbox: Outbox) -> None:
    write(outbox.other, [event("b1"), event("b2")])
    with receiver() as there:
        assert outbox.send(there) == Forwarded("there", sent=MANY + 2)
        assert there.names() == [*RUNS, run_of("b1"), run_of("b2")]
        assert outbox.send(there) == Forwarded("there")
        write(outbox.own, [event("later")])
        assert outbox.send(there).sent == 1
        assert there.names()[-1] == run_of("later") and len(there.taken) == MANY + 3
        assert [r for r in there.requests if r[0] != "/api/v1/lineage"] == []
    assert there.taken[0] == event(0)


def test_who_is_down_is_sent_all_when_it_is_back(outbox: Outbox) -> None:
    port = port_of_nobody()
    found = outbox.send(f"http://127.0.0.1:{port}", Terms(patience=0.0))
    assert (found.sent, found.behind) == (0, MANY) and "cannot be reached" in found.why
    assert outbox.standing.down_since is not None and outbox.standing.resting
    write(outbox.own, [event("while it was down")])
    with receiver(port=port) as there:
        assert outbox.send(there).behind == 0
        assert there.names() == [*RUNS, run_of("while it was down")]
    assert outbox.standing.down_since is None and not outbox.standing.resting


@pytest.mark.parametrize("how", [500, 503, 429, 408, "close", "cut"])
def test_who_fails_half_of_the_time_is_sent_all(outbox: Outbox, how: Any) -> None:
    rnd = random.Random(f"half {how}")
    with receiver(lambda *_: how if rnd.random() < 0.5 else 200) as there:
        found = outbox.send(there)
    assert (found.behind, found.set_aside) == (0, 0)
    assert there.once() == RUNS
    if how != "cut":  # where the answer is lost, an event is sent again
        assert there.names() == RUNS


@pytest.mark.parametrize("how", ["hang", "trickle"])
def test_who_does_not_answer_holds_nobody_up(
    outbox: Outbox, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_ATTEMPT", 0.3)
    answers = iter([200, how, 200, how])
    with receiver(lambda *_: next(answers, 200)) as there:
        found = outbox.send(there)
    assert found.behind == 0 and there.once() == RUNS


def test_who_is_slow_is_sent_as_much_as_there_is_time_for(outbox: Outbox) -> None:
    waits = threading.Event()

    def slow(number: int, _: object) -> int:
        waits.wait(0.05 if number else 0.0)
        return 200

    with receiver(slow) as there:
        found = outbox.send(there, Terms(until=clock.monotonic() + 0.4, passing=True))
        assert 0 < found.sent < MANY
        assert outbox.standing.down_since is None, "slow is not down"
        waits.set()
        assert outbox.send(there).behind == 0
        assert there.once() == RUNS


def test_what_is_refused_is_set_aside_with_the_answer(outbox: Outbox) -> None:
    bad = {RUNS[3], RUNS[4], RUNS[-1]}

    def refuse(number: int, events: list[dict[str, Any]]) -> Any:
        if events[0]["run"]["runId"] not in bad:
            return 200
        return (418 if number % 2 else 400), {}, "no: its eventTime"

    with receiver(refuse) as there:
        found = outbox.send(there)
        assert (found.sent, found.set_aside, found.behind) == (MANY - 3, 3, 0)
        assert there.names() == [r for r in RUNS if r not in bad]
        kept = outbox.aside()
        assert [k["event"]["run"]["runId"] for k in kept] == [r for r in RUNS if r in bad]
        assert all(str(k["status"]) in k["why"] and k["status"] in (400, 418) for k in kept)
        assert outbox.send(there) == Forwarded("there")
        there.behaviour = lambda *_: 200
        mended = retrying.again(outbox.lake, outbox.destination, patience=1.0)
        assert (mended.sent, mended.behind) == (3, 0) and outbox.aside() == []
        assert sorted(there.names()) == sorted(RUNS)


@pytest.mark.parametrize("status", [401, 403, 404, 405, 301, 307, 415])
def test_at_the_wrong_door_nothing_is_set_aside(outbox: Outbox, status: int) -> None:
    elsewhere = {"Location": "/elsewhere"} if status < 400 else {}
    with receiver(lambda *_: (status, elsewhere, "")) as there:
        found = outbox.send(there)
        assert (found.sent, found.set_aside, found.behind) == (0, 0, MANY)
        assert str(status) in found.why and len(there.requests) == 1
        there.behaviour = lambda *_: 200
        assert outbox.send(there).behind == 0
        assert there.names() == RUNS


def test_where_everything_is_refused_it_is_stopped(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SUSPICIOUS", 10)
    with receiver(lambda *_: 400) as there:
        found = outbox.send(there)
    assert (found.sent, found.set_aside, found.behind) == (0, 10, MANY - 10)
    assert "10 events in a row" in found.why


def test_who_asks_to_wait_is_waited_for(outbox: Outbox) -> None:
    with receiver(lambda *_: (429, {"Retry-After": "900"}, "")) as there:
        found = outbox.send(there)
        assert len(there.requests) == 1 and found.behind == MANY
        due = outbox.standing.try_after
        assert due is not None and due - clock.now() > timedelta(seconds=800)
        passing = Terms(until=clock.monotonic() + 5, passing=True)
        assert outbox.send(there, passing).behind == MANY
        assert len(there.requests) == 1, "a run leaves it alone until then"
        answers = iter([(503, {"Retry-After": "0"}, "")])
        there.behaviour = lambda *_: next(answers, 200)
        assert outbox.send(there).behind == 0 and there.names() == RUNS


def test_in_passing_nobody_is_asked_twice_who_does_not_answer(outbox: Outbox) -> None:
    with receiver(lambda *_: "close") as there:
        terms = Terms(until=clock.monotonic() + 20, patience=20.0, passing=True)
        assert outbox.send(there, terms).behind == MANY
        assert len(there.requests) == 1
        write(outbox.own, [event("new")])
        assert outbox.send(there, terms).behind == MANY + 1
        assert len(there.requests) == 1


def test_only_one_sends_at_a_time(outbox: Outbox) -> None:
    with receiver() as there, standing.alone(outbox.lake, "there") as mine:
        assert mine
        found = outbox.send(there)
        assert found.busy and (found.sent, found.behind) == (0, MANY)
        assert there.requests == []


def test_many_at_once_send_each_once(outbox: Outbox) -> None:
    with receiver() as there:
        senders = [threading.Thread(target=outbox.send, args=(there,)) for _ in range(6)]
        for one in senders:
            one.start()
        for one in senders:
            one.join()
        assert outbox.send(there).behind == 0
        assert there.names() == RUNS


def test_who_watches_sends_what_comes_and_waits_for_who_is_down(outbox: Outbox) -> None:
    port, stop = port_of_nobody(), threading.Event()
    destination = Destination("there", "http", {"url": f"http://127.0.0.1:{port}"})

    def watch() -> None:
        sending.forward(
            outbox.lake, (outbox.own, outbox.other), destination, Terms(watch=True, patience=0.0),
            stop=stop.is_set,
        )  # fmt: skip

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        until(lambda: "cannot be reached" in outbox.standing.why)
        with receiver(port=port) as there:
            until(lambda: len(there.taken) == MANY)
            write(outbox.own, [event("as it comes")])
            until(lambda: len(there.taken) == MANY + 1)
            write(outbox.other, [event("from the other")])
            until(lambda: len(there.taken) == MANY + 2)
            until(lambda: outbox.standing.down_since is None)
            assert there.names()[:MANY] == RUNS
    finally:
        stop.set()
        thread.join()


def test_tls_is_checked_unless_it_is_not_to_be(outbox: Outbox, tmp_path: Path) -> None:
    tls = certificate(tmp_path)
    with receiver(tls=tls) as there:
        found = outbox.send(there)
        assert found.behind == MANY and "certificate" in found.why and there.taken == []
        assert outbox.send(there, sslContext={"caCertPath": str(tls[0])}).behind == 0
        write(outbox.own, [event("unchecked")])
        assert outbox.send(there, verify=False).sent == 1
        plain = outbox.send(there.url.replace("https", "http"))
        assert plain.behind == 0
    write(outbox.own, [event("to a port of TLS")])
    with receiver(tls=tls) as there:
        assert outbox.send(there.url.replace("https", "http"), Terms(patience=0.0)).behind == 1


@pytest.mark.parametrize(
    "config",
    [{"url": "ftp://host"}, {"url": "http://"}, {}, {"url": "http://h", "compression": "zip"},
     {"url": "http://h", "auth": {"type": "api_key"}}, {"url": "http://h", "timeout": "soon"}],
)  # fmt: skip
def test_what_is_configured_wrongly_is_said(outbox: Outbox, config: dict[str, Any]) -> None:
    destination = Destination("there", "http", config, place="headgate.toml:7")
    with pytest.raises(SettingError) as error:
        sending.forward(outbox.lake, (outbox.own,), destination, Terms())
    assert error.value.place == "headgate.toml:7" and "'there'" in str(error.value)


def test_no_secret_is_kept_or_told(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "SUSPICIOUS", 3)
    key = "canary-of-a-token-77"

    def echo(_: int, __: object) -> Any:
        return (400, {}, f"I was sent Bearer {key}")

    with receiver(echo) as there:
        found = outbox.send(there, Terms(patience=0.0), auth={"type": "api_key", "apiKey": key})
        assert there.requests[0][1]["Authorization"] == f"Bearer {key}"
    kept = "".join(p.read_text() for p in (outbox.lake / "_state").iterdir() if p.is_file())
    assert found.set_aside and "I was sent" in kept
    assert key not in kept and key not in json.dumps(str(found))
