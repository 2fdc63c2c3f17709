"""Walks over arrays answer as walks over dictionaries do, now and as of any time, however the store grew."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.lineage.graph import Direction, Graph, Node
from headgate.lineage.graph_history import History
from tests.unit.lineage.made_up_graphs import PLAIN, MadeUp, plain_walk

DATASETS = tuple(f"gold.a.t{n}" for n in range(6))
_WAYS = (("DIRECT", "IDENTITY"), ("DIRECT", "AGGREGATION"), ("INDIRECT", "FILTER"))
_EDGE = st.one_of(
    st.tuples(st.sampled_from(DATASETS), st.just(""), st.just(""),
              st.sampled_from((PLAIN, ("INDIRECT", "LOOKUP")))),
    st.tuples(st.sampled_from(DATASETS), st.sampled_from(("a", "b")),
              st.sampled_from(("a", "b", "*")), st.sampled_from(_WAYS)),
    st.tuples(st.sampled_from(DATASETS), st.just("*"), st.sampled_from(("*", "a")),
              st.just(("INDIRECT", "ROWS"))),
)  # fmt: skip
_SAID = st.tuples(
    st.sampled_from(DATASETS),
    st.lists(_EDGE, max_size=5),
    st.sampled_from(("made", "job:1", "job:2")),
)
_STEP = st.one_of(
    _SAID.map(lambda s: ("say", s)),
    st.tuples(st.sampled_from(DATASETS[:3]), st.sampled_from(DATASETS[3:])).map(
        lambda s: ("alias", s)
    ),
    st.just(("bring up", None)),
)


def told(graph: Graph, start: Node, direction: Direction, **how: Any) -> set[Any]:
    found = [
        (f.depth, tuple(f.edge.source), tuple(f.edge.target), f.edge.ways, f.edge.job)
        for f in graph.walk(start, direction, **how)
    ]
    assert len(found) == len(set(found))
    return set(found)


@settings(max_examples=100, deadline=None)
@given(st.lists(_STEP, max_size=14), st.data())
def test_walks_equal_a_plain_account_of_them(steps: list[Any], data: st.DataObject) -> None:
    made, history = MadeUp(), History.empty("local")
    for dataset in DATASETS:
        made.dataset(dataset, "a", "b", "*")
    for at, (kind, what) in enumerate(steps, 1):
        if kind == "say":
            dataset, edges, slot = what
            made.say(dataset, edges, at, slot=slot, job=f"{dataset}.{slot}")
        elif kind == "alias":
            made.stands_for(*what)
        else:
            history = history.brought_up(made.rows())
            Graph(history)  # what was worked out for it must hold for the next one too
    history = history.brought_up(made.rows())
    instants = {d: data.draw(st.integers(0, 15)) for d in DATASETS}
    places = np.array([instants[name] for _, _, name, _, _ in history.names.datasets], np.int64)
    for graph, at in ((Graph(history), None), (Graph(history, places), instants)):
        start = Node(
            data.draw(st.sampled_from(DATASETS)), data.draw(st.sampled_from(("", "a", "*")))
        )
        start = start._replace(dataset=made.canonical.get(start.dataset, start.dataset))
        depth = data.draw(st.one_of(st.none(), st.integers(1, 4)))
        indirect, direction = data.draw(st.booleans()), data.draw(st.sampled_from(("up", "down")))
        how = {"depth": depth, "indirect": indirect}
        wanted = plain_walk(made, tuple(start), direction, at=at, **how)  # type: ignore[arg-type]
        assert told(graph, start, direction, **how) == wanted


def test_a_table_that_is_read_by_two_names_is_read_once_in_all_ways() -> None:
    made = MadeUp()
    made.stands_for("gold.a.x", "gold.a.by_path")
    made.say("gold.a.z", [("gold.a.x", "", "", PLAIN), ("gold.a.by_path", "", "", PLAIN),
                          ("gold.a.x", "c", "c", ("DIRECT", "IDENTITY")),
                          ("gold.a.by_path", "c", "c", ("INDIRECT", "FILTER"))], 1)  # fmt: skip
    graph = Graph(made.history())
    assert told(graph, Node("gold.a.x"), "down") == {
        (1, ("gold.a.x", ""), ("gold.a.z", ""), (), "gold.a.z.build")
    }
    ways = (("DIRECT", "IDENTITY"), ("INDIRECT", "FILTER"))
    assert told(graph, Node("gold.a.z", "c"), "up") == {
        (1, ("gold.a.x", "c"), ("gold.a.z", "c"), ways, "gold.a.z.build")
    }


def test_a_walk_is_cut_where_it_reaches_too_much() -> None:
    made = MadeUp()
    for n in range(20):
        made.say(f"gold.a.d{n}", [("gold.a.top", "c", "c", _WAYS[0])], 1)
    graph = Graph(made.history())
    found = graph.walk(Node("gold.a.top", "c"), "down", limit=5)
    assert (found.cut, len(found.nodes()[0]), len(list(found))) == (True, 5, 4)
    whole = graph.walk(Node("gold.a.top", "c"), "down", limit=21)
    assert (whole.cut, len(list(whole))) == (False, 20)


def test_what_cannot_outlive_its_process_is_gone_through_and_not_shown() -> None:
    made = MadeUp()
    made.say("tmp.a.one", [("gold.a.x", "c", "c", ("DIRECT", "AGGREGATION"))], 1)
    made.say("tmp.a.two", [("tmp.a.one", "c", "c", ("DIRECT", "IDENTITY"))], 1)
    made.say("gold.a.z", [("tmp.a.two", "c", "d", ("INDIRECT", "FILTER")),
                          ("tmp.a.two", "c", "e", ("DIRECT", "TRANSFORMATION"))], 1)  # fmt: skip
    made.say("tmp.a.circle", [("tmp.a.circle2", "c", "c", _WAYS[0])], 1)
    made.say("tmp.a.circle2", [("tmp.a.circle", "c", "c", _WAYS[0])], 1)
    for name in ("one", "two", "circle", "circle2"):
        made.passes(f"tmp.a.{name}")
    graph = Graph(made.history())
    wanted = {
        (1, ("gold.a.x", "c"), ("gold.a.z", "d"), (("INDIRECT", "FILTER"),), "gold.a.z.build"),
        (1, ("gold.a.x", "c"), ("gold.a.z", "e"), (("DIRECT", "AGGREGATION"),), "gold.a.z.build"),
    }
    assert told(graph, Node("gold.a.x", "c"), "down") == wanted
    up = told(graph, Node("gold.a.z", "d"), "up") | told(graph, Node("gold.a.z", "e"), "up")
    assert up == wanted
    assert told(graph, Node("gold.a.z", "d"), "up", indirect=False) == set()
    assert graph.datasets == ("gold.a.x", "gold.a.z")
    assert told(graph, Node("tmp.a.circle", "c"), "up") == set()
