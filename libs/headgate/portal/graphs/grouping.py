"""Which datasets of a graph are drawn by themselves, and which in groups, so that never too many are drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from headgate.portal.graphs.about import LAYERS, About
from headgate.portal.graphs.asked import ALL
from headgate.portal.graphs.reached import DOWN, START, UP

#: A group of more is opened into parts of itself.
_ONE_SCREEN = 60
_SIDES = {UP: "up", START: "all", DOWN: "down"}
#: What ends one part of a key; a part that has it is written with another sign.
_SEPARATOR = "/"
#: What a part of a key begins with that means a stretch of names, or a member by itself.
_STRETCH, _ONE = "~", "="
_PLAIN = str.maketrans({_SEPARATOR: "∕", _STRETCH: "∼", _ONE: "＝"})


class Member(NamedTuple):
    """A dataset that is reached; ``weight`` is how many nodes it is drawn with."""

    about: About
    side: int
    depth: int
    weight: int = 1


@dataclass(frozen=True)
class Unit:
    """What is drawn as one card: a dataset, or a group of several. ``members`` are numbers, ``words``
    what they have in common, ``key`` opens it; empty of a dataset."""

    members: tuple[int, ...]
    key: str = ""
    words: tuple[str, ...] = ()

    @property
    def is_group(self) -> bool:
        """Whether it stands for several."""
        return bool(self.key)


@dataclass(frozen=True)
class Grouped:
    """All members, each in one unit. ``opened`` are the groups that were opened, by key, with what they
    are called; ``shut`` those for which there was no room."""

    units: tuple[Unit, ...]
    opened: Mapping[str, str]
    shut: tuple[str, ...]


#: A group's key by parts, and the numbers of its members.
_Path = tuple[str, ...]
_Parts = dict[_Path, list[int]]


def grouped(
    members: Sequence[Member],
    *,
    by: str = "domain",
    opened: Sequence[str] = (),
    alone: int = 120,
    most: int = 200,
) -> Grouped:
    """Draw the nearest by themselves, level by level while they are no more than ``alone``, all others
    in groups, but those that are to be open; ``most`` nodes in all. Groups are told apart more finely while
    they are no more than ``alone``, or half of that beside what is drawn by itself.

    Args:
        members: in the order in which they are to be drawn.
        by: ``domain``, ``owner`` or ``distance``.
        opened: keys of groups, or ``*`` for all; the last one matters most.
        alone: so many nodes may be drawn without being asked for.
        most: and so many in all.
    """
    near, far = _near(members, min(alone, most))
    tree = _Tree(members, by)
    frontier: _Parts = tree.parts((), far) if far else {}
    few = alone // 2 if near else alone
    while far:  # Finer, while there are few.
        finer = tree.finer(frontier)
        if len(finer) == len(frontier) or len(finer) > few:
            break
        frontier = finer
    left = most - sum(members[n].weight for n in near) - sum(map(tree.weight, frontier.items()))
    told: dict[str, str] = {}
    shut: list[str] = []
    wanted = list(reversed(opened))
    if ALL in wanted:
        wanted = [k for k in wanted if k != ALL] + [_SEPARATOR.join(p) for p in frontier]
    for key in wanted:
        if _SEPARATOR not in key:
            continue
        room = tree.open(frontier, tuple(key.split(_SEPARATOR)), left)
        if room is None:
            shut.append(key)
        elif room != left or _is_open(frontier, key):
            left = room
            told[key] = " · ".join(_words(tuple(key.split(_SEPARATOR))))
    units = [Unit((n,)) for n in near]
    for path, numbers in frontier.items():
        if len(numbers) == 1:
            units.append(Unit((numbers[0],)))
        else:
            units.append(Unit(tuple(numbers), _SEPARATOR.join(path), _words(path)))
    units.sort(key=lambda u: u.members)
    return Grouped(tuple(units), dict(reversed(told.items())), tuple(shut))


def _near(members: Sequence[Member], most: int) -> tuple[list[int], list[int]]:
    """Those to be drawn by themselves, whole levels of them, and the others. Where it began is always
    drawn; of the whole platform, where nothing began, nobody is nearer than another."""
    levels: dict[int, list[int]] = {}
    for number, member in enumerate(members):
        levels.setdefault(member.depth, []).append(number)
    near: list[int] = []
    weight, enough = 0, False
    far: list[int] = []
    for depth in sorted(levels):
        level = levels[depth]
        weight += sum(members[n].weight for n in level)
        begin = depth == 0 and len(level) == 1
        enough = enough or (not begin and (weight > most or not near))
        (far if enough else near).extend(level)
    return near, sorted(far)


class _Tree:
    """Groups within groups: by domain these are layers and domains, then stretches of names."""

    def __init__(self, members: Sequence[Member], by: str) -> None:
        self._members = members
        first: dict[str, tuple[Callable[[Member], str], ...]] = {
            "domain": (_layer, _domain),
            "owner": (_owner, _layer),
            "distance": (_distance, _layer),
        }
        self._levels = (_side, *first[by])

    def parts(self, path: _Path, numbers: Sequence[int]) -> _Parts:
        """The parts of a group, never more than fit on a screen: of many these are stretches of them.
        Parts of one member each are those members."""
        depth = sum(1 for word in path if not word.startswith(_STRETCH))
        if depth == len(self._levels):
            return self._named(path, numbers)
        found: _Parts = {}
        for number in numbers:
            word = _segment(self._levels[depth](self._members[number]))
            found.setdefault((*path, word), []).append(number)
        if depth == 0:  # Which side it is on is no group.
            return {k: v for p, some in found.items() for k, v in self.parts(p, some).items()}
        listed = sorted(found.items(), key=lambda part: _rank(part[0]))
        if len(listed) <= _ONE_SCREEN:
            return dict(listed)
        stretches: _Parts = {}
        for some in _stretches(listed):
            word = f"{_STRETCH}{some[0][0][-1]}–{some[-1][0][-1]}"
            stretches[(*path, word)] = sorted(n for _, numbers in some for n in numbers)
        return stretches

    def _named(self, path: _Path, numbers: Sequence[int]) -> _Parts:
        if len(numbers) <= _ONE_SCREEN:
            return {(*path, f"{_ONE}{number}"): [number] for number in numbers}
        named = sorted(numbers, key=lambda n: self._members[n].about.name)
        found: _Parts = {}
        begin = 1
        for some in _stretches(named):
            found[*path, f"{_STRETCH}{begin}–{begin + len(some) - 1}"] = list(some)
            begin += len(some)
        return found

    def is_one(self, path: _Path) -> bool:
        """Whether it is a member by itself."""
        return path[-1].startswith(_ONE)

    def weight(self, part: tuple[_Path, list[int]]) -> int:
        """How many nodes it is drawn with."""
        return self._members[part[1][0]].weight if len(part[1]) == 1 else 1

    def finer(self, frontier: _Parts) -> _Parts:
        """Every group in its parts, as far as these are groups."""
        found: _Parts = {}
        for path, numbers in frontier.items():
            is_last = sum(1 for w in path if not w.startswith(_STRETCH)) == len(self._levels)
            found |= {path: numbers} if is_last else self.parts(path, numbers)
        return found

    def open(self, frontier: _Parts, path: _Path, room: int) -> int | None:
        """Put a group's parts into its place, and first what it is in; how much room is left then, None
        if there is too little. What is no group, or open already, changes nothing."""
        changed: _Parts = {}
        gone: list[_Path] = []
        for end in range(2, len(path) + 1):
            part = path[:end]
            numbers = changed.pop(part, None) or frontier.get(part)
            if numbers is None or self.is_one(part):
                continue
            if part in frontier:
                gone.append(part)
            changed |= self.parts(part, numbers)
        cost = sum(map(self.weight, changed.items())) - len(gone)
        if cost > room:
            return None
        for part in gone:
            del frontier[part]
        frontier |= changed
        return room - cost


def _is_open(frontier: _Parts, key: str) -> bool:
    path = tuple(key.split(_SEPARATOR))
    return any(p[: len(path)] == path and len(p) > len(path) for p in frontier)


def _side(member: Member) -> str:
    return _SIDES[member.side]


def _layer(member: Member) -> str:
    return member.about.layer


def _domain(member: Member) -> str:
    return member.about.domain


def _owner(member: Member) -> str:
    return member.about.owner


def _distance(member: Member) -> str:
    return f"{member.depth} step{'' if member.depth == 1 else 's'} away"


def _rank(path: _Path) -> tuple[int, str]:
    word = path[-1]
    steps, _, rest = word.partition(" ")
    if rest in ("step away", "steps away") and steps.isdigit():
        return int(steps), word
    return LAYERS.index(word) if word in LAYERS else len(LAYERS), word


def _words(path: _Path) -> tuple[str, ...]:
    """What a group's members have in common, in words."""
    return tuple(word.removeprefix(_STRETCH) for word in path[1:])


def _segment(word: str) -> str:
    """A part of a key for what a reader calls a group."""
    return word.translate(_PLAIN) or "none"


_Any = TypeVar("_Any")


def _stretches(listed: Sequence[_Any]) -> list[Sequence[_Any]]:
    """All of them, in no more parts than fit on a screen."""
    size = max(_ONE_SCREEN, -(-len(listed) // _ONE_SCREEN))
    return [listed[begin : begin + size] for begin in range(0, len(listed), size)]
