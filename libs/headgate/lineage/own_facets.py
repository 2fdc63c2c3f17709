"""Facets of our own, which OpenLineage has no word for; their schemas are in docs/reference/facets."""

from __future__ import annotations

from typing import Any

from headgate.lineage.change import Change, HeldGroup, Late, Release, Waiver

#: The facets' names in events.
CHANGE, RELEASE, WAIVER = "headgate_change", "headgate_release", "headgate_waiver"
#: The schema of each, and its edition.
SCHEMAS = {
    "HeadgateChangeDatasetFacet": "1-0-0",
    "HeadgateReleaseRunFacet": "1-0-0",
    "HeadgateWaiverInputDatasetFacet": "1-0-0",
}


def address(schema: str) -> str:
    """The schema's URI; it is a name, and no place on any network."""
    return f"urn:headgate:facets:{SCHEMAS[schema]}:{schema}#/$defs/{schema}"


def change(told: Change, producer: str) -> dict[str, Any]:
    """What a commit did, as a facet of the dataset at the version that it made."""
    late = told.late
    values = {
        "kind": told.kind,
        "mode": told.mode or None,
        "batchId": told.batch_id or None,
        "source": told.source or None,
        "after": told.after,
        "rows": {
            "read": told.read,
            "inserted": told.inserted,
            "updated": told.updated,
            "deleted": told.deleted,
            "quarantined": told.quarantined,
            "deduplicated": told.deduplicated,
        },
        "late": None if late is None else {
            "rows": late.rows, "column": late.column, "first": late.first, "last": late.last,
        },
        "inputs": [{"name": d, "version": v} for d, v in sorted(told.inputs.items())] or None,
        "codeHash": told.code_hash or None,
        "contractVersion": told.contract_version or None,
        "contractHash": told.contract_hash or None,
        "sameAs": told.same_as,
    }  # fmt: skip
    return _facet("HeadgateChangeDatasetFacet", values, producer)


def change_of(facet: dict[str, Any]) -> Change:
    """The way back from :func:`change`.

    Raises:
        KeyError, TypeError, ValueError: it is none of ours.
    """
    rows, late = facet.get("rows") or {}, facet.get("late")
    return Change(
        kind=str(facet["kind"]), mode=str(facet.get("mode") or ""),
        batch_id=str(facet.get("batchId") or ""), source=str(facet.get("source") or ""),
        after=_whole(facet.get("after")),
        read=int(rows.get("read", 0)), inserted=int(rows.get("inserted", 0)),
        updated=int(rows.get("updated", 0)), deleted=int(rows.get("deleted", 0)),
        quarantined=int(rows.get("quarantined", 0)),
        deduplicated=int(rows.get("deduplicated", 0)),
        late=None if late is None else Late(
            int(late["rows"]), str(late["column"]), str(late["first"]), str(late["last"])
        ),
        inputs={str(i["name"]): int(i["version"]) for i in facet.get("inputs") or ()},
        code_hash=str(facet.get("codeHash") or ""),
        contract_version=str(facet.get("contractVersion") or ""),
        contract_hash=str(facet.get("contractHash") or ""),
        same_as=_whole(facet.get("sameAs")),
    )  # fmt: skip


def release(told: Release, producer: str) -> dict[str, Any]:
    """A release, as a facet of the run that published it."""
    held = [
        {
            "group": one.group,
            "datasets": list(one.datasets),
            "behind": [{"name": d, "version": v} for d, v in sorted(one.behind.items())],
            "why": list(one.why),
        }
        for one in told.held
    ]
    values = {
        "number": told.number,
        "parent": told.parent,
        "kind": told.kind,
        "note": told.note or None,
        "held": held or None,
    }
    return _facet("HeadgateReleaseRunFacet", values, producer)


def release_of(facet: dict[str, Any]) -> Release:
    """The way back from :func:`release`.

    Raises:
        KeyError, TypeError, ValueError: it is none of ours.
    """
    held = tuple(
        HeldGroup(
            str(one["group"]),
            tuple(str(d) for d in one.get("datasets") or ()),
            {str(d["name"]): int(d["version"]) for d in one.get("behind") or ()},
            tuple(str(why) for why in one.get("why") or ()),
        )
        for one in facet.get("held") or ()
    )
    return Release(
        int(facet["number"]), _whole(facet.get("parent")), str(facet.get("kind") or "publish"),
        str(facet.get("note") or ""), held,
    )  # fmt: skip


def waiver(told: Waiver, producer: str) -> dict[str, Any]:
    """A waiver, as a facet of the dataset whose refused rows it is about."""
    values = {"rows": told.rows, "by": told.by, "why": told.why}
    return _facet("HeadgateWaiverInputDatasetFacet", values, producer)


def waiver_of(facet: dict[str, Any]) -> Waiver:
    """The way back from :func:`waiver`.

    Raises:
        KeyError, TypeError, ValueError: it is none of ours.
    """
    return Waiver(int(facet["rows"]), str(facet["by"]), str(facet["why"]))


def _facet(schema: str, values: dict[str, Any], producer: str) -> dict[str, Any]:
    known = {key: value for key, value in values.items() if value is not None}
    return {"_producer": producer, "_schemaURL": address(schema), **known}


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
