"""Groups of datasets: never too many are drawn, nobody is lost, and every group can be opened by its key."""

from __future__ import annotations

import random

import pytest

from headgate.portal.graphs.about import About
from headgate.portal.graphs.asked import ALL, GROUPINGS
from headgate.portal.graphs.grouping import Grouped, Member, Unit, grouped

LAYERS = ("source", "bronze", "silver", "gold", "elsewhere")


def some(count: int, seed: int = 1, *, start: bool = True, domains: int = 12) -> list[Member]:
    """Datasets around one (or of a platform, where nobody is the start)."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        layer = chance.choice(LAYERS)
        domain = f"d{chance.randrange(domains)}/x"
        about = About(number, f"{layer}.{domain}.t{number}", layer, domain, f"o{number % 7}")
        side = chance.choice((-1, 1)) if start else 0
        depth = 1 + min(int(chance.expovariate(0.3)), 20) if start else 0
        found.append(Member(about, side, depth, chance.choice((1, 1, 1, 4))))
    if start:
        found[0] = found[0]._replace(side=0, depth=0)
    return found


def drawn(found: Grouped, members: list[Member]) -> int:
    return sum(1 if u.is_group else members[u.members[0]].weight for u in found.units)


def groups(found: Grouped) -> list[Unit]:
    return [u for u in found.units if u.is_group]


@pytest.mark.parametrize("count", [1, 2, 60, 250, 4_000])
@pytest.mark.parametrize("by", GROUPINGS)
@pytest.mark.parametrize("start", [True, False])
def test_everybody_is_in_one_unit_and_never_too_many_are_drawn(
    count: int, by: str, start: bool
) -> None:
    members = some(count, start=start)
    found = grouped(members, by=by)
    assert sorted(n for u in found.units for n in u.members) == list(range(count))
    assert drawn(found, members) <= 200
    assert len({u.key for u in groups(found)}) == len(groups(found))
    assert all(len(u.members) > 1 for u in groups(found))
    assert found == grouped(members, by=by)
    if start:  # Where it began is always drawn by itself.
        assert Unit((0,)) in found.units


@pytest.mark.parametrize("by", GROUPINGS)
@pytest.mark.parametrize("start", [True, False])
def test_every_dataset_is_reached_by_opening_groups_one_after_the_other(
    by: str, start: bool
) -> None:
    members = some(1_500, start=start, domains=2)
    chance = random.Random(3)
    for wanted in chance.sample(range(1_500), 5):
        opened: list[str] = []
        for _ in range(8):
            found = grouped(members, by=by, opened=opened)
            assert drawn(found, members) <= 200
            unit = next(u for u in found.units if wanted in u.members)
            if not unit.is_group:
                break
            assert not found.shut
            opened = [unit.key]  # It opens what it is in, too.
        else:
            pytest.fail(f"{members[wanted]} is never drawn")


def test_what_is_nearest_is_drawn_by_itself_whole_levels_of_it() -> None:
    members = some(400)
    found = grouped(members)
    alone = {members[u.members[0]].depth for u in found.units if not u.is_group}
    within = [members[n] for u in groups(found) for n in u.members]
    assert within and alone
    nearest = min(m.depth for m in within)
    near = [n for n, m in enumerate(members) if m.depth < nearest]
    assert near and all(Unit((n,)) in found.units for n in near)


def test_a_key_that_is_kept_opens_the_same_group_however_the_others_are_drawn() -> None:
    members = some(300, domains=3)
    found = grouped(members)
    key = max(groups(found), key=lambda u: len(u.members)).key
    once = grouped(members, opened=[key])
    assert key in once.opened and key not in {u.key for u in groups(once)}
    narrow = grouped(members, opened=[key], alone=1, most=200)
    assert key in narrow.opened or key in narrow.shut


def test_of_groups_for_which_there_is_no_room_the_last_one_opened_wins() -> None:
    members = some(1_000, domains=40)
    keys = [u.key for u in groups(grouped(members))]
    found = grouped(members, opened=keys)
    assert found.shut and found.opened
    assert keys[-1] in found.opened
    assert drawn(found, members) <= 200
    assert set(found.opened).isdisjoint(found.shut)


def test_all_groups_are_opened_where_there_is_room() -> None:
    members = some(40, start=False)
    assert groups(grouped(members))
    found = grouped(members, opened=[ALL])
    assert not groups(found) and len(found.units) == 40


@pytest.mark.parametrize("key", ["", "/", "down", "up/nothing", "=3", "all/gold/=1/x", "\u2215"])
def test_a_key_that_is_none_opens_nothing(key: str) -> None:
    members = some(500)
    found = grouped(members, opened=[key])
    assert found.units == grouped(members).units and not found.opened
