"""A plan in words: nothing is left out, and Markdown stays a page whatever the names are."""

from __future__ import annotations

import re

from headgate.cli import plan_text
from headgate.contracts.diff import Change
from headgate.orchestration.planning.plan import (
    BLOCKED,
    CHANGED,
    CREATE,
    FULL,
    INCREMENTAL,
    NEW,
    REACHED,
    REMOVED,
    Agreement,
    Influence,
    Plan,
    Step,
    TablePlan,
    Upkeep,
)

GONE = Change("dropped", "/x", "Column size is gone.", "breaking", ("size",))
TIGHT = Change("rule", "/y", "Rule note.max demands less.", "compatible", direction="tightens")
PLAN = Plan(
    "release 7",
    on_lake=True,
    tables=(
        TablePlan("gold.a.changed", CHANGED, "alpha", "model:changed", "breaking", (GONE, TIGHT),
                  "Its SQL changed.", ("Its promised freshness was 24 h and is 12 h.",),
                  Influence(("size",))),
        TablePlan("gold.a.reached", REACHED, "beta", influence=Influence(("x", "y"), rows=True),
                  reached_from=("gold.a.changed",)),
        TablePlan("gold.a.new", NEW, "beta", reads=("gold.a.changed",)),
        TablePlan("gold.a.gone", REMOVED, "alpha", severity="breaking"),
    ),
    steps=(
        Step("headgate run", {
            "gold.a.changed": Upkeep(BLOCKED, "its contract changed", 1000, 0),
            "gold.a.reached": Upkeep(INCREMENTAL, "from what it last read", 5000, 5000, exact=False),
            "gold.a.new": Upkeep(CREATE, "it was never built", 0, 0),
        }, ("gold.a.new",), ("a",)),
        Step("headgate rebuild gold.a.changed", {
            "gold.a.changed": Upkeep(FULL, "it is rebuilt", 1000, 1000),
        }),
    ),
    agreements=(Agreement("alpha", ("gold.a.changed",), ("gold.a.changed: Column size is gone.",)),
                Agreement("beta", ("gold.a.reached",), ("gold.a.reached: because",), own=True)),
    order=("gold.a.new", "gold.a.changed"),
)  # fmt: skip
SAID = (
    "release 7", "Column size is gone.", "tightens", "Its SQL changed.", "12 h",
    "headgate rebuild gold.a.changed", "at most 5,000 rows", "1,000 of 1,000 rows", "gold.a.gone",
    "alpha must agree", "beta (you) must agree", "in another order",
    "Held back, so that readers see nothing of it: a.", "version of: gold.a.new",
)  # fmt: skip


def test_text_and_markdown_leave_nothing_out() -> None:
    for page in (plan_text.text(PLAN), plan_text.markdown(PLAN)):
        flat = page.replace("`", "")
        for told in SAID:
            assert told in flat, told
    assert PLAN.exit_code == 1


def test_tables_of_the_page_are_tables() -> None:
    page = plan_text.markdown(PLAN)
    for block in re.findall(r"(?:^\|.*\n?)+", page, re.MULTILINE):
        widths = {len(re.split(r"(?<!\\)\|", line)) for line in block.strip().splitlines()}
        assert len(widths) == 1, block
    assert not re.search(r"[^\n]\n#", page), "a heading without a line before it"


def test_a_bar_in_a_reason_does_not_end_the_cell() -> None:
    step = Step("headgate run", {"gold.a.b": Upkeep(BLOCKED, "a | b\nand more")})
    page = plan_text.markdown(Plan("main", True, PLAN.tables[:1], (step,)))
    assert "a \\| b and more |" in page


def test_nothing_is_said_in_one_sentence() -> None:
    plan = Plan("main", on_lake=True, steps=(Step("headgate run"),))
    assert plan.exit_code == 0
    assert plan_text.text(plan).count("\n") == 0
    assert "othing changed" in plan_text.markdown(plan)


def test_whoever_speaks_for_all_who_must_agree_is_asked_for_nobody() -> None:
    [table] = [t for t in PLAN.tables if t.status == NEW]
    own = Plan("main", True, (table,), (), (Agreement("beta", (), (), own=True),))
    assert own.exit_code == 0
    assert "Nobody has to act or to agree first." in plan_text.text(own)
