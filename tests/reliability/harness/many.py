"""Many seeds tried in two processes at once, each with a small project of its own."""

from __future__ import annotations

import queue
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from tests.reliability.harness.kills import Bench
from tests.reliability.harness.warm import Warm

WORKERS = 2
Found = TypeVar("Found")


def try_all(
    seeds: Iterable[int],
    attempt: Callable[[Bench, int], Found],
    place: Path,
    tell: Callable[[Sequence[Found]], None],
) -> list[Found]:
    """What was found at every seed, in no order; stops at the first that raises, and raises it.

    ``tell`` is given what there is so far after each of them: who looks sees how far it is, and
    what was found when it was stopped.
    """
    wanted = queue.SimpleQueue[int]()
    for seed in seeds:
        wanted.put(seed)
    found: list[Found] = []
    failed: list[BaseException] = []
    telling = threading.Lock()

    def work(number: int) -> None:
        try:
            with Warm() as warm:
                bench = Bench(warm, place / f"worker-{number}")
                while not failed:
                    found.append(attempt(bench, wanted.get_nowait()))
                    with telling:
                        tell(tuple(found))
        except queue.Empty:
            pass
        except BaseException as error:
            failed.append(error)
        finally:
            shutil.rmtree(place / f"worker-{number}", ignore_errors=True)

    workers = [threading.Thread(target=work, args=(n,)) for n in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failed:
        raise failed[0]
    return found
