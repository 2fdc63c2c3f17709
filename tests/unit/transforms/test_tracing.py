"""Column lineage of frames: written down by hand, and as Polars' optimizer tells it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from headgate.lineage.columns import UntraceableError
from headgate.lineage.steps import ColumnInput
from headgate.transforms.chat.conversations import COLUMNS, build
from headgate.transforms.tracing import columns_read, of_transform
from tests.unit.transforms.chat.conversing import CONVERSATIONS, MESSAGES, Chat, frame

CHAT = "silver.chat.messages"
A = {"k": pl.Int64, "v": pl.Int64, "t": pl.Datetime("us"), "l": pl.List(pl.Int64), "n": pl.String}
B = {"k": pl.Int64, "v": pl.Int64, "w": pl.Int64}
Frame = pl.LazyFrame

#: Column to what its values are. What only decides which messages belong together is of the rows.
CONVERSATION = {
    "conversation_id": "message_id IDENTITY",
    "platform": "platform IDENTITY",
    "community_id": "community_id IDENTITY",
    "channel_id": "channel_id IDENTITY",
    "starter_id": "author_id IDENTITY",
    "started_date": "sent_date IDENTITY",
    "started_at": "sent_at IDENTITY",
    "last_date": "sent_date AGGREGATION",
    "last_at": "sent_at AGGREGATION",
    "messages": "",
    "participants": "author_id AGGREGATION",
    "replies": "",
    "depth": "",
    "is_annotated": "is_annotated AGGREGATION",
    "first_answer_message_id": "message_id IDENTITY",
    "first_answer_author_id": "author_id IDENTITY",
    "first_answer_at": "sent_at IDENTITY",
    "message_ids": "message_id AGGREGATION",
}
ORDER = {"sent_date", "source_file", "source_line", "message_id"}
LINKS = ORDER | {"reply_to_message_id", "community_id", "author_id", "channel_id", "sent_at"}


def test_conversations_come_from_the_columns_that_they_are_made_of() -> None:
    found = of_transform(build, {CHAT: MESSAGES})
    assert list(found.columns) == list(CONVERSATIONS)
    values = {
        column: ", ".join(f"{i.column} {i.subtype}" for i in inputs if i.type == "DIRECT")
        for column, inputs in found.columns.items()
    }
    assert values == CONVERSATION
    assert {i.dataset for inputs in found.columns.values() for i in inputs} == {CHAT}


def test_what_makes_messages_one_conversation_decides_the_rows() -> None:
    found = of_transform(build, {CHAT: MESSAGES})
    assert {i.column for i in found.rows} == LINKS
    assert {i.type for i in found.rows} == {"INDIRECT"}
    for column, others in {"depth": LINKS - {"reply_to_message_id"}, "replies": ORDER,
                           "message_ids": ORDER, "starter_id": set()}.items():  # fmt: skip
        indirect = {i.column for i in found.columns[column] if i.type == "INDIRECT"}
        assert indirect == others, column


def test_conversations_do_not_follow_from_what_was_said() -> None:
    assert columns_read(build, {CHAT: MESSAGES}) == {CHAT: [c for c in MESSAGES if c in COLUMNS]}
    assert "content" in MESSAGES


@pytest.mark.parametrize("column", [c for c in MESSAGES if c != "message_id"])
def test_what_is_told_of_a_column_is_seen_when_it_changes(column: str) -> None:
    found = of_transform(build, {CHAT: MESSAGES})
    told = {o for o, inputs in found.columns.items() if column in {i.column for i in inputs}}
    seen: set[str] = set()
    for seed in range(3):
        chat = Chat(seed)
        messages = [chat.some_message(name) for name in chat.names]
        values = [m[column] for m in messages] + OTHERS.get(column, [])
        chat.chance.shuffle(values)
        others = [m | {column: v} for m, v in zip(messages, values, strict=False)]
        before, after = (build(frame(given).lazy()).collect() for given in (messages, others))
        seen |= {o for o in CONVERSATIONS if not before[o].equals(after[o])}
    if column in {i.column for i in found.rows}:
        assert "message_ids" in seen  # other messages belong together: anything may change
    else:
        assert seen == told


#: Values that the small chat does not have.
OTHERS: dict[str, list[Any]] = {"platform": ["discord"] * 20, "content": ["other words"] * 20}

CASES: list[tuple[str, Callable[..., Frame], dict[str, str], str]] = [
    ("a right join has the key of the right", lambda a, b: a.join(b, on="k", how="right").select("k", "n"),
     {"k": "b.k IDENTITY", "n": "a.n IDENTITY"}, "a.k JOIN, b.k JOIN"),
    ("a full join has either key", lambda a, b: a.join(b, on="k", how="full", coalesce=True).select("k", "w"),
     {"k": "a.k IDENTITY, b.k IDENTITY", "w": "b.w IDENTITY"}, "a.k JOIN, b.k JOIN"),
    ("a condition of a join", lambda a, b: a.join_where(b, pl.col("k") < pl.col("w")).select("n", "v_right"),
     {"n": "a.n IDENTITY", "v_right": "b.v IDENTITY"}, "a.k JOIN, b.w JOIN"),
    ("what is not there", lambda a, b: a.join(b, left_on="k", right_on="w", how="anti").select("n"),
     {"n": "a.n IDENTITY"}, "a.k JOIN, b.w JOIN"),
    ("the order under a limit", lambda a, b: a.sort("t").head(3).select("k"),
     {"k": "a.k IDENTITY"}, "a.t SORT"),
    ("no limit, no matter", lambda a, b: a.sort("t").select("k"), {"k": "a.k IDENTITY"}, ""),
    ("the first of each", lambda a, b: a.sort("t").unique("k", keep="first").select("k", "v"),
     {"k": "a.k IDENTITY", "v": "a.v IDENTITY"}, "a.k GROUP_BY, a.t SORT"),
    ("a running sum", lambda a, b: a.sort("t").select(x=pl.col("v").cum_sum().over("k")),
     {"x": "a.k WINDOW, a.t SORT, a.v TRANSFORMATION"}, ""),
    ("the number of a row", lambda a, b: a.sort("t").with_row_index("x").select("x", "k"),
     {"x": "a.t WINDOW", "k": "a.k IDENTITY"}, ""),
    ("days", lambda a, b: a.sort("t").group_by_dynamic("t", every="1d").agg(pl.col("v").sum()),
     {"t": "a.t TRANSFORMATION", "v": "a.v AGGREGATION"}, "a.t GROUP_BY"),
    ("whether all are", lambda a, b: a.group_by("k").agg(x=(pl.col("v") > 0).all()),
     {"k": "a.k IDENTITY", "x": "a.v AGGREGATION"}, "a.k GROUP_BY"),
    ("columns turned into rows", lambda a, b: a.unpivot(on=["k", "v"], index="n"),
     {"n": "a.n IDENTITY", "variable": "", "value": "a.k IDENTITY, a.v IDENTITY"}, ""),
    ("a table of the code's own",
     lambda a, b: a.join(pl.LazyFrame({"k": [1], "label": ["x"]}), on="k", how="left").select("n", "label"),
     {"n": "a.n IDENTITY", "label": ""}, "a.k JOIN"),
    ("a Python function", lambda a, b: a.select(
        "t", x=pl.struct("k", "v").map_batches(lambda s: s, return_dtype=pl.Int64)),
     {"t": "a.t IDENTITY", "x": "a.k TRANSFORMATION, a.v TRANSFORMATION"}, ""),
    ("a Python function over groups", lambda a, b: a.select(
        x=pl.col("v").map_batches(lambda s: s, return_dtype=pl.Int64).over("n")),
     {"x": "a.n WINDOW, a.v TRANSFORMATION"}, ""),
    ("only counted", lambda a, b: a.select(x=pl.len()), {"x": ""}, ""),
    ("side by side", lambda a, b: pl.concat([a.select("k"), b.select("w")], how="horizontal"),
     {"k": "a.k IDENTITY", "w": "b.w IDENTITY"}, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("build", "columns", "rows"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_lineage_is_as_a_person_reads_it(
    build: Callable[..., Frame], columns: dict[str, str], rows: str
) -> None:
    found = of_transform(build, {"a": A, "b": B})
    assert {c: told(inputs) for c, inputs in found.columns.items()} == columns
    assert told(found.rows) == rows


def told(inputs: tuple[ColumnInput, ...]) -> str:
    return ", ".join(f"{i.dataset}.{i.column} {i.subtype}" for i in inputs)


def test_what_a_plan_does_not_tell_is_not_guessed() -> None:
    with pytest.raises(UntraceableError, match="opaque python"):
        of_transform(lambda a: a.map_batches(lambda frame: frame), {"a": A})


def test_an_input_that_polars_reads_must_be_accounted_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from headgate.transforms.tracing import plans

    def forgetful(self: object, node: object, names: object, given: plans.Traced) -> plans.Traced:
        return given

    monkeypatch.setattr(plans.Plan, "_filter", forgetful)
    with pytest.raises(UntraceableError, match=r"k also depends on a\.n"):
        of_transform(lambda a: a.filter(pl.col("n") == "x").select("k"), {"a": A})
