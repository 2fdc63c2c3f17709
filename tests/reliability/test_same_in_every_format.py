"""The same records, delivered in any sequence, give the same table in whatever format they come."""

from __future__ import annotations

import io
import random
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from headgate.lake.content import content_hash
from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from headgate.quality.quarantine import list_rows
from tests.conftest import REPOSITORY
from tests.reliability.figures import record
from tests.reliability.fuzz import contracts, making, promises, writing
from tests.reliability.fuzz.judge import parsed, typed
from tests.reliability.fuzz.making import Tokens
from tests.reliability.seeds import replayable, seeds

SOURCES: dict[str, dict[str, Any]] = {
    "lines": {"format": "jsonl"}, "documents": {"format": "json", "records": "$[*]"},
    "texts": {"format": "csv"}, "columns": {"format": "parquet"},
}  # fmt: skip
#: What a delivery may mean: contradictions wait, the newest stays and rows may go, the last stays.
MEANINGS: tuple[dict[str, Any], ...] = (
    {},
    {"headgate.orderColumn": "at", "headgate.delivery": {"tombstone": "kind = 'gone'"}},
    {"headgate.lastStays": True},
    {"headgate.delivery": {"snapshot": True}},
)
#: Values that every format can write, and that break a rule, or only nearly.
_VALUES = {
    "name": ('""', '"' + "x" * 41 + '"', '"😀"', "null"), "kind": ('"gone"', '"none"', "null"),
    "count": ("-1", "9999", "10000", "13"), "code": ('"AB"', '"AB12"'), "unit": ("7", "-5"),
    "day": ('"1989-12-31"', '"2024-02-29"'), "flag": ("true", "null"), "price": ("-0.01", "9999999.99"),
    "at": ('"2100-01-01T00:00:00.000001Z"', "null"), "uid": ('"not-a-uuid"',), "extra": ("null", '"text"'),
    "tags": ('["a","a"]', "[]"), "ratio": ("-1000000.5", "0.1"), "big": ("9223372036854775807",),
    "fine": ("12345678901234567890.0123456789",), "nums": ("[null]",),
}  # fmt: skip


@pytest.mark.parametrize(
    ("seed", "each"),
    [(0, 60), *(pytest.param(s, 150, marks=pytest.mark.long) for s in seeds(12, first=1))],
)
def test_any_sequence_of_deliveries(seed: int, each: int, tmp_path: Path) -> None:
    with replayable(seed):
        chance = random.Random(seed)
        project = lay_out(tmp_path / "project", MEANINGS[seed % len(MEANINGS)])
        before: list[Tokens] = []
        for number in range(3 if seed == 0 else chance.randint(3, 6)):
            before = records(chance, number, each, before)
            sources = written(tmp_path / "files" / str(number), project, seed, number, before)
            report = run(project, sources=sources, select=list(sources))
            counts = {
                (b.read, b.published, b.quarantined, b.deduplicated, b.refused)
                for b in report.batches
            }
            assert len(counts) == 1 and len(report.batches) == len(SOURCES), report.batches
            tables, aside = held(project)
            assert len(set(tables.values())) == 1, (number, tables, counts)
            assert len(set(aside.values())) == 1, (number, aside)
        record(
            "formats",
            seeds=1 if seed == 0 else 12,
            formats=len(SOURCES),
            differences=0,
            short=seed == 0,
        )


def lay_out(root: Path, meaning: dict[str, Any]) -> Project:
    """A project of one dataset a format; what they promise is the same."""
    for name, source in SOURCES.items():
        folder = root / "data_contracts" / "fuzz" / f"bronze_{name}"
        folder.mkdir(parents=True)
        document = contracts.document(contracts.Fuzzed(name, source, {}, meaning))
        (folder / "contract.odcs.yaml").write_text(yaml.safe_dump(document))
    shutil.copytree(REPOSITORY / "data_contracts/ledger", root / "data_contracts/ledger")
    (root / "headgate.toml").write_text('lake = "lake"\n')
    return Project.open(root)


def records(chance: random.Random, number: int, each: int, before: list[Tokens]) -> list[Tokens]:
    """A delivery's records: new ones, some of those before as they were or edited, repeated keys."""
    found: list[Tokens] = []
    while len(found) < each:
        way = chance.random()
        if before and way < 0.3:
            found.append(dict(chance.choice(before)))
        elif found and way < 0.35:
            found.append(dict(chance.choice(found)))
        elif found and way < 0.4:
            found.append({**chance.choice(found), "name": '"other"'})
        else:
            tokens = making.good(chance, number * each + len(found))
            # Texts that every format keeps as they are written.
            tokens["extra"] = chance.choice(('{"a":[1,2.50,null]}', "[]", "17"))
            found.append(tokens)
        for _ in range(chance.choice((0, 0, 1, 2))):
            name = chance.choice(list(_VALUES))
            found[-1][name] = chance.choice(_VALUES[name])
    return found


def written(
    folder: Path, project: Project, seed: int, number: int, found: list[Tokens]
) -> dict[str, list[str | Path]]:
    """The records as a file of each format."""
    folder.mkdir(parents=True)
    sources: dict[str, list[str | Path]] = {}
    for name, source in SOURCES.items():
        dataset = f"bronze.fuzz.{name}"
        promise = promises.read(project.contracts[dataset].path)
        if name == "columns":
            data = _columns(promise, found)
        else:
            objects = [_object(t) for t in found]
            data = {
                "lines": b"".join(o + b"\n" for o in objects),
                "documents": b"[\n" + b",\n".join(objects) + b"\n]\n",
                "texts": _texts(random.Random(seed), promise, found),
            }[name]
        path = folder / f"day{number}.{source['format']}"
        path.write_bytes(data)
        sources[dataset] = [path]
    return sources


def _object(tokens: Tokens) -> bytes:
    return ("{" + ", ".join(f'"{n}": {t}' for n, t in tokens.items()) + "}").encode()


def _texts(chance: random.Random, promise: promises.Promise, found: list[Tokens]) -> bytes:
    names = [c.name for c in promise.columns]
    lines = [",".join(names).encode()]
    for tokens in found:
        fields = [writing.field_of(tokens.get(n, "null"), n, promise) for n in names]
        lines.append(b",".join(writing.quoted(chance, text, null) for text, null in fields))
    return b"\n".join(lines) + b"\n"


def _columns(promise: promises.Promise, found: list[Tokens]) -> bytes:
    kinds = {
        "long": pa.int64(), "integer": pa.int32(), "double": pa.float64(), "boolean": pa.bool_(),
        "date": pa.date32(), "timestamp": pa.timestamp("us", "UTC"), "array<string>": pa.list_(pa.string()),
        "array<long>": pa.list_(pa.int64()),
    }  # fmt: skip
    columns = {}
    for column in promise.columns:
        values = [None if (t := tokens.get(column.name, "null")) == "null" else
                  t if column.kind == "json" else typed(column.kind, parsed(t))
                  for tokens in found]  # fmt: skip
        if column.kind.startswith("decimal"):
            precision, scale = map(int, column.kind[8:-1].split(","))
            texts = pa.array([None if v is None else f"{v:f}" for v in values], pa.string())
            columns[column.name] = texts.cast(pa.decimal128(precision, scale))
        else:
            columns[column.name] = pa.array(values, kinds.get(column.kind, pa.string()))
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def held(project: Project) -> tuple[dict[str, str], dict[str, str]]:
    """The content of each table, and of each quarantine: deliveries, positions, reasons, states."""
    tables, aside = {}, {}
    with connect(project.settings) as con:
        for name in SOURCES:
            dataset = f"bronze.fuzz.{name}"
            snapshot = project.lake.snapshot(dataset)
            assert snapshot is not None
            tables[dataset] = content_hash(con, snapshot)
            rows = list_rows(project.lake, project.contracts[dataset], limit=None, state=None)
            told = [
                (
                    r.source.split(".")[0],
                    r.position,
                    r.state,
                    sorted(str(c["code"]) for c in r.reasons),
                )
                for r in rows
            ]
            aside[dataset] = repr(sorted(told))
    return tables, aside
