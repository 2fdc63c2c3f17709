"""Every error a user can meet, in one place.

HeadgateError                 one sentence to act on; the command line prints it and exits
├── UsageError                exit 2: the command, a setting or a path is wrong
│   └── SettingError          a setting has a value it cannot have
├── ContractError             exit 2: a contract is wrong, and where
├── RefusedError              exit 1: the gate refused something
├── LakeError                 exit 1: the lake is not as it must be
│   ├── ConflictError         somebody else committed first
│   ├── UnknownOutcomeError   it was written, and the disk does not say that it will last
│   ├── ResourceError         the disk, memory or a limit of the system gave out
│   ├── LakeBusyError         another run holds the lake
│   └── NotFoundError         no such table, version, release or row
└── ModelError                exit 1: a model or its test failed
"""

from __future__ import annotations

from headgate.core.secrets import redact


class HeadgateError(Exception):
    """An error told as one sentence that names the place, and what to do next.

    Args:
        message: what was expected, what came, and where.
        remedy: what to do next (a sentence or a command).
        place: file, line or pointer, if any; printed first.
    """

    exit_code = 1

    def __init__(self, message: str, *, remedy: str = "", place: str = "") -> None:
        # What quotes a setting, an address or another's error may quote a secret.
        self.message = redact(message)
        self.remedy = redact(remedy)
        self.place = redact(place)
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{self.place}: {self.message}" if self.place else self.message
        return f"{text} {self.remedy}".rstrip() if self.remedy else text


class UsageError(HeadgateError):
    """The command, a setting or a path is wrong."""

    exit_code = 2


class SettingError(UsageError):
    """A setting has a value it cannot have."""


class ContractError(HeadgateError):
    """A contract is wrong; ``place`` is its file and the pointer inside it."""

    exit_code = 2


class RefusedError(HeadgateError):
    """The gate refused something."""


class LakeError(HeadgateError):
    """The lake is not as it must be."""


class ConflictError(LakeError):
    """Somebody else committed first; nothing of ours was published."""


class UnknownOutcomeError(LakeError):
    """It was written and others may see it, but the disk did not confirm that it survives a power
    cut: neither done nor failed. Whoever looks next takes it as it then is."""


class ResourceError(LakeError):
    """The disk, memory or a limit of the system gave out; nothing is wrong with the data.

    ``everywhere``: whatever else is tried would meet it too, so that a run stops there.
    """

    def __init__(
        self, message: str, *, remedy: str = "", place: str = "", everywhere: bool = True
    ) -> None:
        super().__init__(message, remedy=remedy, place=place)
        self.everywhere = everywhere


class LakeBusyError(LakeError):
    """Another run holds the lake."""


class NotFoundError(LakeError):
    """No such table, version, release or row."""


class ModelError(HeadgateError):
    """A model or its test failed."""
