"""OpenLineage's facets as plain JSON values.

openlineage-python's classes say the same, but importing them takes half a second and each event of
theirs ten milliseconds; a test holds the addresses below against them, and every event against the
specification.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from headgate import __version__
from headgate.lineage import names, own_facets
from headgate.lineage.steps import Assertion, Caller, DatasetRef, Statistics, Step

Facet = dict[str, Any]
#: Who made the event: a URI, as OpenLineage asks.
PRODUCER = f"urn:headgate:{__version__}"
EVENT_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
#: The edition of each facet's schema, and where it differs from the facet's own, its file.
EDITIONS: Mapping[str, tuple[str, str]] = {
    "ColumnLineageDatasetFacet": ("1-2-0", ""),
    "DataQualityAssertionsDatasetFacet": ("1-1-0", ""),
    "DatasetTypeDatasetFacet": ("1-0-1", ""),
    "DatasetVersionDatasetFacet": ("1-0-1", ""),
    "DocumentationDatasetFacet": ("1-1-0", ""),
    "DocumentationJobFacet": ("1-1-0", ""),
    "ErrorMessageRunFacet": ("1-0-1", ""),
    "InputStatisticsInputDatasetFacet": ("1-0-0", ""),
    "InputSubsetInputDatasetFacet": ("1-0-0", "BaseSubsetDatasetFacet"),
    "JobTypeJobFacet": ("2-0-4", ""),
    "NominalTimeRunFacet": ("1-0-1", ""),
    "OutputStatisticsOutputDatasetFacet": ("1-0-2", ""),
    "OutputSubsetOutputDatasetFacet": ("1-0-0", "BaseSubsetDatasetFacet"),
    "OwnershipDatasetFacet": ("1-0-1", ""),
    "OwnershipJobFacet": ("1-0-1", ""),
    "ParentRunFacet": ("1-2-0", ""),
    "ProcessingEngineRunFacet": ("1-1-1", ""),
    "SchemaDatasetFacet": ("1-2-0", ""),
    "SourceCodeJobFacet": ("1-0-1", ""),
    "SQLJobFacet": ("1-1-0", ""),
    "StorageDatasetFacet": ("1-0-1", ""),
    "SymlinksDatasetFacet": ("1-0-1", ""),
    "TagsDatasetFacet": ("1-0-0", ""),
    "TagsRunFacet": ("1-0-0", ""),
}
#: Kinds of rules that OpenLineage has a common name for.
_ASSERTION_NAMES = {"required": "not_null", "sql": "custom_sql"}
#: OpenLineage's `error` stops the pipeline; what is quarantined lets the rest of the batch pass.
_SEVERITIES = {"fail": "error", "quarantine": "warn", "warn": "warn"}
_JOB_TYPES = {names.BUILD: "MODEL"}
#: The tag that says the run of ours, where a step's parent is somebody outside.
RUN_TAG = "run_id"


def facet(schema: str, **values: Any) -> Facet:
    """A facet of the schema of that name; values that are None are left out."""
    return {"_producer": PRODUCER, "_schemaURL": address(schema), **_known(values)}


@lru_cache(maxsize=64)
def address(schema: str) -> str:
    """Where the facet's schema stands."""
    edition, file = EDITIONS[schema]
    return f"https://openlineage.io/spec/facets/{edition}/{file or schema}.json#/$defs/{schema}"


def of_run(step: Step, lake: str, nominal_start: str | None) -> dict[str, Facet]:
    """What is told of one execution."""
    facets = {
        "processing_engine": facet("ProcessingEngineRunFacet", version=__version__, name="headgate")
    }
    tags = dict(step.tags)
    if step.caller is not None:
        facets["parent"] = _called_by(step.caller)
        if step.parent_run_id:
            tags[RUN_TAG] = step.parent_run_id
    elif step.parent_run_id:
        run, job = {"runId": step.parent_run_id}, {"namespace": lake, "name": names.RUN}
        facets["parent"] = facet("ParentRunFacet", run=run, job=job, root={"run": run, "job": job})
    if nominal_start:
        facets["nominalTime"] = facet("NominalTimeRunFacet", nominalStartTime=nominal_start)
    if step.error:
        facets["errorMessage"] = facet(
            "ErrorMessageRunFacet", message=step.error, programmingLanguage="PYTHON"
        )
    if step.release:
        facets[own_facets.RELEASE] = own_facets.release(step.release, PRODUCER)
    if tags:
        found = [
            {"key": key, "value": _text(value), "source": "HEADGATE"}
            for key, value in sorted(tags.items())
        ]
        facets["tags"] = facet("TagsRunFacet", tags=found)
    return facets


def _called_by(caller: Caller) -> Facet:
    """The parent facet of a step that somebody outside called for."""
    root = {"namespace": caller.root_namespace or caller.namespace, "name": caller.root_job}
    return facet(
        "ParentRunFacet",
        run={"runId": caller.run_id},
        job={"namespace": caller.namespace, "name": caller.job},
        root={"run": {"runId": caller.root_run_id}, "job": root},
    )


def of_job(step: Step) -> dict[str, Facet]:
    """What is told of the job, whenever it runs."""
    kind = _JOB_TYPES.get(step.kind, step.kind.upper())
    facets = {
        "jobType": facet(
            "JobTypeJobFacet", processingType="BATCH", integration="HEADGATE", jobType=kind
        )
    }
    if step.description:
        facets["documentation"] = facet("DocumentationJobFacet", description=step.description)
    if step.owner:
        owners = [{"name": step.owner, "type": "OWNER"}]
        facets["ownership"] = facet("OwnershipJobFacet", owners=owners)
    if step.sql:
        facets["sql"] = facet("SQLJobFacet", query=step.sql, dialect="duckdb")
    if step.code:
        facets["sourceCode"] = facet("SourceCodeJobFacet", language="python", sourceCode=step.code)
    return facets


def of_dataset(ref: DatasetRef) -> dict[str, Facet]:
    """What is told of a dataset wherever it takes part."""
    kind = "FILE" if ref.is_source else "TABLE"
    facets = {
        **_of_contract(ref),
        "datasetType": facet("DatasetTypeDatasetFacet", datasetType=kind),
    }
    if ref.version is not None:
        facets["version"] = facet("DatasetVersionDatasetFacet", datasetVersion=str(ref.version))
    if ref.path is not None:
        namespace, name = names.physical(ref.path)
        alias = {"namespace": namespace, "name": name, "type": "LOCATION"}
        facets["symlinks"] = facet("SymlinksDatasetFacet", identifiers=[alias])
    return facets


def of_input(ref: DatasetRef) -> dict[str, Facet]:
    """What is told of a dataset as an input."""
    facets = {}
    if ref.statistics:
        facets["inputStatistics"] = facet(
            "InputStatisticsInputDatasetFacet", **_numbers(ref.statistics)
        )
    if ref.locations:
        facets["subset"] = facet("InputSubsetInputDatasetFacet", inputCondition=_parts(ref))
    if ref.change:
        facets[own_facets.CHANGE] = own_facets.change(ref.change, PRODUCER)
    if ref.waiver:
        facets[own_facets.WAIVER] = own_facets.waiver(ref.waiver, PRODUCER)
    return facets


def of_output(ref: DatasetRef) -> dict[str, Facet]:
    """What is told of a dataset as an output."""
    facets = {}
    if ref.statistics:
        facets["outputStatistics"] = facet(
            "OutputStatisticsOutputDatasetFacet", **_numbers(ref.statistics)
        )
    if ref.locations:
        facets["subset"] = facet("OutputSubsetOutputDatasetFacet", outputCondition=_parts(ref))
    if ref.change:
        facets[own_facets.CHANGE] = own_facets.change(ref.change, PRODUCER)
    return facets


def assertions(results: Sequence[Assertion]) -> Facet:
    """The gate's verdict."""
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
    return facet("DataQualityAssertionsDatasetFacet", assertions=[_known(one) for one in found])


def _of_contract(ref: DatasetRef) -> Mapping[str, Facet]:
    """What the contract says, which is the same in every event of a dataset: made once."""
    return _contract_facets(
        ref.description,
        ref.owner,
        ref.format,
        tuple(ref.columns.items()),
        tuple(ref.column_descriptions.items()),
        tuple(sorted(ref.tags.items())),
        tuple((column, tuple(sorted(tags.items()))) for column, tags in ref.column_tags.items()),
    )


@lru_cache(maxsize=8192)
def _contract_facets(
    description: str,
    owner: str,
    form: str,
    columns: tuple[tuple[str, str], ...],
    descriptions: tuple[tuple[str, str], ...],
    tags: tuple[tuple[str, Any], ...],
    column_tags: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...],
) -> Mapping[str, Facet]:
    facets = {}
    if description:
        facets["documentation"] = facet("DocumentationDatasetFacet", description=description)
    if owner:
        owners = [{"name": owner, "type": "OWNER"}]
        facets["ownership"] = facet("OwnershipDatasetFacet", owners=owners)
    if form == "delta":
        facets["storage"] = facet("StorageDatasetFacet", storageLayer="delta", fileFormat="parquet")
    if columns:
        told = dict(descriptions)
        fields = [
            _known(
                {
                    "name": column,
                    "type": kind or None,
                    "description": told.get(column) or None,
                    "ordinal_position": position,
                }
            )
            for position, (column, kind) in enumerate(columns, start=1)
        ]
        facets["schema"] = facet("SchemaDatasetFacet", fields=fields)
    if tags or column_tags:
        found = [_tag(key, value) for key, value in tags]
        found += [_tag(k, value, column) for column, own in column_tags for k, value in own]
        facets["tags"] = facet("TagsDatasetFacet", tags=found)
    return facets


def _tag(key: str, value: Any, field: str | None = None) -> dict[str, Any]:
    return _known({"key": key, "value": value, "source": "CONTRACT", "field": field})


def _parts(ref: DatasetRef) -> dict[str, Any]:
    return {"type": "location", "locations": list(ref.locations)}


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _numbers(given: Statistics) -> Mapping[str, int | None]:
    return {"rowCount": given.rows, "size": given.bytes, "fileCount": given.files}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
