"""What a commit says of itself in the Delta log: enough to rebuild every ledger from the log."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from headgate.core import clock
from headgate.core import json as hjson
from headgate.core.secrets import redact

#: The key in the log's commitInfo.
KEY = "headgate"
#: The kind of commits that change files and no row.
COMPACTION = "compaction"


@dataclass(frozen=True)
class CommitMeta:
    """One batch's account, written into the commit that published it.

    ``read = published + quarantined + deduplicated + refused`` always. ``inputs`` are the
    versions of the datasets that the batch was made from; ``verdicts`` the judged rules, as
    plain mappings; ``engine`` wrote the rows; ``kind`` is ingest, stream, model, replay, restore, quarantine, ledger or compaction.

    A compaction changes no row: what made the rows is said by the commit that it comes after,
    which is in its detail as ``was``. ``same_as`` is set there alone, see :attr:`content`.
    """

    batch_id: str
    run_id: str
    dataset: str
    kind: str
    mode: str
    source: str
    content_hash: str
    contract_version: str
    contract_hash: str
    committed_at: datetime
    read: int = 0
    published: int = 0
    quarantined: int = 0
    deduplicated: int = 0
    refused: int = 0
    code_hash: str = ""
    outcome: str = "published"
    inputs: Mapping[str, int] = field(default_factory=dict)
    verdicts: tuple[Mapping[str, Any], ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)
    same_as: int | None = None
    engine: str = "duckdb"

    @property
    def content(self) -> CommitMeta:
        """What is said of the rows that the commit left in the table: a compaction's own account is
        that of the commit which made them, with its version as ``same_as``."""
        if self.kind != COMPACTION:
            return self
        was = self.from_json(hjson.dumps(self.detail["was"]))
        return dataclasses.replace(was, same_as=int(self.detail["same_as"]))

    @property
    def balanced(self) -> bool:
        """Whether every row that was read is accounted for."""
        return self.read == self.published + self.quarantined + self.deduplicated + self.refused

    def to_json(self) -> str:
        """The form that goes into the log."""
        # Flat: what the fields hold is plain already, and copying it all takes longer than the commit.
        return redact(hjson.dumps(self.to_mapping()))

    def to_mapping(self) -> dict[str, Any]:
        """The same, as plain values."""
        document = {n: getattr(self, n) for n in _FIELDS if n != "same_as"}
        document["committed_at"] = clock.iso(self.committed_at)
        return document

    @classmethod
    def from_json(cls, text: str) -> CommitMeta:
        """The way back from :meth:`to_json`; unknown fields of later versions are ignored."""
        document = hjson.loads(text)
        values = {k: v for k, v in document.items() if k in _FIELDS}
        values["committed_at"] = clock.parse_iso(values["committed_at"])
        values["verdicts"] = tuple(values.get("verdicts", ()))
        return cls(**values)

    @classmethod
    def from_log(cls, entry: bytes) -> CommitMeta | None:
        """What the log entry says, or None if no commit door of ours wrote it."""
        for line in entry.splitlines():
            if b'"commitInfo"' in line:
                text = hjson.loads(line).get("commitInfo", {}).get(KEY)
                return cls.from_json(text) if text else None
        return None


_FIELDS = tuple(f.name for f in dataclasses.fields(CommitMeta))
