"""A lake as it would be: the tables that there are, overlaid with versions that nobody has committed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from headgate.contracts.model import Contract
from headgate.core import clock
from headgate.core import json as hjson
from headgate.lake import kept
from headgate.lake.lake import Lake
from headgate.lake.meta import CommitMeta
from headgate.lake.snapshot import Snapshot
from headgate.lake.storage import Storage
from headgate.orchestration.curating import PENDING
from headgate.orchestration.planning.before import Side
from headgate.orchestration.project import Project


class ImaginedLake(Lake):
    """A lake to plan in. Nothing of it is ever written; what is imagined is in memory alone."""

    def __init__(self, real: Lake, *, empty: bool) -> None:
        self._objects: dict[str, bytes] = {}
        self._versions: dict[str, dict[int, Snapshot]] = {}
        self._empty = empty
        super().__init__(real.settings, _Overlaid(real.storage, self._objects))

    def snapshot(
        self, dataset: str, version: int | None = None, *, quarantine: bool = False
    ) -> Snapshot | None:
        """As of a real lake, imagined versions included."""
        imagined = {} if quarantine else self._versions.get(dataset, {})
        if imagined and (version is None or version in imagined):
            return imagined[max(imagined) if version is None else version]
        return None if self._empty else super().snapshot(dataset, version, quarantine=quarantine)

    def real(self, dataset: str) -> Snapshot | None:
        """The newest version that somebody committed."""
        return None if self._empty else super().snapshot(dataset)

    def imagine(self, snapshot: Snapshot) -> None:
        """From now on the table has this version too."""
        self._versions.setdefault(snapshot.dataset, {})[snapshot.version] = snapshot

    def imagine_object(self, key: str, value: Any) -> None:
        """From now on this JSON is kept under the key."""
        self._objects[key] = hjson.dumps(value).encode()


class _Overlaid:
    """A storage some of whose objects are in memory; whatever else is asked of it goes on."""

    def __init__(self, real: Storage, objects: Mapping[str, bytes]) -> None:
        self._real, self._objects = real, objects

    def read(self, key: str) -> bytes | None:
        """The object's bytes, or None."""
        return self._objects[key] if key in self._objects else self._real.read(key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@dataclasses.dataclass(frozen=True)
class ImaginedProject(Project):
    """A project over an imagined lake. ``assumed`` are tables that there are if no lake is."""

    assumed: Side | None = None

    @cached_property
    def lake(self) -> ImaginedLake:
        """The lake to plan in."""
        lake = ImaginedLake(Lake(self.settings), empty=self.assumed is not None)
        if self.assumed is not None:
            for dataset, contract in self.assumed.contracts.items():
                lake.imagine(_assumed(self.assumed, dataset, contract))
                lake.imagine_object(kept.key(dataset, contract.hash), contract.document)
        return lake

    def imagine_pending(self, datasets: set[str]) -> None:
        """Imagine that these are committed and not tested."""
        self.lake.imagine_object(PENDING, sorted(datasets))


def imagined(project: Project, assumed: Side | None) -> ImaginedProject:
    """The project over a lake to plan in: its own, or one with the tables of ``assumed`` alone."""
    found = ImaginedProject(project.settings, assumed=assumed)
    found.__dict__.update(contracts=project.contracts, cache=project.cache)
    return found


def next_version(
    base: Snapshot | None,
    contract: Contract,
    *,
    kind: str,
    code_hash: str = "",
    inputs: Mapping[str, int] | None = None,
    whole: bool = False,
) -> Snapshot:
    """The table after one more commit under the contract, as far as that can be foreseen.

    With ``whole`` it has exactly the contract's columns; else those that it had as well.
    """
    columns = dict(contract.table_columns)
    if base is not None and not whole:
        columns = {**base.columns, **{c: t for c, t in columns.items() if c not in base.columns}}
    version = 0 if base is None else base.version + 1
    meta = CommitMeta(
        batch_id="", run_id="", dataset=contract.id, kind=kind, mode="", source=contract.maker,
        content_hash="", contract_version=contract.version, contract_hash=contract.hash,
        committed_at=clock.now(), code_hash=code_hash, inputs=dict(inputs or {}), engine="",
    )  # fmt: skip
    files = base.files if base else ()
    return Snapshot(contract.id, version, columns, files, meta, version)


def _assumed(side: Side, dataset: str, contract: Contract) -> Snapshot:
    """The table of a dataset that is up to date, whatever it holds."""
    code = side.code.get(dataset)
    inputs = dict.fromkeys(code.inputs, 0) if code else {}
    kind = "model" if code else "ingest"
    return next_version(
        None, contract, kind=kind, code_hash=code.hash if code else "", inputs=inputs
    )
