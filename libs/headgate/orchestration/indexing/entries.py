"""What a DAG is made from: one entry a dataset, one group a release group, and what is broken."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """A dataset that something makes. ``path`` is its contract's, relative to the project's root.

    ``maker`` is source, model or transform; ``inputs`` are the datasets that it is made from,
    ``parents`` those that its foreign keys refer to; ``schedule`` is None where only a person
    starts it; ``dated``: its source comes by days.
    """

    dataset: str
    path: str
    version: str
    description: str
    owner: str
    domain: str
    group: str
    maker: str
    model: str | None
    inputs: tuple[str, ...]
    parents: tuple[str, ...]
    schedule: str | None
    timezone: str
    retries: int
    retry_minutes: float
    freshness_hours: float | None
    source_path: str | None
    dated: bool
    tags: tuple[str, ...]


FIELDS = tuple(f.name for f in dataclasses.fields(Entry))


@dataclass(frozen=True)
class Group:
    """A release group: its ``curated`` datasets, each after those it is made from, its ``sources``,
    and the datasets ``upstream`` that it has to be made anew after."""

    name: str
    owner: str
    curated: tuple[str, ...]
    sources: tuple[str, ...]
    upstream: tuple[str, ...]


@dataclass(frozen=True)
class Broken:
    """What is wrong with a contract or a model: where (file and line), what, and what to do.

    ``datasets`` make no DAG because of it; ``groups`` are release groups that are held, as curated
    datasets of theirs are among them.
    """

    place: str
    message: str
    remedy: str
    datasets: tuple[str, ...]
    groups: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.place}: {self.message} {self.remedy}".rstrip()


@dataclass(frozen=True)
class Index:
    """All of a project that its DAGs follow from."""

    root: Path
    lake_name: str
    entries: Mapping[str, Entry]
    groups: Mapping[str, Group]
    broken: tuple[Broken, ...]


@dataclass(frozen=True)
class Linked:
    """The entries and groups of all contracts that make DAGs, and what is wrong with the others.

    ``made_of`` are the files of SQL, relative to the root, that each entry follows from.
    """

    entries: Mapping[str, Entry]
    groups: Mapping[str, Group]
    broken: tuple[Broken, ...]
    made_of: Mapping[str, tuple[str, ...]]
