"""Steps turned into OpenLineage run events by openlineage-python's own classes (imported late)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from headgate import __version__
from headgate.contracts.names import DatasetName
from headgate.core import clock
from headgate.core.errors import UsageError
from headgate.lineage import names
from headgate.lineage.steps import Assertion, ColumnInput, DatasetRef, State, Statistics, Step

#: Who made the event: a URI, as OpenLineage asks.
PRODUCER = f"urn:headgate:{__version__}"
_JOB_TYPES = {names.BUILD: "MODEL"}
#: Kinds of rules that OpenLineage has a common name for.
_ASSERTION_NAMES = {"required": "not_null", "sql": "custom_sql"}
#: OpenLineage's `error` stops the pipeline; what is quarantined lets the rest of the batch pass.
_SEVERITIES = {"fail": "error", "quarantine": "warn", "warn": "warn"}


def event(step: Step, state: State, lake_name: str, at: datetime | None = None) -> dict[str, Any]:
    """The step's event as plain JSON values, valid under OpenLineage 2-0-2.

    Args:
        step: what happened; START may know less of it than COMPLETE.
        state: where the step is.
        lake_name: gives the namespace ``headgate://<lake_name>`` of datasets and jobs.
        at: when it happened; now, if not given.

    Raises:
        UsageError: the step names no job or dataset of ours, or nothing can carry its assertions.
        ValueError: a run id is no UUID.
    """
    from openlineage.client.generated import base
    from openlineage.client.serde import Serde

    lake = names.namespace(lake_name)
    built = base.RunEvent(
        eventTime=clock.iso(at),
        producer=PRODUCER,
        eventType=base.EventType[State(state).value],
        run=base.Run(step.run_id, _run_facets(step, lake)),
        job=base.Job(lake, step.job, _job_facets(step)),
        inputs=_inputs(step, lake),
        outputs=_outputs(step, lake),
    )
    plain = Serde.to_dict(built)
    for part, refs in (("inputs", step.inputs), ("outputs", step.outputs)):
        for told, ref in zip(plain[part], refs, strict=True):
            told["facets"] = {**_described(ref), **(told.get("facets") or {})}
    carrier = _carrier(step)
    if carrier is not None:
        told = plain["inputs"][step.inputs.index(carrier)]
        told.setdefault("inputFacets", {})["dataQualityAssertions"] = _assertions(step.assertions)
    if step.column_lineage or step.row_lineage:
        plain["outputs"][0]["facets"]["columnLineage"] = _column_lineage(step, lake)
    return plain


def _described(ref: DatasetRef) -> Mapping[str, Any]:
    """What the contract says of the dataset, as plain JSON values.

    It is the same in every event of a dataset, and turning it into JSON by openlineage-python
    takes longer than all the rest; so it is done once.
    """
    return _contract_facets(
        ref.description,
        ref.owner,
        ref.format,
        tuple(ref.columns.items()),
        tuple(ref.column_descriptions.items()),
        tuple(sorted(ref.tags.items())),
        tuple((column, tuple(sorted(tags.items()))) for column, tags in ref.column_tags.items()),
    )


def _run_facets(step: Step, lake: str) -> dict[str, Any]:
    from openlineage.client.generated import (
        error_message_run,
        nominal_time_run,
        parent_run,
        processing_engine_run,
        tags_run,
    )

    facets: dict[str, Any] = {
        "processing_engine": processing_engine_run.ProcessingEngineRunFacet(
            version=__version__, name="headgate", producer=PRODUCER
        )
    }
    if step.parent_run_id:
        root = parent_run.Root(
            parent_run.RootRun(step.parent_run_id), parent_run.RootJob(lake, names.RUN)
        )
        facets["parent"] = parent_run.ParentRunFacet(
            run=parent_run.Run(step.parent_run_id),
            job=parent_run.Job(lake, names.RUN),
            root=root,
            producer=PRODUCER,
        )
    if step.nominal_start:
        facets["nominalTime"] = nominal_time_run.NominalTimeRunFacet(
            nominalStartTime=clock.iso(step.nominal_start), producer=PRODUCER
        )
    if step.error:
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(
            message=step.error, programmingLanguage="PYTHON", producer=PRODUCER
        )
    if step.tags:
        tags = [
            tags_run.TagsRunFacetFields(key, _text(value), "HEADGATE")
            for key, value in sorted(step.tags.items())
        ]
        facets["tags"] = tags_run.TagsRunFacet(tags, producer=PRODUCER)
    return facets


def _job_facets(step: Step) -> dict[str, Any]:
    from openlineage.client.generated import documentation_job, job_type_job, ownership_job, sql_job

    facets: dict[str, Any] = {
        "jobType": job_type_job.JobTypeJobFacet(
            processingType="BATCH",
            integration="HEADGATE",
            jobType=_JOB_TYPES.get(step.kind, step.kind.upper()),
            producer=PRODUCER,
        )
    }
    if step.description:
        facets["documentation"] = documentation_job.DocumentationJobFacet(
            step.description, producer=PRODUCER
        )
    if step.owner:
        facets["ownership"] = ownership_job.OwnershipJobFacet(
            [ownership_job.Owner(step.owner, "OWNER")], producer=PRODUCER
        )
    if step.sql:
        facets["sql"] = sql_job.SQLJobFacet(step.sql, "duckdb", producer=PRODUCER)
    return facets


def _inputs(step: Step, lake: str) -> list[Any]:
    from openlineage.client.generated import base, base_subset_dataset
    from openlineage.client.generated import input_statistics_input_dataset as statistics

    found = []
    for ref in step.inputs:
        facets: dict[str, Any] = {}
        if ref.statistics:
            facets["inputStatistics"] = statistics.InputStatisticsInputDatasetFacet(
                **_numbers(ref.statistics), producer=PRODUCER
            )
        if ref.locations:
            condition = base_subset_dataset.LocationSubsetCondition(list(ref.locations))
            facets["subset"] = base_subset_dataset.InputSubsetInputDatasetFacet(
                condition, producer=PRODUCER
            )
        found.append(base.InputDataset(*_node(ref, lake), facets, facets=_dataset_facets(ref)))
    return found


def _outputs(step: Step, lake: str) -> list[Any]:
    from openlineage.client.generated import base, base_subset_dataset
    from openlineage.client.generated import output_statistics_output_dataset as statistics

    if (step.column_lineage or step.row_lineage) and len(step.outputs) != 1:
        raise UsageError(
            f"{step.job}: column lineage belongs to one output, the step has {len(step.outputs)}."
        )
    found = []
    for ref in step.outputs:
        facets: dict[str, Any] = {}
        if ref.statistics:
            facets["outputStatistics"] = statistics.OutputStatisticsOutputDatasetFacet(
                **_numbers(ref.statistics), producer=PRODUCER
            )
        if ref.locations:
            condition = base_subset_dataset.LocationSubsetCondition(list(ref.locations))
            facets["subset"] = base_subset_dataset.OutputSubsetOutputDatasetFacet(
                condition, producer=PRODUCER
            )
        found.append(base.OutputDataset(*_node(ref, lake), facets, facets=_dataset_facets(ref)))
    return found


def _node(ref: DatasetRef, lake: str) -> tuple[str, str]:
    """Namespace and name of a dataset or declared source."""
    if ref.is_source:
        return names.FILE_NAMESPACE, ref.id
    return lake, DatasetName.parse(ref.id).id


def _carrier(step: Step) -> DatasetRef | None:
    """The input that carries the assertions: the staged batch."""
    if not step.assertions:
        return None
    written = {ref.id for ref in step.outputs}
    staged = [ref for ref in step.inputs if ref.id in written] or list(step.inputs)
    if len(staged) != 1:
        raise UsageError(
            f"{step.job}: assertions belong to the staged batch, found {len(staged)} inputs for it.",
            remedy="Make the step by gate_step().",
        )
    return staged[0]


def _dataset_facets(ref: DatasetRef) -> dict[str, Any]:
    from openlineage.client.generated import (
        dataset_type_dataset,
        dataset_version_dataset,
        symlinks_dataset,
    )

    kind = "FILE" if ref.is_source else "TABLE"
    facets: dict[str, Any] = {
        "datasetType": dataset_type_dataset.DatasetTypeDatasetFacet(kind, producer=PRODUCER)
    }
    if ref.version is not None:
        facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(
            str(ref.version), producer=PRODUCER
        )
    if ref.path is not None:
        alias = symlinks_dataset.Identifier(*names.physical(ref.path), "LOCATION")
        facets["symlinks"] = symlinks_dataset.SymlinksDatasetFacet([alias], producer=PRODUCER)
    return facets


@lru_cache(maxsize=512)
def _contract_facets(
    description: str,
    owner: str,
    form: str,
    columns: tuple[tuple[str, str], ...],
    descriptions: tuple[tuple[str, str], ...],
    tags: tuple[tuple[str, Any], ...],
    column_tags: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...],
) -> Mapping[str, Any]:
    from openlineage.client.generated import (
        documentation_dataset,
        ownership_dataset,
        storage_dataset,
    )
    from openlineage.client.serde import Serde

    facets: dict[str, Any] = {}
    if description:
        facets["documentation"] = documentation_dataset.DocumentationDatasetFacet(
            description, producer=PRODUCER
        )
    if owner:
        facets["ownership"] = ownership_dataset.OwnershipDatasetFacet(
            [ownership_dataset.Owner(owner, "OWNER")], producer=PRODUCER
        )
    if form == "delta":
        facets["storage"] = storage_dataset.StorageDatasetFacet(
            "delta", "parquet", producer=PRODUCER
        )
    if columns:
        facets["schema"] = _schema(columns, dict(descriptions))
    if tags or column_tags:
        facets["tags"] = _tags(tags, column_tags)
    return {name: Serde.to_dict(facet) for name, facet in facets.items()}


def _schema(columns: Sequence[tuple[str, str]], descriptions: Mapping[str, str]) -> Any:
    from openlineage.client.generated import schema_dataset

    fields = [
        schema_dataset.SchemaDatasetFacetFields(
            name=column,
            type=kind or None,
            description=descriptions.get(column) or None,
            ordinal_position=position,
            fields=None,
        )
        for position, (column, kind) in enumerate(columns, start=1)
    ]
    return schema_dataset.SchemaDatasetFacet(fields, producer=PRODUCER)


def _tags(
    tags: Sequence[tuple[str, Any]],
    column_tags: Sequence[tuple[str, tuple[tuple[str, Any], ...]]],
) -> Any:
    from openlineage.client.generated import tags_dataset

    tag = tags_dataset.TagsDatasetFacetFields
    found = [tag(key, value, "CONTRACT") for key, value in tags]
    found += [tag(k, value, "CONTRACT", column) for column, own in column_tags for k, value in own]
    return tags_dataset.TagsDatasetFacet(found, producer=PRODUCER)


def _assertions(results: Sequence[Assertion]) -> Mapping[str, Any]:
    """The facet as plain JSON values; see :func:`_column_lineage`."""
    from openlineage.client.generated import data_quality_assertions_dataset as quality

    found = [
        {
            "assertion": _ASSERTION_NAMES.get(result.kind, result.kind),
            "success": result.passed,
            "column": result.column,
            "severity": _SEVERITIES.get(result.severity, result.severity),
            "name": result.rule_id,
            "description": result.description or None,
            "expected": result.expected or None,
            "actual": result.observed,
            "content": result.sql,
            "contentType": "sql" if result.sql else None,
            "params": {
                "kind": result.kind,
                "severity": result.severity,
                "scope": result.scope,
                "breaches": result.breaches,
            },
        }
        for result in results
    ]
    return {
        "_producer": PRODUCER,
        "_schemaURL": quality.DataQualityAssertionsDatasetFacet._get_schema(),
        "assertions": [{k: v for k, v in one.items() if v is not None} for one in found],
    }


def _column_lineage(step: Step, lake: str) -> Mapping[str, Any]:
    """The facet as plain JSON values: with hundreds of columns, classes would take most of the time."""
    from openlineage.client.generated import column_lineage_dataset as lineage

    sources = {ref.id for ref in step.inputs if ref.is_source}
    facet: dict[str, Any] = {
        "_producer": PRODUCER,
        "_schemaURL": lineage.ColumnLineageDatasetFacet._get_schema(),
        "fields": {
            column: {"inputFields": _input_fields(inputs, sources, lake)}
            for column, inputs in step.column_lineage.items()
        },
    }
    if step.row_lineage:
        facet["dataset"] = _input_fields(step.row_lineage, sources, lake)
    return facet


def _input_fields(
    inputs: Sequence[ColumnInput | tuple[str, str, str, str]], sources: set[str], lake: str
) -> list[dict[str, Any]]:
    """One entry an input column, with every way it takes part, in a fixed order."""
    ways: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for dataset, column, kind, subtype in inputs:
        ways.setdefault((dataset, column), set()).add((kind, subtype))
    found = []
    for (dataset, column), transformations in sorted(ways.items()):
        namespace, name = _node(DatasetRef(dataset, is_source=dataset in sources), lake)
        found.append(
            {
                "namespace": namespace,
                "name": name,
                "field": column,
                "transformations": [
                    {"type": kind, "subtype": subtype} for kind, subtype in sorted(transformations)
                ],
            }
        )
    return found


def _numbers(given: Statistics) -> Mapping[str, int | None]:
    return {"rowCount": given.rows, "size": given.bytes, "fileCount": given.files}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
