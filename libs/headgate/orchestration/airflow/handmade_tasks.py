"""Tasks of hand-written DAGs: what reads a release, and what writes through a gate."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import Asset
from airflow.sdk.bases.decorator import DecoratedOperator, task_decorator_factory
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from headgate.core import settings as core_settings
from headgate.core.errors import UsageError
from headgate.orchestration import dag_index
from headgate.orchestration.airflow.assets import asset, waiting
from headgate.orchestration.airflow.delivery import delivered
from headgate.orchestration.airflow.governed import root_of
from headgate.orchestration.airflow.handmade_read import read, wanted_by
from headgate.orchestration.airflow.notifier import told_already
from headgate.orchestration.airflow.take_task import refusals, said, take
from headgate.orchestration.airflow.telling import committed, emit, events_of, tell_refused
from headgate.orchestration.airflow.working import Working, part

log = logging.getLogger("headgate.task")


def governed_task(function: Callable[..., Any] | None = None, **more: Any) -> Any:
    """``@task``, whose parameters may ask for datasets of a release (``read_release(…)``).

    ``more`` are arguments of the task, such as ``retries``.

    Raises:
        UsageError: a dataset that is asked for has no contract.
    """

    def decorate(plain: Callable[..., Any]) -> Any:
        return task_decorator_factory(
            python_callable=plain,
            multiple_outputs=False,
            decorated_operator_class=ReleaseTask,
            **_with_inlets(plain, more),
        )

    return decorate if function is None else decorate(function)


def gated_write(dataset: str, **more: Any) -> Callable[[Callable[..., Any]], Any]:
    """Makes a function a task that delivers what it returns to ``dataset``, through its gate.

    The dataset is a source: its contract says which format it reads, and with which fields. What
    may be returned: a Polars (also lazy), Arrow or pandas frame, a DuckDB relation, an iterable of
    dicts, a path or several. The batch is committed as a candidate and the dataset's Asset event
    tells its account; a refused batch fails the task, tells the owner, and leaves the table as it
    was. A try that finds its delivery taken delivers nothing twice. ``more`` are arguments of the
    task, such as ``retries``. It waits for the lake in its worker, once the function has returned.

    Raises:
        UsageError: the dataset, or one that is read, has no contract, or is made otherwise.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        path = Path(function.__code__.co_filename)
        root = root_of(str(path))
        entry = dag_index.load_one(root, dataset)
        if entry is None or entry.maker != "source":
            what = "has no contract" if entry is None else f"is made by a {entry.maker}"
            raise UsageError(
                f"{function.__name__} writes {dataset}, which {what}.",
                remedy=f"Draft a contract: headgate new source {dataset}"
                if entry is None
                else "What a task gives is a source: write to a dataset of its own in bronze.",
                place=f"dags/{path.name}",
            )
        lake_name = core_settings.load(root).lake_name
        return task_decorator_factory(
            python_callable=function,
            multiple_outputs=False,
            decorated_operator_class=GatedWrite,
            dataset=dataset,
            lake_name=lake_name,
            **_with_inlets(function, more),
            outlets=[asset(dataset, lake_name), waiting(dataset)],
        )

    return decorate


def _with_inlets(function: Callable[..., Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """The task's arguments, with what it reads as inlets."""
    path = Path(function.__code__.co_filename)
    root = root_of(str(path))
    lake_name = core_settings.load(root).lake_name
    inlets = list(more.get("inlets", ()))
    for wanted in wanted_by(function).values():
        if dag_index.load_one(root, wanted.dataset) is None:
            raise UsageError(
                f"{function.__name__} reads {wanted.dataset}, which has no contract.",
                remedy="`headgate show datasets` lists those that there are.",
                place=f"dags/{path.name}",
            )
        inlets.append(asset(wanted.dataset, lake_name))
    return {**more, "inlets": inlets}


class ReleaseTask(DecoratedOperator, PythonOperator):
    """A decorated function whose parameters are given datasets of the DAG run's release."""

    template_fields: Sequence[str] = ("templates_dict", "op_args", "op_kwargs")
    template_fields_renderers: ClassVar = {
        "templates_dict": "json",
        "op_args": "py",
        "op_kwargs": "py",
    }
    custom_operator_name = "@governed_task"
    op_kwargs: Mapping[str, Any]

    def __init__(
        self, *, python_callable: Callable[..., Any], op_args: Any, op_kwargs: Any, **more: Any
    ) -> None:
        given = {"python_callable": python_callable, "op_args": op_args, "op_kwargs": op_kwargs}
        more.setdefault("show_return_value_in_logs", False)  # rows are nobody's log
        super().__init__(kwargs_to_upstream=given, **given, **more)
        self._versions: dict[str, int] = {}

    def execute(self, context: Mapping[str, Any]) -> Any:
        """Read, and call the function.

        Raises:
            AirflowFailException: a setting or what is asked for is wrong.
        """
        with part(context) as work:
            return self.call(work, context)

    def call(self, work: Working, context: Mapping[str, Any]) -> Any:
        """What the function returns, given what it asked for."""
        run = context["dag_run"]
        found = read(
            work.project, wanted_by(self.python_callable), dag_id=run.dag_id, run_id=run.run_id
        )
        for dataset, version in found.versions.items():
            log.info("%s: version %s, of release %s", dataset, version, found.release)
        self._versions = dict(found.versions)
        self.op_kwargs = {**found.frames, **self.op_kwargs}
        return super().execute(context)

    def get_openlineage_facets_on_complete(self, task_instance: object) -> Any:
        """What was read and written, at its versions, for the OpenLineage provider."""
        from airflow.providers.openlineage.extractors import OperatorLineage

        inputs, outputs = (
            [self._told(a) for a in assets if isinstance(a, Asset)]
            for assets in (self.inlets, self.outlets)
        )
        return OperatorLineage(inputs=inputs, outputs=outputs)

    def _told(self, known: Asset) -> Any:
        from openlineage.client.event_v2 import Dataset
        from openlineage.client.facet_v2 import dataset_version_dataset as facets

        version = self._versions.get(known.name)
        told: dict[str, Any] = {}
        if version is not None:
            told["version"] = facets.DatasetVersionDatasetFacet(str(version))
        return Dataset(namespace=known.uri.rpartition("/")[0], name=known.name, facets=told)


class GatedWrite(ReleaseTask):
    """A decorated function whose result goes through the gate of ``dataset``."""

    custom_operator_name = "@gated_write"

    def __init__(self, *, dataset: str, lake_name: str, **more: Any) -> None:
        super().__init__(**more)
        self.dataset = dataset
        self.lake_name = lake_name

    def execute(self, context: Mapping[str, Any]) -> Any:
        """Call the function, take what it returns, tell of it.

        Raises:
            AirflowFailException: what was returned is refused, or no rows; nothing was committed.
            AirflowSkipException: it was taken, released and told of before.
        """
        own, alias = self.outlets
        with part(context) as work:
            given = self.call(work, context)
            contract = work.project.contracts[self.dataset]
            ti, run = context["ti"], context["dag_run"]
            mapped = f".{ti.map_index}" if getattr(ti, "map_index", -1) >= 0 else ""
            by = f"{run.dag_id}.{self.task_id}{mapped}"
            with delivered(work.project.settings, contract, given, by=by, run=run.run_id) as paths:
                report = take(work, self.dataset, paths=paths)
            told = refusals(work, report)
            events = events_of(work, own, committed(report))
        tell_refused(work.project, self.dataset, told, context)
        if told:
            raise told_already(AirflowFailException(said(told, self)))
        if not events:
            raise AirflowSkipException(f"{self.dataset}: it was delivered before.")
        emit(context, events, self.lake_name, alias=alias, own=own)
        self._versions[self.dataset] = events[self.dataset]["version"]
        return events[self.dataset]
