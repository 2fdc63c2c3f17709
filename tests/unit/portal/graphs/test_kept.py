"""The kept picture of the platform: made once, and anew as soon as anything moves."""

from __future__ import annotations

from headgate.lineage.graph import Graph
from headgate.portal.graphs import reached
from headgate.portal.graphs.about import Knowledge
from headgate.portal.graphs.asked import Asked
from headgate.portal.graphs.kept import Drawn, Pictures
from tests.unit.lineage.made_up_graphs import PLAIN, MadeUp


def platform(*names: str) -> Graph:
    made = MadeUp()
    for at, name in enumerate(names, 1):
        made.say(name, [("landing", "", "", PLAIN)], at)
    return Graph(made.history())


def ask(pictures: Pictures, graph: Graph, knowledge: Knowledge, asked: Asked) -> Drawn:
    return pictures.of(reached.within(graph, None, asked), knowledge, asked)


def test_what_has_not_moved_is_not_composed_again() -> None:
    pictures, graph = Pictures(), platform("bronze.a.x")
    knowledge = Knowledge(graph.names, None)
    first = ask(pictures, graph, knowledge, Asked())
    assert ask(pictures, graph, knowledge, Asked()) is first
    assert ask(pictures, graph, knowledge, Asked(after="page two")) is first


def test_another_question_another_graph_and_other_knowledge_get_pictures_of_their_own() -> None:
    pictures, graph = Pictures(), platform("bronze.a.x")
    knowledge = Knowledge(graph.names, None)
    first = ask(pictures, graph, knowledge, Asked())
    assert ask(pictures, graph, knowledge, Asked(by="owner")) is not first
    # Its addresses keep how long the table is to be.
    assert ask(pictures, graph, knowledge, Asked(limit=200)).svg != first.svg
    grown = platform("bronze.a.x", "bronze.a.y")
    known = Knowledge(grown.names, None)
    moved = ask(pictures, grown, known, Asked())
    assert moved.composed.datasets == first.composed.datasets + 1
    assert ask(pictures, grown, Knowledge(grown.names, None), Asked()) is not moved


def test_what_is_asked_of_one_dataset_or_of_then_is_not_kept() -> None:
    pictures, graph = Pictures(), platform("bronze.a.x")
    knowledge = Knowledge(graph.names, None)
    for asked in (Asked(dataset="bronze.a.x"), Asked(as_of="2024-01-01")):
        assert ask(pictures, graph, knowledge, asked) is not ask(pictures, graph, knowledge, asked)


def test_no_more_than_so_many_are_kept() -> None:
    pictures, graph = Pictures(most=2), platform("bronze.a.x")
    knowledge = Knowledge(graph.names, None)
    first = ask(pictures, graph, knowledge, Asked())
    for by in ("owner", "distance"):
        ask(pictures, graph, knowledge, Asked(by=by))
    assert ask(pictures, graph, knowledge, Asked()) is not first
