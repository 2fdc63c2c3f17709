"""What a reading process is told of a file: all that taking it needs, and nothing that lives."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

from headgate.contracts.model import Contract
from headgate.core import clock
from headgate.core.settings import Settings
from headgate.ingest.isolation.limits import Limits
from headgate.ingest.readers.base import SourceFile
from headgate.ingest.taken import Taken
from headgate.lake.engines.duckdb import Connection, connect
from headgate.lake.lake import Lake
from headgate.lake.session import Session
from headgate.quality.parents import ParentKeys, hold
from headgate.quality.predicates import compile_row_rules


@dataclass(frozen=True)
class Request:
    """One file to take as a batch: rows are staged in ``folder``, the engine spills in ``spill``.

    ``at`` is the instant at which the rows are said to be taken; ``parents`` are the keys that
    foreign keys refer to; ``reach`` are the files that the engine may open besides the lake.
    ``capped``: the engine has less memory than the project's settings give it.

    Where rows are judged elsewhere (``judges``) they are only read here; ``refusing`` are then
    files that list the records which were refused there, and whose raw text is wanted.
    """

    run_id: str
    settings: Settings
    contract: Contract
    source: SourceFile
    batch_id: str
    folder: Path
    at: str
    parents: tuple[ParentKeys, ...]
    reach: tuple[Path, ...]
    limits: Limits
    capped: bool = False
    judges: bool = True
    refusing: tuple[Path, ...] = ()


@dataclass
class StagingSession(Session):
    """A session that stages in a folder of its own and reads no table."""

    folder: Path = Path()

    @property
    def staging(self) -> Path:
        """Where the batch's files are staged."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder

    def engine(self, contract: Contract) -> Connection:
        """The embedded engine, which files are read by whatever judges their rows."""
        return self.con


@dataclass
class Desk:
    """What stays between the files of one run: the engine, and the keys that it holds."""

    con: Connection | None = None
    of: object = None
    held: dict[str, int] = field(default_factory=dict)

    def prepare(self, request: Request) -> Connection:
        """An engine that reaches the request's files and holds the keys of its parents."""
        wanted = (request.run_id, request.settings, request.reach)
        if self.con is None or self.of != wanted:
            self.close()
            self.con, self.of = connect(request.settings, also=request.reach), wanted
        hold(self.con, request.parents, self.held)
        return self.con

    def close(self) -> None:
        """Let go of the engine."""
        if self.con is not None:
            self.con.close()
        self.con, self.of = None, None
        self.held.clear()


def carry_out(request: Request, con: Connection) -> Taken:
    """Take the file with an engine that was prepared for it.

    Raises:
        HeadgateError: the file cannot be read, or nothing can be staged.
    """
    from headgate.ingest.judging import Loading
    from headgate.ingest.refusing import refuse
    from headgate.ingest.taking import take  # what it needs only a reading process has to load

    session = StagingSession(Lake(request.settings), con, request.run_id, folder=request.folder)
    parents = {p.rule_id: p.table for p in request.parents}
    rules = compile_row_rules(request.contract, parents=parents) if request.judges else ()
    loading = Loading(
        session, request.contract, request.batch_id, request.source.name, rules, parents
    )
    with clock.held(clock.parse_iso(request.at)):  # everything a batch says of time is one instant
        if request.refusing:
            return refuse(loading, request.source, request.refusing)
        return take(loading, request.source, request.at, judging=request.judges)


def in_folder(request: Request, spill: Path) -> Request:
    """The request, with an engine that spills into ``spill``."""
    settings = dataclasses.replace(request.settings, spill_folder=spill)
    return dataclasses.replace(request, settings=settings)
