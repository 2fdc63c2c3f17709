"""The platform whose lineage is measured: datasets in ten layers, their columns, and what each is made from."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from headgate.lineage.steps import ColumnInput

Kind = Literal["source", "ours", "dbt", "spark"]
#: Steps from a source to the last layer of gold.
LEVELS = 10
LAYERS = ("", "bronze", *("silver",) * 4, *("gold",) * 4)
#: How many of a hundred datasets stand on each level of ours, declared sources first.
_SHARES = (16, 16, 9, 8, 6, 5, 8, 7, 5, 4)
#: Datasets that every domain reads: customers, products, calendars.
_HUBS = 12
_WORDS = (
    "amount", "status", "created", "updated", "region", "channel", "score", "count", "price", "name",
    "kind", "parent", "author", "text", "device", "session", "page", "rank", "weight", "country",
    "email", "phone", "total", "share", "delay", "reason", "stage", "owner", "label", "version",
)  # fmt: skip
_TYPES = ("STRING", "BIGINT", "TIMESTAMP", "DOUBLE", "BOOLEAN")
_DIRECT = ("IDENTITY", "IDENTITY", "IDENTITY", "IDENTITY", "TRANSFORMATION", "AGGREGATION")
_DECIDING = ("JOIN", "FILTER", "GROUP_BY", "JOIN")


@dataclass(frozen=True)
class Dataset:
    """One dataset. ``columns`` maps column to type, ``made_of`` column to what it follows from,
    ``rows`` is what decides which rows there are; ``inputs`` are datasets one or more levels up."""

    id: str
    kind: Kind
    level: int
    domain: str
    columns: Mapping[str, str]
    inputs: tuple[str, ...] = ()
    made_of: Mapping[str, tuple[ColumnInput, ...]] = field(default_factory=dict)
    rows: tuple[ColumnInput, ...] = ()

    @property
    def edges(self) -> int:
        """Column edges that say what it is made from."""
        return len(self.rows) + sum(map(len, self.made_of.values()))

    @property
    def personal(self) -> tuple[str, ...]:
        """The columns that its contract classifies as personal."""
        return tuple(c for c in self.columns if c.partition("_")[0] in ("email", "phone", "author"))


@dataclass(frozen=True)
class Platform:
    """All datasets by id, those first that others are made from."""

    datasets: Mapping[str, Dataset]

    @property
    def edges(self) -> int:
        """Column edges of all of them."""
        return sum(d.edges for d in self.datasets.values())

    def domains(self, kind: Kind) -> dict[str, list[Dataset]]:
        """Datasets of a kind by domain, in the order in which they are built."""
        found: dict[str, list[Dataset]] = {}
        for one in self.datasets.values():
            if one.kind == kind:
                found.setdefault(one.domain, []).append(one)
        return found


def platform(datasets: int = 10_000, column_edges: int = 200_000, seed: int = 8) -> Platform:
    """A platform of exactly so many datasets, and at least so many column edges; equal by seed.

    Of a hundred datasets 84 are ours (declared sources among them), 12 of a dbt project in a
    warehouse, 4 of Spark jobs on an object store.
    """
    chance = random.Random(seed)
    made: dict[str, Dataset] = {}
    dbt, spark = datasets * 12 // 100, datasets * 4 // 100
    ours = datasets - dbt - spark
    counts = [ours * share // sum(_SHARES) for share in _SHARES]
    counts[0] = counts[1]  # one declared source for each dataset of bronze
    counts[2] += ours - sum(counts)
    _grow(made, "ours", counts, max(1, ours // 210), chance)
    _grow(made, "dbt", _spread(dbt, 4), max(1, dbt // 120), chance)
    _grow(made, "spark", _spread(spark, 3), max(1, spark // 40), chance)
    _top_up(made, column_edges, chance)
    return Platform(made)


def _spread(total: int, levels: int) -> list[int]:
    each = total // levels
    return [total - each * (levels - 1), *[each] * (levels - 1)]


def _grow(
    made: dict[str, Dataset], kind: Kind, counts: Sequence[int], domains: int, chance: random.Random
) -> None:
    """Datasets of a kind, level by level."""
    below: list[Dataset] = []
    hubs: list[Dataset] = []
    by_domain: dict[str, list[Dataset]] = {}
    for level, count in enumerate(counts):
        new = []
        for number in range(count):
            domain = f"{kind[0]}d{number % domains:02d}"
            near = by_domain.get(domain, [])
            new.append(_dataset(kind, level, domain, number, near, below, hubs, chance))
        for one in new:
            made[one.id] = one
            by_domain.setdefault(one.domain, []).append(one)
        below = new or below
        hubs += new[:_HUBS] if level in (1, 2) else []


def _dataset(
    kind: Kind, level: int, domain: str, number: int,
    near: Sequence[Dataset], below: Sequence[Dataset], hubs: Sequence[Dataset], chance: random.Random,
) -> Dataset:  # fmt: skip
    name = _name(kind, level, domain, number)
    if level == 0:
        form: Kind = "source" if kind == "ours" else kind
        return Dataset(name, form, 0, domain, _columns(chance, name, chance.randint(8, 18)))
    if kind == "ours" and level == 1:
        source = below[number]  # the declared source of the same number
        columns = dict(source.columns)
        taken = {c: (ColumnInput(source.id, c, "DIRECT", "IDENTITY"),) for c in columns}
        return Dataset(name, kind, 1, domain, columns, (source.id,), taken)
    inputs = _read(near, below, hubs, chance)
    columns, made_of = _made_of(inputs, name, chance)
    rows = {
        _input(one, chance, deciding=True) for one in inputs for _ in range(chance.randint(1, 2))
    }
    ids = tuple(sorted(one.id for one in inputs))
    return Dataset(name, kind, level, domain, columns, ids, made_of, tuple(sorted(rows)))


def _name(kind: Kind, level: int, domain: str, number: int) -> str:
    if kind == "ours":
        if level == 0:
            return f"/landing/{domain}/{number:04d}_*.jsonl"
        return f"{LAYERS[level]}.{domain}.l{level}_{number:04d}"
    if kind == "dbt":
        return f"analytics.{('raw', 'staging', 'core', 'mart')[level]}_{domain}.t{number:04d}"
    return f"lake/{('raw', 'clean', 'served')[level]}/{domain}/t{number:04d}"


def _columns(chance: random.Random, name: str, count: int) -> dict[str, str]:
    key = f"{name.rpartition('.')[2].strip('/').replace('/', '_').replace('_*', '')[:24]}_id"
    words = chance.sample(_WORDS, min(count, len(_WORDS)))
    return {key: "BIGINT", **{w: _TYPES[i % len(_TYPES)] for i, w in enumerate(words)}}


def _read(
    near: Sequence[Dataset],
    below: Sequence[Dataset],
    hubs: Sequence[Dataset],
    chance: random.Random,
) -> list[Dataset]:
    """What a dataset reads: mostly of its own domain and the level below, often a hub."""
    found: dict[str, Dataset] = {}
    top = max((d.level for d in near), default=-1)
    close = [d for d in near if d.level == top and d.kind != "source"] or [*near]
    for _ in range(chance.choice((1, 1, 2, 2, 3))):
        pool = close if close and chance.random() < 0.65 else below
        one = chance.choice(pool)
        found[one.id] = one
    if hubs and chance.random() < 0.35:
        # The first hubs are read far more often than the last.
        one = hubs[min(int(chance.expovariate(0.35)), len(hubs) - 1)]
        found[one.id] = one
    return list(found.values())


def _made_of(
    inputs: Sequence[Dataset], name: str, chance: random.Random
) -> tuple[dict[str, str], dict[str, tuple[ColumnInput, ...]]]:
    columns: dict[str, str] = {}
    made_of: dict[str, tuple[ColumnInput, ...]] = {}
    for position in range(chance.randint(8, 16)):
        source = inputs[position % len(inputs)]
        first = _input(source, chance)
        column = first.column if first.column not in columns else f"{first.column}_{position}"
        columns[column] = source.columns[first.column]
        taken = {first}
        if chance.random() < 0.25:
            taken.add(_input(chance.choice(inputs), chance))
        made_of[column] = tuple(sorted(taken))
    return columns, made_of


def _input(source: Dataset, chance: random.Random, *, deciding: bool = False) -> ColumnInput:
    """A column of a source; keys, which stand first, more often than others where rows are decided."""
    listed = list(source.columns)
    if deciding:
        at = min(int(chance.expovariate(0.8)), len(listed) - 1)
        return ColumnInput(source.id, listed[at], "INDIRECT", chance.choice(_DECIDING))
    return ColumnInput(source.id, chance.choice(listed), "DIRECT", chance.choice(_DIRECT))


def _top_up(made: dict[str, Dataset], wanted: int, chance: random.Random) -> None:
    """More inputs to columns until there are so many edges: conditions and further operands."""
    derived = [d.id for d in made.values() if d.rows]
    total = sum(d.edges for d in made.values())
    while total < wanted and derived:
        one = made[chance.choice(derived)]
        column = chance.choice(list(one.made_of))
        other = _input(made[chance.choice(one.inputs)], chance)
        if chance.random() < 0.4:
            other = other._replace(type="INDIRECT", subtype="CONDITIONAL")
        taken = {*one.made_of[column], other}
        total += len(taken) - len(one.made_of[column])
        made_of = {**one.made_of, column: tuple(sorted(taken))}
        made[one.id] = dataclasses.replace(one, made_of=made_of)


def changed(one: Dataset, edition: int) -> Dataset:
    """The dataset as its definition reads after so many changes: one column is made otherwise.

    0 is the dataset itself. Each edition differs from that in one column, so the number of edges
    stays within two of it.
    """
    if not edition or not one.made_of:
        return one
    chance = random.Random(f"{one.id} {edition}")
    column = chance.choice(list(one.made_of))
    source = chance.choice([i.dataset for inputs in one.made_of.values() for i in inputs])
    offered = [i.column for inputs in one.made_of.values() for i in inputs if i.dataset == source]
    other = ColumnInput(source, chance.choice(offered), "DIRECT", "TRANSFORMATION")
    return dataclasses.replace(one, made_of={**one.made_of, column: (other,)})
