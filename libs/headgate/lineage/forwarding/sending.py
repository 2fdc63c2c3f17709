"""Sending what is in the outbox to one destination, in order; the place is moved after it was taken."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from headgate.core import clock
from headgate.core.forwards import Destination
from headgate.lineage.forwarding import outbox, senders, set_aside
from headgate.lineage.forwarding import standing as standings
from headgate.lineage.forwarding.answers import NotTaken, Refusal
from headgate.lineage.forwarding.outbox import Line, Place, Reader

#: Seconds that one attempt may take.
_ATTEMPT = 60.0
#: Seconds before the second attempt, doubled before each that follows, up to the longest.
_PAUSE, _LONGEST_PAUSE = 0.2, 30.0
#: Seconds that a destination is left alone after it was given up, doubled each time, up to the longest.
_REST, _LONGEST_REST = 5.0, 600.0
#: The place is kept so often; who dies sends again what came after.
_KEEP_EVERY = 1.0
#: Bytes that go at once, where many events do.
_BYTES = 1 << 20
#: If so many events in a row are refused and none is taken, it is hardly the events.
SUSPICIOUS = 50
#: How often who watches looks for new events, and whether to stop.
_LOOK, _STOP = 1.0, 0.2


@dataclass(frozen=True)
class Terms:
    """How patient who sends is.

    ``until``: the moment (of :func:`clock.monotonic`) to stop at. ``patience``: seconds without
    anything being taken after which a destination is given up. ``watch``: never give up, and go on with
    events as they come. ``passing``: a run sends in passing; a destination that is known to be down is
    left alone, and one that does not answer is not tried twice.
    """

    until: float = math.inf
    patience: float = 30.0
    watch: bool = False
    passing: bool = False


@dataclass(frozen=True)
class Forwarded:
    """What came of it: events that were ``sent`` and ``set_aside`` now, and how many are left
    ``behind``. ``why``: what the destination said, if it takes none; ``busy``: somebody else sends."""

    destination: str
    sent: int = 0
    set_aside: int = 0
    behind: int = 0
    why: str = ""
    busy: bool = False


def forward(
    lake: Path,
    files: Sequence[Path],
    destination: Destination,
    terms: Terms,
    *,
    told: Callable[[Forwarded], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Forwarded:
    """Send the events of ``files`` that the destination does not have, file by file, in their order.

    ``told`` is called now and then, ``stop`` asked. Only one sends to a destination at a time.

    Raises:
        SettingError: the destination's configuration is wrong.
        OSError: a file cannot be read, or the place not be kept.
    """
    if not terms.watch and not waiting(lake, files, destination):
        return Forwarded(destination.name)
    with standings.alone(lake, destination.name) as mine:
        if not mine:
            return Forwarded(destination.name, behind=behind(lake, files, destination), busy=True)
        work = _Sending(lake, files, destination, terms, told, stop)
        try:
            return work.run()
        finally:
            work.sender.close()


def behind(lake: Path, files: Sequence[Path], destination: Destination) -> int:
    """How many events a destination does not have."""
    places = standings.load(lake, destination.name).places
    return sum(outbox.behind(path, places.get(path.name, Place())) for path in files)


def waiting(lake: Path, files: Sequence[Path], destination: Destination) -> bool:
    """Whether there may be events that a destination does not have; looks at sizes alone."""
    places = standings.load(lake, destination.name).places
    return any(outbox.has_more(path, places.get(path.name, Place())) for path in files)


class _Sending:
    """One sender at work."""

    def __init__(
        self, lake: Path, files: Sequence[Path], destination: Destination, terms: Terms,
        told: Callable[[Forwarded], None], stop: Callable[[], bool],
    ) -> None:  # fmt: skip
        self.lake, self.files, self.destination, self.terms = lake, files, destination, terms
        self.told, self.stop = told, stop
        self.standing = standings.load(lake, destination.name)
        self.sender = senders.Bounded(lambda: senders.make(destination))
        self.sent = self.set_aside = self.tries = self.refused_in_a_row = 0
        self.good = self.kept = clock.monotonic()
        self.moved = False

    def run(self) -> Forwarded:
        """Send until nothing is left, or the terms say to end."""
        if self.terms.passing and self.standing.resting:
            return self._result()
        try:
            while not self._over():
                try:
                    for path in self.files:
                        self._file(path)
                    self._keep()
                    if not self.terms.watch:
                        break
                    self.told(self._result())
                    self._wait(_LOOK)
                except NotTaken as error:
                    if not self._again(error):
                        break
        finally:
            self._keep()
        return self._result()

    def _file(self, path: Path) -> None:
        place = self.standing.places.get(path.name, Place())
        if not outbox.has_more(path, place):
            return
        most = self.sender.most(self._seconds())
        with Reader(path, place) as reader:
            for group, sound in _groups(reader.lines(), most):
                if self._over():
                    return
                self._group(path.name, reader, group, sound)
            if reader.at != place.size:  # empty lines may follow the last event
                self.standing.places[path.name] = reader.place_at(reader.at)
                self.moved = True

    def _group(self, name: str, reader: Reader, group: Sequence[Line], sound: bool) -> None:
        """Send some lines, set aside what is refused, and move the place behind them."""
        if sound:
            refusals = self.sender.send([line.data for line in group], self._seconds())
            self._took(len(group) - len(refusals))
        else:
            refusals = (Refusal(0, "the line is no JSON object"),)
        if refusals:
            refused = [(group[r.index].data, r) for r in refusals]
            new = set_aside.keep(self.lake, self.destination.name, refused)
            self.set_aside += new
            self.standing.set_aside += new
        self.standing.places[name] = reader.place_at(group[-1].end)
        self.moved = True
        if refusals or clock.monotonic() - self.kept > _KEEP_EVERY:
            self._keep()
            self.told(self._result(counted=False))
        if sound and len(refusals) == len(group):
            self._suspect(refusals)

    def _took(self, events: int) -> None:
        if not events:
            return
        self.sent += events
        self.standing.sent += events
        self.tries = self.refused_in_a_row = 0
        self.good, self.standing.sent_at = clock.monotonic(), clock.now()
        if self.standing.failures or self.standing.why:
            self.standing.came_back()

    def _suspect(self, refusals: Sequence[Refusal]) -> None:
        """Stop where everything is refused: such as where somebody else answers."""
        self.refused_in_a_row += len(refusals)
        if self.refused_in_a_row >= SUSPICIOUS:
            many, self.refused_in_a_row = self.refused_in_a_row, 0
            raise NotTaken(
                f"it refused {many} events in a row, which were set aside; the last: "
                f"{refusals[-1].why}",
                lasting=True,
            )

    def _again(self, error: NotTaken) -> bool:
        """Whether to try again, which it then is time for; else the destination is left alone."""
        terms, now = self.terms, clock.monotonic()
        if now >= terms.until and self.sent:
            return False  # slow, and not down
        self.tries += 1
        pause = min(_LONGEST_PAUSE, _PAUSE * 2 ** min(self.tries - 1, 20))
        if error.lasting:
            pause = _LONGEST_PAUSE
        if error.after is not None:
            pause = max(error.after, _PAUSE)
        ends = min(terms.until, math.inf if terms.watch else self.good + terms.patience)
        hopeless = error.lasting or (error.silent and terms.passing)
        give_up = now + pause > ends or (hopeless and not terms.watch)
        self._down(error, rest=give_up)
        if not give_up:
            self.told(self._result())
            self._wait(pause)
        return not give_up

    def _down(self, error: NotTaken, *, rest: bool) -> None:
        standing = self.standing
        standing.why, standing.down_since = str(error), standing.down_since or clock.now()
        if rest:
            seconds = min(_LONGEST_REST, _REST * 2 ** min(standing.failures, 20))
            standing.try_after = clock.now() + timedelta(seconds=max(seconds, error.after or 0.0))
            standing.failures += 1
        self.moved = True
        self._keep()

    def _keep(self) -> None:
        if self.moved:
            standings.save(self.lake, self.destination.name, self.standing)
            self.kept, self.moved = clock.monotonic(), False

    def _wait(self, seconds: float) -> None:
        until = min(clock.monotonic() + seconds, self.terms.until)
        while (left := until - clock.monotonic()) > 0 and not self.stop():
            clock.sleep(min(left, _STOP))

    def _over(self) -> bool:
        return clock.monotonic() >= self.terms.until or self.stop()

    def _seconds(self) -> float:
        return min(_ATTEMPT, max(0.05, self.terms.until - clock.monotonic()))

    def _result(self, *, counted: bool = True) -> Forwarded:
        places = self.standing.places
        left = (
            sum(outbox.behind(p, places.get(p.name, Place())) for p in self.files) if counted else 0
        )
        return Forwarded(
            self.destination.name, self.sent, self.set_aside, left,
            self.standing.why if left else "",
        )  # fmt: skip


def _groups(lines: Iterator[Line], most: int) -> Iterator[tuple[list[Line], bool]]:
    """Events that follow one another, as many as go at once, and True; a line that is no event goes
    alone, with False."""
    group: list[Line] = []
    size = 0
    for line in lines:
        sound = line.is_event
        if group and (not sound or len(group) >= most or size + len(line.data) > _BYTES):
            yield group, True
            group, size = [], 0
        if sound:
            group.append(line)
            size += len(line.data)
        else:
            yield [line], False
    if group:
        yield group, True
