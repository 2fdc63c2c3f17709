"""A place in a file is known again, and a file that is another one now is read from its beginning."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from headgate.core.forwards import Destination
from headgate.lineage.event_file import EventFile
from headgate.lineage.forwarding import outbox, sending, set_aside, standing
from headgate.lineage.forwarding.sending import Forwarded, Terms
from tests.unit.lineage.forwarding.receivers import Receiver, event, receiver, run_of, write


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "_events" / "openlineage.jsonl"
    write(path, [event(n) for n in range(10)])
    return path


def send(file: Path, there: Receiver) -> Forwarded:
    destination = Destination("there", "http", {"url": there.url})
    return sending.forward(file.parents[1], (file,), destination, Terms())


def behind(file: Path) -> int:
    return sending.behind(file.parents[1], (file,), Destination("there", "http", {}))


def test_a_file_that_was_replaced_is_sent_from_its_beginning(file: Path) -> None:
    with receiver() as there:
        send(file, there)
        write(file, [event(f"new{n}") for n in range(30)], mode="w")
        assert behind(file) == 30
        assert send(file, there).sent == 30
        assert there.names()[10:] == [run_of(f"new{n}") for n in range(30)]


def test_a_file_that_was_cut_or_mended_is_sent_from_its_beginning(file: Path) -> None:
    lines = file.read_text().splitlines(keepends=True)
    with receiver() as there:
        send(file, there)
        file.write_text("".join(lines[:4]))  # as after a power cut
        assert send(file, there).sent == 4
        file.write_text("".join(lines[1:4] + lines[:1] + lines[4:]))
        assert send(file, there).sent == 10


def test_a_file_that_is_replaced_while_it_is_read_loses_nothing(file: Path) -> None:
    with receiver() as there:

        def replace(number: int, _: object) -> int:
            if number == 3:
                fresh = file.with_name("fresh")
                write(fresh, [event(f"new{n}") for n in range(20)])
                fresh.rename(file)
            return 200

        there.behaviour = replace
        send(file, there)
        send(file, there)
        assert set(there.names()) == {run_of(n) for n in range(10)} | {
            run_of(f"new{n}") for n in range(20)
        }


def test_a_file_that_is_gone_is_no_error(file: Path) -> None:
    with receiver() as there:
        send(file, there)
        file.unlink()
        assert send(file, there) == Forwarded("there")
        write(file, [event("again")])
        assert send(file, there).sent == 1


def test_half_a_line_waits_for_its_rest(file: Path) -> None:
    whole = json.dumps(event("half")) + "\n"
    with receiver() as there:
        with file.open("a") as out:
            out.write(whole[:50])
        assert send(file, there).sent == 10 and behind(file) == 0
        with file.open("a") as out:
            out.write(whole[50:])
        assert behind(file) == 1
        assert send(file, there).sent == 1 and there.taken[-1] == event("half")


def test_a_line_that_a_crash_tore_is_set_aside(file: Path) -> None:
    with file.open("a") as out:
        out.write('{"eventType": "COMPL')
    torn = EventFile(file)
    torn.append(json.dumps(event("after")))
    torn.close()
    with file.open("ab") as raw:
        raw.write(b"[1]\n\n   \n\xff\xfe\n")
    with receiver() as there:
        found = send(file, there)
        assert (found.sent, found.set_aside, found.behind) == (11, 3, 0)
        assert there.names()[-1] == run_of("after")
    kept = list(set_aside.read(file.parents[1], "there"))
    assert [k["why"] for k in kept] == ["the line is no JSON object"] * 3
    assert kept[0]["line"] == '{"eventType": "COMPL' and kept[1]["event"] == [1]
    assert behind(file) == 0, "empty lines are behind the place too"


def test_what_was_set_aside_is_so_once(file: Path) -> None:
    with receiver(lambda *_: 400) as there:
        send(file, there)
        standing.path_of(file.parents[1], "there").unlink()
        assert send(file, there).set_aside == 0
    assert set_aside.count(file.parents[1], "there") == 10


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"places": 3}', '{"places":{"a":1}}', "\x00" * 40]
)
def test_a_standing_that_cannot_be_read_begins_anew(file: Path, text: str) -> None:
    with receiver() as there:
        send(file, there)
        standing.path_of(file.parents[1], "there").write_text(text)
        assert standing.damaged(file.parents[1], "there")
        assert send(file, there).sent == 10
        assert there.once() == [run_of(n) for n in range(10)]
    assert not standing.damaged(file.parents[1], "there")


def test_behind_counts_what_is_sent(tmp_path: Path) -> None:
    rnd = random.Random(7)
    path = tmp_path / "_events" / "openlineage.jsonl"
    with receiver() as there:
        for round_ in range(12):
            write(
                path,
                [
                    event(f"{round_}x{n}", pad="é" * rnd.randrange(9000))
                    for n in range(rnd.randrange(6))
                ],
            )
            known = standing.load(tmp_path, "there").places.get(path.name, outbox.Place())
            assert behind(path) == send(path, there).sent
            assert outbox.behind(path, known) + len(there.taken) >= len(there.taken)
        assert there.names() == [json.loads(line)["run"]["runId"] for line in path.open()]
