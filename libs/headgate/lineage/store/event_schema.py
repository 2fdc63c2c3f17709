"""What an event must look like to be taken, as JSON Schema in our own words (draft 2020-12).

OpenLineage 2-0-2's three kinds of events, of which 1-x is a part, and of the facets that the store
reads their shapes; any other facet may hold what it likes. ``REFUSED_BESIDES`` says where this is
stricter than OpenLineage, and ``ACCEPTED_BESIDES`` where it is laxer.
"""

from __future__ import annotations

from typing import Any

#: Longest names, in characters; :mod:`.valid` limits their bytes too. What tells rows of a database
#: apart has a limit in every database.
LONGEST_NAMESPACE, LONGEST_NAME = 600, 2_000
UUID = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"

REFUSED_BESIDES = (
    "an event with `job` and `dataset` and no `run`",
    "an eventTime that is no RFC 3339 time, or outside the years 1 to 9999",
    "a runId that is no UUID in hexadecimal groups, also of a parent or root",
    "names longer than 2,000 characters, namespaces longer than 600, both longer than 2,600 bytes",
    "names with NUL, or with half a character (a lone surrogate)",
    "numbers that JSON has no form for, and values nested deeper than 200",
    "a facet that is read here and is not of its own schema's shape",
)
ACCEPTED_BESIDES = (
    "an eventTime without a zone (it is UTC), with a space for the T, or a leap second",
    "a producer or schemaURL that is no URI",
    "null for a text that a facet may leave out",
    "anything for what no part here reads of a facet that is read, such as fields within fields",
)

_Schema = dict[str, Any]
_STRING: _Schema = {"type": "string"}
_TEXT: _Schema = {"type": ["string", "null"]}
_NUMBER: _Schema = {"type": ["integer", "null"]}
_NAMESPACE: _Schema = {"type": "string", "maxLength": LONGEST_NAMESPACE}
_NAME: _Schema = {"type": "string", "maxLength": LONGEST_NAME}
_COLUMN: _Schema = _NAME
_BASE: _Schema = {"_producer": _STRING, "_schemaURL": _STRING}
_RUN_ID: _Schema = {"type": "string", "pattern": UUID}


def _object(required: tuple[str, ...] = (), /, **properties: _Schema) -> _Schema:
    found: _Schema = {"type": "object", "properties": properties}
    return found | {"required": list(required)} if required else found


def _list(items: _Schema) -> _Schema:
    return {"type": "array", "items": items}


def _facet(*required: str, deletable: bool = False, **properties: _Schema) -> _Schema:
    told = {**_BASE, **properties}
    if deletable:
        told["_deleted"] = {"type": "boolean"}
    return _object(("_producer", "_schemaURL", *required), **told)


def _facets(deletable: bool = False, /, **known: _Schema) -> _Schema:
    return _object((), **known) | {"additionalProperties": _facet(deletable=deletable)}


def _of_dataset(*required: str, **properties: _Schema) -> _Schema:
    return _facet(*required, deletable=True, **properties)


_IDENTIFIED: dict[str, _Schema] = {"namespace": _NAMESPACE, "name": _NAME}
_WAY = _object(("type",), type=_STRING, subtype=_TEXT, masking={"type": ["boolean", "null"]})
_INPUT_FIELD = _object(
    ("namespace", "name", "field"), **_IDENTIFIED, field=_COLUMN, transformations=_list(_WAY)
)
_BY_COLUMN: _Schema = {"type": "object", "propertyNames": {"maxLength": LONGEST_NAME}}

#: An input of the lineage facet: a dataset, or a job, which may be the event's own.
_LINEAGE_INPUT: _Schema = {
    **_object(
        ("type",), **_IDENTIFIED, type={"enum": ["DATASET", "JOB"]}, field=_COLUMN,
        runId=_RUN_ID, transformations=_list(_WAY),
    ),
    "if": {"properties": {"type": {"const": "DATASET"}}},
    "then": {"required": ["namespace", "name"]},
    "else": {"dependentRequired": {"namespace": ["name"], "name": ["namespace"]}},
}  # fmt: skip
_LINEAGE_FIELDS: _Schema = {
    **_BY_COLUMN,
    "additionalProperties": _object(("inputs",), inputs=_list(_LINEAGE_INPUT)),
}
_LINEAGE_ENTRY: _Schema = _LINEAGE_INPUT | {
    "properties": {
        **_IDENTIFIED, "type": {"enum": ["DATASET", "JOB"]}, "runId": _RUN_ID,
        "inputs": _list(_LINEAGE_INPUT), "fields": _LINEAGE_FIELDS,
    },
}  # fmt: skip

_TAGS = _list(_object(("key", "value"), key=_STRING, value=_STRING, source=_TEXT, field=_TEXT))
_OWNERSHIP = _of_dataset(owners=_list(_object(("name",), name=_STRING, type=_TEXT)))
_DOCUMENTATION = _of_dataset("description", description=_STRING)
_SCHEMA_FIELD = _object(("name",), name=_COLUMN, type=_TEXT, description=_TEXT)
_ASSERTION = _object(
    ("assertion", "success"), assertion=_STRING, success={"type": "boolean"}, column=_TEXT,
    severity=_TEXT, name=_TEXT,
)  # fmt: skip
_STATISTICS = _facet(rowCount=_NUMBER, size=_NUMBER, fileCount=_NUMBER)

_DATASET_FACETS = _facets(
    True,
    schema=_of_dataset(fields=_list(_SCHEMA_FIELD)),
    version=_of_dataset("datasetVersion", datasetVersion=_STRING),
    symlinks=_of_dataset(
        identifiers=_list(_object(("namespace", "name", "type"), **_IDENTIFIED, type=_STRING))
    ),
    columnLineage=_of_dataset(
        "fields",
        fields={
            **_BY_COLUMN,
            "additionalProperties": _object(("inputFields",), inputFields=_list(_INPUT_FIELD)),
        },
        dataset=_list(_INPUT_FIELD),
    ),
    lineage=_of_dataset(inputs=_list(_LINEAGE_INPUT), fields=_LINEAGE_FIELDS),
    ownership=_OWNERSHIP,
    tags=_of_dataset(tags=_TAGS),
    documentation=_DOCUMENTATION,
    dataQualityAssertions=_of_dataset("assertions", assertions=_list(_ASSERTION)),
)
_DATASET = _object(("namespace", "name"), **_IDENTIFIED, facets=_DATASET_FACETS)


def _dataset(own: str, **known: _Schema) -> _Schema:
    return {**_DATASET, "properties": {**_DATASET["properties"], own: _facets(**known)}}


_INPUT = _dataset(
    "inputFacets",
    dataQualityAssertions=_facet("assertions", assertions=_list(_ASSERTION)),
    inputStatistics=_STATISTICS,
)
_OUTPUT = _dataset("outputFacets", outputStatistics=_STATISTICS)
_CALLING_RUN = _object(("runId",), runId=_RUN_ID)
_CALLING_JOB = _object(("namespace", "name"), **_IDENTIFIED)
_RUN = _object(
    ("runId",),
    runId=_RUN_ID,
    facets=_facets(
        parent=_facet(
            "run", "job", run=_CALLING_RUN, job=_CALLING_JOB,
            root=_object(("run", "job"), run=_CALLING_RUN, job=_CALLING_JOB),
        ),
        errorMessage=_facet("message", "programmingLanguage", message=_STRING),
        tags=_facet(tags=_TAGS),
    ),
)  # fmt: skip
_JOB = _object(
    ("namespace", "name"),
    **_IDENTIFIED,
    facets=_facets(
        True,
        jobType=_of_dataset(
            "processingType", "integration", processingType=_STRING, integration=_STRING,
            jobType=_TEXT,
        ),
        sql=_of_dataset("query", query=_STRING),
        lineage=_of_dataset("entries", entries=_list(_LINEAGE_ENTRY)),
        ownership=_OWNERSHIP,
        tags=_of_dataset(tags=_TAGS),
        documentation=_DOCUMENTATION,
    ),
)  # fmt: skip

_EVENT: dict[str, _Schema] = {"eventTime": _STRING, "producer": _STRING, "schemaURL": _STRING}
_TOLD = ("eventTime", "producer", "schemaURL")
_SIDES: dict[str, _Schema] = {"inputs": _list(_INPUT), "outputs": _list(_OUTPUT)}
_STATE: _Schema = {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]}

RUN_EVENT: _Schema = _object(
    (*_TOLD, "run", "job"), **_EVENT, **_SIDES, run=_RUN, job=_JOB, eventType=_STATE
)
JOB_EVENT: _Schema = _object((*_TOLD, "job"), **_EVENT, **_SIDES, job=_JOB)
DATASET_EVENT: _Schema = _object((*_TOLD, "dataset"), **_EVENT, dataset=_DATASET)
