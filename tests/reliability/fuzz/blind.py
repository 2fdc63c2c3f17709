"""Files damaged without regard to their records: what must hold all the same, whatever was hit."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headgate.ingest.readers.base import REASONS
from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from headgate.quality.quarantine import list_rows
from tests.reliability.fuzz import contracts, making, promises, writing

DATASETS = ("documents", "exports", "columns", "lines", "csv_plain")


@dataclass(frozen=True)
class Hit:
    """A damaged file: how, its records' keys, and which of them were left as they were written."""

    name: str
    how: str
    data: bytes
    keys: tuple[int, ...]
    whole: frozenset[int]


def hits(seed: int, dataset: str, promise: promises.Promise, count: int) -> Iterator[Hit]:
    """So many damaged files of a dataset; no key is in two of them."""
    for number in range(count):
        chance = random.Random(writing.seed_of(seed, dataset, number))
        keys = tuple(chance.sample(range(10**14, 10**15), chance.choice((1, 3, 60))))
        records = [{**making.good(chance, key), "flag": "false"} for key in keys]
        if dataset == "columns":
            data = _parquet(promise, records)
        elif dataset in ("documents", "exports"):
            data = writing.document(chance, promise, records, set())[0]
        elif dataset == "lines":
            data = writing.lines(chance, promise, records, set())
        else:
            data = writing.delimited(chance, promise, records, set())
        packing = chance.choice(("plain", "plain", "gzip", "members", "zstd"))
        if packing != "plain":
            data = writing.packed(data, packing)
        how, damaged = _damaged(chance, data)
        whole = frozenset(k for k in keys if packing == "plain" and str(k).encode() in damaged)
        name = f"{number}.{promise.source['format']}{writing.ENDINGS[packing]}"
        yield Hit(name, f"{packing}: {how}", damaged, keys, whole)


def _parquet(promise: promises.Promise, records: list[making.Tokens]) -> bytes:
    heads = {c.name: c.steps[0] for c in promise.columns}
    table = pa.table({
        "id": pa.array([int(t["id"]) for t in records], pa.int64()),
        **{heads[n]: pa.array([json.loads(t[n]) for t in records], pa.string())
           for n in ("name", "kind", "at")},
        "big": pa.array([int(t["big"]) if t["big"] != "null" else None for t in records], pa.int64()),
    })  # fmt: skip
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=20, write_page_checksum=True)
    return out.getvalue()


def _damaged(chance: random.Random, data: bytes) -> tuple[str, bytes]:
    way = chance.choice(("flips", "flips", "cut", "hole", "insert", "swap", "tail", "zeros"))
    at, length = chance.randrange(len(data)), chance.randint(1, 200)
    if way == "flips":
        found = bytearray(data)
        for _ in range(chance.randint(1, 5)):
            found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
        return way, bytes(found)
    if way == "cut":
        return way, data[:at]
    if way == "hole":
        return way, data[:at] + data[at + length :]
    if way == "insert":
        what = chance.choice(
            (b'"', b"]", b"}", b"[", b"{", b",", b"\n", b"\0" * 9, b"\xff", b"]}", b"[{")
        )
        return way, data[:at] + what + data[at:]
    if way == "swap":
        return way, data[at:] + data[:at]
    if way == "tail":
        return way, data + chance.choice((b"x", data, b"\0" * 100, b"\n\n", b"]", b"{}"))
    return way, data[:at] + b"\0" * length + data[at + length :]


def play(root: Path, seed: int, count: int) -> tuple[int, list[str]]:
    """Take damaged files; gives how many records were read, and a sentence for whatever is wrong."""
    contracts.lay_out(root / "project")
    project = Project.open(root / "project")
    files: dict[tuple[str, str], Hit] = {}
    sources: dict[str, list[str | Path]] = {}
    for name in DATASETS:
        dataset = f"bronze.fuzz.{name}"
        promise = promises.read(project.contracts[dataset].path)
        for hit in hits(seed, name, promise, count):
            path = root / "files" / name / hit.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(hit.data)
            sources.setdefault(dataset, []).append(path)
            files[dataset, hit.name] = hit
    report = run(project, sources=sources, select=list(sources))
    batches = {(b.dataset, b.source): b for b in report.batches}
    wrong = [f"taken twice: {k}" for k in batches if len(batches) != len(report.batches)]
    for dataset in sources:
        mine = {n: h for (d, n), h in files.items() if d == dataset}
        told = {n: batches.get((dataset, n)) for n in mine}
        problems = {n: [p for p in report.problems if f"{dataset}: {n}:" in p] for n in mine}
        wrong += _wrong(project, dataset, mine, told, problems)
    return sum(b.read for b in report.batches), wrong


def _wrong(
    project: Project, dataset: str, hits_: dict[str, Hit], batches: dict[str, Any],
    problems: dict[str, list[str]],
) -> Iterator[str]:  # fmt: skip
    contract = project.contracts[dataset]
    ids = {r.id for r in contract.rules} | set(REASONS) | {"conflicting_key"}
    snapshot = project.lake.snapshot(dataset)
    rows: list[tuple[Any, ...]] = []
    if snapshot is not None:
        with connect(project.settings) as con:
            rows = con.execute(
                f"SELECT id, _source, _position FROM {snapshot.relation()}"
            ).fetchall()
    aside = list_rows(project.lake, contract, limit=None, state=None)
    for name, hit in hits_.items():
        place, batch = f"{dataset} {name} ({hit.how})", batches[name]
        mine = [(i, p) for i, s, p in rows if s == name]
        kept = [r for r in aside if r.source == name]
        if batch is None:
            if not problems[name] or mine or kept:
                yield f"{place}: no account, {problems[name]}, {len(mine)} rows, {len(kept)} aside"
            continue
        if batch.read != batch.published + batch.quarantined + batch.deduplicated + batch.refused:
            yield f"{place}: the account does not balance: {batch}"
        positions = [p for _, p in mine] + [r.position for r in kept]
        if len(set(positions)) < len(positions) or not set(positions) <= set(
            range(1, batch.read + 1)
        ):
            yield f"{place}: positions {sorted(positions)} of {batch.read}"
        if (len(mine), len(kept)) != (batch.published, batch.quarantined):
            yield f"{place}: {len(mine)} rows and {len(kept)} aside, but {batch}"
        for row in kept:
            codes = {str(r["code"]) for r in row.reasons}
            if not codes or not codes <= ids:
                yield f"{place}: reasons {codes} at {row.position}"
        if batch.refused or dataset.endswith("columns"):
            continue
        texts = "\n".join(r.raw for r in kept)
        for key in sorted(hit.whole - {i for i, _ in mine}):
            if str(key) not in texts:
                told = [(r.position, [c["code"] for c in r.reasons], r.raw[:80]) for r in kept]
                yield f"{place}: record {key} is in the file, and neither published nor aside: {told}"
                break
