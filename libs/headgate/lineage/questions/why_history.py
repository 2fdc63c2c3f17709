"""What the store knows of a lake's releases and versions: which run made each, and what it said of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, and_, or_, select

from headgate.core.errors import NotFoundError, UsageError
from headgate.lineage import names, own_facets
from headgate.lineage.change import Change, HeldGroup, Waiver
from headgate.lineage.store import tables as t
from headgate.lineage.store.packing import unpacked

_COMPLETE = "COMPLETE"
_MODEL = "model"
#: So many versions are looked up in one query.
_AT_ONCE = 200


@dataclass(frozen=True)
class Shown:
    """A release: its number, when it was published (microseconds), by which run, how, and what it
    held back."""

    number: int
    at: int
    run: str | None
    kind: str = "publish"
    note: str = ""
    held: tuple[HeldGroup, ...] = ()


@dataclass(frozen=True)
class Write:
    """What events say of one version of a dataset: when it was made (microseconds), in which run of
    the lake, and how. ``told`` is its gate's event, None where only a release tells of it."""

    dataset: str
    version: int
    at: int
    run: str | None
    change: Change
    told: Mapping[str, Any] | None = None
    rows: int | None = None


@dataclass
class History:
    """One lake's history, on a connection that sees one state of the store."""

    connection: Connection
    namespace: str
    _ids: dict[str, tuple[int, ...]] = field(default_factory=dict)
    _bodies: dict[int, Any] = field(default_factory=dict)
    _packed: dict[int, bytes] = field(default_factory=dict)
    _telling: dict[tuple[str, int], list[Any]] = field(default_factory=dict)

    def dataset(self, name: str) -> tuple[int, ...]:
        """The ids of a dataset's rows: its own, and those that it stands for; none if unknown."""
        if name not in self._ids:
            d = t.dataset.c
            own = select(d.canonical_id).where(d.namespace == self.namespace, d.name == name)
            found = self.connection.execute(select(d.id).where(d.canonical_id.in_(own))).scalars()
            self._ids[name] = tuple(sorted(found))
        return self._ids[name]

    def release(self, number: int) -> Shown:
        """The release of that number.

        Raises:
            NotFoundError: no event tells of it.
        """
        r = t.release.c
        row = self.connection.execute(
            self._releases().where(r.number == number).limit(1)
        ).one_or_none()
        if row is None:
            raise NotFoundError(f"no event tells of a release {number}.", remedy=self._known())
        return self._shown(row)

    def newest_release(self, until: int) -> Shown | None:
        """The release that readers saw at an instant, None before the first."""
        r = t.release.c
        query = self._releases().where(r.at <= until).order_by(r.number.desc()).limit(1)
        row = self.connection.execute(query).one_or_none()
        return None if row is None else self._shown(row)

    def run_ended(self, uuid: str) -> int:
        """When a run ended, or was last heard of; its release counts as before that.

        Raises:
            NotFoundError: no event tells of it.
        """
        r = t.run.c
        row = self.connection.execute(
            select(r.uuid, r.ended_at, r.told_at).where(r.uuid == uuid)
        ).one_or_none()
        if row is None:
            raise NotFoundError(f"no event tells of a run {uuid}.")
        return int(row.told_at if row.ended_at is None else row.ended_at)

    def released(self, dataset: str, number: int) -> int | None:
        """The version of a dataset in a release; None if it was in none by then."""
        r, v = t.release.c, t.release_version.c
        row = self.connection.execute(
            select(v.version)
            .join_from(t.release_version, t.release, v.release_id == r.id)
            .where(
                v.dataset_id.in_(self.dataset(dataset)),
                r.namespace == self.namespace,
                r.number <= number,
            )
            .order_by(r.number.desc())
            .limit(1)
        ).scalar_one_or_none()
        return None if row is None else _number(row)

    def write(self, dataset: str, version: int, until: int) -> Write | None:
        """What made a version: by its gate's newest event until then, or else by a release's."""
        self.look_up(dataset, (version,))
        for row in self._telling[dataset, version]:
            if row.at <= until:
                found = self._write(dataset, version, row.role, row)
                if found is not None:
                    return found
        return None

    def look_up(self, dataset: str, versions: Iterable[int]) -> None:
        """Find the events that tell of versions, all at once: of gates first, the newest first."""
        new = [v for v in versions if (dataset, v) not in self._telling]
        for start in range(0, len(new), _AT_ONCE):
            some = new[start : start + _AT_ONCE]
            self._telling |= {(dataset, v): [] for v in some}
            rd, r, e, j = t.run_dataset.c, t.run.c, t.event.c, t.job.c
            rows = self.connection.execute(
                select(e.id, e.at, e.body, rd.version, rd.role, r.whole)
                .join_from(t.run_dataset, t.run, rd.run_id == r.id)
                .join(t.event, e.run_id == r.id)
                .join(t.job, j.id == r.job_id)
                .where(
                    rd.dataset_id.in_(self.dataset(dataset)),
                    rd.version.in_([str(v) for v in some]),
                    e.state == _COMPLETE,
                    j.namespace == self.namespace,
                    or_(
                        and_(rd.role == "out", j.name == names.job(names.GATE, dataset)),
                        and_(rd.role == "in", j.name == names.RELEASE),
                    ),
                )
                .order_by(rd.role.desc(), e.at.desc(), e.id.desc())
            )
            for row in rows:
                self._packed[row.id] = row.body
                self._telling[dataset, int(row.version)].append(row)

    def build(self, write: Write) -> Mapping[str, Any] | None:
        """The event of the build whose rows a gate let through; None if there is none."""
        if write.run is None or not write.change.batch_id:
            return None
        job = names.job(names.BUILD, write.dataset)
        return self._event(names.run_id(write.run, job, write.change.batch_id))

    def failures(self, dataset: str, since: int, until: int) -> list[tuple[int, str, str]]:
        """When (microseconds), in which job and why making the dataset failed between two instants."""
        jobs = [names.job(kind, dataset) for kind in (names.INGEST, names.BUILD, names.GATE)]
        r, j = t.run.c, t.job.c
        rows = self.connection.execute(
            select(r.told_at, j.name, r.error)
            .join_from(t.run, t.job, r.job_id == j.id)
            .where(
                j.namespace == self.namespace, j.name.in_(jobs), r.state == "FAIL",
                r.told_at > since, r.told_at <= until,
            )
            .order_by(r.told_at, r.id)
        )  # fmt: skip
        return [
            (int(at), str(name), str(error or "no reason is given")) for at, name, error in rows
        ]

    def waivers(self, dataset: str, since: int, until: int) -> list[tuple[int, Waiver]]:
        """What was decided about refused rows of the dataset between two instants."""
        e, j = t.event.c, t.job.c
        rows = self.connection.execute(
            select(e.id, e.at)
            .join_from(t.event, t.job, e.job_id == j.id)
            .where(
                j.namespace == self.namespace, j.name == names.job(names.WAIVE, dataset),
                e.state == _COMPLETE, e.at > since, e.at <= until,
            )
            .order_by(e.at, e.id)
        )  # fmt: skip
        found = []
        for row in rows.all():
            for node in self._body(row.id).get("inputs") or ():
                facet = (node.get("inputFacets") or {}).get(own_facets.WAIVER)
                told = _read(own_facets.waiver_of, facet)
                found += [(int(row.at), told)] if told else []
        return found

    def _releases(self) -> Select[Any]:
        r = t.release.c
        return (
            select(r.number, r.at, r.run_id, t.run.c.uuid, t.run.c.whole)
            .join_from(t.release, t.run, r.run_id == t.run.c.id)
            .where(r.namespace == self.namespace)
        )

    def _shown(self, row: Any) -> Shown:
        event = self._event(row.uuid) or {}
        facets = (event.get("run") or {}).get("facets") or {}
        told = _read(own_facets.release_of, facets.get(own_facets.RELEASE))
        run = None if row.whole is None else str(row.whole)
        if told is None:
            return Shown(int(row.number), int(row.at), run)
        return Shown(int(row.number), int(row.at), run, told.kind, told.note, told.held)

    def _known(self) -> str:
        r = t.release.c
        numbers = self.connection.execute(
            select(r.number).where(r.namespace == self.namespace).order_by(r.number)
        ).scalars()
        found = list(numbers)
        return f"Releases: {found[0]} to {found[-1]}." if found else "Nothing was released yet."

    def _write(self, dataset: str, version: int, role: str, row: Any) -> Write | None:
        event, run = self._body(row.id), None if row.whole is None else str(row.whole)
        node = next((n for n in _nodes(event, role) if _is(n, dataset, version)), None)
        if node is None:
            return None
        own = node.get("inputFacets" if role == "in" else "outputFacets") or {}
        change = _read(own_facets.change_of, own.get(own_facets.CHANGE))
        if role == "in":
            # When the release tells of it, it was there: that is no time of its making.
            return Write(dataset, version, int(row.at), run, change) if change else None
        told = change or self._older(dataset, event, run)
        rows = (own.get("outputStatistics") or {}).get("rowCount")
        return Write(dataset, version, int(row.at), run, told, event, rows)

    def _older(self, dataset: str, event: Mapping[str, Any], run: str | None) -> Change:
        """What a gate's event of an earlier Headgate says, which had no facet for it."""
        tags = _tags(event)
        batch = tags.get("batch_id", "")
        build = None
        if run is not None:
            build = self._event(names.run_id(run, names.job(names.BUILD, dataset), batch))
        inputs = {}
        for node in (build or {}).get("inputs") or ():
            version = _version(node)
            if version is not None and node["namespace"] == self.namespace:
                inputs[str(node["name"])] = version
        return Change(
            _MODEL if build else "ingest", batch_id=batch, inputs=inputs,
            read=_count(tags, "read"), quarantined=_count(tags, "quarantined"),
            deduplicated=_count(tags, "deduplicated"),
            # Which of them were new and which edits, nobody wrote down.
            inserted=_count(tags, "published"),
        )  # fmt: skip

    def _event(self, uuid: str) -> Mapping[str, Any] | None:
        """The event by which a run of that id ended well."""
        e, r = t.event.c, t.run.c
        found = self.connection.execute(
            select(e.id)
            .join_from(t.event, t.run, e.run_id == r.id)
            .where(r.uuid == uuid, e.state == _COMPLETE)
            .order_by(e.at.desc(), e.id.desc())
            .limit(1)
        ).scalar_one_or_none()
        return None if found is None else self._body(found)

    def _body(self, event: int) -> Mapping[str, Any]:
        if event not in self._bodies:
            body = self._packed.pop(event, None)
            if body is None:
                query = select(t.event.c.body).where(t.event.c.id == event)
                body = self.connection.execute(query).scalar_one()
            self._bodies[event] = unpacked(body)
        found: Mapping[str, Any] = self._bodies[event]
        return found


def namespace_of(connection: Connection, dataset: str, wanted: str | None) -> str:
    """The lake's namespace in which there is a dataset of that name.

    Raises:
        NotFoundError: there is none.
        UsageError: there are several, and none is ``wanted``.
    """
    d = t.dataset.c
    query = select(d.namespace).where(d.name == dataset)
    found = [n for n in connection.execute(query).scalars() if names.lake_of(n) is not None]
    if wanted is not None:
        found = [n for n in found if n == wanted]
    if not found:
        raise NotFoundError(
            f"no event tells of a dataset {dataset} of a lake.", remedy="headgate run makes it."
        )
    if len(found) > 1:
        raise UsageError(f"{dataset} is in several lakes: {', '.join(sorted(found))}.",
                         remedy="Say which, by its namespace.")  # fmt: skip
    return found[0]


def columns_read(
    build: Mapping[str, Any], dataset: str, columns: Iterable[str], namespace: str
) -> Mapping[str, frozenset[str]] | None:
    """By input, the columns of it that columns of a build's output follow from, or its rows do.

    None if the build does not say it; a column that it does not know follows from nothing.
    """
    for node in build.get("outputs") or ():
        lineage = (node.get("facets") or {}).get("columnLineage")
        if node.get("name") != dataset or lineage is None:
            continue
        fields = lineage.get("fields") or {}
        told = list(lineage.get("dataset") or ())
        for column in columns:
            told += (fields.get(column) or {}).get("inputFields") or ()
        found: dict[str, set[str]] = {}
        for one in told:
            if one.get("namespace") == namespace:
                found.setdefault(str(one["name"]), set()).add(str(one["field"]))
        return {d: frozenset(c) for d, c in found.items()}
    return None


def columns_of(event: Mapping[str, Any] | None, dataset: str) -> tuple[str, ...]:
    """The columns that an event's output has, as its schema lists them."""
    for node in (event or {}).get("outputs") or ():
        if node.get("name") == dataset:
            schema = (node.get("facets") or {}).get("schema") or {}
            return tuple(str(f["name"]) for f in schema.get("fields") or ())
    return ()


def _nodes(event: Mapping[str, Any], role: str) -> Sequence[Mapping[str, Any]]:
    return event.get("inputs" if role == "in" else "outputs") or ()


def _is(node: Mapping[str, Any], dataset: str, version: int) -> bool:
    return node.get("name") == dataset and _version(node) == version


def _version(node: Mapping[str, Any]) -> int | None:
    told = ((node.get("facets") or {}).get("version") or {}).get("datasetVersion")
    return _number(told)


def _number(text: Any) -> int | None:
    return int(text) if isinstance(text, str) and text.isdecimal() else None


def _tags(event: Mapping[str, Any]) -> dict[str, str]:
    told = ((event["run"].get("facets") or {}).get("tags") or {}).get("tags") or ()
    return {str(tag["key"]): str(tag["value"]) for tag in told}


def _count(tags: Mapping[str, str], key: str) -> int:
    return _number(tags.get(key)) or 0


def _read(reader: Any, facet: Any) -> Any:
    """What a facet of ours says; None if there is none, or somebody wrote it otherwise."""
    if not isinstance(facet, Mapping):
        return None
    try:
        return reader(facet)
    except (KeyError, TypeError, ValueError):
        return None
