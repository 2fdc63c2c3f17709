"""Reading contracts: YAML, the ODCS JSON Schema, then what Headgate itself asks of a contract."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from headgate.contracts import (
    credentials,
    editions,
    files,
    live,
    origin,
    protection,
    relations,
    rules,
    stored,
    substance,
    timing,
    types,
)
from headgate.contracts.mapping import mapping
from headgate.contracts.model import (
    INGEST_COLUMNS,
    Column,
    Contract,
    ContractSet,
    LeftOut,
)
from headgate.contracts.names import DatasetName
from headgate.core import ids
from headgate.core import json as hjson
from headgate.core.cache import Cache
from headgate.core.errors import ContractError, UsageError

FILE_NAME = files.FILE_NAME
#: Kinds of servers that a contract may name: those that say nothing against a lake of files.
_SERVERS = ("local", "custom", "duckdb")
_HOURS = {"h": 1.0, "hour": 1.0, "hours": 1.0, "d": 24.0, "day": 24.0, "days": 24.0,
          "m": 1 / 60, "minute": 1 / 60, "minutes": 1 / 60, "w": 168.0, "week": 168.0,
          "weeks": 168.0, "y": 8766.0, "year": 8766.0, "years": 8766.0}  # fmt: skip


@lru_cache(maxsize=1)
def _schema() -> Any:
    return hjson.loads(
        resources.files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8")
    )


@lru_cache(maxsize=1)
def _fits() -> Callable[[Any], bool]:
    """Whether a document is ODCS: 0.4 ms, where the validator that explains takes 60."""
    import jsonschema_rs

    return jsonschema_rs.validator_for(_schema()).is_valid


@lru_cache(maxsize=1)
def _validator() -> Any:
    import jsonschema

    return jsonschema.validators.validator_for(_schema())(_schema())


def load_all(folder: Path, cache: Cache | None = None) -> ContractSet:
    """Every contract below ``folder``; those that ``cache`` holds are not parsed and checked anew.

    Raises:
        ContractError: one of them is wrong (the first is told), or two describe one dataset.
        UsageError: there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(
            f"no folder of contracts at {folder}.", remedy="See the setting contracts."
        )
    found: dict[str, Contract] = {}
    for path, contract in _every(folder, cache):
        if contract.id in found:
            raise ContractError(
                f"{contract.id} has a contract already, at {found[contract.id].path}.",
                place=str(path),
            )
        found[contract.id] = contract
    models: dict[str, Contract] = {}
    for contract in found.values():
        if contract.model and models.setdefault(contract.model, contract) is not contract:
            raise ContractError(
                f"dbt model {contract.model!r} builds {models[contract.model].id} already.",
                remedy="Set headgate.model in one of the two contracts.",
                place=str(contract.path),
            )
    return ContractSet({d: relations.resolved(c, found) for d, c in found.items()})


def load_sound(folder: Path, cache: Cache | None, left_out: LeftOut) -> ContractSet:
    """The contracts below ``folder`` that can be worked with: none of ``left_out``, and none that is
    wrong, which stops no other.

    A reference to what is left out stays as it is written: its table is there.

    Raises:
        UsageError: there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(
            f"no folder of contracts at {folder}.", remedy="See the setting contracts."
        )
    why = dict(left_out.datasets)
    found = {c.id: c for _, c in _every(folder, cache, []) if c.id not in why}
    sound: dict[str, Contract] = {}
    for dataset, contract in found.items():
        try:
            sound[dataset] = relations.resolved(contract, found, why)
        except ContractError as error:
            why[dataset] = str(error)
    return ContractSet(sound, LeftOut(why, left_out.groups))


def _every(
    folder: Path, cache: Cache | None, wrong: list[ContractError] | None = None
) -> Iterator[tuple[Path, Contract]]:
    """The contracts below ``folder`` in the order of their paths; those that cannot be read go into
    ``wrong``, if that is given.

    Raises:
        ContractError: one cannot be read, and ``wrong`` is not given.
    """
    paths = sorted(
        Path(above) / FILE_NAME for above, _, names in os.walk(folder) if FILE_NAME in names
    )
    texts: dict[Path, str] = {}
    for path in paths:
        with _noting(wrong):
            files.stay_inside(path, folder)
            texts[path] = files.text_of(path)
    if cache is None:
        for path, text in texts.items():
            loaded: Contract | None = None
            with _noting(wrong):
                loaded = _loaded(path, text)
            if loaded is not None:
                yield path, loaded
        return
    keys = {path: stored.key(path, text) for path, text in texts.items()}
    known = stored.recalled(cache, list(keys.values()))
    fresh: dict[str, Contract] = {}
    try:
        for path, text in texts.items():
            contract = known.get(keys[path])
            with _noting(wrong):
                if contract is None:
                    contract = fresh[keys[path]] = _loaded(path, text)
            if contract is not None:
                yield path, contract
    finally:
        stored.keep(cache, fresh)


@contextmanager
def _noting(wrong: list[ContractError] | None) -> Iterator[None]:
    """Within the block, note what is wrong with a contract instead of raising it, if so wished."""
    try:
        yield
    except ContractError as error:
        if wrong is None:
            raise
        wrong.append(error)


def load(path: Path) -> Contract:
    """The contract in the file ``path``.

    Raises:
        ContractError: it is not YAML, not ODCS, or not what Headgate asks; the place is named.
    """
    return _loaded(path, files.text_of(path))


@lru_cache(maxsize=1024)
def _loaded(path: Path, text: str) -> Contract:
    """The contract that ``text`` is; kept, since checking it against the schema takes a while."""
    from headgate.contracts import lines, yamltext

    try:
        document = yamltext.read(text, str(path))
        credentials.demand_none(document, str(path))
        return from_document(path, document)
    except ContractError as error:
        raise lines.located(error, path, text) from None


def from_document(path: Path, document: Mapping[str, Any]) -> Contract:
    """The contract that an ODCS document is; ``path`` is where it stands (or stood).

    Its relationships are as written: only :func:`load_all` knows the other contracts.

    Raises:
        ContractError: it is not ODCS, or not what Headgate asks; the place is named.
    """
    document = dict(document)  # one that was kept is read only now
    text = _plain(document, str(path))
    # The shallowest complaint is the one to act on; deeper ones are often its echo.
    modern = editions.modern(document)
    found = () if _fits()(modern) else _validator().iter_errors(modern)
    errors = sorted(found, key=lambda e: len(list(e.absolute_path)))
    if errors:
        pointer = "/".join(str(p) for p in errors[0].absolute_path)
        raise ContractError(f"not ODCS: {_complaint(errors[0])}", place=f"{path}#/{pointer}")
    return _contract(path, document, modern, ids.digest(text))


def _complaint(error: Any) -> str:
    """What the schema says, without the parts of the schema that it quotes."""
    from jsonschema.exceptions import best_match

    if error.validator in ("oneOf", "anyOf"):
        if not error.context and isinstance(error.instance, Mapping):
            return f"some of these exclude each other: {', '.join(map(str, error.instance))}."
        error = best_match([error])
    return str(error.message)[:300]


def _contract(
    path: Path, document: Mapping[str, Any], modern: Mapping[str, Any], digest: str
) -> Contract:
    place = str(path)
    table = _table(modern, place)
    try:
        name = DatasetName.parse(str(document.get("name", "")))
    except UsageError as error:
        raise ContractError(error.message, remedy=error.remedy, place=f"{place}#/name") from None
    where, props = f"{place}#/schema/0", rules.custom(document)
    source = origin.source_of(props, place)
    times = timing.timing_of(props, source, place)
    columns = tuple(
        _column(p, f"{where}/properties/{i}") for i, p in enumerate(table.get("properties", ()))
    )
    contract = Contract(
        name=name,
        path=path,
        version=str(document["version"]),
        status=str(document.get("status", "")),
        description=_text((document.get("description") or {}).get("purpose"), table),
        owner=_owner(document),
        grain=str(table.get("dataGranularityDescription", "")).strip(),
        columns=columns,
        rules=rules.rules_of(table, where),
        promises=rules.promises_of(table, where),
        document=document,
        hash=digest,
        substance=substance.of_document(document),
        source=source,
        delivery=origin.delivery_of(props, columns, place),
        stream=origin.stream_of(props, place),
        live=live.live_of(
            props, columns, made=origin.model_of(props, name) is not None, place=place
        ),
        timing=times,
        model=origin.model_of(props, name),
        transform=origin.transform_of(props, place),
        inputs=tuple(str(i) for i in props.get("inputs", ())),
        release_group=origin.group_of(props, name, place),
        engine=origin.engine_of(props, name, place),
        max_quarantine_share=origin.share_of(props, place),
        order_column=props.get("orderColumn"),
        last_stays=bool(props.get("lastStays", False)),
        preserves_rows=bool(props.get("preservesRows", False)),
        unit_of_change=props.get("unitOfChange"),
        freshness_hours=_sla(document, ("freshness", "latency", "ly")),
        retention_days=_days(_sla(document, ("retention", "re"))),
        tags=tuple(document.get("tags") or ()),
    )
    _demand(contract)
    if contract.source:
        mapping(contract)
    return contract


def _plain(document: Mapping[str, Any], place: str) -> str:
    """The document as JSON, by which it is known."""
    try:
        return hjson.dumps(document)
    except (TypeError, ValueError) as error:
        raise ContractError(
            f"it holds what JSON has no form for: {error}.",
            remedy="Write numbers, texts, lists and mappings of texts.",
            place=place,
        ) from None


def _table(document: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """The one table that a contract describes, and which Headgate itself keeps."""
    for index, server in enumerate(document.get("servers") or ()):
        if server.get("type") not in _SERVERS:
            raise ContractError(
                f"a server of type {server.get('type')!r}: Headgate keeps its tables in its own "
                "lake, and takes rows from files.",
                remedy="Leave servers out, and say in headgate.source where rows come from.",
                place=f"{place}#/servers/{index}/type",
            )
    tables = document.get("schema") or []
    if len(tables) != 1:
        raise ContractError(
            f"a contract describes one table, this has {len(tables)}.",
            remedy="Write one contract for each table."
            if tables
            else "Describe the table under schema.",
            place=f"{place}#/schema",
        )
    table: Mapping[str, Any] = tables[0]
    return table


def _column(prop: Mapping[str, Any], place: str) -> Column:
    name, props = str(prop["name"]), rules.custom(prop)
    anonymized, anonymized_of = protection.anonymized_of(props, place)
    return Column(
        name=name,
        type=types.of_property(prop, place),
        description=" ".join(str(prop.get("description", "")).split()),
        classification=str(prop.get("classification", "")),
        required=bool(prop.get("required") or prop.get("primaryKey")),
        unique=bool(prop.get("unique")),
        key_position=int(prop.get("primaryKeyPosition") or 1) if prop.get("primaryKey") else None,
        personal=bool(props.get("personalData", False)),
        field=str(prop.get("physicalName") or name),
        examples=tuple(prop.get("examples") or ()),
        business_name=str(prop.get("businessName", "")),
        accepts_numbers=bool(props.get("acceptsNumbers", False)),
        of_delivery=bool(props.get("ofDelivery", False)),
        anonymized=anonymized,
        anonymized_of=anonymized_of,
        unmasked_for=protection.unmasked_for_of(props, place),
    )


def _demand(contract: Contract) -> None:
    """What Headgate asks beyond ODCS: an owner, a grain, a key, and every column explained."""
    place = str(contract.path)

    def refuse(message: str, remedy: str) -> None:
        raise ContractError(message, remedy=remedy, place=place)

    if not contract.owner:
        refuse("no owner.", "Add team with a name, or a member whose role is owner.")
    if not contract.grain:
        refuse("no grain.", "Say in dataGranularityDescription what one row is.")
    if not contract.columns:
        refuse("no columns.", "Describe them under schema[0].properties.")
    if contract.stream and any(c.key_position for c in contract.columns):
        refuse(
            "a stream has no primary key: its rows are known by topic, partition and offset.",
            "Leave primaryKey out, and fold rows of one key in a model downstream.",
        )
    if not contract.key:
        refuse("no key.", "Mark the columns that identify a row with primaryKey.")
    names = [c.name for c in contract.columns]
    for column in contract.columns:
        if names.count(column.name) > 1:
            refuse(f"column {column.name!r} is described twice.", "Remove one.")
        if column.name.startswith("_") or column.name in INGEST_COLUMNS:
            refuse(f"column {column.name!r}: names with a leading _ are Headgate's.", "Rename it.")
        if not column.description:
            refuse(f"column {column.name!r} has no description.", "Say what it means.")
        if not column.classification:
            refuse(f"column {column.name!r} has no classification.", "Add classification.")
    for what in filter(None, (contract.order_column, contract.unit_of_change)):
        if what not in names:
            refuse(f"column {what!r} is named but not described.", "Describe it or name another.")
    gold_sets_aside = contract.curated and not contract.preserves_rows
    if contract.name.layer == "gold" and gold_sets_aside:
        for rule in contract.rules:
            if rule.severity == "quarantine":
                raise ContractError(
                    f"rule {rule.id!r} would set rows of an aggregate aside, which corrupts it.",
                    remedy="Use warn or fail, or say headgate.preservesRows if each input row "
                    "gives one output row.",
                    place=rule.place,
                )


def _owner(document: Mapping[str, Any]) -> str:
    team = document.get("team")
    members = team.get("members", ()) if isinstance(team, Mapping) else team or ()
    for member in members:
        if str(member.get("role", "")).lower() == "owner":
            return str(member.get("username") or member.get("name", ""))
    return str(team.get("name", "")) if isinstance(team, Mapping) else ""


def _sla(document: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    for entry in document.get("slaProperties", ()):
        if str(entry["property"]).lower() in names:
            return float(entry["value"]) * _HOURS.get(str(entry.get("unit", "d")).lower(), 24.0)
    return None


def _days(hours: float | None) -> int | None:
    return None if hours is None else round(hours / 24)


def _text(purpose: Any, table: Mapping[str, Any]) -> str:
    return " ".join(str(purpose or table.get("description") or "").split())
