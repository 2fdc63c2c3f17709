"""Where classified columns and personal data flow by what contracts, models and transforms say, without any run."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from headgate.contracts import lines, protection, same_field
from headgate.contracts.model import Column, Contract
from headgate.contracts.protection import Protection
from headgate.core.errors import HeadgateError
from headgate.lineage.columns import ColumnLineage, UntraceableError
from headgate.lineage.steps import source_columns
from headgate.orchestration import column_lineage, frame_lineage
from headgate.orchestration.dbt import refs
from headgate.orchestration.dbt.compile import Sources
from headgate.orchestration.project import Project


class Place(NamedTuple):
    """A column of a dataset, or a field of a declared source."""

    dataset: str
    column: str

    def __str__(self) -> str:
        return f"{self.dataset}.{self.column}"


class Hop(NamedTuple):
    """``target`` is made of ``source``: by identity, transformation or aggregation."""

    source: Place
    target: Place
    subtype: str


@dataclass(frozen=True)
class Leak:
    """A column that does not declare what flows into it.

    ``inputs`` are what it is made of that is stricter than itself, the strictest first; ``lacks``
    what its contract would have to say; ``way`` leads from where the first of them comes from to the
    column; ``onward`` is what is made of the column and does not declare it either.
    """

    column: Place
    inputs: tuple[Place, ...]
    lacks: tuple[str, ...]
    way: tuple[Hop, ...]
    onward: tuple[Place, ...] = ()


@dataclass(frozen=True)
class Flows:
    """All that is made of what in a project, column by column, and how each column is protected.

    ``into`` has the hops that lead to each column, as far as they are known; ``untraced`` says of a
    dataset why nobody knows what its columns are made of; ``reads`` has the datasets that each reads;
    ``private`` are the models without a contract through which a dataset reads another.
    """

    contracts: Mapping[str, Contract]
    into: Mapping[Place, tuple[Hop, ...]]
    untraced: Mapping[str, str] = field(default_factory=dict)
    reads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    private: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def protected(self) -> Mapping[Place, Protection]:
        """How each column of a contract is protected, as declared."""
        return {
            Place(d, name): found
            for d, contract in self.contracts.items()
            for name, found in protection.of_table(contract).items()
        }

    @cached_property
    def out_of(self) -> Mapping[Place, list[Hop]]:
        """The hops that lead away from each column."""
        found: dict[Place, list[Hop]] = {}
        for hops in self.into.values():
            for hop in hops:
                found.setdefault(hop.source, []).append(hop)
        return found

    def column(self, place: Place) -> Column | None:
        """What a contract says of a column; None of those that ingest adds, and of sources."""
        contract = self.contracts.get(place.dataset)
        known = {c.name: c for c in contract.columns} if contract else {}
        return known.get(place.column)

    def ended(self, hop: Hop) -> bool:
        """Whether the target declares that this input ends there."""
        column = self.column(hop.target)
        return column is not None and protection.ends(column, *hop.source)

    def lacking(self, hop: Hop, target: Place | None = None) -> tuple[str, ...]:
        """What a column (of the hop, if no other is named) would have to say because of a hop."""
        known, own = self.protected.get(hop.source), self.protected.get(target or hop.target)
        return own.lacks(known) if known and own else ()

    def leaks(self) -> Iterator[Leak]:
        """Every column that does not declare what it is made of, dataset by dataset."""
        for place, hops in self.into.items():
            open_hops = [h for h in hops if self.lacking(h) and not self.ended(h)]
            if not open_hops:
                continue
            open_hops.sort(key=self._strictness)
            own = self.protected[place]
            whole = protection.strictest(self.protected[h.source] for h in open_hops)
            yield Leak(
                place,
                tuple(dict.fromkeys(h.source for h in open_hops)),
                own.lacks(whole),
                (*self._way_to(open_hops[0]), open_hops[0]),
                tuple(self._onward(place, whole)),
            )

    def _strictness(self, hop: Hop) -> tuple[bool, int, Hop]:
        known = self.protected[hop.source]
        return not known.personal, -protection.strictness(known.classification), hop

    def _way_to(self, last: Hop) -> tuple[Hop, ...]:
        """The shortest way to where the last hop begins from where its protection begins."""
        wanted, start = last.target, last.source
        came: dict[Place, Hop | None] = {start: None}
        waiting, end = deque([start]), start
        while waiting:
            end = place = waiting.popleft()
            before = [
                h
                for h in self.into.get(place, ())
                if h.source not in came
                and not self.ended(h)
                and (h.source not in self.protected or self.lacking(h, wanted))
            ]
            if not before:
                break
            for hop in before:
                came[hop.source] = hop
                waiting.append(hop.source)
        way, step = [], came[end]
        while step is not None:
            way.append(step)
            step = came[step.target]
        return tuple(way)

    def _onward(self, start: Place, flowing: Protection) -> Iterator[Place]:
        """What is made of a column in turn and does not declare what flows through it."""
        seen, waiting = {start}, deque([start])
        while waiting:
            for hop in self.out_of.get(waiting.popleft(), ()):
                own = self.protected.get(hop.target)
                if hop.target in seen or own is None or self.ended(hop) or not own.lacks(flowing):
                    continue
                seen.add(hop.target)
                waiting.append(hop.target)
                yield hop.target


def flows(project: Project) -> Flows:
    """What is made of what, by the SQL of models, the plans of transforms and the mappings of sources.

    What is wrong with a model or transform besides, others say: of such a one nothing is known.
    """
    into: dict[Place, tuple[Hop, ...]] = {}
    untraced: dict[str, str] = {}
    private: dict[tuple[str, str], tuple[str, ...]] = {}
    models = {str(c.model): c for c in project.contracts.models}
    try:
        sources = Sources(project)
        texts = sources.texts(models) if models.keys() <= sources.known.keys() else {}
    except HeadgateError:
        return Flows(project.contracts, {})
    for dataset, contract in project.contracts.items():
        found: ColumnLineage | None = None
        try:
            if contract.source:
                found = ColumnLineage(source_columns(contract))
            elif contract.transform:
                found = frame_lineage.of_transform(project, contract)
            elif contract.model in texts:
                text = texts[contract.model]
                if text.not_plain:
                    raise UntraceableError(f"only dbt can compile it: {text.not_plain}")
                if not text.wrong:
                    found = column_lineage.of_model(project, contract, text.full)
                    private |= _private(project, sources, contract)
        except UntraceableError as error:
            untraced[dataset] = error.message
        except HeadgateError:
            continue
        if found:
            into |= _hops(dataset, found)
    reads = sources.inputs | {c.id: c.inputs for c in project.contracts.transforms}
    return Flows(project.contracts, into, untraced, reads, private)


def _hops(dataset: str, lineage: ColumnLineage) -> dict[Place, tuple[Hop, ...]]:
    found = {}
    for name, inputs in lineage.columns.items():
        target = Place(dataset, name)
        hops = (Hop(Place(i.dataset, i.column), target, i.subtype) for i in inputs if i.type == "DIRECT")  # fmt: skip
        found[target] = tuple(sorted(h for h in hops if h.source != target))
    return found


def _private(
    project: Project, sources: Sources, contract: Contract
) -> dict[tuple[str, str], tuple[str, ...]]:
    """By dataset and what it reads only through them: the private models that read that."""
    own, *others = sources.parts(sources.known[str(contract.model)])
    if not others:
        return {}
    itself = refs.reads(project, [own])
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for model in others:
        for read in refs.reads(project, [model]) - itself:
            found[contract.id, read] = (*found.get((contract.id, read), ()), model.name)
    return found


def findings(known: Flows) -> Iterator[tuple[str, str]]:
    """Place and problem of each column whose contract does not say what flows into it, and of each
    declaration of an end that ends nothing."""
    for one in same_field.unsaid(known.contracts.values()):
        place = Place(one.dataset, one.column)
        yield (
            _at(known, place),
            (
                f"{place} holds {one.field} of its source, which {one.stricter} declares to be stricter. "
                f"Declare {' and '.join(one.lacks)} here too."
            ),
        )
    for leak in known.leaks():
        yield _at(known, leak.column), _told(known, leak)
    for contract in known.contracts.values():
        for column in contract.columns:
            if column.anonymized:
                for problem in _misdeclared(known, Place(contract.id, column.name), column):
                    yield _at(known, Place(contract.id, column.name), "anonymized"), problem


def remarks(known: Flows) -> Iterator[tuple[str, str]]:
    """Place and remark of each dataset into which something could flow without anybody seeing it."""
    for dataset, why in known.untraced.items():
        read = [d for d in known.reads.get(dataset, ()) if d in known.contracts]
        whole = protection.strictest(protection.raw(known.contracts[d]) for d in read)
        own = protection.strictest(protection.of_table(known.contracts[dataset]).values())
        if own.lacks(whole):
            yield (
                str(known.contracts[dataset].path),
                (
                    f"{dataset} reads what is {whole}, and whether that flows into it cannot be told, as "
                    f"lineage cannot follow its columns: {why}"
                ),
            )


def _at(known: Flows, place: Place, part: str = "") -> str:
    pointer = f"/schema/0/properties/{place.column}"
    if part:
        pointer += f"/customProperties/headgate.{part}"
    return lines.place_of(known.contracts[place.dataset].path, pointer)


def _told(known: Flows, leak: Leak) -> str:
    first, *more = leak.inputs
    what = "personal data" if any("personal" in one for one in leak.lacks) else "a classified value"
    text = (
        f"{what} flows into {leak.column} ({known.protected[leak.column]}), which does not declare "
        f"it: it is made of {first} ({known.protected[first]})"
    )
    if more:
        text += f", and of {', '.join(f'{p} ({known.protected[p]})' for p in more)}"
    text += f". The way: {_way(known, leak.way)}."
    if leak.onward:
        text += f" From there it goes on to {', '.join(map(str, leak.onward))}."
    return (
        f"{text} Declare {' and '.join(leak.lacks)}; or, if the values tell nothing of that any more, "
        "say how in headgate.anonymized: {how: …}; or take the column out."
    )


def _way(known: Flows, way: tuple[Hop, ...]) -> str:
    text = str(way[0].source)
    for hop in way:
        through = known.private.get((hop.target.dataset, hop.source.dataset), ())
        by = f"{hop.subtype.lower()} in {', '.join(through)}" if through else hop.subtype.lower()
        text += f" -> ({by}) {hop.target}"
    return text


def _personal(known: Flows, dataset: str, name: str) -> bool:
    found = known.protected.get(Place(dataset, name))
    return found is not None and found.personal


def _misdeclared(known: Flows, place: Place, column: Column) -> Iterator[str]:
    """What is wrong with a declaration that something ends in a column."""
    contract = known.contracts[place.dataset]
    if contract.source:
        yield (
            f"{place} is taken as it was delivered, so nothing ends there by headgate.anonymized. "
            "Remove it, and say in the description what the deliverer did."
        )
        return
    if place.dataset in known.untraced or place not in known.into:
        return  # nobody knows what would end
    stricter = {h.source for h in known.into[place] if known.lacking(h)}
    for one in column.anonymized_of:
        dataset, _, name = one.rpartition(".")
        if Place(dataset, name) not in {h.source for h in known.into[place]}:
            yield f"{place} declares that {one} is anonymised, and is not made of it. Remove it from `of`."
        elif Place(dataset, name) not in stricter and not _personal(known, dataset, name):
            yield (
                f"{place} declares that {one} is anonymised, which is not personal or classified "
                "higher than itself. Remove it from `of`."
            )
    if not column.anonymized_of and not stricter:
        yield (
            f"{place} declares headgate.anonymized, and nothing that it is made of is personal or "
            "classified higher than itself. Remove it."
        )
