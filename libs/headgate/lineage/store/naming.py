"""Which dataset an event means by a name: of a lake, of somebody else's, or only of one process.

What no rule here knows stays what it is called: nothing is guessed. Other names that one dataset
has are *aliases*; :mod:`headgate.lineage.store.aliases` adds them up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from headgate.contracts.names import QUARANTINE_SUFFIX, DatasetName
from headgate.core.errors import UsageError
from headgate.lineage import names
from headgate.lineage.store.naming_forms import normal, parts

__all__ = [
    "CATALOGUE",
    "QUARANTINE",
    "SYMLINK",
    "Alias",
    "Named",
    "Names",
    "implied",
    "implying",
    "normal",
]

#: Why a name is another's. A symlink is told by an event; the others follow from how a lake lies on
#: disk, and hold only where an event told that the table there is a lake's dataset.
SYMLINK, CATALOGUE, QUARANTINE = "symlink", "catalogue", "quarantine"
_DUCKDB = "duckdb://"
_MEMORY = "duckdb://:memory:"
_CATALOGUE, _STEM = "/catalog.duckdb", "catalog"
#: Relations that dbt makes for as long as a model is built.
_PASSING = ("__dbt_tmp", "__dbt_backup", "__dbt_new_data")


class Named(NamedTuple):
    """A dataset: a row of ``dataset``. ``transient`` is what no other process can ever read."""

    namespace: str
    name: str
    transient: bool = False


class Alias(NamedTuple):
    """Another name of a dataset, and why: a row of ``alias``."""

    other: Named
    source: str


@dataclass(frozen=True)
class Names:
    """What names mean in one event.

    ``lake`` is the lake that a table in memory is of, if it is of any; ``process`` tells tables in
    memory of different jobs apart: it is the job's caller, else the namespace of jobs.
    """

    lake: str | None
    process: str

    @classmethod
    def of(cls, event: Mapping[str, Any], lake: str | None = None) -> Names:
        """What names mean in that event; ``lake`` is the lake that is served, where there is one.

        A dataset event has no job; its tables in memory are the served lake's or nobody's.
        """
        job = event.get("job") or {}
        namespace = str(job.get("namespace") or "")
        return cls(names.lake_of(namespace) or lake, _caller(event) or namespace)

    def node(self, namespace: str, name: str) -> Named:
        """The dataset that the event means by that name."""
        namespace, name = normal(namespace, name)
        if not namespace.startswith(_DUCKDB):
            return Named(namespace, name)
        if self.lake and _is_unplaced(namespace):
            dataset = _relation(name)
            if dataset:
                return Named(names.namespace(self.lake), dataset)
        if namespace == _MEMORY:
            namespace = f"{_MEMORY}?job={self.process}"
        return Named(namespace, name, namespace.startswith(_MEMORY))

    def symlinks(self, dataset: Mapping[str, Any]) -> tuple[Named, ...]:
        """Other names of a dataset, as its symlinks facet has them.

        ``dataset`` is an input, an output, or a dataset event's own, in OpenLineage's form.
        """
        facet = (dataset.get("facets") or {}).get("symlinks") or {}
        told = facet.get("identifiers") or ()
        own = self.node(dataset["namespace"], dataset["name"]) if told else None
        found = (self.node(str(one["namespace"]), str(one["name"])) for one in told)
        return tuple(other for other in dict.fromkeys(found) if other != own)


def implied(named: Named) -> tuple[Alias, ...]:
    """The names that a dataset is another one of, if what lies there is a lake's.

    A table's quarantine is the table's, and a relation of a lake's catalogue is the Delta table
    beside it.
    """
    namespace, name, transient = named
    if transient or names.lake_of(namespace) is not None:
        return ()
    if _is_catalogue(namespace):
        dataset = _relation(name)
        if dataset:
            lake = namespace.removeprefix(_DUCKDB).removesuffix(_CATALOGUE)
            path = f"{lake}/{DatasetName.parse(dataset).path}"
            return (Alias(Named(names.FILE_NAMESPACE, path), CATALOGUE),)
    elif name.endswith(QUARANTINE_SUFFIX):
        return (Alias(Named(namespace, name.removesuffix(QUARANTINE_SUFFIX)), QUARANTINE),)
    return ()


def implying(named: Named) -> tuple[Alias, ...]:
    """The names of which :func:`implied` says that this one is implied."""
    namespace, name, transient = named
    if transient or names.lake_of(namespace) is not None or _is_catalogue(namespace):
        return ()
    found = [Alias(Named(namespace, name + QUARANTINE_SUFFIX), QUARANTINE)]
    if namespace == names.FILE_NAMESPACE and name.startswith("/") and name.count("/") > 2:
        lake, *parts_of = name.rsplit("/", 3)
        try:
            dataset = DatasetName.parse(".".join(parts_of))
        except UsageError:
            return tuple(found)
        relation = f"{_STEM}.{dataset.schema}.{dataset.name}"
        for other in (relation, relation + QUARANTINE_SUFFIX):
            found.append(Alias(Named(f"{_DUCKDB}{lake}{_CATALOGUE}", other), CATALOGUE))
    return tuple(found)


def _is_catalogue(namespace: str) -> bool:
    return namespace.startswith(_DUCKDB + "/") and namespace.endswith(_CATALOGUE)


def _is_unplaced(namespace: str) -> bool:
    """Whether what is there is of one process, or a catalogue's that no path places."""
    place = namespace.removeprefix(_DUCKDB)
    return place == ":memory:" or (not place.startswith("/") and f"/{place}".endswith(_CATALOGUE))


def _relation(name: str) -> str | None:
    """The dataset whose relation ``[database.]schema.table`` is; None for any other table."""
    found = parts(name)
    if len(found) not in (2, 3) or found[-1].endswith(_PASSING):
        return None
    try:
        return DatasetName.from_schema(found[-2], found[-1].removesuffix(QUARANTINE_SUFFIX)).id
    except UsageError:
        return None


def _caller(event: Mapping[str, Any]) -> str | None:
    """The job that the event's is a part of, such as the dbt command that builds a model."""
    parent = ((event.get("run") or {}).get("facets") or {}).get("parent") or {}
    job = parent.get("job") or {}
    return f"{job.get('namespace', '')}/{job['name']}" if job.get("name") else None
