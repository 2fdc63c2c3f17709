"""One spelling of what producers spell differently: schemes, slashes, ports and quotes of names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from headgate.contracts.names import QUARANTINE_SUFFIX
from headgate.lineage import names

#: Schemes that are other words for one.
_SCHEMES: Mapping[str, str] = {
    "s3a": "s3", "s3n": "s3", "gcs": "gs", "abfs": "abfss", "wasb": "wasbs",
    "postgresql": "postgres", "sqlserver": "mssql",
}  # fmt: skip
#: What OpenLineage says with a port, and producers at times without.
_PORTS: Mapping[str, str] = {
    "postgres": "5432", "mysql": "3306", "mssql": "1433", "oracle": "1521", "redshift": "5439",
    "kafka": "9092", "hdfs": "8020", "cassandra": "9042", "teradata": "1025",
}  # fmt: skip
#: Names there are keys below a bucket or container, without a slash before them.
_STORES = frozenset({"s3", "gs", "abfss", "wasbs"})
_URI = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://(.*)$", re.DOTALL)
#: The beginning of an address of a file on this machine; ``file://host/`` is another one's.
_DISK = re.compile(r"^file:(?://localhost(?=/|$)/*|/{3,}|/(?!/)|(?://)?$)")
_SLASHES = re.compile(r"/{2,}")
_PART = re.compile(r'"((?:[^"]|"")*)"|`([^`]*)`|([^."`]+)')


@lru_cache(maxsize=65_536)
def normal(namespace: str, name: str) -> tuple[str, str]:
    """The one spelling of a dataset's namespace and name; its own spelling is left as it is.

    ``("file:///", "file:/lake/gold/")`` is ``("file", "/lake/gold")``, ``("s3a://b", "/k/")`` is
    ``("s3://b", "k")``. Case is left alone: only who stores a thing knows whether it counts.
    """
    if namespace == names.FILE_NAMESPACE:
        return namespace, _path(_DISK.sub("/", name))
    if _DISK.match(namespace):
        folder = _path(_DISK.sub("/", namespace))
        # A folder of tables, such as Spark's warehouse, or none: then the name is the path.
        return ("file://" + folder, name) if folder != "/" else normal(names.FILE_NAMESPACE, name)
    match = _URI.match(namespace.removeprefix("jdbc:"))
    if match is None:
        return namespace, name
    scheme, place = _SCHEMES.get(match[1], match[1]), match[2]
    if scheme == "duckdb":
        return _relation(_duckdb(place), parts(name))
    place = place.rstrip("/")
    if scheme in _PORTS and place and not re.search(r":\d+$|,", place):
        place += ":" + _PORTS[scheme]
    whole = f"{scheme}://{place}"
    if scheme in _STORES:
        return whole, _key(name, scheme, place)
    if names.lake_of(whole) is not None:
        return whole, name.strip("/").removesuffix(QUARANTINE_SUFFIX)
    return whole, name


def parts(name: str) -> tuple[str, ...]:
    """The parts of a name that SQL would write with dots between, without their quotes."""
    if '"' not in name and "`" not in name:
        return tuple(name.split("."))
    return tuple(
        quoted.replace('""', '"') or ticked or plain
        for quoted, ticked, plain in _PART.findall(name)
    )


def _path(name: str) -> str:
    """A path on disk; patterns and names that are no absolute paths are left as they are."""
    if not name.startswith("/"):
        return name
    return _SLASHES.sub("/", name).rstrip("/") or "/"


def _key(name: str, scheme: str, place: str) -> str:
    match = _URI.match(name)
    if match is not None and _SCHEMES.get(match[1], match[1]) == scheme:
        bucket, _, key = match[2].partition("/")
        name = key if bucket == place else name
    return name.strip("/") or "/"


def _duckdb(place: str) -> str:
    """A DuckDB by its file: ``duckdb:///lake/catalog.duckdb``, ``duckdb://:memory:``."""
    place = _DISK.sub("/", place)
    return "duckdb://" + (":memory:" if place in ("", ":memory:", "memory") else _path(place))


def _relation(namespace: str, found: tuple[str, ...]) -> tuple[str, str]:
    """A relation with its database: that of a file goes by the file's name, whoever attached it how."""
    if len(found) in (2, 3) and namespace.startswith("duckdb:///"):
        found = (namespace.rpartition("/")[2].partition(".")[0], *found[-2:])
    return namespace, ".".join(found)
