"""What a plan says: frozen dataclasses, which the command line shows as text, Markdown or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from headgate.contracts.diff import COMPATIBLE, SEVERITIES, Change

#: What became of a dataset on the branch. ``reached``: nothing of its own changed.
NEW, REMOVED, CHANGED, REACHED = "new", "removed", "changed", "reached"
#: What a command does with a table.
CREATE, FULL, INCREMENTAL, TAKEN = "create", "full", "incremental", "taken"
NONE, BLOCKED, FAILS, WAITS = "none", "blocked", "fails", "waits"
#: Those that give the table a new version.
BUILT = (CREATE, FULL, INCREMENTAL, TAKEN)


@dataclass(frozen=True)
class Upkeep:
    """What one command does with one table.

    ``how``: ``create`` (its first version), ``full`` (all rows replaced), ``incremental``,
    ``taken`` (stored rows of a source judged anew), ``none``, ``blocked`` (until somebody acts),
    ``fails`` (it would be refused, or its SQL does not fit what it reads) or ``waits`` (what it
    reads is not there, or fails). With ``perhaps_full`` an incremental build turns into a full one
    if most of what it reads comes out otherwise. ``rows_touched`` is at most so many rows where
    ``exact`` is false; None where nothing is known of it (no lake). ``columns`` are the table's
    afterwards, and ``rules`` those that judge the batch; ``unsure`` are those of them that may
    refuse or set aside values which only the build works out.
    """

    how: str
    why: str
    rows_stored: int | None = None
    rows_touched: int | None = None
    exact: bool = True
    perhaps_full: bool = False
    columns: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()

    @property
    def built(self) -> bool:
        """Whether the table gets a new version."""
        return self.how in BUILT


@dataclass(frozen=True)
class Step:
    """A command, what it does with every table that it concerns, and what readers see of it.

    ``released`` are the datasets whose version readers see moves; ``held`` the release groups
    that are held back. What is taken from the sources meanwhile comes on top.
    """

    command: str
    tables: Mapping[str, Upkeep] = field(default_factory=dict)
    released: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


@dataclass(frozen=True)
class Influence:
    """What of a table's rows may differ from before.

    ``columns`` are those whose values may; with ``rows`` there may be other rows too, and then
    these are all columns. Nothing is both empty and false unless every row stays as it is.
    """

    columns: tuple[str, ...] = ()
    rows: bool = False

    def __bool__(self) -> bool:
        return bool(self.columns) or self.rows


@dataclass(frozen=True)
class TablePlan:
    """One dataset on the branch.

    ``status`` is new, removed, changed or reached (through ``reached_from``); ``severity`` that of
    its ``changes``; ``code`` says what makes its rows otherwise, if that changed; ``timetable``
    what changed in when and from what it is made. ``reads`` are its inputs.
    """

    dataset: str
    status: str
    owner: str
    maker: str = ""
    severity: str = COMPATIBLE
    changes: tuple[Change, ...] = ()
    code: str = ""
    timetable: tuple[str, ...] = ()
    influence: Influence = Influence()
    reached_from: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Agreement:
    """One owner who must agree: for what, and why. ``own``: whoever asks for the plan is it."""

    owner: str
    datasets: tuple[str, ...]
    why: tuple[str, ...]
    own: bool = False


@dataclass(frozen=True)
class Plan:
    """What the branch would change, compared with ``against``.

    ``steps`` are what brings the tables up to date, in order: the next run first. ``order`` is
    the order in which a run makes the datasets, if that changed. ``on_lake``: the steps are told
    of the tables of a lake; else of tables assumed to be as ``against`` had them.
    """

    against: str
    on_lake: bool
    tables: tuple[TablePlan, ...] = ()
    steps: tuple[Step, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    order: tuple[str, ...] = ()

    @property
    def severity(self) -> str:
        """The gravest of all tables."""
        return max((t.severity for t in self.tables), key=SEVERITIES.index, default=COMPATIBLE)

    @property
    def changed(self) -> tuple[TablePlan, ...]:
        """The tables of which something changed on the branch."""
        return tuple(t for t in self.tables if t.status != REACHED)

    @property
    def exit_code(self) -> int:
        """0 if nothing changed or only compatibly; 1 if somebody must agree or act first."""
        stuck = any(u.how in (BLOCKED, FAILS) for s in self.steps for u in s.tables.values())
        asks = any(not a.own for a in self.agreements)
        return 1 if self.severity != COMPATIBLE or stuck or asks else 0
