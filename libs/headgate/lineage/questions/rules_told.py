"""Rules of datasets as their newest verdicts tell them, and which of them name a column."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headgate.lineage.graph_node import ROWS, Node
from headgate.lineage.questions import lasting
from headgate.lineage.store.fetching import Fetch, PlainStore, fetching
from headgate.lineage.store.packing import unpacked

if TYPE_CHECKING:
    from headgate.lineage.graph import Graph
    from headgate.lineage.store.opening import Store


@dataclass(frozen=True)
class Rule:
    """A rule of a dataset: what judges it by, and which column it is about, if one."""

    dataset: str
    name: str
    kind: str
    severity: str
    column: str
    text: str

    def names(self, node: Node) -> bool:
        """Whether it names a column: as its own, in what it demands, or in another dataset."""
        if node.column in ("", ROWS):
            return self.dataset == node.dataset or _holds(self.text, node.dataset)
        if self.dataset == node.dataset:
            return self.column == node.column or _holds(self.text, node.column)
        return _holds(self.text, node.dataset) and _holds(self.text, node.column)


def _holds(text: str, word: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", text) is not None


def of_datasets(
    store: Store | PlainStore, graph: Graph, datasets: Iterable[str]
) -> dict[str, tuple[Rule, ...]]:
    """The rules that datasets were last judged by, as of the graph's time.

    Raises:
        LakeError: the store is broken, or cannot be reached.
    """
    wanted = {graph.names.places[d] for d in datasets if d in graph.names.places}
    found: dict[str, tuple[Rule, ...]] = {}
    for layer in reversed(lasting.layers(store)):
        with fetching(layer.store) as fetch:
            numbers = lasting.numbers_of(fetch, graph, wanted, layer)
            for some in lasting.portions(sorted(numbers)):
                told: dict[str, dict[str, Rule]] = {}
                for number, at, body in _newest(fetch, some):
                    limit = lasting.instant(graph, layer, numbers[number])
                    if limit is None or at <= limit:
                        dataset = graph.names.shown[numbers[number]]
                        mine = told.setdefault(dataset, {})
                        mine.update((r.name, r) for r in _rules(dataset, body))
                found |= {dataset: tuple(rules.values()) for dataset, rules in told.items()}
    return found


def _newest(fetch: Fetch, datasets: str) -> list[tuple[int, int, bytes]]:
    """The newest verdict of every job on those datasets; the newest of all last."""
    rows: list[tuple[int, int, bytes]] = fetch(
        "SELECT v.dataset_id, v.at, v.body FROM verdict v JOIN run r ON r.id = v.run_id JOIN ("
        " SELECT o.dataset_id, q.job_id, max(o.at) AS at FROM verdict o JOIN run q ON q.id = o.run_id"
        f" WHERE o.dataset_id IN ({datasets}) GROUP BY o.dataset_id, q.job_id) n"
        " ON n.dataset_id = v.dataset_id AND n.job_id = r.job_id AND n.at = v.at ORDER BY v.at"
    )
    return rows


def _rules(dataset: str, body: bytes) -> Iterable[Rule]:
    told = unpacked(body)
    listed = told.get("assertions") if isinstance(told, Mapping) else told
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, Mapping):
            yield _rule(dataset, one)


def _rule(dataset: str, told: Mapping[str, Any]) -> Rule:
    params = told.get("params")
    own = params if isinstance(params, Mapping) else {}
    kind, column = str(told.get("assertion", "")), str(told.get("column") or "")
    texts = (told.get("content"), told.get("expected"))
    return Rule(
        dataset,
        str(told.get("name") or (f"{column}.{kind}" if column else kind)),
        str(own.get("kind") or kind),
        str(own.get("severity") or told.get("severity") or ""),
        column,
        " ".join(str(t) for t in texts if t),
    )
