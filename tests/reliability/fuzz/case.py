"""A fuzzed case: deliveries to many datasets of one lake, and what the lake must hold after them."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headgate.core.settings import Settings
from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from headgate.quality.quarantine import list_rows
from tests.reliability.fuzz import contracts, making, parquet, promises, writing
from tests.reliability.fuzz.account import Account, Counts, content, rescued, shown
from tests.reliability.fuzz.delimited import of_text
from tests.reliability.fuzz.making import Tokens
from tests.reliability.fuzz.records import Ended, of_elements, of_lines


@dataclass
class Delivery:
    """A file as it is written: its name, its bytes, its records' ends, whether its total is right."""

    name: str
    data: bytes
    ends: list[Ended]
    total: bool = True
    content: str = ""

    def __post_init__(self) -> None:
        self.content = hashlib.sha256(self.data).hexdigest()


@dataclass
class Case:
    """One lake; ``each`` records a file."""

    seed: int
    root: Path
    each: int
    real: dict[str, list[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        contracts.lay_out(self.root / "project")
        self.project = Project.open(self.root / "project")
        paths = (self.root / "project" / "data_contracts").rglob("contract.odcs.yaml")
        found = [promises.read(p) for p in sorted(paths) if "ledger" not in p.parts]
        self.accounts = {p.id: Account(p) for p in found if p.id not in contracts.REAL or self.real}
        #: The first delivery of each dataset: how it was packed, and its records.
        self.first: dict[str, tuple[str, list[Tokens]]] = {}
        #: The records of each content that was written, and whether its total is right.
        self.ends: dict[tuple[str, str], tuple[list[Ended], bool]] = {}
        self.taken: dict[str, set[str]] = {d: set() for d in self.accounts}
        self.formats = {of.id: of.format for of in contracts.FUZZED}

    @property
    def records(self) -> int:
        """Records accounted for so far."""
        return sum(a.records for a in self.accounts.values())

    def play(self, steps: int) -> None:
        """Deliver so many times, and hold the lake against the account after each."""
        for step in range(steps):
            self.step(step)
            self.check()

    def step(self, step: int) -> None:
        """One run over a file (or two) for each dataset; each batch is accounted for as foretold."""
        sources: dict[str, list[str | Path]] = {}
        expected: dict[tuple[str, str], Counts] = {}
        for dataset, account in self.accounts.items():
            for delivery in self._deliveries(dataset, step):
                path = self.root / "files" / dataset / f"step{step}" / delivery.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(delivery.data)
                sources.setdefault(dataset, []).append(path)
                if delivery.content in self.taken[dataset]:
                    continue
                counts = account.take(
                    delivery.name, delivery.content, delivery.ends, total=delivery.total
                )
                expected[dataset, delivery.name] = counts
                if not counts[4] or not counts[0]:
                    self.taken[dataset].add(delivery.content)
        report = run(self.project, sources=sources, select=list(sources))
        found = {
            (b.dataset, b.source): (b.read, b.published, b.quarantined, b.deduplicated, b.refused)
            for b in report.batches
        }
        wrong = {k: (expected.get(k), found.get(k)) for k in expected.keys() | found.keys()
                 if expected.get(k) != found.get(k)}  # fmt: skip
        if wrong:
            told = "\n".join(f"{k}: expected {e}, found {f}" for k, (e, f) in sorted(wrong.items()))
            problems = "\n".join(p for p in report.problems if "max_quarantine_share" not in p)
            raise AssertionError(f"step {step}:\n{told}\n{problems}\n{self._difference()}")

    def check(self) -> None:
        """The tables and their quarantines hold exactly what the account says."""
        told = self._difference()
        assert not told, told

    def _difference(self) -> str:
        lines: list[str] = []
        for dataset, account in self.accounts.items():
            for line in differences(self.project, dataset, account):
                lines.append(f"{dataset}: {line}")
                if len(lines) > 5:
                    return "\n".join([*lines, "…"])
        return "\n".join(lines)

    # What is delivered.

    def _deliveries(self, dataset: str, step: int) -> Iterator[Delivery]:
        chance = random.Random(writing.seed_of(self.seed, dataset, step))
        if dataset in contracts.REAL:
            yield self._real(chance, dataset, step)
            return
        if step == 2:
            yield self._again(chance, dataset)
        records = self._records(chance, dataset, step)
        yield self._written(chance, dataset, step, records)
        if step:
            before = self.root / "files" / dataset / f"step{step - 1}"
            for path in sorted(before.glob("day*"))[-1:]:
                yield self._copied(dataset, path)

    def _copied(self, dataset: str, path: Path) -> Delivery:
        """The very same content under another name: taken, unless it was refused before."""
        copy = Delivery("copy_" + path.name, path.read_bytes(), [])
        copy.ends, copy.total = self.ends[dataset, copy.content]
        return copy

    def _again(self, chance: random.Random, dataset: str) -> Delivery:
        """The first file once more, some of its records edited, by the same name."""
        how, first = self.first[dataset]
        records = [dict(t) for t in first]
        for tokens in chance.sample(records, len(records) // 10):
            if "id" in tokens:
                tokens.update({k: v for k, v in making.good(chance, 0).items() if k != "id"})
        return self._written(chance, dataset, 0, records, how)

    def _records(self, chance: random.Random, dataset: str, step: int) -> list[Tokens]:
        account = self.accounts[dataset]
        strict = account.promise.share < 1
        found: list[Tokens] = []
        # A strict dataset has few mutations in every other file, so that some are taken.
        much = 0.02 if strict and step % 2 == 0 else 0.4
        while len(found) < self.each:
            way = chance.random()
            number = step * self.each * 2 + len(found)
            if step and way < 0.1:
                number = chance.randrange(step * self.each)
            if found and way > 0.97:
                found.append(dict(chance.choice(found)))
                continue
            if found and way > 0.95 and not strict:
                found.append({**chance.choice(found), "name": '"other"'})
                continue
            tokens = making.good(chance, number)
            if chance.random() < much:
                for _ in range(chance.choice((1, 1, 1, 2, 3))):
                    chance.choice(making.VALUES)(chance, tokens)
            if tokens:
                found.append(tokens)
        return found

    def _written(
        self, chance: random.Random, dataset: str, step: int, records: list[Tokens], how: str = ""
    ) -> Delivery:
        promise, form = self.accounts[dataset].promise, self.formats[dataset]
        share = 0.12 if promise.share >= 1 else 0.01
        damaged = {i for i in range(len(records)) if chance.random() < share}
        packings = ("plain", "plain", "zstd") if form == "parquet" else tuple(writing.ENDINGS)
        how, total = how or chance.choice(packings), True
        if form == "jsonl":
            data = writing.lines(chance, promise, records, damaged)
            ends = list(of_lines(promise, data))
        elif form == "csv":
            data = writing.delimited(chance, promise, records, damaged)
            ends = list(of_text(promise, data))
        elif form == "parquet":
            data, ends = parquet.written(chance, promise, records, damaged)
        else:
            data, elements, around, total = writing.document(chance, promise, records, damaged)
            ends = list(of_elements(promise, elements, around))
        self.first.setdefault(dataset, (how, records))
        name = f"day{step}.{form}{writing.ENDINGS[how]}"
        delivery = Delivery(name, writing.packed(data, how), ends, total)
        self.ends[dataset, delivery.content] = (ends, total)
        return delivery

    def _real(self, chance: random.Random, dataset: str, step: int) -> Delivery:
        """Real lines, some of them damaged."""
        lines = self.real[dataset]
        start = chance.randrange(max(1, len(lines) - self.each))
        written: list[bytes] = []
        for line in lines[start : start + self.each]:
            way = chance.random()
            if way < 0.1:
                line = _edited(chance, line)
            if way < 0.2 and way > 0.08:
                line = chance.choice(making.BYTES)(chance, line)
            written += [line, line] if way > 0.98 else [line]
        data = b"\n".join(written) + b"\n"
        ends = list(of_lines(self.accounts[dataset].promise, data))
        return Delivery(f"real{step}.jsonl", data, ends)


def _edited(chance: random.Random, line: bytes) -> bytes:
    """A JSON line, one value of which is another, gone, or called otherwise."""
    value = json.loads(line)
    node: dict[str, Any] = value
    inner = [v for v in value.values() if isinstance(v, dict) and v]
    if inner and chance.random() < 0.5:
        node = chance.choice(inner)
    name = chance.choice(list(node))
    way = chance.randrange(4)
    if way == 0:
        del node[name]
    elif way == 1:
        node[name] = chance.choice((None, 5, -1, 1.5, "x", "", [], {}, {"a": 1}, True, [1], 2**70))
    elif way == 2:
        node[chance.choice(("mood", name + "2", "_source"))] = node.pop(name)
    else:
        node[name], other = node[chance.choice(list(node))], node[name]
        node[chance.choice(list(node))] = other
    return json.dumps(value, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")


def real_lines(path: Path, count: int) -> list[bytes]:
    """The first lines of a corpus."""
    opener: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as source:
        return [line.rstrip(b"\n") for line, _ in zip(source, range(count), strict=False)]


def differences(project: Project, dataset: str, account: Account) -> Iterator[str]:
    """What the lake holds of a dataset that the account does not, and what it lacks; why, and where."""
    contract = project.contracts[dataset]
    yield from _table(project.settings, project, dataset, account)
    kept = list_rows(project.lake, contract, limit=None, state=None)
    found = {
        (r.source, r.content_hash, r.position): (
            r.state,
            frozenset(str(c["code"]) for c in r.reasons),
        )
        for r in kept
    }
    if len(found) != len(kept):
        yield f"{len(kept)} rows in quarantine at {len(found)} places"
    for place in sorted(found.keys() | account.aside.keys()):
        expected, got = account.aside.get(place), found.get(place)
        if expected != got:
            source, _, position = place
            yield (f"quarantine of {source}:{position}: expected {expected}, found {got}"
                   f" for {account.raws.get(place)!r:.500}")  # fmt: skip


def _table(settings: Settings, project: Project, dataset: str, account: Account) -> Iterator[str]:
    names = [c.name for c in account.promise.columns]
    snapshot = project.lake.snapshot(dataset)
    rows: list[tuple[Any, ...]] = []
    if snapshot is not None:
        with connect(settings) as con:
            rows = con.execute(
                f"SELECT {', '.join(chr(34) + n + chr(34) for n in names)}, _rescued, _source,"
                f" _position FROM {snapshot.relation()}"
            ).fetchall()
    key = [names.index(k) for k in account.promise.key]
    found = {tuple(shown(r[k]) for k in key): r for r in rows}
    if len(found) != len(rows):
        yield f"{len(rows)} rows in the table of {len(found)} keys"
    expected = {tuple(map(shown, k)): s for k, s in account.table.items()}
    for place in sorted(found.keys() | expected.keys()):
        got, wanted = found.get(place), expected.get(place)
        if wanted is None or got is None:
            row, raw = (got, "") if got else (None, wanted.raw if wanted else "")
            yield f"key {place}: the table has {row!r:.400}, the account {raw!r:.500}"
            continue
        told = (*content(dict(zip(names, got, strict=False))), *got[-2:])
        meant = (*content(wanted.row), wanted.source, wanted.position)
        bad = [
            (n, w, g)
            for n, w, g in zip([*names, "_source", "_position"], meant, told, strict=True)
            if w != g
        ]
        if rescued(got[-3]) != wanted.rescued:
            bad.append(("_rescued", str(wanted.rescued), got[-3]))
        if bad:
            yield f"key {place}: column, expected, found: {bad!r:.400} for {wanted.raw!r:.500}"
