"""Routes that list what there is, and tell of one: datasets, jobs, runs, releases, events."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from headgate.lineage.questions import datasets, events, jobs, runs
from headgate.lineage.server import served
from headgate.lineage.server.rules import API
from headgate.lineage.server.served import After, Limit, Name, Search, Space, Text

routes = APIRouter(prefix=API, tags=["what there is"])
#: A run is called by a UUID.
_UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
Uuid = Annotated[str | None, Query(pattern=_UUID)]
_OF = "Where the same name is in several namespaces: which."


def _answers(model: Any) -> dict[int | str, dict[str, Any]]:
    return {200: {"model": model, "description": "The answer."}, **served.refusals(404)}


@routes.get("/datasets", responses=_answers(datasets.DatasetPage))
def list_datasets(
    request: Request,
    search: Search = None,
    namespace: Space = None,
    limit: Limit = 100,
    after: After = None,
) -> Response:
    """Datasets by namespace and name; `search` is a part of the name, whatever its case."""
    store = served.of(request).store
    return served.answer(
        datasets.page(store, search=search, namespace=namespace, limit=limit, after=after)
    )


@routes.get("/dataset", responses=_answers(datasets.Dataset))
def get_dataset(request: Request, name: Name, namespace: Space = None) -> Response:
    """A dataset by its name or one of its aliases: columns, facets and what else it is called."""
    return served.answer(datasets.one(served.of(request).store, name, namespace))


@routes.get("/dataset/versions", responses=_answers(datasets.VersionPage))
def list_versions(
    request: Request,
    name: Name,
    namespace: Space = None,
    limit: Limit = 100,
    after: After = None,
) -> Response:
    """The runs that wrote a dataset and the versions that came of them, the newest first."""
    store = served.of(request).store
    return served.answer(datasets.versions(store, name, namespace, limit=limit, after=after))


@routes.get("/dataset/verdicts", responses=_answers(datasets.VerdictPage))
def list_verdicts(
    request: Request,
    name: Name,
    namespace: Space = None,
    limit: Limit = 100,
    after: After = None,
) -> Response:
    """How a dataset's rules were judged, the newest first."""
    store = served.of(request).store
    return served.answer(datasets.verdicts(store, name, namespace, limit=limit, after=after))


@routes.get("/jobs", responses=_answers(jobs.JobPage))
def list_jobs(
    request: Request,
    search: Search = None,
    namespace: Space = None,
    limit: Limit = 100,
    after: After = None,
) -> Response:
    """Jobs by namespace and name; `search` is a part of the name, whatever its case."""
    store = served.of(request).store
    return served.answer(
        jobs.page(store, search=search, namespace=namespace, limit=limit, after=after)
    )


@routes.get("/job", responses=_answers(jobs.Job))
def get_job(request: Request, name: Name, namespace: Space = None) -> Response:
    """A job: what it says the outputs of are, and its facets."""
    return served.answer(jobs.one(served.of(request).store, name, namespace))


@routes.get("/runs", responses=_answers(runs.RunPage))
def list_runs(
    request: Request,
    job: Annotated[Text, Query(description="Those of this job.")] = None,
    dataset: Annotated[Text, Query(description="Those that wrote or read it.")] = None,
    namespace: Annotated[
        Text, Query(description=f"Of the dataset or, without one, of the job. {_OF}")
    ] = None,
    role: Annotated[
        Literal["in", "out"], Query(description="Of a dataset: who read it, or who wrote it.")
    ] = "out",
    parent: Annotated[Uuid, Query(description="Those that this run called for.")] = None,
    whole: Annotated[Uuid, Query(description="The parts of this run of a lake.")] = None,
    limit: Limit = 100,
    after: After = None,
) -> Response:
    """Runs, the newest first: all, those of a job, those that wrote or read a dataset."""
    return served.answer(
        runs.page(
            served.of(request).store, job=job, dataset=dataset, namespace=namespace, role=role,
            parent=parent, whole=whole, limit=limit, after=after,
        )
    )  # fmt: skip


@routes.get("/runs/{run_id}", responses=_answers(runs.Run))
def get_run(request: Request, run_id: Annotated[str, Path(pattern=_UUID)]) -> Response:
    """All of a run: state, who called for it, what it read and wrote."""
    return served.answer(runs.one(served.of(request).store, run_id))


@routes.get("/releases", responses=_answers(runs.ReleasePage))
def list_releases(
    request: Request, namespace: Space = None, limit: Limit = 100, after: After = None
) -> Response:
    """Releases of lakes, the newest first."""
    store = served.of(request).store
    return served.answer(runs.releases(store, namespace=namespace, limit=limit, after=after))


@routes.get("/events", responses=_answers(events.EventPage))
def list_events(
    request: Request,
    run: Annotated[Uuid, Query(description="Those of this run.")] = None,
    job: Annotated[Text, Query(description="Those of this job.")] = None,
    namespace: Annotated[Text, Query(description=f"Of the job. {_OF}")] = None,
    limit: Limit = 100,
    after: After = None,
) -> Response:
    """Events as they came, the newest first: all, those of a run, or those of a job."""
    store = served.of(request).store
    return served.answer(
        events.page(store, run=run, job=job, namespace=namespace, limit=limit, after=after)
    )
