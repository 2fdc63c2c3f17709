"""A plan in words: as text for a terminal, as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from headgate.contracts.diff import Change
from headgate.contracts.wording import code as quoted
from headgate.orchestration.planning.plan import (
    BLOCKED,
    CREATE,
    FAILS,
    FULL,
    INCREMENTAL,
    NONE,
    REACHED,
    REMOVED,
    TAKEN,
    WAITS,
    Plan,
    Step,
    TablePlan,
    Upkeep,
)

_HOW = {
    CREATE: "is built for the first time",
    FULL: "is built anew, all of it",
    INCREMENTAL: "is built where something changed",
    TAKEN: "is judged anew",
    NONE: "stays as it is",
    BLOCKED: "stays as it is until somebody acts",
    FAILS: "would fail",
    WAITS: "is not built",
}
_MARKS = {"compatible": "✅", "needs-backfill": "⚠️", "breaking": "❌"}
_NOTHING = "Nothing changed: every table is what the working tree makes of it."


def text(plan: Plan) -> str:
    """The plan for a terminal: every table with what changes in it, then what happens, for whom."""
    lines = [f"Compared with {plan.against}:"]
    if not plan.tables:
        return f"{lines[0]} {_NOTHING[0].lower()}{_NOTHING[1:]}"
    for table in plan.tables:
        lines += ["", f"{table.dataset}  {_status(table)}  ({table.owner})"]
        lines += [f"  {told}" for told in _told(table)]
    if plan.order:
        lines += ["", f"A run makes the datasets in another order: {', '.join(plan.order)}."]
    for step in plan.steps:
        lines += ["", f"{step.command}{_assumed(plan)}"]
        width = max((len(d) for d in step.tables), default=0)
        lines += [f"  {d:{width}}  {_upkeep(u)}" for d, u in step.tables.items()] or ["  nothing"]
        lines += [f"  {told}" for told in _readers(step)]
    told = list(_agreements(plan))
    lines += [*([""] if told else []), *told, "", *_end(plan)]
    return "\n".join(lines)


def markdown(plan: Plan) -> str:
    """The plan as a Markdown page."""
    parts = [f"# Plan: {_MARKS[plan.severity]} {plan.severity}",
             f"The working tree, compared with {quoted(plan.against)}."]  # fmt: skip
    if not plan.tables:
        return "\n\n".join([*parts, _NOTHING]) + "\n"
    changed = [t for t in plan.tables if t.status != REACHED]
    for table in changed:
        parts.append(f"## {_MARKS[table.severity]} {quoted(table.dataset)}: {_status(table)}")
        parts.append("\n".join(f"- {told}" for told in (f"Owner: {table.owner}.", *_told(table))))
    reached = [t for t in plan.tables if t.status == REACHED]
    if reached:
        rows = [
            f"| {quoted(t.dataset)} | {t.owner} | {', '.join(map(quoted, t.reached_from)) or '–'} "
            f"| {_influenced(t) or 'no value'} |"
            for t in reached
        ]
        head = "| table | owner | through | what may differ |\n|---|---|---|---|\n"
        parts += ["## Downstream", head + "\n".join(rows)]
    if plan.order:
        parts.append(f"A run makes the datasets in another order: {', '.join(plan.order)}.")
    for step in plan.steps:
        parts.append(f"## {quoted(step.command)}{_assumed(plan)}")
        if step.tables:
            rows = [f"| {quoted(d)} | {_in_cell(_upkeep(u))} |" for d, u in step.tables.items()]
            parts.append("| table | what happens |\n|---|---|\n" + "\n".join(rows))
        parts += ["\n".join(f"- {told}" for told in _readers(step)) or "Nothing."]
    parts.append("## Who must agree")
    parts.append("\n".join(_bullet(told) for told in _agreements(plan)) or "Nobody.")
    return "\n\n".join(parts) + "\n"


def _status(table: TablePlan) -> str:
    return f"{table.status}, {table.severity}" if table.changes else table.status


def _told(table: TablePlan) -> Iterator[str]:
    """What changed of one table, a sentence each."""
    for change in table.changes:
        yield _change(change)
    if table.status == REMOVED:
        yield "Its table stays where it is, and nothing keeps it up to date."
    if table.code:
        yield table.code
    yield from table.timetable
    if table.reads and table.status == "new":
        yield f"It is made from {', '.join(table.reads)}."
    influenced = _influenced(table)
    if table.status == REACHED and not influenced:
        yield "It is built after what it reads; nothing that the branch changes shows in it."
    if influenced and table.status != "new":
        through = f", through {', '.join(table.reached_from)}" if table.reached_from else ""
        yield f"What may differ in it: {influenced}{through}."


def _change(change: Change) -> str:
    direction = f", {change.direction}" if change.direction else ""
    return f"{change.severity}{direction}: {change.what}"


def _influenced(table: TablePlan) -> str:
    if table.influence.rows:
        return "which rows there are, and all columns"
    return ", ".join(table.influence.columns)


def _assumed(plan: Plan) -> str:
    return (
        "" if plan.on_lake else f" (there is no lake: tables are taken to be as at {plan.against})"
    )


def _upkeep(upkeep: Upkeep) -> str:
    """What happens to one table, in one line."""
    told = f"{_HOW[upkeep.how]}: {upkeep.why}"
    if upkeep.perhaps_full:
        told += ", or all of it if most of what it reads comes out otherwise"
    if upkeep.unsure and upkeep.how != CREATE:
        many = len(upkeep.unsure)
        told += f"; {many} rule{'s' if many > 1 else ''} will judge what comes out otherwise"
    if not upkeep.built or upkeep.rows_stored is None:
        return told
    if upkeep.how == CREATE:
        return told
    if upkeep.exact:
        return f"{told} ({upkeep.rows_touched:,} of {upkeep.rows_stored:,} rows)"
    return f"{told} (at most {upkeep.rows_stored:,} rows)"


def _readers(step: Step) -> Iterator[str]:
    if step.released:
        yield f"Readers see another version of: {', '.join(step.released)}."
    if step.held:
        yield f"Held back, so that readers see nothing of it: {', '.join(step.held)}."


def _agreements(plan: Plan) -> Iterator[str]:
    for own, who in ((False, "must agree"), (True, "(you) must agree")):
        for one in plan.agreements:
            if one.own == own:
                yield f"{one.owner} {who}:"
                yield from (f"  {why}" for why in one.why)


def _bullet(told: str) -> str:
    """A line of the text as a line of a list; what is indented there is indented here."""
    return f"  - {told.strip()}" if told.startswith(" ") else f"- {told}"


def _in_cell(told: str) -> str:
    """Text as a cell of a table: in one line, without a bar that would end it."""
    return " ".join(told.split()).replace("|", "\\|")


def _end(plan: Plan) -> list[str]:
    """What it comes to, in a sentence."""
    if plan.exit_code == 0:
        return ["Nobody has to act or to agree first."]
    asked = [a.owner for a in plan.agreements if not a.own]
    told = [f"{', '.join(asked)} must agree first."] if asked else []
    next_ = [s.command for s in plan.steps[1:]]
    told += [f"After the run: {'; '.join(next_)}."] if next_ else []
    return [" ".join([f"The change is {plan.severity}.", *told])]
