"""What a card says of a dataset of the graph: where it belongs, whose it is, how it is, what is personal in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from headgate.lineage import names

if TYPE_CHECKING:
    from headgate.lineage.graph_names import NodeNames
    from headgate.portal.knowing.known import Known

#: What stands for the layer of what has no contract here: files that are taken in, and what other
#: producers tell of.
SOURCE, ELSEWHERE = "source", "elsewhere"
LAYERS = (SOURCE, "bronze", "silver", "gold", ELSEWHERE, "system")
NOBODY = "no owner known"


class About(NamedTuple):
    """A dataset by its ``place`` in the graph. ``health`` is empty of what has no contract;
    ``personal`` are its columns that hold personal data."""

    place: int
    name: str
    layer: str
    domain: str
    owner: str
    health: str = ""
    personal: frozenset[str] = frozenset()
    open_quarantine: int = 0

    @property
    def short(self) -> str:
        """Its name without layer and domain; of a file the end of its path."""
        if self.layer in (SOURCE, ELSEWHERE):
            return self.name.rstrip("/").rpartition("/")[2] or self.name
        return self.name.removeprefix(f"{self.layer}.{self.domain}.")

    @property
    def has_page(self) -> bool:
        """Whether it has a contract, and so a page."""
        return bool(self.health)


class Knowledge:
    """Tells of datasets of a graph, from what is known of the platform now."""

    def __init__(self, known: NodeNames, now: Known | None) -> None:
        self._names = known
        self._now = now
        self._told: dict[int, About] = {}

    @classmethod
    def at(cls, known: NodeNames, now: Known) -> Knowledge:
        """The one of before, if nothing has moved since: of ten thousand datasets most of a page is this."""
        global _newest
        found = _newest
        if found is None or found._names is not known or found._now is not now:
            found = _newest = cls(known, now)
        return found

    def of(self, place: int) -> About:
        """The dataset at that place."""
        found = self._told.get(place)
        if found is None:
            found = self._told[place] = self._of(place)
        return found

    def _of(self, place: int) -> About:
        name = self._names.shown[place]
        found = self._now.datasets.get(name) if self._now is not None else None
        if found is not None:
            return About(
                place, name, found.layer, found.domain, found.owner or NOBODY,
                str(found.health), frozenset(found.personal), found.open_quarantine,
            )  # fmt: skip
        namespace = self._names.datasets[place][1]
        if namespace == names.FILE_NAMESPACE:
            return About(place, name, SOURCE, "files", NOBODY)
        parts = name.split(".")
        if names.lake_of(namespace) is not None and len(parts) == 3 and parts[0] in LAYERS:
            return About(place, name, parts[0], parts[1], NOBODY)
        return About(place, name, ELSEWHERE, namespace, NOBODY)

    def named(self, dataset: str) -> About:
        """The dataset that the graph calls so."""
        return self.of(self._names.places[dataset])


_newest: Knowledge | None = None
