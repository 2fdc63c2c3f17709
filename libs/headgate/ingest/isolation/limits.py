"""How much of the machine the reading of one file may use, and what is said when it takes more."""

from __future__ import annotations

from dataclasses import dataclass

from headgate.core.settings import Settings, size_in_bytes
from headgate.ingest.readers.base import Reason

#: Bytes in the MB of which sizes and allowances are told.
MB = 1_000_000
#: Seconds of processor time that each MB of a file adds: dense text that is compressed a hundred
#: times and wrong in every record takes about so much.
SECONDS_PER_MB = 30.0
#: How many times its size a file may make us write, where that is more than ``reader_output``.
OUTPUT_PER_BYTE = 50


@dataclass(frozen=True)
class Usage:
    """What a process has used up to now: bytes of memory, seconds of processor time."""

    memory: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Limits:
    """What the reading of one file may use: bytes of memory, seconds of processor time, and
    bytes written."""

    memory: int
    seconds: float
    output: int

    @classmethod
    def of(cls, settings: Settings, size: int) -> Limits:
        """The limits for a file of ``size`` bytes."""
        memory = size_in_bytes(settings.reader_memory)
        return cls(
            # Rows of a large file are buffered, and their keys compared; a small one has few.
            memory=memory + min(memory, size // 2),
            seconds=settings.reader_seconds + SECONDS_PER_MB * size / MB,
            output=max(size_in_bytes(settings.reader_output), OUTPUT_PER_BYTE * size),
        )

    def breached(self, used: Usage, written: int) -> str:
        """The code of the limit that was passed; empty if none was."""
        if used.memory > self.memory:
            return "reader_memory"
        if used.seconds > self.seconds:
            return "reader_time"
        return "reader_output" if written > self.output else ""

    def reason(self, code: str) -> Reason:
        """Why a file is set aside that passed the limit ``code``."""
        told = {
            "reader_memory": f"reading it takes more than {self.memory / MB:,.0f} MB of memory",
            "reader_time": f"reading it takes more than {self.seconds:.1f} s of processor time",
            "reader_output": f"reading it writes more than {self.output / MB:,.0f} MB",
        }[code]
        setting = "reader_seconds" if code == "reader_time" else code
        return Reason(
            code, None,
            f"{told}: nothing of it was taken; raise the setting {setting} and run again, "
            "or deliver it in parts",
        )  # fmt: skip


def crashed(told: str) -> Reason:
    """Why a file is set aside whose reading ended the process; ``told`` says how."""
    return Reason(
        "reader_crashed", None,
        f"{told}: nothing of it was taken; deliver it in another form, or run again with "
        "another version or other reader settings, which tries it anew",
    )  # fmt: skip
