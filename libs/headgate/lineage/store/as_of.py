"""As of when: a time, the end of a run, or a release, each as an instant for every dataset."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np

from headgate.core import clock, ids
from headgate.core.errors import NotFoundError, UsageError
from headgate.lineage import names
from headgate.lineage.graph_arrays import Ints
from headgate.lineage.store import instants, loading
from headgate.lineage.store.fetching import Fetch, PlainStore, fetching

if TYPE_CHECKING:
    from headgate.lineage.graph_names import NodeNames
    from headgate.lineage.store.opening import Store

_FORMS = "a date or time (2024-05-01, 2024-05-01T12:00Z), run:<id> or release:<number>"
_RELEASE = re.compile(r"(?:(?P<lake>[^/]+)/)?(?P<number>[0-9]{1,9})")
_IN_ONE_QUERY = 500
_AFTER_THE_GATE = ", ".join(f"'{kind}'" for kind in (names.INGEST, names.REPLAY, names.WAIVE))
#: Of every version that a gate let in, what the same run of the lake said next of where its batch came
#: from: what is taken in is told of once the gate has told of the version, while a build is told of before.
_ORIGINS = (
    "SELECT d.dataset_id, d.stated_at, (SELECT o.stated_at FROM run_dataset o"
    " JOIN run n ON n.id = o.run_id JOIN job j ON j.id = n.job_id"
    " WHERE o.dataset_id = d.dataset_id AND o.role = 'out' AND o.slot = 'made'"
    " AND o.stated_at >= d.stated_at AND o.stated_at <= :until AND n.whole = r.whole"
    f" AND substr(j.name, length(s.name) + 2) IN ({_AFTER_THE_GATE})"
    " ORDER BY o.stated_at LIMIT 1) AS origin"
    " FROM run_dataset d JOIN run r ON r.id = d.run_id JOIN dataset s ON s.id = d.dataset_id"
    " WHERE d.dataset_id IN ({some}) AND d.role = 'out' AND d.version IN ({versions})"
    " AND d.stated_at <= :until AND r.whole IS NOT NULL"
)


@dataclass(frozen=True)
class AsOf:
    """A function from datasets to instants (microseconds since 1970): ``datasets`` by id, all others
    ``at``. ``text`` is how it was asked for."""

    text: str
    at: int
    datasets: Mapping[int, int] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What tells it from others of one revision of a store."""
        return f"{self.text} {self.at}"

    @property
    def moment(self) -> datetime:
        """The instant of all datasets that have none of their own."""
        return instants.moment(self.at)

    def of(self, dataset: int) -> int:
        """The instant of the dataset with that id."""
        return self.datasets.get(dataset, self.at)

    def instants(self, known: NodeNames) -> Ints:
        """Instants by place of dataset."""
        found = np.full(len(known.ids), self.at, np.int64)
        for dataset, at in self.datasets.items():
            place = int(np.searchsorted(known.ids, dataset))
            if place < len(known.ids) and known.ids[place] == dataset:
                found[known.canonical[place]] = at
        return found


def at(store: Store | PlainStore, what: str | datetime) -> AsOf:
    """What ``what`` means: ``2024-05-01`` (its first moment, UTC), a time, ``run:<id>``, or
    ``release:<number>`` (``release:<lake>/<number>`` where there are several).

    Raises:
        UsageError: the text is none of these.
        NotFoundError: there is no such run or release, or nothing had been told yet by then.
        LakeError: the store is broken, or cannot be reached.
    """
    if isinstance(what, datetime):
        return _time(store, clock.iso(what), what)
    text = what.strip()
    kind, separator, name = text.partition(":")
    if not (separator and kind in ("release", "run")) and not _is_uuid(text):
        return _time(store, text, _moment(text))
    with fetching(store) as fetch:
        if kind == "release" and separator:
            return _release(fetch, text, name.strip(), loading.home_of(store))
        if kind == "run" and separator:
            return _run(fetch, text, name.strip())
        return _run(fetch, f"run:{text}", text)


def _moment(text: str) -> datetime:
    try:
        if len(text) == len("2024-05-01"):
            return instants.moment(instants.parse(f"{date.fromisoformat(text)}T00:00:00"))
        seconds = ":00" if re.fullmatch(r".{10}[Tt ]\d\d:\d\d(Z|z|[+-]\d\d:\d\d)?", text) else ""
        return instants.moment(instants.parse(text[:16] + seconds + text[16:]))
    except (ValueError, OverflowError):
        pass
    remedy = f"It takes {_FORMS}."
    if text.isdigit():
        remedy = f"A release is release:{text}."
    raise UsageError(f"{text!r} is no time, run or release.", remedy=remedy)


def _time(store: Store | PlainStore, text: str, moment: datetime) -> AsOf:
    wanted = instants.micros(moment)
    known = loading.first_known(store)  # what comes later can only be earlier
    if known is not None and wanted >= known:
        return AsOf(text, wanted)
    first = _first(store)
    below = loading.below_of(store)
    if below is not None:
        first = min((f for f in (first, _first(below.store)) if f is not None), default=None)
    if first is not None and wanted < first:
        began = clock.iso(instants.moment(first))
        raise NotFoundError(
            f"nothing was recorded as of {text} yet.", remedy=f"Lineage begins at {began}."
        )
    return AsOf(text, wanted)


def _first(store: Store | PlainStore) -> int | None:
    """The first instant that anything is told of: every span is looked at."""
    with fetching(store) as fetch:
        found = fetch("SELECT min(from_at) FROM span")[0][0]
    return None if found is None else int(found)


def _run(fetch: Fetch, text: str, uuid: str) -> AsOf:
    if not _is_uuid(uuid):
        raise UsageError(f"{uuid!r} is no run's id.", remedy="A run's id is a UUID.")
    rows = fetch(
        "SELECT coalesce(ended_at, told_at) FROM run WHERE uuid = :uuid", uuid=uuid.lower()
    )
    if not rows:
        raise NotFoundError(f"lineage knows no run {uuid}.", remedy="headgate status lists runs.")
    return AsOf(text, int(rows[0][0]))


def _is_uuid(text: str) -> bool:
    try:
        ids.demand_uuid(text)
    except ValueError:
        return False
    return True


def _release(fetch: Fetch, text: str, name: str, home: str | None) -> AsOf:
    told = _RELEASE.fullmatch(name)
    if told is None:
        raise UsageError(f"{text!r} is no release.", remedy="A release is release:<number>.")
    namespace = _lake_of(fetch, told["lake"], home)
    number = int(told["number"])
    rows = fetch(
        "SELECT at FROM release WHERE namespace = :lake AND number = :number",
        lake=namespace, number=number,
    )  # fmt: skip
    if not rows:
        known = fetch("SELECT max(number) FROM release WHERE namespace = :lake", lake=namespace)
        newest = known[0][0] if known else None
        raise NotFoundError(
            f"lineage knows no release {number} of {names.lake_of(namespace)}.",
            remedy=f"The newest is {newest}." if newest is not None else "There is none yet.",
        )
    until = int(rows[0][0])
    return AsOf(text, until, _versions(fetch, namespace, number, until))


def _lake_of(fetch: Fetch, lake: str | None, home: str | None) -> str:
    if lake or home:
        return names.namespace(lake or home or "")
    known = [row[0] for row in fetch("SELECT DISTINCT namespace FROM release ORDER BY namespace")]
    if len(known) > 1:
        several = ", ".join(str(names.lake_of(n)) for n in known)
        raise UsageError(
            f"several lakes have releases: {several}.", remedy="Name it: release:<lake>/<number>."
        )
    return str(known[0]) if known else names.namespace("")


def _versions(fetch: Fetch, namespace: str, number: int, until: int) -> dict[int, int]:
    """By dataset, when the version was written that the release shows, and what it came from was told."""
    newest: dict[int, str] = {}
    for dataset, version in fetch(
        "SELECT v.dataset_id, v.version FROM release_version v JOIN release r ON r.id = v.release_id"
        " WHERE r.namespace = :lake AND r.number <= :number ORDER BY r.number",
        lake=namespace, number=number,
    ):  # fmt: skip
        newest[int(dataset)] = str(version)
    found: dict[int, int] = {}
    for some in _portions(sorted(newest)):
        for dataset, version, stated in fetch(
            "SELECT dataset_id, version, max(stated_at) FROM run_dataset"
            f" WHERE dataset_id IN ({some}) AND role = 'out' AND stated_at <= :until"
            " GROUP BY dataset_id, version",
            until=until,
        ):
            if version == newest[int(dataset)]:
                found[int(dataset)] = int(stated)
    for some in _portions(sorted(found)):
        versions = sorted({newest[int(dataset)] for dataset in some.split(", ")})
        names_of = {f"v{n}": version for n, version in enumerate(versions)}
        listed = ", ".join(f":{name}" for name in names_of)
        query = _ORIGINS.format(some=some, versions=listed)
        for dataset, stated, origin in fetch(query, until=until, **names_of):
            if origin is not None and int(stated) == found[int(dataset)]:
                found[int(dataset)] = int(origin)
    return found


def _portions(numbers: Sequence[int]) -> list[str]:
    return [
        ", ".join(map(str, numbers[start : start + _IN_ONE_QUERY]))
        for start in range(0, len(numbers), _IN_ONE_QUERY)
    ]
