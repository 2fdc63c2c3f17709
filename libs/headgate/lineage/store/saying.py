"""What events of one transaction add to runs, and what these then say of their outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from headgate.lineage.store import facts, run_rows, statements, tables
from headgate.lineage.store.keys import Keys
from headgate.lineage.store.rows import insert
from headgate.lineage.store.runs import Part, Run
from headgate.lineage.store.spans import Spans, rank
from headgate.lineage.store.statements import Edge, Pair
from headgate.lineage.store.timelines import Said
from headgate.lineage.store.told import Pieces, Told

#: What is said of an output: the slot, since when, and the statement by its digest.
_Word = tuple[str, int, bytes]


class Saying:
    """Folds events into ``runs``, and writes these and the spans that follow."""

    def __init__(self, keys: Keys, revision: int, runs: dict[str, Run]) -> None:
        self.keys = keys
        self.revision = revision
        self.runs = runs
        self._statements: dict[bytes, tuple[Pair, frozenset[Edge]]] = {}
        self._news: dict[tuple[int, str], list[tuple[Pair | None, _Word]]] = {}
        self._withdrawn: dict[tuple[int, str], list[int]] = {}
        self._declared: list[tuple[Told, dict[tuple[Pair, str], _Word | None]]] = []

    def read(self, told: Iterable[Told]) -> None:
        """Fold the events into runs, and write those."""
        fresh: list[Run] = []
        changed: dict[str, Run] = {}
        for one in told:
            if one.run is None:
                self._declare(one)
                continue
            run = self.runs.get(one.run)
            if run is None and one.job:
                run = self.runs[one.run] = Run(one.run, 0, one.job, one.at)
                fresh.append(run)
            if run:
                run.merge(one)
                changed[run.uuid] = run
        for run, number in zip(fresh, self.keys.take_ids(tables.run, len(fresh)), strict=True):
            run.id = number
        run_rows.write(self.keys, changed.values())
        self._changed = changed

    def write(self) -> None:
        """Write what the runs say of their outputs."""
        self._keep_pieces()
        words: dict[tuple[str, Any], _Word | None] = {}
        for run in self._changed.values():
            counted = {id(part): part for part in run.outputs()}
            for key, part in run.parts.items():
                if part.role == "out":
                    words[run.uuid, key] = self._word(run, part) if id(part) in counted else None
        statements.write(self.keys, self._statements)
        known = self.keys.of(tables.statement)
        datasets = self.keys.of(tables.dataset)
        for (uuid, key), word in words.items():
            run = self.runs[uuid]
            self._say(run, run.parts[key], word, datasets[key[0]], known)
        run_rows.write_parts(self.keys, self._changed.values())
        self._settle()

    def _word(self, run: Run, part: Part) -> _Word | None:
        at = run.stated_at
        slot = statements.slot_of(run.job, part.dataset)
        if at is None or slot is None:
            return None
        found = self._statement(part.dataset, part.pieces, run.inputs(), slot)
        return self._slot(slot, run.job), at, found

    def _statement(
        self, dataset: Pair, pieces: Pieces | None, inputs: Iterable[Pair], slot: str
    ) -> bytes:
        """The digest of a statement, which is written if it is new."""
        read = frozenset(inputs)
        key = dataset, pieces.digest if pieces else None, read, slot
        remembered = self.keys.seen("said")
        found = remembered.get(key)
        if found is None or found not in self.keys.of(tables.statement):
            said = statements.edges(dataset, pieces, read, slot)
            found = remembered[key] = statements.digest(dataset, said)
            self._statements[found] = dataset, said
        return bytes(found)

    def _slot(self, slot: str, job: Pair | None) -> str:
        return f"job:{self.keys.of(tables.job)[job]}" if slot == "job" and job else slot

    def _say(
        self, run: Run, part: Part, word: _Word | None, dataset: int, known: Mapping[Any, int]
    ) -> None:
        before = part.slot, part.stated_at, part.statement_id
        after = (word[0], word[1], known[word[2]]) if word else (None, None, None)
        if before == after and not run.renamed:
            return
        if part.slot is not None and part.stated_at is not None:
            self._withdrawn.setdefault((dataset, part.slot), []).append(part.stated_at)
        part.slot, part.stated_at, part.statement_id = after
        part.changed = True
        if word:
            self._news.setdefault((dataset, word[0]), []).append((run.job, word))

    def _keep_pieces(self) -> None:
        """Have each output all that its run ever told of its columns, and keep it."""
        outputs = [p for r in self._changed.values() for p in r.parts.values() if p.role == "out"]
        known = self.keys.of(tables.fact_value)
        # What is told again word for word need not be put together with what was told.
        more = [
            p for p in outputs
            if p.told_id is not None and (not p.pieces or known.get(p.pieces.digest) != p.told_id)
        ]  # fmt: skip
        bodies = facts.bodies(self.keys, {p.told_id for p in more if p.told_id is not None})
        for part in more:
            assert part.told_id is not None
            earlier = Pieces.kept(bodies[part.told_id])
            part.pieces = earlier | part.pieces
        self.keys.values({p.pieces.digest: p.pieces.text for p in outputs if p.pieces})
        for part in outputs:
            number = known[part.pieces.digest] if part.pieces else None
            part.changed = part.changed or number != part.told_id
            part.told_id = number

    def _settle(self) -> None:
        jobs, known = self.keys.of(tables.job), self.keys.of(tables.statement)
        news = {
            key: [
                Said(at, rank(found, job), known[found], jobs[job] if job else None)
                for job, (_, at, found) in words
            ]
            for key, words in self._news.items()
        }
        Spans(self.keys, self.revision).settle(news, self._withdrawn)

    def _declare(self, one: Told) -> None:
        """What an event without a run says: it counts from its own time."""
        inputs = [s.named[:2] for s in one.spoken if s.role == "in"]
        found: dict[tuple[Pair, str], _Word | None] = {}
        for spoken in one.spoken:
            key, word = (spoken.named[:2], spoken.role), None
            slot = statements.slot_of(one.job, key[0]) if one.job else statements.DECLARED
            if spoken.role == "out" and slot is not None and (one.job or spoken.pieces):
                digest = self._statement(key[0], spoken.pieces, inputs, slot)
                word = self._slot(slot, one.job), one.at, digest
            found[key] = word
        self._declared.append((one, found))

    def declare(self, numbers: Mapping[bytes, int]) -> None:
        """Write what events without a run say, now that these have numbers."""
        if not self._declared:
            return
        statements.write(self.keys, self._statements)
        datasets, known = self.keys.of(tables.dataset), self.keys.of(tables.statement)
        rows = []
        for one, found in self._declared:
            for (dataset, role), word in found.items():
                rows.append(
                    {
                        "event_id": numbers[one.digest], "dataset_id": datasets[dataset],
                        "role": role, "job_id": self.keys.of(tables.job).get(one.job),
                        "statement_id": known[word[2]] if word else None,
                        "stated_at": word[1] if word else None, "slot": word[0] if word else None,
                    }
                )  # fmt: skip
                if word:
                    key = datasets[dataset], word[0]
                    self._news.setdefault(key, []).append((one.job, word))
        insert(self.keys.connection, tables.declared, rows)
