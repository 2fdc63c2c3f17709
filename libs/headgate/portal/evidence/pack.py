"""An evidence pack, file by file: made of one release and of what was put on record about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from headgate.core import json as hjson
from headgate.core.errors import NotFoundError
from headgate.lineage.graph_node import Node
from headgate.lineage.store import as_of, loading
from headgate.portal.evidence import concealing, packing, telling
from headgate.portal.evidence.gathering import BATCH, Gathered, Shown
from headgate.portal.records import chain, exceptions, signoffs
from headgate.portal.records.until import upto
from headgate.portal.reports import spreadsheet
from headgate.quality.gx_results import validation_result
from headgate.quality.verdict import Verdict

if TYPE_CHECKING:
    from headgate.core.settings import Settings
    from headgate.lineage.store.opening import Store
    from headgate.portal.evidence.packing import File
    from headgate.portal.records.chain import Head
    from headgate.portal.records.opening import Records
    from headgate.portal.reports.counting import Counts

#: Entries of the log that say something of a release's tables, or of who stands for them.
_ACTIONS = (
    "signed_off", "sign_off_withdrawn", "exception_granted", "exception_ended", "waived", "replayed",
)  # fmt: skip


class Pack:
    """The evidence of a release as of the log's ``head``.

    The same release, records up to that head and lineage give the same bytes.
    """

    def __init__(
        self,
        settings: Settings,
        counts: Counts,
        lineage: Store,
        records: Records,
        number: int,
        head: Head,
    ) -> None:
        """Of the release of that number.

        Raises:
            NotFoundError: there is none.
        """
        self.gathered = Gathered(settings, counts, number)
        self.lineage, self.records, self.head = lineage, records, head
        self._tables: list[Shown] = []
        self._hidden: set[str] = set()

    @property
    def name(self) -> str:
        """What its file is called."""
        return f"evidence-release-{self.gathered.release.id}.zip"

    def stream(self) -> Iterator[bytes]:
        """Its bytes, as they are made."""
        return packing.stream(self.files())

    def files(self) -> Iterator[File]:
        """Its files, in order."""
        release = self.gathered.release
        self._tables = list(self.gathered.tables())
        yield "README.txt", _one(telling.readme(release, self.head))
        yield "release.json", _one(telling.release(release))
        yield "tables.csv", _table(telling.TABLES, telling.tables(self._tables))
        yield from self._contracts()
        yield from self._verdicts()
        yield "accounts.csv", _table((*BATCH, "made_it"), self._accounts())
        yield "waivers.csv", _table(telling.WAIVERS, telling.waivers(self.gathered.waivers()))
        yield from self._lineage()
        yield from self._records()

    def _contracts(self) -> Iterator[File]:
        for table in self._tables:
            if table.written is not None:
                made, hidden = concealing.document(table.contract, table.written)
                if hidden:
                    self._hidden.add(table.dataset)
                yield f"contracts/{table.dataset}.json", _one(hjson.dumps(made))
        yield "contracts.csv", _table(telling.CONTRACTS, telling.contracts(self._tables, self._hidden))  # fmt: skip

    def _verdicts(self) -> Iterator[File]:
        for table in self._tables:
            meta, contract = table.meta, table.contract
            if meta is None or contract is None:
                continue
            results = tuple(concealing.result(contract, v) for v in meta.verdicts)
            verdict = Verdict(table.dataset, meta.batch_id, meta.outcome, results)
            about = {
                "batch_spec": {"data_asset_name": table.dataset, "source": meta.source},
                "run_id": {"run_name": meta.run_id, "run_time": meta.committed_at},
                "validation_time": meta.committed_at,
            }
            told = validation_result(contract, verdict, meta.read, about=about)
            yield f"verdicts/{table.dataset}.json", _one(hjson.dumps(told, indent=1))

    def _accounts(self) -> Iterator[tuple[object, ...]]:
        for row in self.gathered.batches():
            yield tuple(row[name] for name in (*BATCH, "made_it"))

    def _lineage(self) -> Iterator[File]:
        release = self.gathered.release
        try:
            when = as_of.at(self.lineage, f"release:{release.id}")
        except NotFoundError as error:
            yield "lineage/unknown.txt", _one(f"{error}\n")
            return
        graph = loading.graph(self.lineage, when)
        datasets = sorted(release.tables)
        above = (
            {"dataset": d, "made_from": sorted({e.source.dataset for e in graph.edges(Node(d), "up")})}
            for d in datasets
        )  # fmt: skip
        yield "lineage/datasets.jsonl", _lines(hjson.dumps(one) for one in above)
        edges = (
            (e.target.dataset, e.target.column, e.source.dataset, e.source.column,
             "; ".join(f"{kind} {subtype}" for kind, subtype in e.ways), e.job)
            for d in datasets
            for c in graph.columns(d)
            for e in graph.edges(Node(d, c), "up")
        )  # fmt: skip
        yield "lineage/columns.csv", _table(telling.EDGES, edges)

    def _records(self) -> Iterator[File]:
        release, until = self.gathered.release, self.head.number
        subjects = telling.subjects(self._tables)
        signed = [s for s in signoffs.every(self.records, until=until) if s.subject in subjects]
        day = release.published_at.date()
        covering = [s for s in signed if s.first <= day <= s.last]
        yield "sign_offs.jsonl", _lines(telling.sign_off(s) for s in reversed(covering))
        granted = [
            e for e in exceptions.every(self.records, until=until) if e.dataset in release.tables
        ]
        yield (
            "exceptions.csv",
            _table(telling.EXCEPTIONS, telling.exceptions(reversed(granted), release.published_at)),
        )
        wanted = {*subjects, *release.tables, f"release:{release.id}"}
        numbers = {s.number for s in covering}
        entries = sorted(
            (
                e
                for action in _ACTIONS
                for e in upto(chain.every(self.records, action=action), until)
                if e.subject in wanted and telling.concerns(e, numbers)
            ),
            key=lambda e: e.number,
        )  # fmt: skip
        yield "log.jsonl", _lines(telling.entry(e) for e in entries)
        yield "log-head.txt", _one(f"{self.head}\n")


def _one(text: str) -> Iterable[bytes]:
    return (text.encode("utf-8"),)


def _lines(texts: Iterable[str]) -> Iterable[bytes]:
    return ((text + "\n").encode("utf-8") for text in texts)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> Iterable[bytes]:
    return (line.encode("utf-8") for line in spreadsheet.lines(heads, rows))
