"""Contracts in outline put together: what each is made from, what cannot be, groups and their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headgate.contracts import lines, relations
from headgate.contracts.model import Contract
from headgate.contracts.names import DatasetName
from headgate.core.errors import ContractError
from headgate.orchestration.indexing import circles
from headgate.orchestration.indexing.entries import Broken, Entry, Group, Linked
from headgate.orchestration.indexing.models import Models, WrongModel
from headgate.orchestration.indexing.outline import Outline, as_contract
from headgate.orchestration.order import ordered

_OWN = "#/customProperties/headgate."


def link(
    root: Path, outlines: Mapping[str, Outline], models: Models, owners: Sequence[str] | None
) -> Linked:
    """All of it, from the outlines by path; ``owners`` are those that are known, if that is said."""
    return _Linking(root, models, owners).linked(outlines)


@dataclass
class _Linking:
    root: Path
    models: Models
    owners: Sequence[str] | None
    broken: list[Broken] = field(default_factory=list)
    #: Ids of datasets whose contract is there and wrong: who reads them is not to blame.
    claimed: set[str] = field(default_factory=set)
    made_of: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: The release group of each curated dataset whose contract can be read; nothing for a source.
    groups: dict[str, str] = field(default_factory=dict)

    def linked(self, outlines: Mapping[str, Outline]) -> Linked:
        for one in outlines.values():
            if "error" not in one:
                curated = one["maker"] in ("model", "transform")
                self.groups[one["id"]] = one["group"] if curated else ""
        sound = self._unique(outlines)
        contracts = {d: as_contract(o, self.root) for d, o in sound.items()}
        for dataset, outline in list(sound.items()):
            if self.owners is not None and outline["owner"] not in self.owners:
                self._unknown_owner(dataset, outline)
                del sound[dataset]
        parents = self._parents(sound, contracts)
        made = {d: self._inputs(o, contracts) for d, o in sound.items() if d in parents}
        inputs = {d: found for d, found in made.items() if found is not None}
        for circle in circles.circles(inputs):
            self._circle(circle, sound, inputs)
            for dataset in circle:
                del inputs[dataset]
                self.claimed.add(dataset)
        entries = {
            d: self._entry(sound[d], inputs[d], parents[d])
            for d in sorted(inputs) if sound[d]["maker"]
        }  # fmt: skip
        return Linked(
            entries, _groups(entries), tuple(sorted(self.broken, key=str)),
            {d: self.made_of.get(d, ()) for d in entries},
        )  # fmt: skip

    def _wrong(self, place: str, message: str, remedy: str, *datasets: str) -> None:
        groups = {g for d in datasets if (g := self._held(d))}
        self.broken.append(
            Broken(place, message, remedy, tuple(sorted(datasets)), tuple(sorted(groups)))
        )
        self.claimed.update(datasets)

    def _held(self, dataset: str) -> str:
        """The release group that must not move without a dataset: that of one that is curated. Where
        the contract cannot be read, its layer and domain tell."""
        if dataset in self.groups:
            return self.groups[dataset]
        name = DatasetName.parse(dataset)
        return name.domain if name.layer in ("silver", "gold") else ""

    def _place(self, outline: Outline, pointer: str) -> str:
        path = str(outline["path"])
        return path + lines.place_of(self.root / path, pointer).removeprefix(str(self.root / path))

    def _unique(self, outlines: Mapping[str, Outline]) -> dict[str, Outline]:
        """The sound outlines by dataset; those that are told twice are none."""
        found: dict[str, list[Outline]] = {}
        for path in sorted(outlines):
            outline = outlines[path]
            if "error" in outline:
                dataset = outline["id"]
                self._wrong(*outline["error"], *([dataset] if dataset else ()))
            else:
                found.setdefault(outline["id"], []).append(outline)
        for dataset, same in found.items():
            for outline in same[1:]:
                self._wrong(
                    self._place(outline, "name"),
                    f"{dataset} has a contract already, at {same[0]['path']}.",
                    "Remove one of the two, or name it otherwise.",
                    dataset,
                )
        by_model: dict[str, list[Outline]] = {}
        for same in found.values():
            if len(same) == 1 and same[0]["model"]:
                by_model.setdefault(same[0]["model"], []).append(same[0])
        for model, same in by_model.items():
            for outline in same[1:]:
                self._wrong(
                    self._place(outline, f"{_OWN[1:]}model"),
                    f"dbt model {model!r} builds {same[0]['id']} already.",
                    "Set headgate.model in one of the two contracts.",
                    *(o["id"] for o in same),
                )
        return {d: s[0] for d, s in sorted(found.items()) if d not in self.claimed}

    def _unknown_owner(self, dataset: str, outline: Outline) -> None:
        assert self.owners is not None
        self._wrong(
            self._place(outline, "team"),
            f"owner {outline['owner']!r} is not known.",
            f'Name one of {", ".join(self.owners)}, or add a table [owners."{outline["owner"]}"] '
            "to headgate.toml.",
            dataset,
        )

    def _parents(
        self, sound: Mapping[str, Outline], contracts: Mapping[str, Contract]
    ) -> dict[str, tuple[str, ...]]:
        """The datasets that foreign keys refer to, for all of whom they can be told."""
        found: dict[str, tuple[str, ...]] = {}
        for dataset in sound:
            contract, known = contracts[dataset], list[str]()
            try:
                for rule in contract.rules:
                    named = rule.arguments["parent"]
                    if named in self.claimed and named not in contracts:
                        continue
                    parent = relations.parent_of(rule, contract, contracts)
                    known.append(parent.id)
            except ContractError as error:
                pointer = error.place.partition("#")[2]
                place = self._place(sound[dataset], pointer)
                self._wrong(place, error.message, error.remedy, dataset)
            else:
                found[dataset] = tuple(dict.fromkeys(known))
        return found

    def _inputs(self, outline: Outline, known: Mapping[str, object]) -> tuple[str, ...] | None:
        """What a dataset is made from; None if that cannot be told."""
        dataset, found = outline["id"], set[str]()
        for one in outline["inputs"]:
            if one not in known and one not in self.claimed:
                self._wrong(
                    self._place(outline, f"{_OWN[1:]}inputs"),
                    f"it is made from {one}, which no contract describes.",
                    "Name datasets that have a contract.",
                    dataset,
                )
                return None
            found.add(one)
        if outline["model"]:
            try:
                read = self.models.reads(outline["model"], {*known, *self.claimed})
            except WrongModel as wrong:
                place = wrong.place or self._place(outline, f"{_OWN[1:]}model")
                self._wrong(place, f"{wrong.message} It builds {dataset}.", wrong.remedy, dataset)
                return None
            self.made_of[dataset] = read.files
            found |= read.datasets
        return tuple(sorted(found))

    def _circle(
        self, circle: list[str], sound: Mapping[str, Outline], inputs: Mapping[str, tuple[str, ...]]
    ) -> None:
        told = []
        for dataset, source in zip(circle, [*circle[1:], circle[0]], strict=True):
            told.append(f"{dataset} is made from {source} ({self._says(sound[dataset], source)})")
        first = self._says(sound[circle[0]], circle[1 % len(circle)], of_contract=True)
        within = circles.whole(circle, inputs)
        self._wrong(
            first,
            f"datasets are made from each other: {'; '.join(told)}.",
            "Take one of them out of what another is made from.",
            *within,
        )

    def _says(self, outline: Outline, source: str, *, of_contract: bool = False) -> str:
        """Where it is said that a dataset is made from another."""
        if source in outline["inputs"]:
            return self._place(outline, f"{_OWN[1:]}inputs")
        if of_contract or not outline["model"]:
            return self._place(outline, "name")
        return self.models.where(outline["model"], source) or self._place(outline, "name")

    def _entry(self, outline: Outline, inputs: tuple[str, ...], parents: tuple[str, ...]) -> Entry:
        same = ("path", "version", "description", "owner", "group", "maker", "model", "schedule",
                "timezone", "retries", "retry_minutes", "freshness_hours", "source_path",
                "dated")  # fmt: skip
        dataset = outline["id"]
        return Entry(
            dataset=dataset, domain=DatasetName.parse(dataset).domain, inputs=inputs,
            parents=parents, tags=tuple(outline["tags"]), **{k: outline[k] for k in same},
        )  # fmt: skip


def _groups(entries: Mapping[str, Entry]) -> dict[str, Group]:
    """The release groups of the entries, by name."""
    order = ordered({d: e.inputs for d, e in entries.items()})
    members: dict[str, list[str]] = {}
    for dataset in order:
        members.setdefault(entries[dataset].group, []).append(dataset)
    return {name: _group(name, found, entries) for name, found in sorted(members.items())}


def _group(name: str, members: list[str], entries: Mapping[str, Entry]) -> Group:
    owners = Counter(entries[d].owner for d in members)
    most = min(owners, key=lambda o: (-owners[o], o))
    curated = tuple(d for d in members if entries[d].maker != "source")
    sources = tuple(sorted(d for d in members if entries[d].maker == "source"))
    read = {i for d in curated for i in _others(entries[d], name, entries)}
    return Group(name, most, curated, sources, tuple(sorted({*sources, *read})))


def _others(entry: Entry, group: str, entries: Mapping[str, Entry]) -> Iterator[str]:
    """The datasets of other groups that one is made from."""
    for dataset in entry.inputs:
        if dataset in entries and entries[dataset].group != group:
            yield dataset
