"""Events tell how columns are protected, and where the flow of what they are made from ends."""

from __future__ import annotations

import dataclasses
from typing import Any

from headgate.contracts.model import Contract
from headgate.lineage import events, steps
from headgate.lineage.columns import ColumnLineage
from headgate.lineage.questions import protected
from headgate.lineage.questions.protected import Tagged
from headgate.lineage.steps import ColumnInput, State
from tests.unit.lineage.openlineage_spec import Spec

RUN = "01890a5d-ac96-774b-bcce-b302099a8057"
AUTHOR = ColumnInput("bronze.chat.messages", "author", "DIRECT", "AGGREGATION")
TEXT = ColumnInput("bronze.chat.messages", "text", "DIRECT", "TRANSFORMATION")
TESTED = ColumnInput("bronze.chat.messages", "author", "INDIRECT", "FILTER")


def built(daily: Contract, messages: Contract, **anonymized: Any) -> dict[str, Any]:
    """The event of a build whose second column is anonymised."""
    day, count = daily.columns
    contract = dataclasses.replace(daily, columns=(day, dataclasses.replace(count, **anonymized)))
    step = steps.build_step(contract, RUN, "b1")
    lineage = ColumnLineage({"day": (TEXT,), "messages": (AUTHOR, TESTED, TEXT)})
    traced = steps.traced(step, lineage, {messages.id: messages})
    return events.event(traced, State.COMPLETE, "local")


def masked(event: dict[str, Any], column: str) -> set[tuple[str, str]]:
    fields = event["outputs"][0]["facets"]["columnLineage"]["fields"][column]["inputFields"]
    return {
        (i["field"], way["subtype"])
        for i in fields
        for way in i["transformations"]
        if way.get("masking")
    }


def test_the_tags_come_back_as_they_were_declared(
    messages: Contract, daily: Contract, spec: Spec
) -> None:
    event = built(daily, messages, anonymized="Counted.", anonymized_of=("a.b.c.d", "a.b.c.e"))
    assert spec.problems(event) == []
    found = protected.of_columns(event["outputs"][0]["facets"]["tags"])
    day, count = (protected.Protection("public") for _ in range(2))
    assert found == {
        "day": Tagged(day),
        "messages": Tagged(count, "Counted.", ("a.b.c.d", "a.b.c.e")),
    }
    read = protected.of_columns(event["inputs"][0]["facets"]["tags"])
    assert read["author"] == Tagged(protected.Protection("confidential", True))
    # What is rescued may hold anything that came.
    assert read["_rescued"] == read["author"]
    assert "_source" not in read


def test_what_ends_is_masked_in_the_words_of_openlineage(
    messages: Contract, daily: Contract, spec: Spec
) -> None:
    every = built(daily, messages, anonymized="Counted.")
    assert spec.problems(every) == []
    assert masked(every, "messages") == {("author", "AGGREGATION"), ("text", "TRANSFORMATION")}
    assert masked(every, "day") == set()
    one = built(daily, messages, anonymized="Counted.", anonymized_of=("bronze.chat.messages.author",))  # fmt: skip
    assert masked(one, "messages") == {("author", "AGGREGATION")}
    assert masked(built(daily, messages), "messages") == set()
