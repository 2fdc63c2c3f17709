"""Which refused rows somebody means, and why: what a form sent, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headgate.core.errors import UsageError
from headgate.portal.pages.problems import Problem

if TYPE_CHECKING:
    from headgate.contracts.model import Contract
    from headgate.portal.access.forms import Fields
    from headgate.portal.access.people import Person

#: How long a reason may be, and how many rows may be chosen one by one.
MOST_WORDS, MOST_ROWS = 2_000, 500
SELECTED, REASON, ALL = "selected", "reason", "all"


@dataclass(frozen=True)
class Choice:
    """What was typed: ``which`` rows (selected, reason or all), and ``why``."""

    which: str = ""
    ids: tuple[str, ...] = ()
    reason: str = ""
    why: str = ""

    @property
    def chosen(self) -> Mapping[str, Any]:
        """What of it is put on record."""
        told: dict[str, Any] = {"which": self.which}
        if self.which == SELECTED:
            told["rows"] = list(self.ids)
        if self.which == REASON:
            told["reason"] = self.reason
        return told

    @property
    def in_words(self) -> str:
        """Which rows are meant."""
        if self.which == SELECTED:
            return f"{len(self.ids)} chosen {'row' if len(self.ids) == 1 else 'rows'}"
        return "every open row" if self.which == ALL else f"open rows refused for {self.reason}"


def of_fields(fields: Fields) -> Choice:
    """What a form sent, as it was typed."""
    return Choice(
        which=fields.get("which", ""),
        ids=tuple(dict.fromkeys(fields.all("row"))),
        reason=fields.get("reason", ""),
        why=fields.get("why", "").strip(),
    )


def demand(choice: Choice, *, why: bool = True) -> None:
    """Let only what says which rows and why go on: nothing is chosen by leaving something out.

    Raises:
        UsageError: it does not say so.
    """
    if choice.which not in (SELECTED, REASON, ALL):
        raise UsageError("it is not said which rows.", remedy="Choose one of the three.")
    if choice.which == SELECTED and not choice.ids:
        raise UsageError("no row is chosen.", remedy="Tick the rows that are meant.")
    if choice.which == REASON and not choice.reason:
        raise UsageError("no reason is chosen.", remedy="Choose the reason of the rows.")
    if len(choice.ids) > MOST_ROWS:
        raise UsageError(f"more than {MOST_ROWS} rows are chosen.", remedy="Choose by reason.")
    if why and not choice.why:
        raise UsageError(
            "it is not said why.", remedy="Write why: whoever reads the record asks that first."
        )
    if len(choice.why) > MOST_WORDS:
        raise UsageError(f"the reason is longer than {MOST_WORDS} characters.")


def may_decide(contract: Contract, person: Person) -> None:
    """Let only who may decide about the dataset's rows go on.

    Raises:
        Problem: they may not.
    """
    if not person.may_decide(contract.owner):
        raise Problem(
            403,
            f"only {contract.owner or 'an admin'} decides about refused rows of {contract.id}.",
            remedy="Ask its owner, or an admin.",
        )


def selection(choice: Choice) -> dict[str, Any]:
    """The same as the lake's commands take it."""
    return {
        "ids": list(choice.ids) if choice.which == SELECTED else None,
        "reason": choice.reason if choice.which == REASON else None,
    }
