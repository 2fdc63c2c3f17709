"""What a commit says of itself in the Delta log: enough to rebuild every ledger from the log."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from headgate.core import clock
from headgate.core import json as hjson

#: The key in the log's commitInfo.
KEY = "headgate"


@dataclass(frozen=True)
class CommitMeta:
    """One batch's account, written into the commit that published it.

    ``read = published + quarantined + deduplicated + refused`` always. ``inputs`` are the
    versions of the datasets that the batch was made from; ``verdicts`` the judged rules, as
    plain mappings; ``kind`` is ingest, model, replay, restore or quarantine.
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

    @property
    def balanced(self) -> bool:
        """Whether every row that was read is accounted for."""
        return self.read == self.published + self.quarantined + self.deduplicated + self.refused

    def to_json(self) -> str:
        """The form that goes into the log."""
        # Flat: what the fields hold is plain already, and copying it all takes longer than the commit.
        document = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        document["committed_at"] = clock.iso(self.committed_at)
        return hjson.dumps(document)

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


_FIELDS = frozenset(f.name for f in dataclasses.fields(CommitMeta))
