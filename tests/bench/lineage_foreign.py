"""Events of other producers on the measured platform, in the shapes of Airflow's provider, dbt-ol and Spark."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from headgate.core import clock as time
from headgate.core import ids
from headgate.lineage.steps import Caller
from tests.bench.lineage_platform import Dataset, Platform, changed

Event = dict[str, Any]
OURS = "headgate://"
AIRFLOW, DBT, SPARK = "airflow", "dbt", "spark-prod"
WAREHOUSE, STORE, CATALOG = (
    "postgres://warehouse.internal:5432",
    "s3://lakehouse",
    "hive://metastore:9083",
)
_SPEC = "https://openlineage.io/spec"
_CODE = "https://github.com/OpenLineage/OpenLineage/tree"
PRODUCERS = {
    AIRFLOW: "https://github.com/apache/airflow/tree/providers-openlineage/2.9.0",
    DBT: f"{_CODE}/1.42.0/integration/dbt",
    SPARK: f"{_CODE}/1.42.0/integration/spark",
}


def uuid_of(chance: random.Random, at: datetime | None = None) -> str:
    """A UUID by chance (version 4), or with an instant one that sorts by it (version 7)."""
    value = chance.getrandbits(128) & ~(0xF << 76) & ~(0b11 << 62) | (0b10 << 62)
    if at is None:
        return str(uuid.UUID(int=value | (4 << 76)))
    value = value & ((1 << 80) - 1) | (time.epoch_millis(at) << 80) | (7 << 76)
    return str(uuid.UUID(int=value))


@dataclass(frozen=True)
class Task:
    """A try of a task: its job, its run, and what it is to the steps that it calls for."""

    job: str
    run_id: str
    caller: Caller


@dataclass(frozen=True)
class DagRun:
    """A run of a DAG."""

    dag: str
    run_id: str
    at: datetime

    def task(self, name: str) -> Task:
        """The try of the task of that name."""
        job = f"{self.dag}.{name.replace('.', '_')}"
        run_id = ids.name_based("bench", self.run_id, job)
        return Task(job, run_id, Caller(AIRFLOW, job, run_id, self.dag, self.run_id))

    def caller(self, name: str) -> Caller:
        """What the task of that name is to the steps that it calls for."""
        return self.task(name).caller


def dag_run(dag: DagRun, state: str, at: datetime) -> Event:
    """The provider's event of a DAG run."""
    facets = {
        "airflowDagRun": _facet(AIRFLOW, "AirflowDagRunFacet", dag=_dag(dag), dagRun=_dag_run(dag)),
        "nominalTime": _facet(AIRFLOW, "NominalTimeRunFacet", nominalStartTime=time.iso(dag.at)),
    }
    return _event(AIRFLOW, state, at, dag.run_id, dag.dag, facets, "DAG")


def task(
    dag: DagRun, of: Task, state: str, at: datetime,
    inputs: Iterable[tuple[str, str]], outputs: Iterable[tuple[str, str]],
) -> Event:  # fmt: skip
    """The provider's event of a task, with what it may read and write."""
    parent = {"run": {"runId": dag.run_id}, "job": {"namespace": AIRFLOW, "name": dag.dag}}
    facets = {
        "airflow": _facet(
            AIRFLOW, "AirflowRunFacet", dag=_dag(dag), dagRun=_dag_run(dag), taskUuid=of.run_id,
            task={
                "task_id": of.job, "operator_class": "GateOperator", "queue": "default", "retries": 1,
                "trigger_rule": "all_success", "mapped": False, "depends_on_past": False,
                "upstream_task_ids": "[]", "downstream_task_ids": "[]", "wait_for_downstream": False,
            },
            taskInstance={"try_number": 1, "map_index": -1, "pool": "default_pool", "queued_dttm": time.iso(dag.at)},
        ),
        "nominalTime": _facet(AIRFLOW, "NominalTimeRunFacet", nominalStartTime=time.iso(dag.at)),
        "parent": _facet(AIRFLOW, "ParentRunFacet", **parent, root=parent),
        "processing_engine": _facet(
            AIRFLOW, "ProcessingEngineRunFacet", name="Airflow", version="3.3.0", openlineageAdapterVersion="2.9.0"
        ),
    }  # fmt: skip
    if state == "FAIL":
        facets["errorMessage"] = _facet(
            AIRFLOW,
            "ErrorMessageRunFacet",
            message="the gate refused the batch",
            programmingLanguage="python",
        )
    told = [
        [{"namespace": n, "name": d, "facets": {}} for n, d in side] for side in (inputs, outputs)
    ]
    return _event(AIRFLOW, state, at, of.run_id, of.job, facets, "TASK", *told)


def dbt_run(
    platform: Platform, models: Sequence[Dataset], at: datetime, chance: random.Random
) -> Iterator[Event]:
    """What dbt-ol tells of one invocation over these models."""
    run_id, job = uuid_of(chance, at), f"dbt-run-analytics-{models[0].domain}"
    yield _event(DBT, "START", at, run_id, job, {}, "PROJECT")
    for model in models:
        began = at = at + timedelta(milliseconds=chance.randint(200, 4000))
        one = changed(model, chance.choices((0, 1), (97, 3))[0])
        facets = {
            "parent": _parent(DBT, job, run_id),
            "dbt_version": _facet(DBT, "DbtVersionRunFacet", version="1.12.0"),
            "dbt_run": _facet(DBT, "DbtRunRunFacet", invocation_id=run_id),
        }
        reads = [_table(platform.datasets[i], WAREHOUSE, DBT) for i in one.inputs]
        wrote = _table(one, WAREHOUSE, DBT, WAREHOUSE)
        code = {
            "sql": _facet(
                DBT,
                "SQLJobFacet",
                query=f"select * from {', '.join(one.inputs)}",
                dialect="postgres",
            )
        }
        own = uuid_of(chance, at)
        for state in ("START", "COMPLETE"):
            yield _event(
                DBT, state, began, own, f"{one.id}.build.run", facets, "MODEL", reads, [wrote], code
            )
            began = at = began + timedelta(milliseconds=chance.randint(100, 9000))
    yield _event(DBT, "COMPLETE", at, run_id, job, {}, "PROJECT")


def spark_run(
    platform: Platform,
    tables: Sequence[Dataset],
    at: datetime,
    chance: random.Random,
    also: Sequence[str] = (),
) -> Iterator[Event]:
    """What the listener tells of an application that writes these tables; it reads also those paths."""
    run_id, app = uuid_of(chance, at), f"serve_{tables[0].domain}"
    yield _event(SPARK, "START", at, run_id, app, _spark(app), "APPLICATION")
    for table in tables:
        facets = {**_spark(app), "parent": _parent(SPARK, app, run_id)}
        reads = [_table(platform.datasets[i], STORE, SPARK) for i in table.inputs]
        reads += [{"namespace": "file", "name": path, "facets": {}} for path in also]
        wrote = _table(table, STORE, SPARK, STORE)
        own, name = uuid_of(chance, at), table.id.replace("/", "_")
        for state in ("START", "RUNNING", "COMPLETE"):
            at += timedelta(milliseconds=chance.randint(50, 20_000))
            job = f"{app}.execute_save_into_data_source_command.{name}"
            yield _event(SPARK, state, at, own, job, facets, "SQL_JOB", reads, [wrote])
    at += timedelta(seconds=1)
    yield _event(SPARK, "COMPLETE", at, run_id, app, _spark(app), "APPLICATION")


def _event(
    producer: str, state: str, at: datetime, run_id: str, job: str, run_facets: Event, kind: str,
    inputs: Sequence[Event] = (), outputs: Sequence[Event] = (), job_facets: Event | None = None,
) -> Event:  # fmt: skip
    integration = {AIRFLOW: "AIRFLOW", DBT: "DBT", SPARK: "SPARK"}[producer]
    kind_of = _facet(
        producer, "JobTypeJobFacet", processingType="BATCH", integration=integration, jobType=kind
    )
    return {
        "eventTime": time.iso(at), "eventType": state, "producer": PRODUCERS[producer],
        "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": run_id, "facets": run_facets},
        "job": {"namespace": producer, "name": job, "facets": {"jobType": kind_of, **(job_facets or {})}},
        "inputs": list(inputs), "outputs": list(outputs),
    }  # fmt: skip


def _facet(producer: str, schema: str, **values: Any) -> Event:
    address = f"{_SPEC}/facets/1-0-0/{schema}.json#/$defs/{schema}"
    return {"_producer": PRODUCERS[producer], "_schemaURL": address, **values}


def _parent(producer: str, job: str, run_id: str) -> Event:
    told = {"run": {"runId": run_id}, "job": {"namespace": producer, "name": job}}
    return _facet(producer, "ParentRunFacet", **told, root=told)


def _dag(dag: DagRun) -> Event:
    return {
        "dag_id": dag.dag,
        "owner": "data-platform",
        "fileloc": "/opt/dags/curate.py",
        "tags": "['gate']",
    }


def _dag_run(dag: DagRun) -> Event:
    return {"dag_id": dag.dag, "run_id": f"asset__{time.iso(dag.at)}", "run_type": "asset_triggered",
            "start_date": time.iso(dag.at), "conf": {}}  # fmt: skip


def _spark(app: str) -> Event:
    listed = {"spark.master": "k8s://prod", "spark.app.name": app, "spark.executor.memory": "4g"}
    return {
        "spark_properties": _facet(SPARK, "SparkPropertyFacet", properties=listed),
        "processing_engine": _facet(
            SPARK, "ProcessingEngineRunFacet", name="spark", version="4.2.0"
        ),
    }


def _table(one: Dataset, namespace: str, producer: str, lineage_in: str | None = None) -> Event:
    """A table as dbt-ol or Spark tells it; ``lineage_in``: with where its columns come from."""
    listed = [{"name": c, "type": t.lower()} for c, t in one.columns.items()]
    facets = {"schema": _facet(producer, "SchemaDatasetFacet", fields=listed)}
    if producer == SPARK:
        symlink = {"namespace": CATALOG, "name": one.id.replace("/", "."), "type": "TABLE"}
        facets["symlinks"] = _facet(SPARK, "SymlinksDatasetFacet", identifiers=[symlink])
    else:
        facets["dataSource"] = _facet(
            producer, "DatasourceDatasetFacet", name=namespace, uri=namespace
        )
    if lineage_in and one.made_of:
        fields = {
            c: {"inputFields": [_column(i, lineage_in) for i in inputs]}
            for c, inputs in one.made_of.items()
        }
        rows = [_column(i, lineage_in) for i in one.rows]
        facets["columnLineage"] = _facet(
            producer, "ColumnLineageDatasetFacet", fields=fields, dataset=rows
        )
    return {"namespace": namespace, "name": one.id, "facets": facets}


def _column(told: Any, namespace: str) -> Event:
    dataset, column, kind, subtype = told
    way = {"type": kind, "subtype": subtype, "description": "", "masking": False}
    return {"namespace": namespace, "name": dataset, "field": column, "transformations": [way]}
