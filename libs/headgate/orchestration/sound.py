"""The contracts that can be worked with while others are wrong: what a scheduler's tasks see."""

from __future__ import annotations

from headgate.contracts.load import load_sound
from headgate.contracts.model import ContractSet, LeftOut
from headgate.core.cache import Cache
from headgate.core.settings import Settings
from headgate.orchestration import dag_index
from headgate.orchestration.dag_index import Index


def contracts(settings: Settings, cache: Cache) -> ContractSet:
    """Those contracts of a project that nothing is wrong with, nor with what they are made from.

    Raises:
        UsageError: there is no folder of contracts, or a setting is wrong.
    """
    return load_sound(settings.contracts_path, cache, left_out(dag_index.load(settings.root)))


def left_out(index: Index) -> LeftOut:
    """What cannot be worked with, and why: what makes no DAG, and what is made from such, near or
    far. The release groups of what is curated among it are held, as they move as a whole."""
    datasets, groups = dict[str, str](), dict[str, str]()
    for broken in index.broken:
        datasets |= dict.fromkeys(broken.datasets, str(broken))
        groups |= dict.fromkeys(broken.groups, str(broken))
    more = True
    while more:
        more = False
        for dataset, entry in index.entries.items():
            blamed = [i for i in entry.inputs if i in datasets]
            if blamed and dataset not in datasets:
                datasets[dataset] = f"it is made from {blamed[0]}; {datasets[blamed[0]]}"
                groups.setdefault(entry.group, datasets[dataset])
                more = True
    return LeftOut(datasets, groups)
