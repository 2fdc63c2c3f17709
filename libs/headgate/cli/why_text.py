"""Why a number changed, as people read it: what it comes down to, the way there, and what shows more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from headgate.cli import output
from headgate.core.errors import HeadgateError

if TYPE_CHECKING:
    from rich.tree import Tree

    from headgate.lineage.questions.why import Cause, End, Moved, Why
    from headgate.orchestration.project import Project

#: Kinds of causes by the words that people have for them.
_WORDS = {
    "first": "new", "inputs": "inputs", "code": "code", "contract": "contract",
    "new_rows": "new rows", "late_rows": "late rows", "edits": "edits", "deletions": "deletions",
    "set_aside": "set aside", "replayed": "replayed", "rebuild": "rebuilt",
    "rollback": "rollback", "refused": "refused", "waived": "waived", "verdicts": "rules",
    "compaction": "compacted", "unknown": "unknown",
}  # fmt: skip
_MOST_LINES = 40
Counted = Mapping[str, Mapping[str, Any]]


def count_rows(project: Project, answer: Why) -> dict[str, dict[str, Any]]:
    """Of each dataset that moved, the keys that were added, removed or changed, as the lake has them
    now; or why they cannot be counted any more."""
    from headgate.cli import row_diff
    from headgate.lake.release import TableChange

    found: dict[str, dict[str, Any]] = {}
    for one in answer.moved:
        change = TableChange(
            one.dataset, one.before, one.after, one.rows_before or 0, one.rows_after or 0
        )
        told = f"{one.dataset} {_versions(one)}"
        try:
            found[told] = output.plain(row_diff.count(project, change))
        except HeadgateError as error:
            found[told] = {"gone": error.message}
    return found


def show(answer: Why, counted: Counted) -> None:
    """Print the answer for a person."""
    what = f"{answer.dataset}.{answer.column}" if answer.column else answer.dataset
    output.out(f"{what} between {_end(answer.before)} and {_end(answer.after)}")
    output.out(_verdict(answer))
    if answer.moved:
        output.console().print(_tree(answer), soft_wrap=True)
    for cause in answer.beside:
        output.out(f"Meanwhile: {cause.what}.")
    for held in answer.held:
        behind = f"; version {held.behind} is committed" if held.behind is not None else ""
        why = " ".join(held.why) or "something in its group had failed or was not tested."
        output.out(
            f"Held: {_end(answer.after)} still shows version {held.version} of {held.dataset}{behind}."
            f" Its group {held.group} was held: {why}"
        )
    if answer.left_out:
        output.out(f"Moved, but the column does not follow from it: {', '.join(answer.left_out)}.")
    for dataset in answer.untraced:
        output.out(f"The columns of {dataset} are not traced: all that it is made from is told.")
    for one in answer.moved:
        _diff(one)
    if counted:
        _rows(counted)
    more = list(dict.fromkeys(_more(answer)))
    if more:
        output.out("To see more:")
        for command in more:
            output.out(f"  {command}")


def _verdict(answer: Why) -> str:
    """What it comes down to, in one sentence."""
    if not answer.moved:
        return "It is the same version in both: nothing that it is made from changed it."
    if answer.nothing:
        return "Its rows are the same: what happened changed none of them."
    told = []
    for one in answer.roots:
        own = [c for c in one.causes if c.changes_rows and c.kind != "inputs"]
        told.append(f"{one.dataset} ({', '.join(_WORDS[c.kind] for c in own)})")
    return f"It comes from {'; '.join(told)}." if told else "Its inputs moved; see below."


def _tree(answer: Why) -> Tree:
    """The dataset, why it changed, and below it what it was built from."""
    from rich.text import Text
    from rich.tree import Tree

    root = Tree(Text(f"{answer.dataset} {_versions(answer.moved[0])}", style="bold"))
    if answer.moved[0].dataset != answer.dataset:
        root = Tree(Text(answer.dataset, style="bold"))
    branches: dict[str, Tree] = {answer.dataset: root}
    for one in answer.moved:
        branch = branches.get(one.dataset)
        if branch is None or one.distance:
            above = next((branches[d] for d in one.read_by if d in branches), root)
            text = Text(f"{one.dataset} {_versions(one)}")
            others = [d for d in one.read_by[1:] if d in branches]
            text.append(f"  (also read by {', '.join(others)})" if others else "", style="dim")
            branch = branches[one.dataset] = above.add(text)
        for cause in one.causes:
            branch.add(_cause(cause))
    return root


def _cause(cause: Cause) -> Any:
    from rich.text import Text

    text = Text(f"{_WORDS[cause.kind]}: ", style="cyan" if cause.changes_rows else "dim")
    text.append(cause.what, style="" if cause.changes_rows else "dim")
    return text


def _diff(one: Moved) -> None:
    for cause in one.causes:
        lines = cause.detail.get("diff") or ()
        if lines:
            output.out(f"Code of {one.dataset}:")
            for line in lines[:_MOST_LINES]:
                output.out(f"  {line}")
            if len(lines) > _MOST_LINES:
                output.out(f"  ... and {len(lines) - _MOST_LINES} lines more: --json")


def _rows(counted: Counted) -> None:
    output.out("Counted in the lake, by key:")
    known = {d: c for d, c in counted.items() if "gone" not in c}
    if known:
        output.table(
            ("dataset", "added", "removed", "changed"),
            [(d, c["added"], c["removed"], c["changed"]) for d, c in known.items()],
        )
    for dataset, told in counted.items():
        if "gone" in told:
            output.out(f"  {dataset}: {told['gone']}")


def _more(answer: Why) -> Iterator[str]:
    """Commands that show more of what was told."""
    a, b = answer.before.number, answer.after.number
    if answer.moved and a is not None and b is not None and a != b:
        yield f"headgate release diff {a} {b} --rows"
    for one in answer.moved:
        kinds = {c.kind for c in one.causes}
        if kinds & {"set_aside", "replayed", "waived"}:
            yield f"headgate quarantine list {one.dataset} --state any"
        if kinds & {"refused", "verdicts"}:
            yield f"headgate show verdicts {one.dataset}"
    for held in answer.held:
        yield f"headgate show verdicts {held.dataset}"


def _versions(one: Moved) -> str:
    versions = f"{_known(one.before)} -> {_known(one.after)}"
    if one.rows_before is None or one.rows_after is None:
        return f"(version {versions})"
    return f"(version {versions}, rows {one.rows_before:,} -> {one.rows_after:,})"


def _known(version: int | None) -> str:
    return "none" if version is None else str(version)


def _end(end: End) -> str:
    at = f"{end.at:%Y-%m-%d %H:%M} UTC"
    if end.number is None:
        return f"{at}, before the first release"
    told = f"release {end.number}"
    return f"{told} ({end.kind + ', ' if end.kind == 'rollback' else ''}{at})"
