"""What the nodes of the graph of lineage are called: datasets and columns, by number and by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from headgate.core import json as hjson
from headgate.core.errors import NotFoundError
from headgate.lineage import names
from headgate.lineage.graph_arrays import Flags, Ints
from headgate.lineage.graph_node import ROWS, Node

#: A dataset's row: id, namespace, name, id of the one that it is another name of, transient.
DatasetRow = tuple[int, str, str, int | None, bool]


class NodeNames:
    """Datasets and their fields. A dataset has a place, a field has one, both in order of their ids;
    a node is the place of the first field of one name of a dataset, whatever that is also called.

    ``home`` is the lake whose datasets go by their ids alone wherever another has the same.
    """

    def __init__(
        self,
        datasets: Sequence[DatasetRow],
        field_ids: Ints,
        field_dataset_ids: Ints,
        field_names: list[str],
        home: str | None = None,
    ) -> None:
        self.datasets, self.home = datasets, home
        self.ids: Ints = np.array([d[0] for d in datasets], np.int64)
        self.transient: Flags = np.array([bool(d[4]) for d in datasets], np.bool_)
        self.field_ids, self.field_dataset_ids = field_ids, field_dataset_ids
        self.field_names = field_names
        others = np.array([d[0] if d[3] is None else d[3] for d in datasets], np.int64)
        #: By place of a dataset, the place of the one that it is another name of.
        self.canonical: Ints = np.searchsorted(self.ids, others)
        self.has_aliases = bool((others != self.ids).any())
        own = np.searchsorted(self.ids, field_dataset_ids)
        #: By place of a field, the place of its dataset.
        self.dataset_of: Ints = self.canonical[own] if len(own) else own
        #: By place of a field, whether it stands for the dataset as a whole, or for its rows.
        self.is_whole: Flags = np.array([n == "" for n in field_names], np.bool_)
        self.is_rows: Flags = np.array([n == ROWS for n in field_names], np.bool_)
        #: By place of a field, its node.
        self.node_of: Ints = self._nodes()
        self._told: list[Node | None] = [None] * len(field_names)
        self._json = [""] * len(field_names)
        #: Objects by number, what they end with by place of the dataset, and begin with by the column.
        self._json_ends: dict[int, str] = {}
        self._json_begins: dict[str, str] = {}

    def extended(
        self, datasets: Sequence[DatasetRow], ids: Ints, dataset_ids: Ints, names: list[str]
    ) -> NodeNames:
        """With these datasets, the known ones first, and further fields."""
        if datasets is self.datasets and not names:
            return self
        found = NodeNames(
            datasets, np.append(self.field_ids, ids),
            np.append(self.field_dataset_ids, dataset_ids), self.field_names + names, self.home,
        )  # fmt: skip
        before = len(self.datasets)
        if np.array_equal(found.canonical[:before], self.canonical):  # nothing is called otherwise
            found._json[: len(self._json)] = self._json
            found._json_ends, found._json_begins = self._json_ends, self._json_begins
        if datasets is self.datasets:
            found._told[: len(self._told)] = self._told
            found.__dict__ |= {k: v for k, v in self.__dict__.items() if k in ("shown", "places")}
        return found

    def _nodes(self) -> Ints:
        nodes: Ints = np.arange(len(self.field_ids))
        if not self.has_aliases:
            return nodes
        merged = np.zeros(len(self.datasets), np.bool_)
        changed = self.canonical != np.arange(len(self.datasets))
        merged[self.canonical[changed]] = True
        first: dict[tuple[int, str], int] = {}
        for place in np.flatnonzero(merged[self.dataset_of]).tolist():
            key = (int(self.dataset_of[place]), self.field_names[place])
            nodes[place] = first.setdefault(key, place)
        return nodes

    @cached_property
    def shown(self) -> list[str]:
        """By place of a dataset its name among people.

        Datasets of lakes go by their ids, files by their paths, all others by namespace and name.
        Where two lakes have the same id, only the home lake's goes by it alone.
        """
        claimed: dict[str, set[str]] = {}
        for place, (_, namespace, name, _, _) in enumerate(self.datasets):
            if self.canonical[place] == place and names.lake_of(namespace) is not None:
                claimed.setdefault(name, set()).add(namespace)
        return [self._shown(row, claimed) for row in self.datasets]

    def _shown(self, row: DatasetRow, claimed: dict[str, set[str]]) -> str:
        _, namespace, name, _, _ = row
        lake = names.lake_of(namespace)
        if lake is not None and (lake == self.home or len(claimed.get(name, ())) < 2):
            return name
        return name if namespace == names.FILE_NAMESPACE else f"{namespace}/{name}"

    @cached_property
    def places(self) -> dict[str, int]:
        """Places of datasets by what they are called, in whatever way; a lake's come first."""
        found: dict[str, int] = {}
        for place, (_, namespace, name, _, _) in enumerate(self.datasets):
            found.setdefault(f"{namespace}/{name}", int(self.canonical[place]))
        for place, shown in enumerate(self.shown):
            if self.canonical[place] == place or shown not in found:
                found[shown] = int(self.canonical[place])
        return found

    @cached_property
    def _by_dataset(self) -> tuple[Ints, Ints]:
        """Nodes sorted by dataset, and where those of each dataset begin."""
        nodes = np.flatnonzero(self.node_of == np.arange(len(self.node_of)))
        own = self.dataset_of[nodes]
        order = np.argsort(own, kind="stable")
        return nodes[order], np.searchsorted(own[order], np.arange(len(self.datasets) + 1))

    @cached_property
    def whole_of(self) -> Ints:
        """By place of a dataset, the node that stands for it as a whole; -1 where there is none."""
        found = np.full(len(self.ids), -1, np.int64)
        wholes = np.flatnonzero(self.is_whole & (self.node_of == np.arange(len(self.node_of))))
        found[self.dataset_of[wholes]] = wholes
        return found

    def nodes_of(self, dataset: int) -> Ints:
        """The nodes of a dataset, in the order in which they were first told of."""
        nodes, starts = self._by_dataset
        found: Ints = nodes[starts[dataset] : starts[dataset + 1]]
        return found

    def columns(self, dataset: str) -> tuple[str, ...]:
        """The columns of a dataset that were ever told of; none of one that is unknown."""
        place = self.places.get(dataset)
        if place is None:
            return ()
        told = (self.field_names[n] for n in self.nodes_of(place))
        return tuple(c for c in told if c not in ("", ROWS))

    def place(self, node: Node) -> int | None:
        """The number of a node, if anything was told of it."""
        dataset = self.places.get(node.dataset)
        if dataset is None:
            return None
        found = (int(n) for n in self.nodes_of(dataset) if self.field_names[n] == node.column)
        return next(found, None)

    def node(self, number: int) -> Node:
        """The node of that number."""
        told = self._told[number]
        if told is None:
            told = Node(self.shown[self.dataset_of[number]], self.field_names[number])
            self._told[number] = told
        return told

    def json(self, numbers: Sequence[int]) -> list[str]:
        """Of nodes by number the column, name and namespace, each as a JSON object without its end."""
        found = list(map(self._json.__getitem__, numbers))
        if not all(found):
            self._write({number for number, told in zip(numbers, found, strict=True) if not told})
            found = list(map(self._json.__getitem__, numbers))
        return found

    def _write(self, missing: Iterable[int]) -> None:
        """Write those as JSON, to be kept."""
        ends, begins = self._json_ends, self._json_begins
        fields, quoted = self.field_names, hjson.quoted
        numbers = sorted(missing)
        for number, place in zip(numbers, self.dataset_of[numbers].tolist(), strict=True):
            end = ends.get(place)
            if end is None:
                _, namespace, name, _, _ = self.datasets[place]
                end = ends[place] = f',"name":{quoted(name)},"namespace":{quoted(namespace)}'
            field = fields[number]
            begin = begins.get(field)
            if begin is None:
                begin = begins[field] = f'{{"column":{quoted(field)}'
            self._json[number] = begin + end

    def find(self, text: str) -> Node:
        """The dataset or column that ``text`` names.

        Raises:
            NotFoundError: there is none; the message has the nearest that there is.
        """
        for dataset, column in ((text, ""), *_divided(text)):
            place = self.places.get(dataset)
            if place is None or self.transient[place]:
                continue
            if not column or column in self.columns(dataset):
                return Node(self.shown[place], column)
        raise self._unknown(text)

    def _unknown(self, text: str) -> NotFoundError:
        if not self.datasets:
            return NotFoundError(
                "no lineage yet: nothing was ever built here.", remedy="headgate run makes some."
            )
        dataset, _, column = text.rpartition(".")
        columns = self.columns(dataset)
        if dataset in self.places:
            told = ", ".join(difflib.get_close_matches(column, columns, 3, 0.3) or columns)
            return NotFoundError(
                f"{dataset} has no column {column!r}.",
                remedy=f"It has {told}." if told else "None of its columns was ever told of.",
            )
        near = self.near(text) or self.near(dataset)
        return NotFoundError(
            f"lineage knows no {text!r}.",
            remedy=f"Perhaps {' or '.join(near)}."
            if near
            else "headgate show datasets lists them.",
        )

    def near(self, text: str) -> list[str]:
        """Names of datasets that are like the text."""
        shown = {self.shown[p] for p in set(self.canonical.tolist()) if not self.transient[p]}
        return difflib.get_close_matches(text, shown, 3, 0.4)


def _divided(text: str) -> Iterable[tuple[str, str]]:
    """Dataset and column, wherever the dot between them is: both may have dots; the longest dataset first."""
    place = len(text)
    while (place := text.rfind(".", 0, place)) >= 0:
        yield text[:place], text[place + 1 :]
