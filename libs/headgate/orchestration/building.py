"""Building datasets in order: plain models here, others by dbt, transforms by Polars; then the tests."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from headgate.contracts.model import Contract
from headgate.core.errors import HeadgateError, ModelError, ResourceError, UnknownOutcomeError
from headgate.orchestration.context import RunContext
from headgate.orchestration.dbt import singular
from headgate.orchestration.dbt.compile import Sources
from headgate.orchestration.dbt.native import Native
from headgate.orchestration.dbt.result import SKIPPED, DbtResult
from headgate.orchestration.dbt.singular import Test
from headgate.orchestration.order import topological


class Watch(Protocol):
    """Who wants to know what becomes of each dataset, as soon as it is known.

    That one was built, it knows of the gate: see :class:`headgate.orchestration.context.Progress`.
    """

    def will_test(self, datasets: Collection[str]) -> None:
        """Tests read these datasets, when all is built."""
        ...

    def passed(self, dataset: str) -> None:
        """All tests that read the dataset, and are run, have passed."""
        ...

    def failed(self, dataset: str, told: str) -> None:
        """The dataset could not be built, or a test that reads it failed."""
        ...


class Unwatched:
    """Nobody wants to know."""

    def will_test(self, datasets: Collection[str]) -> None:
        """Say nothing."""

    def passed(self, dataset: str) -> None:
        """Say nothing."""

    def failed(self, dataset: str, told: str) -> None:
        """Say nothing."""


def build(
    context: RunContext,
    datasets: Sequence[str],
    untested: Collection[str] = (),
    watch: Watch | None = None,
) -> DbtResult:
    """Build datasets, which are given in an order in which each comes after what it is made from,
    and run the singular tests that read any of them, or of the ``untested`` that were built before.

    What reads something that failed is not built; all else is. Transforms are named by dataset.

    Raises:
        ModelError: the models cannot be told apart: one of them reads what does not exist.
    """
    sources = Sources(context.project)
    building = _Building(context, sources, Native(context, sources), watch or Unwatched())
    building.foresee([*datasets, *untested])
    building.models(datasets)
    building.tests([*datasets, *untested])
    return building.result()


@dataclass
class _Building:
    """One build going on: what failed and what ran, by the names that dbt has for them."""

    context: RunContext
    sources: Sources
    native: Native
    watch: Watch
    ran: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    _distributed: Native | None = None

    def foresee(self, datasets: Sequence[str]) -> None:
        """Tell whoever watches which datasets are not final before tests have run."""
        if isinstance(self.watch, Unwatched):
            return
        try:
            read = {d for test in self.all_tests for d in test.reads}
        except ModelError:  # which is told when they are to be run
            read = set(datasets)
        self.watch.will_test(read)

    @cached_property
    def all_tests(self) -> list[Test]:
        """The singular tests of the project."""
        return singular.tests(self.sources)

    def models(self, datasets: Sequence[str]) -> None:
        """Build everything; what only dbt can build, in stretches as long as the order allows."""
        contracts = [self.context.project.contracts[d] for d in datasets]
        by_dbt = {c.id for c in contracts if self._needs_dbt(c)}
        waiting: list[Contract] = []
        for contract in contracts:
            apart = bool(waiting) and self._engine([contract.id]) != self._engine([waiting[0].id])
            if contract.id not in by_dbt:
                apart = bool(self._inputs(contract) & {c.id for c in waiting})
            if apart:
                self._dbt(waiting)
                waiting = []
            if contract.id in by_dbt:
                waiting.append(contract)
            else:
                self._one(contract)
        if waiting:
            self._dbt(waiting)

    def tests(self, datasets: Sequence[str]) -> None:
        """Run the tests that read what was built, unless that failed already.

        One that also reads what is yet to be built from these inputs waits until that is done.
        """
        built = set(datasets)
        found = [t for t in self.all_tests if t.reads & built - self.broken]
        later = self._unsettled(built) if found else set()
        found = [t for t in found if not t.reads & (self.broken | later)]
        others: list[Test] = []
        for test in found:
            if test.text.not_plain or self._only_dbt:
                others.append(test)
            else:
                self._test(test)
        for engine in ("duckdb", "spark"):
            some = [t for t in others if self._engine(t.reads) == engine]
            if some:
                self._tests_by_dbt(some, engine)
        for dataset in datasets:
            if dataset not in self.broken:
                self.watch.passed(dataset)

    def result(self) -> DbtResult:
        """What it came to."""
        names = {self._name(self.context.project.contracts[d]) for d in self.broken}
        return DbtResult(not self.failed, tuple(self.failed), tuple(self.ran), frozenset(names))

    @property
    def _only_dbt(self) -> bool:
        return self.context.project.settings.compiler == "dbt"

    def _needs_dbt(self, contract: Contract) -> bool:
        if not contract.model:
            return False
        if self._only_dbt:
            return True
        return bool(self.sources.texts([contract.model])[contract.model].not_plain)

    def _unsettled(self, built: set[str]) -> set[str]:
        """Curated datasets, not among the built, that are not made from their inputs as they are."""
        graph = {c.id: sorted(self._inputs(c)) for c in self.context.project.contracts.curated}
        found: set[str] = set()
        for dataset in topological(graph):
            if dataset in built:
                continue
            versions = self.context.session.versions(graph[dataset])
            snapshot = self.context.snapshot(dataset)
            meta = snapshot.meta if snapshot else None
            before = dict(meta.inputs) if meta else {}
            if before != versions or found & set(graph[dataset]):
                found.add(dataset)
        return found

    def _inputs(self, contract: Contract) -> set[str]:
        if contract.model:
            return set(self.sources.inputs[contract.id])
        return {self.context.project.contracts[d].id for d in contract.inputs}

    def _name(self, contract: Contract) -> str:
        return contract.model or contract.id

    def _fail(self, contract: Contract, told: str) -> None:
        self.failed.append((self._name(contract), told))
        self.broken.add(contract.id)
        self.watch.failed(contract.id, told)

    def _one(self, contract: Contract) -> None:
        """Build a plain model or a transform."""
        if self._inputs(contract) & self.broken:
            self._fail(contract, SKIPPED)
            return
        self.context.progress.step(contract.id, "building")
        try:
            if contract.model:
                self._plain(contract)
            else:
                from headgate.orchestration import transforming

                transforming.build(self.context, contract)
        except UnknownOutcomeError:
            raise  # what is in the log by now, the next run finds out
        except HeadgateError as error:
            if isinstance(error, ResourceError) and error.everywhere:
                raise
            self._fail(contract, str(error))
        else:
            self.ran.append(self._name(contract))

    def _plain(self, contract: Contract) -> None:
        text = self.sources.texts([str(contract.model)])[str(contract.model)]
        if text.wrong:
            raise ModelError(text.wrong)
        self._builder([contract.id]).build(contract)

    def _builder(self, datasets: Collection[str]) -> Native:
        """What builds, or tests, these: Spark, where one of them is written there."""
        if self._engine(datasets) != "spark":
            return self.native
        if self._distributed is None:
            from headgate.orchestration.spark.native import Distributed

            self._distributed = Distributed(self.context, self.sources)
        return self._distributed

    def _engine(self, datasets: Collection[str]) -> str:
        contracts, session = self.context.project.contracts, self.context.session
        engines = {session.engine_name(contracts[d]) for d in datasets if d in contracts}
        return "spark" if "spark" in engines else "duckdb"

    def _dbt(self, contracts: Sequence[Contract]) -> None:
        """Build models by one dbt invocation."""
        from headgate.orchestration.dbt import runner

        able: list[Contract] = []
        for contract in contracts:
            if self._inputs(contract) & self.broken:
                self._fail(contract, SKIPPED)
            else:
                able.append(contract)
        if not able:
            return
        for contract in able:
            self.context.progress.step(contract.id, "building by dbt")
        try:
            models, engine = [str(c.model) for c in able], self._engine([able[0].id])
            result = runner.build(self.context, models=models, engine=engine)
        except ModelError as error:
            for contract in able:
                self._fail(contract, str(error))
            return
        self.ran += result.ran
        self._take(result, {c.id for c in able})

    def _test(self, test: Test) -> None:
        try:
            if test.text.wrong:
                raise ModelError(test.text.wrong)
            found = self._builder(test.reads).failures(test.text)
        except ModelError as error:
            self._fail_test(test, str(error))
            return
        if found and not test.text.warns:
            self._fail_test(test, f"the test found {found} rows that should not be there.")

    def _fail_test(self, test: Test, told: str) -> None:
        contracts = self.context.project.contracts
        self.failed.append((test.name, told))
        read = {d for d in test.reads if d in contracts and contracts[d].curated}
        self.broken |= read
        for dataset in sorted(read):
            self.watch.failed(dataset, f"{test.name}: {told}")

    def _tests_by_dbt(self, tests: Sequence[Test], engine: str) -> None:
        from headgate.orchestration.dbt import runner

        try:
            result = runner.test(self.context, tests=[t.name for t in tests], engine=engine)
        except ModelError as error:
            for test in tests:
                self._fail_test(test, str(error))
            return
        told = dict(result.failed)
        for test in tests:
            if test.name in told:
                self._fail_test(test, told[test.name])

    def _take(self, result: DbtResult, datasets: set[str]) -> None:
        """Enter what dbt failed at; what cannot be told apart counts for all."""
        contracts = self.context.project.contracts
        self.failed += result.failed
        broken = {c.id for m in result.broken if (c := contracts.by_model(m)) is not None}
        if not result.ok and not broken:
            broken = datasets
        self.broken |= broken
        told = dict(result.failed)
        for dataset in sorted(broken):
            own = told.get(self._name(contracts[dataset]))
            self.watch.failed(dataset, own or " ".join(f"{n}: {t}" for n, t in result.failed))
