"""A producer at a fixed rate, in a process of its own, that costs little: what it sends was made before.

`python -m tests.bench.streaming_producer ADDRESS TOPIC PARTITIONS`: each line of its input is a rate, in
messages a second, that holds from then on; it prints a line of JSON twice a second, with how many
messages it handed over in all. It ends when its input does, once the broker has all of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from types import TracebackType

from tests.servers.kafka_broker import Kafka
from tests.servers.stream_process import message

#: Messages that are made beforehand, and sent again and again.
_MADE = 40_000
#: Seconds between two handings over, and messages that may wait in the client.
_TICK, _WAITING = 0.02, 500_000


class Producing:
    """The process, as long as the block goes on. ``sent`` is what it told last."""

    def __init__(self, kafka: Kafka, topic: str, partitions: int) -> None:
        words = [sys.executable, "-m", "tests.bench.streaming_producer"]
        self._process = subprocess.Popen(
            [*words, kafka.address, topic, str(partitions)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.pid, self.sent = self._process.pid, 0
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Producing:
        assert self._process.stdout is not None
        self._process.stdout.readline()  # it has made what it sends
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._thread.join()
        assert self._process.wait(120) == 0

    def at(self, rate: float) -> None:
        """Send so many messages a second from now on."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{rate}\n")
        self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.sent = json.loads(line)["sent"]


def main() -> None:
    """Send until the input ends."""
    from confluent_kafka import Producer

    address, topic, partitions = sys.argv[1], sys.argv[2], int(sys.argv[3])
    made = [{"value": message(n)} for n in range(_MADE)]
    made += made  # so that a part may begin anywhere
    producer = Producer({
        "bootstrap.servers": address, "linger.ms": 20, "compression.type": "lz4",
        "queue.buffering.max.messages": 2 * _WAITING, "queue.buffering.max.kbytes": 1 << 20,
    })  # fmt: skip
    print(json.dumps({"sent": 0}), flush=True)
    asked: list[float] = []
    ended = threading.Event()

    def listen() -> None:
        for line in sys.stdin:
            asked.append(float(line))
        ended.set()

    threading.Thread(target=listen, daemon=True).start()
    rate, due, sent, told = 0.0, 0.0, 0, 0.0
    before = time.perf_counter()
    while not ended.wait(_TICK):
        now = time.perf_counter()
        due, before = due + (now - before) * rate, now
        if asked:
            rate = asked.pop(0)
        each = int(due) // partitions
        if each and len(producer) < _WAITING:
            each = min(each, _MADE)
            for partition in range(partitions):
                start = (sent + partition * each) % _MADE
                those = made[start : start + each]
                assert producer.produce_batch(topic, those, partition=partition) == each
            due -= each * partitions
            sent += each * partitions
        producer.poll(0)
        if now - told > 0.5:
            told = now
            print(json.dumps({"sent": sent}), flush=True)
    assert producer.flush(100) == 0
    print(json.dumps({"sent": sent}), flush=True)


if __name__ == "__main__":
    main()
