"""A project opened: its settings, contracts and lake."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from headgate.contracts.load import load_all
from headgate.contracts.model import ContractSet
from headgate.core import settings as core_settings
from headgate.core.cache import FILE_NAME as CACHE_FILE
from headgate.core.cache import Cache
from headgate.core.settings import Settings
from headgate.lake.lake import Lake
from headgate.lake.release import ReleaseStore


@dataclass(frozen=True)
class Project:
    """Everything that a command needs to begin with. Contracts are read when first asked for.

    ``sound``: contracts that are wrong are left out, with what is made from their datasets, and stop
    no other; without it any of them stops everything.
    """

    settings: Settings
    sound: bool = False

    @classmethod
    def open(cls, root: Path | None = None) -> Project:
        """The project at ``root``, or at or above the working folder.

        Raises:
            UsageError: there is none, or a setting is wrong.
        """
        return cls(core_settings.load(root))

    @cached_property
    def contracts(self) -> ContractSet:
        """All contracts.

        Raises:
            ContractError: one of them is wrong.
        """
        if self.sound:
            from headgate.orchestration import sound

            return sound.contracts(self.settings, self.cache)
        return load_all(self.settings.contracts_path, self.cache)

    @cached_property
    def lake(self) -> Lake:
        """The lake; it need not exist yet."""
        return Lake(self.settings)

    @cached_property
    def cache(self) -> Cache:
        """What was worked out before about this project's code."""
        return Cache(self.settings.lake_path / CACHE_FILE)

    @cached_property
    def releases(self) -> ReleaseStore:
        """The lake's releases."""
        return ReleaseStore(self.lake)
