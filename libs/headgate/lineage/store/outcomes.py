"""What runs found and did: verdicts on data, and releases of a lake; each merges whatever the order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from headgate.core import json as hjson
from headgate.lineage import names
from headgate.lineage.store import tables
from headgate.lineage.store.keys import Keys
from headgate.lineage.store.packing import packed
from headgate.lineage.store.rows import insert_rows
from headgate.lineage.store.runs import Run
from headgate.lineage.store.told import Told

_LARGEST = 2**31 - 1
_VERDICT = ("run_id", "dataset_id", "at", "passed", "failed", "body")
_NEWER = "excluded.at > verdict.at OR (excluded.at = verdict.at AND excluded.body > verdict.body)"


class _Release(NamedTuple):
    """A release as an event tells of it; of two of one number the greater counts."""

    at: int
    run: str
    versions: tuple[tuple[tuple[str, str], str], ...]
    parent: int


def write(keys: Keys, told: Sequence[Told], runs: Mapping[str, Run]) -> None:
    """Write the verdicts and releases that events tell of."""
    verdicts: dict[tuple[int, int], tuple[int, bytes, list[Any]]] = {}
    releases: dict[tuple[str, int], _Release] = {}
    datasets = keys.of(tables.dataset)
    for one in told:
        if one.run is None or one.job is None:
            continue
        for spoken in one.spoken:
            found = spoken.assertions
            if found is not None:
                key = runs[one.run].id, datasets[spoken.named[:2]]
                word = one.at, packed(hjson.packed(found)), found
                if key not in verdicts or word[:2] > verdicts[key][:2]:
                    verdicts[key] = word
        for number, release in _releases(one):
            of = one.job[0], number
            releases[of] = max(release, releases.get(of, release))
    _write_verdicts(keys, verdicts)
    for (namespace, number), release in releases.items():
        _write_release(keys, namespace, number, release, runs[release.run].id)


def _write_verdicts(
    keys: Keys, verdicts: Mapping[tuple[int, int], tuple[int, bytes, list[Any]]]
) -> None:
    """Write verdicts; what is there stays where it is newer."""
    if not verdicts:
        return
    rows = [
        (run, dataset, at, sum(bool(a["success"]) for a in found),
         sum(not a["success"] for a in found), body)
        for (run, dataset), (at, body, found) in verdicts.items()
    ]  # fmt: skip
    insert_rows(keys.connection, tables.verdict, _VERDICT, rows, replace=True, where=_NEWER)


def _releases(one: Told) -> Iterator[tuple[int, _Release]]:
    """The release that an event publishes, if it does."""
    if one.state != "COMPLETE" or one.job is None or one.run is None:
        return
    if one.job[1] != names.RELEASE or names.lake_of(one.job[0]) is None:
        return
    facet = one.run_facets.get("headgate_release") or {}
    number, parent = _number(facet.get("number")), _number(facet.get("parent"))
    if number is None:  # as told before there was that facet
        for tag in (one.run_facets.get("tags") or {}).get("tags") or ():
            if tag["key"] == "release_id" and tag["value"].isdecimal():
                number = _number(int(tag["value"]))
        parent = number - 1 if number and number > 1 else None
    if number is None:
        return
    versions = sorted((s.named[:2], s.version) for s in one.spoken if s.version is not None)
    yield number, _Release(one.at, one.run, tuple(versions), -1 if parent is None else parent)


def _number(value: object) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if isinstance(value, int) and whole and 0 <= value <= _LARGEST else None


def _write_release(keys: Keys, namespace: str, number: int, release: _Release, run: int) -> None:
    """Write a release, and what it moved, unless a greater one of its number is there."""
    connection, row, version = keys.connection, tables.release, tables.release_version
    there = connection.execute(
        sa.select(row.c.id, row.c.at, tables.run.c.uuid, row.c.parent)
        .join(tables.run, row.c.run_id == tables.run.c.id)
        .where(row.c.namespace == namespace, row.c.number == number)
    ).first()
    parent = None if release.parent < 0 else release.parent
    told = {"run_id": run, "parent": parent, "at": release.at}
    if there is None:
        found = keys.take_ids(row, 1)[0]
        connection.execute(
            row.insert(), {"id": found, "namespace": namespace, "number": number, **told}
        )
    else:
        found = there.id
        known = connection.execute(
            sa.select(tables.dataset.c.namespace, tables.dataset.c.name, version.c.version)
            .join(tables.dataset, version.c.dataset_id == tables.dataset.c.id)
            .where(version.c.release_id == found)
        )
        versions = tuple(sorted(((r.namespace, r.name), r.version) for r in known))
        before = -1 if there.parent is None else there.parent
        if release <= _Release(there.at, there.uuid, versions, before):
            return
        connection.execute(version.delete().where(version.c.release_id == found))
        connection.execute(row.update().where(row.c.id == found).values(told))
    datasets = keys.of(tables.dataset)
    moved = {datasets[named]: told_version for named, told_version in release.versions}
    if moved:
        connection.execute(
            version.insert(),
            [
                {"release_id": found, "dataset_id": dataset, "version": told_version}
                for dataset, told_version in moved.items()
            ],
        )
