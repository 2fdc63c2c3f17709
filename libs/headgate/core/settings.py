"""The one place of settings: ``headgate.toml`` at the project's root, overridden by ``HEADGATE_*``."""

from __future__ import annotations

import dataclasses
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headgate.core import clients, forwards, owners, secrets
from headgate.core.errors import SettingError, UsageError

FILE_NAME = "headgate.toml"
#: What the project's own lake is called where lakes are named.
MAIN = "main"
_chosen = MAIN
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)(i?)B?\s*", re.IGNORECASE)

_OF_READING = (
    "reader_memory", "reader_seconds", "reader_output", "memory_limit", "spill_limit",
    "max_unpack_ratio", "max_fields", "max_record_bytes", "max_nesting",
)  # fmt: skip


def _setting(default: Any, doc: str, secret: bool = False, choices: tuple[str, ...] = ()) -> Any:
    return field(default=default, metadata={"doc": doc, "secret": secret, "choices": choices})


@dataclass(frozen=True)
class Settings:
    """All settings, resolved. Paths are absolute; sizes are DuckDB size texts (``1GB``)."""

    root: Path
    lake: Path = _setting(Path("lake"), "Where the tables live: a folder, relative to the project.")
    lake_name: str = _setting("local", "The lake's name in lineage: namespace `headgate://<name>`.")
    private_lakes: Path = _setting(
        Path("lakes"), "Folder of private lakes (`headgate --lake NAME`), relative to the project."
    )
    contracts: Path = _setting(Path("data_contracts"), "Folder of the data contracts.")
    dbt_project: Path = _setting(Path("dbt_project"), "Folder of the dbt project.")
    real_data: Path = _setting(
        Path("../shared/data"), "Where real data sets lie that tests and the demo may use."
    )
    threads: int = _setting(0, "Threads of the embedded engine; 0 means all processors.")
    memory_limit: str = _setting("1GB", "Memory the embedded engine may use before it spills.")
    spill_limit: str = _setting("20GB", "Disk the embedded engine may use for spilling.")
    target_file_bytes: int = _setting(
        134_217_728, "Size of the data files that are aimed at, in bytes."
    )
    compression: str = _setting("zstd", "Codec of data files: `zstd`, `snappy`, `lz4` or `none`.")
    max_record_bytes: int = _setting(
        16_777_216, "Longest record that is read, in bytes; a longer one is set aside."
    )
    max_nesting: int = _setting(256, "Deepest nesting of a JSON record that is read.")
    max_fields: int = _setting(
        10_000, "Most fields that a JSON object or a CSV record may have, and columns of a file."
    )
    max_unpack_ratio: int = _setting(
        200,
        "How many times its size a compressed file may unpack to, counted from 16 MiB on; and what"
        " a Parquet file may decode to, from 256 MiB on.",
    )
    max_quarantine_share: float = _setting(
        0.1, "Share of a batch's rows beyond which the batch is refused; contracts override it."
    )
    readers: str = _setting(
        "child",
        "Where files are read: in a `child` process with limits, or `inline`, without any, to look "
        "for a fault.",
        choices=("child", "inline"),
    )
    reader_memory: str = _setting(
        "1GB",
        "Memory that the reading of a file may take, and half of the file's size more, up to twice"
        " as much in all; beyond, the file is set aside.",
    )
    reader_seconds: float = _setting(
        4.0,
        "Processor time that the reading of a file may take, and 30 seconds more for each MB of it;"
        " beyond, the file is set aside.",
    )
    reader_output: str = _setting(
        "1GB",
        "What the reading of a file may write, or 50 times its size if that is more; beyond, the"
        " file is set aside.",
    )
    gx_max_rows: int = _setting(
        1_000_000,
        "Rows of a table that a Great Expectations rule may load into memory; beyond, it fails.",
    )
    lock_wait_seconds: float = _setting(
        0.0, "How long a run waits for another run on the same lake before it refuses."
    )
    commit_retries: int = _setting(20, "How often a lost race for a commit is tried again.")
    release_keep_days: int = _setting(7, "How long a release pins its files, at the least.")
    release_keep_count: int = _setting(
        10, "How many of the newest releases maintenance keeps, whatever their age."
    )
    history_keep_days: float = _setting(
        7.0,
        "How long a version of a table stays readable after the next one came: maintenance keeps its"
        " log entry and its files for so long.",
    )
    orphan_keep_days: float = _setting(
        3.0, "How long maintenance leaves a file alone that nothing names: it may be about to be."
    )
    set_aside_keep_days: float = _setting(
        30.0, "How long maintenance keeps what recovery and repairs set aside."
    )
    compiler: str = _setting(
        "headgate",
        "Who compiles models: `headgate` those that are plain, or `dbt` all of them.",
        choices=("headgate", "dbt"),
    )
    lineage_file: str = _setting(
        "_events/openlineage.jsonl", "Where lineage events go: a file, relative to the lake."
    )
    lineage_store: str = _setting(
        "",
        "Where the lineage store is: a database such as `postgresql://user:password@host/name`, or"
        " the path of a file; empty: `_state/lineage.db` in the lake.",
        secret=True,
    )
    lineage_max_body: str = _setting(
        "16MB", "The longest body that the lineage server takes, packed and unpacked."
    )
    lineage_rate: float = _setting(
        1000.0,
        "How many requests a second the lineage server answers of one token (without tokens: of one"
        " address) for long; twice as many at once.",
    )
    lineage_forward_seconds: float = _setting(
        2.0,
        "How long a run that ends may take to send its lineage to the destinations"
        " `[lineage_forward.<name>]`; what is left goes later. 0: only `headgate lineage forward`"
        " sends.",
    )
    portal_store: str = _setting(
        "",
        "Where the portal keeps what people put on record and who is signed in: a database such as"
        " `postgresql://user:password@host/name`, or the path of a file; empty: `_state/portal.db` in"
        " the lake.",
        secret=True,
    )
    portal_pdf_font: str = _setting(
        "",
        "A TrueType file that PDFs are written with, where they need letters beyond Latin ones.",
    )
    portal_url: str = _setting(
        "",
        "The address by which people reach the portal, such as `https://data.example.org`; needed for"
        " signing in off this machine.",
    )
    portal_oidc_issuer: str = _setting(
        "",
        "Who people sign in at: the issuer of an OpenID Connect provider; empty: nobody signs in.",
    )
    portal_oidc_client_id: str = _setting("", "What the provider calls the portal.")
    portal_oidc_client_secret: str = _setting(
        "", "What the portal proves to the provider who it is with.", secret=True
    )
    portal_oidc_scopes: str = _setting(
        "openid profile email",
        "What is asked of the provider, with blanks between; some want `groups` too.",
    )
    portal_oidc_groups_claim: str = _setting(
        "groups", "The claim of a person's ID token that lists their groups."
    )
    portal_oidc_name_claim: str = _setting(
        "email", "The claim by which the log names a person; one that the provider has verified."
    )
    portal_roles: str = _setting(
        "*=viewer",
        "Which role a group has, such as `stewards=reviewer, platform=admin, *=viewer` (`*`: whoever can"
        " sign in); the most that is true of somebody counts. Without `*`, who is in none of them is"
        " refused.",
    )
    portal_teams: str = _setting(
        "",
        "Which group is which owner of contracts, such as `grp-42=community-analytics`; one that is"
        " called as an owner is that owner in any case.",
    )
    portal_idle_minutes: float = _setting(
        60.0, "After how long without a page somebody is signed out."
    )
    portal_session_hours: float = _setting(
        12.0, "After how long somebody has to sign in again in any case."
    )
    alert_webhook: str = _setting(
        "",
        "Where alerts are posted as JSON, besides the log: an `http` or `https` address. An owner's own"
        " goes before it.",
        secret=True,
    )
    alert_email: str = _setting(
        "",
        "Who gets alerts by e-mail, with commas between them; needs `smtp_url`. An owner's own goes"
        " before it.",
    )
    smtp_url: str = _setting(
        "",
        "The server that sends e-mail: `smtp://user:password@host:587` (STARTTLS where it offers it, and"
        " always with a password) or `smtps://user:password@host:465`.",
        secret=True,
    )
    alert_from: str = _setting("headgate@localhost", "Who e-mails are from.")
    alert_seconds: float = _setting(
        10.0, "How long the sending of one alert may take, with all that is tried again."
    )

    engine: str = _setting(
        "duckdb",
        "Where rows are read, judged and built: `duckdb` on this machine, or `spark`; a contract's"
        " `headgate.engine` goes before it.",
        choices=("duckdb", "spark"),
    )
    spark_master: str = _setting(
        "local[*]",
        "Which Spark the engine `spark` starts a driver for: `local[2]`, `spark://host:7077`, `yarn`"
        " or `k8s://…`.",
    )
    spark_remote: str = _setting(
        "",
        "The address of a Spark Connect server, such as `sc://host:15002`; with it no driver is"
        " started here.",
        secret=True,
    )
    spark_jars: Path = _setting(
        Path(".tools/spark/jars"),
        "Folder of the jars that `make spark-deps` fetched, relative to the project.",
    )
    spark_memory: str = _setting("2g", "Memory of the Spark driver that is started here.")

    airflow_pool: str = _setting(
        "",
        "Airflow's pool, of one slot, for tasks that hold the lake while they work, so that they wait"
        " in the scheduler and not in a worker; empty: Airflow's own.",
    )
    airflow_lock_seconds: float = _setting(
        3600.0,
        "How long a task in Airflow waits for a run that holds the lake, before it is retried.",
    )
    airflow_owner: str = _setting(
        "platform", "Who answers for the DAGs that are of no dataset: maintenance, backfill."
    )
    airflow_maintain_schedule: str = _setting(
        "@daily", "When Airflow runs `headgate maintain` (a cron, UTC); empty: only by hand."
    )
    airflow_freshness_schedule: str = _setting(
        "*/15 * * * *",
        "When Airflow looks for datasets that are late (a cron, UTC); empty: only by hand.",
    )
    airflow_forward_schedule: str = _setting(
        "*/5 * * * *",
        "When Airflow sends lineage that is left to the destinations `[lineage_forward.<name>]`, if"
        " there is one (a cron, UTC); empty: only by hand.",
    )
    airflow_fsck_schedule: str = _setting(
        "@weekly", "When Airflow runs `headgate fsck` (a cron, UTC); empty: only by hand."
    )

    #: Where the engine spills, if not in the lake's staging: no setting, each process says its own.
    spill_folder: Path | None = None

    def of_reading(self) -> dict[str, Any]:
        """The settings that decide whether a file can be read, as they are told of one that could
        not: where one has changed since, the file is worth another attempt."""
        return {name: getattr(self, name) for name in _OF_READING}

    @property
    def spill_path(self) -> Path:
        """Where the embedded engine spills, absolute; what else is unpacked lies beside it."""
        return self.spill_folder or self.lake_path / "_staging" / "spill"

    @property
    def lake_path(self) -> Path:
        """The lake's folder, absolute."""
        return self._under_root(self.lake)

    @property
    def private_lakes_path(self) -> Path:
        """The folder of private lakes, absolute; it may not exist."""
        return self._under_root(self.private_lakes)

    @property
    def is_private(self) -> bool:
        """Whether the lake is one of the private ones."""
        return self.lake_path.parent == self.private_lakes_path

    def with_lake(self, named: str) -> Settings:
        """The settings with another lake: ``main`` for the project's own, the name of a private
        one, or a path (which has a separator in it).

        Raises:
            UsageError: it is neither.
        """
        if named == MAIN:
            return self
        path = Path(named).expanduser()
        if not {os.sep, "/"} & set(named):
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", named):
                raise UsageError(
                    f"{named!r} names no lake.",
                    remedy="A private lake is called by letters, digits, - and _; "
                    f"{MAIN} is the project's own; a path has a {os.sep} in it.",
                )
            path = self.private_lakes_path / named
        # What happens there is told under a name of its own: a private table is not the shared one.
        path = (self.root / path).resolve()
        return dataclasses.replace(self, lake=path, lake_name=path.name)

    @property
    def contracts_path(self) -> Path:
        """The contracts' folder, absolute."""
        return self._under_root(self.contracts)

    @property
    def dbt_path(self) -> Path:
        """The dbt project's folder, absolute."""
        return self._under_root(self.dbt_project)

    @property
    def spark_jars_path(self) -> Path:
        """Folder of the Spark engine's jars."""
        return self._under_root(self.spark_jars)

    @property
    def real_data_path(self) -> Path:
        """The real data's folder, absolute; it may not exist."""
        return self._under_root(self.real_data)

    def _under_root(self, path: Path) -> Path:
        return path if path.is_absolute() else (self.root / path).resolve()


def size_in_bytes(text: str) -> int:
    """The bytes of a size text such as ``20GB``, ``512 MiB`` or ``1000``.

    Raises:
        SettingError: it is none.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise SettingError(f"{text!r} is no size.", remedy="Write it like 512MB or 1GiB.")
    base = 1024 if match[3] else 1000
    return int(float(match[1]) * base ** " KMGT".index(match[2].upper() or " "))


def documented() -> list[tuple[str, str, str, str]]:
    """Every setting as ``(key, environment variable, default, meaning)``, in order."""
    return [
        (f.name, "HEADGATE_" + f.name.upper(), str(f.default), str(f.metadata["doc"]))
        for f in dataclasses.fields(Settings)
        if "doc" in f.metadata
    ]


def secret() -> set[str]:
    """The settings whose values are not to be shown."""
    every = dataclasses.fields(Settings)
    return {f.name for f in every if f.metadata.get("secret")}


def choose_lake(named: str = MAIN) -> None:
    """From now on :func:`load` gives settings with this lake (see :meth:`Settings.with_lake`)."""
    global _chosen
    _chosen = named


def find_root(start: Path | None = None) -> Path:
    """The nearest folder at or above ``start`` that holds ``headgate.toml``.

    ``HEADGATE_ROOT`` overrides the search.

    Raises:
        UsageError: there is none.
    """
    override = os.environ.get("HEADGATE_ROOT")
    here = Path(override).resolve() if override else (start or Path.cwd()).resolve()
    for folder in [here, *here.parents]:
        if (folder / FILE_NAME).is_file():
            return folder
    raise UsageError(
        f"no {FILE_NAME} at or above {here}.",
        remedy="Run from inside a Headgate project, or set HEADGATE_ROOT to one.",
    )


def load(
    root: Path | None = None,
    environ: Mapping[str, str] | None = None,
    lake: str | None = None,
) -> Settings:
    """The settings of the project at ``root`` (default: found from the working folder).

    ``lake`` is the one to work in (default: the one chosen, see :func:`choose_lake`).

    Raises:
        SettingError: a key is unknown or a value is of the wrong type; the place is named.
        UsageError: no project is found.
    """
    env = os.environ if environ is None else environ
    secrets.look(env)
    base = root.resolve() if root else find_root()
    values: dict[str, Any] = {}
    fields = {f.name: f for f in dataclasses.fields(Settings) if "doc" in f.metadata}
    path = base / FILE_NAME
    if path.is_file():
        try:
            document = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingError(f"not valid TOML: {error}.", place=str(path)) from None
        for key, value in document.items():
            if key in (owners.TABLE, forwards.TABLE, *clients.TABLES):
                continue  # of people, destinations, brokers and Spark, and not of settings: see there
            if key not in fields:
                raise SettingError(
                    f"unknown setting {key!r}.",
                    remedy=f"Known settings: {', '.join(sorted(fields))}.",
                    place=str(path),
                )
            values[key] = _convert(value, fields[key], f"{path}: {key}")
    for key, spec in fields.items():
        text = env.get("HEADGATE_" + key.upper())
        if text is not None:
            values[key] = _convert(text, spec, "HEADGATE_" + key.upper())
    found = Settings(root=base, **values).with_lake(lake or _chosen)
    hidden = [str(getattr(found, n)) for n, spec in fields.items() if spec.metadata["secret"]]
    secrets.add(hidden)
    secrets.add_addresses(value for value in hidden if "://" in value)
    if found.is_private and "HEADGATE_LAKE_NAME" not in env:
        # However it was named: a private lake tells its lineage under a name of its own.
        found = dataclasses.replace(found, lake_name=found.lake_path.name)
    return found


def _convert(value: Any, spec: dataclasses.Field[Any], place: str) -> Any:
    kind: Any = type(spec.default)
    shown = secrets.HIDDEN if spec.metadata["secret"] else value
    try:
        if issubclass(kind, Path):
            return Path(str(value)).expanduser()
        if kind is int and isinstance(value, bool):
            raise ValueError(value)
        choices = spec.metadata["choices"]
        if choices and value not in choices:
            raise SettingError(
                f"{shown!r} is none of its values.",
                remedy=f"Write {' or '.join(choices)}.",
                place=place,
            )
        return kind(value)
    except (TypeError, ValueError):
        raise SettingError(
            f"expected a value like {spec.default!r}, got {shown!r}.", place=place
        ) from None
