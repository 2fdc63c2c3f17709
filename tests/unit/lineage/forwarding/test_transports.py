"""Each type of destination: posts as openlineage-python makes them, batches, its other transports, our store."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from headgate.core.errors import SettingError
from headgate.core.forwards import Destination
from headgate.lineage.forwarding import client_transports, posting, senders, sending, set_aside
from headgate.lineage.forwarding.answers import NotTaken, seconds_of
from headgate.lineage.forwarding.sending import Forwarded, Terms
from tests.unit.lineage.forwarding.receivers import (
    Receiver,
    event,
    port_of_nobody,
    receiver,
    run_of,
    write,
)

KEY = "a-key-of-some-length"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(sending, "_PAUSE", 0.001)


def send(lake: Path, kind: str, config: dict[str, Any], count: int = 5) -> Forwarded:
    path = lake / "_events" / "openlineage.jsonl"
    write(path, [event(n) for n in range(count)], mode="w")
    destination = Destination("there", kind, config, place="headgate.toml:3")
    return sending.forward(lake, (path,), destination, Terms(patience=5.0))


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"endpoint": "other/place?tenant=1"},
        {"auth": {"type": "api_key", "apiKey": KEY}},
        {"compression": "gzip", "custom_headers": {"X-Tenant": "us"}},
    ],
    ids=["plain", "endpoint", "key", "gzip"],
)
def test_a_post_is_what_the_client_would_post(tmp_path: Path, config: dict[str, Any]) -> None:
    with receiver() as ours, receiver() as theirs:
        assert send(tmp_path, "http", {"url": ours.url, **config}, 1).sent == 1
        client_transports.of("http", {"url": theirs.url, **config}).send(
            [json.dumps(event(0)).encode()], 5.0
        )
    (path, headers, body), (their_path, their_headers, their_body) = ours.requests + theirs.requests
    assert path == their_path
    for name in ("Content-Type", "Authorization", "Content-Encoding", "X-Tenant"):
        assert headers.get(name) == their_headers.get(name), name
    if "compression" in config:
        body, their_body = gzip.decompress(body), gzip.decompress(their_body)
    assert json.loads(body) == json.loads(their_body) == event(0)


def test_what_is_not_spoken_here_is_left_to_the_client(tmp_path: Path) -> None:
    assert not posting.speaks({"url": "http://user:password@host"})
    for more in ({"retry": {"total": 1}}, {"auth": {"type": "jwt"}}, {"new_option": 1}):
        assert not posting.speaks({"url": "http://host", **more})
    bad = {run_of(2)}

    def some(_: int, events: list[dict[str, Any]]) -> Any:
        return (422, {}, "no") if events[0]["run"]["runId"] in bad else 200

    with receiver(some) as there:
        found = send(tmp_path, "http", {"url": there.url, "retry": {"total": 0}})
        assert (found.sent, found.set_aside, found.behind) == (4, 1, 0)
        assert there.names() == [run_of(n) for n in (0, 1, 3, 4)]
        assert "python-requests" in there.requests[0][1]["User-Agent"]


@pytest.mark.parametrize("status", [301, 302, 307, 401, 503])
def test_the_client_is_sent_nowhere_else_and_judged_as_we_are(tmp_path: Path, status: int) -> None:
    elsewhere = {"Location": "/elsewhere", "Retry-After": "3600"}
    with receiver(lambda *_: (status, elsewhere, "")) as there:
        found = send(tmp_path, "http", {"url": there.url, "retry": {"total": 0}})
        assert (found.sent, found.behind) == (0, 5) and found.why
        assert {path for path, _, _ in there.requests} == {"/api/v1/lineage"}


def test_who_turned_openlineage_off_here_still_sends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    with receiver() as there:
        assert send(tmp_path, "http", {"url": there.url, "retry": {"total": 0}}).sent == 5
        assert len(there.taken) == 5


def test_a_file_of_the_client_is_written(tmp_path: Path) -> None:
    log = tmp_path / "elsewhere.jsonl"
    assert send(tmp_path, "file", {"log_file_path": str(log), "append": True}).sent == 5
    assert [json.loads(line) for line in log.open()] == [event(n) for n in range(5)]


@pytest.mark.parametrize(
    ("kind", "config", "why"),
    [
        ("composite", {"transports": []}, "hides which"),
        ("async_http", {"url": "http://host"}, "before an event is taken"),
        ("console", {}, "prints"),
        ("carrier-pigeon", {}, "no transport"),
        ("json.JSONEncoder", {}, "no transport"),
        ("no.such.module", {}, "not installed"),
        ("kafka", {"topic": "t", "config": {}}, "not installed"),
        ("kafka", {"topic": "t"}, "cannot be set up"),
        ("store", {}, "url"),
        ("headgate", {"url": "http://host", "retry": {}}, "does not know retry"),
    ],
)
def test_what_cannot_be_relied_on_is_refused(
    tmp_path: Path, kind: str, config: dict[str, Any], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nowhere is it installed, whatever environment the tests run in.
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(SettingError, match=why) as error:
        send(tmp_path, kind, config)
    assert error.value.place == "headgate.toml:3" and error.value.remedy


class Broker:
    """What stands for a broker: ``lost`` is the number of the message that it does not confirm."""

    messages: list[tuple[str | None, dict[str, Any]]]

    def __init__(self, lost: int = -1, stuck: int = 0) -> None:
        self.messages, self.lost, self.stuck, self._told = [], lost, stuck, list[Any]()

    def produce(self, topic: str, value: bytes, on_delivery: Any, key: str | None) -> None:
        assert topic == "lineage"
        self._told.append((key, json.loads(value), on_delivery))

    def flush(self, timeout: float) -> int:
        for number, (key, value, told) in enumerate(self._told):
            lost = number == self.lost
            told("broker: not enough replicas" if lost else None, None)
            if not lost:
                self.messages.append((key, value))
        self._told, self.lost = [], -1
        left, self.stuck = self.stuck, 0
        return left


@pytest.mark.parametrize("broker", [Broker(), Broker(lost=2), Broker(stuck=3)])
def test_to_kafka_an_event_is_sent_when_a_broker_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broker: Broker
) -> None:
    module: Any = ModuleType("confluent_kafka")
    module.Producer = lambda config: broker
    monkeypatch.setitem(sys.modules, "confluent_kafka", module)
    found = send(tmp_path, "kafka", {"topic": "lineage", "config": {"bootstrap.servers": "h:1"}})
    assert (found.sent, found.behind) == (5, 0)
    assert {v["run"]["runId"] for _, v in broker.messages} == {run_of(n) for n in range(5)}
    assert {k for k, _ in broker.messages} == {"run:somewhere/a.job"}


def test_keys_of_messages_are_the_clients() -> None:
    from openlineage.client.event_v2 import Dataset, DatasetEvent, Job, JobEvent, Run, RunEvent
    from openlineage.client.facet_v2 import parent_run
    from openlineage.client.serde import Serde
    from openlineage.client.transport.kafka import KafkaTransport

    theirs: Any = KafkaTransport.__new__(KafkaTransport)
    job, run = Job("n", "j"), Run(run_of(1))
    parent = parent_run.ParentRunFacet(
        run=parent_run.Run(run_of(2)), job=parent_run.Job("n", "parent"),
        root=parent_run.Root(run=parent_run.RootRun(run_of(3)), job=parent_run.RootJob("m", "root")),
    )  # fmt: skip
    at = "2026-01-01T00:00:00+00:00"
    for told in (
        RunEvent(eventTime=at, run=run, job=job),
        RunEvent(eventTime=at, run=Run(run_of(1), {"parent": parent}), job=job),
        JobEvent(eventTime=at, job=job),
        DatasetEvent(eventTime=at, dataset=Dataset("n", "d")),
    ):
        key = theirs._get_message_key(told)
        assert key and key == client_transports.key_of(Serde.to_dict(told))


def ours(refuse: set[str], most: int = 10_000) -> Any:
    """How one of our servers answers."""

    def answer(_: int, events: list[dict[str, Any]]) -> Any:
        if len(events) > most:
            return 413, {}, "{}"
        refused = [
            {"index": i, "place": "/run", "detail": "no run of ours"}
            for i, e in enumerate(events)
            if e["run"]["runId"] in refuse
        ]
        status = 422 if len(refused) == len(events) else 200
        return status, {}, json.dumps({"accepted": 0, "refused": refused})

    return answer


def check_batches(lake: Path, there: Receiver, bad: set[int], requests: int) -> None:
    found = send(lake, "headgate", {"url": there.url}, 40)
    assert (found.sent, found.set_aside, found.behind) == (40 - len(bad), len(bad), 0)
    assert {path for path, _, _ in there.requests} == {"/api/v1/lineage/batch"}
    assert len(there.requests) == requests
    kept = [k["event"]["run"]["runId"] for k in set_aside.read(lake, "there")]
    assert kept == [run_of(n) for n in sorted(bad)]


def test_our_servers_are_sent_batches(tmp_path: Path) -> None:
    for name, bad, most, requests in (
        ("well", set(), 10_000, 1),
        ("some", {0, 17, 39}, 10_000, 1),
        ("all", set(range(40)), 10_000, 1),
        ("small", {5}, 10, 7),
    ):
        with receiver(ours({run_of(n) for n in bad}, most)) as there:
            check_batches(tmp_path / name, there, bad, requests)
            if most == 10_000:
                assert there.names() == [run_of(n) for n in range(40) if n not in bad]


def test_who_answers_otherwise_is_no_server_of_ours(tmp_path: Path) -> None:
    for text in ("", "<html>", "[]", '{"refused": [{"index": 99}]}'):
        with receiver(_page(text)) as there:
            found = send(tmp_path, "headgate", {"url": there.url})
            assert (found.sent, found.behind) == (0, 5) and "lineage server" in found.why


def _page(text: str) -> Any:
    return lambda *_: (203, {}, text)


def test_a_store_takes_what_it_can(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    path = tmp_path / "_events" / "openlineage.jsonl"
    write(path, [event(1), {"no": "event"}, event(2), event(1)])
    found = sending.forward(tmp_path, (path,), Destination("there", "store", {"url": url}), Terms())
    assert (found.sent, found.set_aside, found.behind) == (3, 1, 0)
    from headgate.lineage.store import tables
    from headgate.lineage.store.opening import open_store

    store = open_store(url)
    with store.reading() as connection:
        assert len(list(connection.execute(tables.event.select()))) == 2
    store.close()
    assert [k["event"] for k in set_aside.read(tmp_path, "there")] == [{"no": "event"}]


def test_a_store_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    url = f"postgresql://somebody:canary-of-a-password@127.0.0.1:{port_of_nobody()}/lineage"
    sender = senders.make(Destination("there", "store", {"url": url}))
    with pytest.raises(NotTaken) as error:
        sender.send([json.dumps(event(1)).encode()], 5.0)
    assert not error.value.lasting and "canary" not in str(error.value)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("", None), ("7", 7.0), ("-3", 0.0), ("99999999", 3600.0), ("soon", None),
     ("nan", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("Fri, 31 Dec 9999 23:59:59 GMT", 3600.0)],
)  # fmt: skip
def test_how_long_to_wait(header: str | None, seconds: float | None) -> None:
    assert seconds_of(header) == seconds
