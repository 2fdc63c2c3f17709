"""Steps turned into OpenLineage run events: plain JSON values, valid under the specification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from headgate.contracts.names import DatasetName
from headgate.core import clock, ids
from headgate.core.errors import UsageError
from headgate.lineage import facets, names
from headgate.lineage.facets import PRODUCER
from headgate.lineage.steps import ColumnInput, DatasetRef, State, Step

__all__ = ["PRODUCER", "event"]


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
    lake = names.namespace(lake_name)
    called = (step.caller.run_id, step.caller.root_run_id) if step.caller else ()
    for run_id in filter(None, (step.run_id, step.parent_run_id, *called)):
        ids.demand_uuid(run_id)
    started = clock.iso(step.nominal_start) if step.nominal_start else None
    return {
        "eventTime": clock.iso(at),
        "eventType": State(state).value,
        "producer": PRODUCER,
        "schemaURL": facets.EVENT_SCHEMA,
        "run": {"runId": step.run_id, "facets": facets.of_run(step, lake, started)},
        "job": {"namespace": lake, "name": step.job, "facets": facets.of_job(step)},
        "inputs": _inputs(step, lake),
        "outputs": _outputs(step, lake),
    }


def _inputs(step: Step, lake: str) -> list[dict[str, Any]]:
    carrier, found = _carrier(step), []
    for ref in step.inputs:
        own = facets.of_input(ref)
        if ref is carrier:
            own["dataQualityAssertions"] = facets.assertions(step.assertions)
        found.append({**_node(ref, lake), "facets": facets.of_dataset(ref), "inputFacets": own})
    return found


def _outputs(step: Step, lake: str) -> list[dict[str, Any]]:
    traced = bool(step.column_lineage or step.row_lineage)
    if traced and len(step.outputs) != 1:
        raise UsageError(
            f"{step.job}: column lineage belongs to one output, the step has {len(step.outputs)}."
        )
    found = []
    for ref in step.outputs:
        told = facets.of_dataset(ref)
        if traced:
            told["columnLineage"] = _column_lineage(step, lake)
        found.append({**_node(ref, lake), "facets": told, "outputFacets": facets.of_output(ref)})
    return found


def _node(ref: DatasetRef, lake: str) -> dict[str, str]:
    """A dataset or declared source by namespace and name."""
    if ref.is_source:
        return {"namespace": names.FILE_NAMESPACE, "name": ref.id}
    return {"namespace": lake, "name": DatasetName.parse(ref.id).id}


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


def _column_lineage(step: Step, lake: str) -> facets.Facet:
    sources = {ref.id for ref in step.inputs if ref.is_source}
    tags = step.outputs[0].column_tags
    fields = {
        column: {"inputFields": _input_fields(inputs, sources, lake, tags.get(column, {}))}
        for column, inputs in step.column_lineage.items()
    }
    rows = _input_fields(step.row_lineage, sources, lake) if step.row_lineage else None
    return facets.facet("ColumnLineageDatasetFacet", fields=fields, dataset=rows)


def _input_fields(
    inputs: Sequence[ColumnInput | tuple[str, str, str, str]],
    sources: set[str],
    lake: str,
    tags: Mapping[str, str] = {},
) -> list[dict[str, Any]]:
    """One entry an input column, with every way it takes part, in a fixed order.

    What the tags of the column that is made say to be anonymised is masked, in OpenLineage's words.
    """
    ways: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for dataset, column, kind, subtype in inputs:
        ways.setdefault((dataset, column), set()).add((kind, subtype))
    found = []
    for (dataset, column), transformations in sorted(ways.items()):
        of = tags.get("anonymized_of", "")
        ended = "anonymized" in tags and (not of or f"{dataset}.{column}" in of.split(", "))
        found.append(
            {
                **_node(DatasetRef(dataset, is_source=dataset in sources), lake),
                "field": column,
                "transformations": [
                    {"type": kind, "subtype": subtype}
                    | ({"masking": True} if kind == "DIRECT" and ended else {})
                    for kind, subtype in sorted(transformations)
                ],
            }
        )
    return found
