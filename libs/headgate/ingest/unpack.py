"""A compressed file unpacked beside the lake's staging, for formats that are read from their end."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from headgate.core.errors import RefusedError
from headgate.core.settings import Settings
from headgate.ingest.blocks import Blocks

_SIZE = re.compile(r"\s*([0-9.]+)\s*([KMGT]?)(i?)B\s*", re.IGNORECASE)


class Unpacked:
    """The content of ``blocks`` as a file of its own; :meth:`remove` deletes it.

    What a killed process leaves is in the lake's staging, which the next run sweeps.

    Raises:
        RefusedError: the content is larger than the setting ``spill_limit``.
    """

    def __init__(self, blocks: Blocks, settings: Settings) -> None:
        staging = settings.spill_path.parent
        staging.mkdir(parents=True, exist_ok=True)
        most = bytes_of(settings.spill_limit)
        self._folder = TemporaryDirectory(prefix="unpacked-", dir=staging)
        self.path = Path(self._folder.name) / "content"
        size = 0
        try:
            with self.path.open("wb") as file:
                for block in blocks.stream(hashed=True):
                    size += len(block)
                    if size > most:
                        raise RefusedError(
                            f"{blocks.source.name} unpacks to more than {settings.spill_limit}.",
                            remedy="Deliver it in parts, or raise the setting spill_limit.",
                        )
                    file.write(block)
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Delete the file."""
        self._folder.cleanup()


def bytes_of(size: str) -> float:
    """The bytes of a size text such as ``20GB`` or ``512 MiB``; without limit if it is none."""
    match = _SIZE.fullmatch(size)
    if match is None:
        return float("inf")
    base = 1024 if match[3] else 1000
    return float(match[1]) * base ** " KMGT".index(match[2].upper() or " ")
