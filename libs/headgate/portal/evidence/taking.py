"""Taking an evidence pack away: that it is taken stands in the log before the first byte of it is made."""

from __future__ import annotations

from headgate.portal.access.people import Person
from headgate.portal.evidence.pack import Pack
from headgate.portal.records import chain
from headgate.portal.served import Served


def take(parts: Served, release: int, *, by: Person) -> Pack:
    """The evidence of a release, as of the log before the entry that says who took it.

    Raises:
        NotFoundError: there is no such release.
        LakeError: the log cannot be written, and so nothing may be taken.
    """
    records = parts.records
    pack = Pack(
        parts.project.settings, parts.counts, parts.lineage, records, release, chain.head(records)
    )
    chain.append(
        records, by=by, action="exported", subject=f"release:{pack.gathered.release.id}",
        what="evidence pack", form="ZIP", head=str(pack.head),
    )  # fmt: skip
    return pack
