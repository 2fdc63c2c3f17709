"""What a name in a query means: the columns in sight, those of queries around it, aliases, variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from headgate.lineage.columns.model import UntraceableError
from headgate.lineage.columns.ways import NOTHING, Inputs, direct, indirect, union


@dataclass(frozen=True)
class Column:
    """One column of a relation. ``kind`` is its DuckDB type where that is known."""

    name: str
    inputs: Inputs
    kind: str = ""

    @property
    def key(self) -> str:
        """The name as it is looked up: in any case."""
        return self.name.lower()

    def called(self, name: str) -> Column:
        """The same under another name."""
        return Column(name, self.inputs, self.kind)


@dataclass(frozen=True)
class Table:
    """What a query or relation gives: its columns, and what its rows follow from."""

    columns: tuple[Column, ...]
    rows: Inputs = NOTHING

    def renamed(self, names: Iterable[str]) -> Table:
        """The same with its first columns called otherwise."""
        new = list(names)
        if len(new) > len(self.columns):
            raise UntraceableError(f"{len(new)} names are given to {len(self.columns)} columns.")
        first = (c.called(n) for n, c in zip(new, self.columns, strict=False))
        return Table((*first, *self.columns[len(new) :]), self.rows)

    def distinct_names(self) -> Table:
        """The same as a subquery shows it: a name that comes again gets a number."""
        if len({c.key for c in self.columns}) == len(self.columns):
            return self
        taken: dict[str, int] = {}
        columns = []
        for column in self.columns:
            again = taken[column.key] = taken.get(column.key, -1) + 1
            columns.append(column.called(f"{column.name}_{again}") if again else column)
        return Table(tuple(columns), self.rows)


@dataclass(frozen=True)
class Source:
    """A relation in a FROM: by ``alias`` (lower case), or by schema and name if it has none."""

    alias: str
    schema: str
    table: Table

    def column(self, name: str) -> Column | None:
        """Its column of that name, in any case."""
        key = name.lower()
        return next((c for c in self.table.columns if c.key == key), None)


#: Evaluates a query within a scope.
Evaluate = Callable[[Any, "Scope"], Table]
#: Gives the table of a relation by its schema and name; raises UntraceableError if there is none.
Relation = Callable[[str, str], Table]


@dataclass
class Scope:
    """Where a query's names are looked up.

    ``visible`` are the columns that a bare name or ``*`` means, in order, each with its source's
    alias; a column of USING is there once. ``ctes`` maps name to what gives its table.
    ``unnested`` collects what rows follow from, because a list was unnested in an expression.
    """

    evaluate: Evaluate
    relation: Relation
    parent: Scope | None = None
    ctes: Mapping[str, Callable[[], Table]] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    visible: list[Column] = field(default_factory=list)
    aliases: dict[str, Column] = field(default_factory=dict)
    windows: dict[str, Any] = field(default_factory=dict)
    variables: list[frozenset[str]] = field(default_factory=list)
    unnested: Inputs = NOTHING

    def inner(self) -> Scope:
        """The scope of a query inside this one."""
        return Scope(self.evaluate, self.relation, parent=self, ctes=self.ctes)

    def add(self, source: Source) -> None:
        """Another relation of the FROM, beside those before it.

        Raises:
            UntraceableError: another one has its name.
        """
        name = (source.alias, source.schema)
        # A subquery may go without a name; nothing can be asked of it by one.
        if source.alias and any((s.alias, s.schema) == name for s in self.sources):
            raise UntraceableError(f"two relations are called {source.alias}.")
        self.sources.append(source)
        self.visible.extend(source.table.columns)

    def is_variable(self, name: str) -> bool:
        """Whether a lambda around the expression names it, here or in a query around this one."""
        if any(name.lower() in names for names in self.variables):
            return True
        return self.parent is not None and self.parent.is_variable(name)

    def named(self, name: str) -> Column | None:
        """The column in sight that a bare name means; None if there is none.

        Raises:
            UntraceableError: several are called so.
        """
        key = name.lower()
        found = [c for c in self.visible if c.key == key]
        if len(found) > 1:
            raise UntraceableError(f"{name} may be a column of several relations.")
        return found[0] if found else None

    def source(self, alias: str, schema: str = "") -> Source | None:
        """The relation of that name in this FROM, or in one around it."""
        for source in self.sources:
            if source.alias == alias.lower() and (not schema or source.schema == schema.lower()):
                return source
        return self.parent.source(alias, schema) if self.parent else None

    def find(self, parts: list[str]) -> Column:
        """The column that a name of several parts means; what it takes of a struct is told.

        Raises:
            UntraceableError: it means none, or several.
        """
        if self.is_variable(parts[0]):
            return Column(parts[-1], NOTHING)
        for used, found in self._readings(parts):
            if found is not None:
                rest = parts[used:]
                if not rest:
                    return found
                return Column(parts[-1], direct(found.inputs, "TRANSFORMATION"))
        raise UntraceableError(f"{'.'.join(parts)} is no column of what is read there.")

    def _readings(self, parts: list[str]) -> Iterable[tuple[int, Column | None]]:
        """How many of the parts name a column, and which; the first one that there is counts."""
        if len(parts) > 1 and (source := self.source(parts[0])):
            yield 2, source.column(parts[1])
        if len(parts) > 2 and (source := self.source(parts[1], parts[0])):
            yield 3, source.column(parts[2])
        yield 1, self._bare(parts[0])
        if len(parts) == 1 and (source := self.source(parts[0])):
            yield 1, _whole(source)

    def _bare(self, name: str) -> Column | None:
        found = self.named(name) or self.aliases.get(name.lower())
        return found or (self.parent._bare(name) if self.parent else None)


def merge_using(scope: Scope, source: Source, names: list[str], side: str) -> Inputs:
    """Add a relation that is joined USING columns; gives what the join's rows follow from."""
    rows, before = [], list(scope.visible)
    scope.add(source)
    merged = []
    for name in names:
        key = name.lower()
        same = [c for c in before if c.key == key]
        theirs = source.column(name)
        if len(same) != 1 or theirs is None:
            raise UntraceableError(f"USING ({name}): it is not one column of each side.")
        rows += [same[0].inputs, theirs.inputs]
        both = union(i | indirect(i, "CONDITIONAL") for i in (same[0].inputs, theirs.inputs))
        inputs = {"FULL": both, "RIGHT": theirs.inputs}.get(side, same[0].inputs)
        merged.append((same[0], Column(same[0].name, inputs, same[0].kind)))
    gone = {n.lower() for n in names}
    replaced = {id(old): new for old, new in merged}
    kept = [c for c in source.table.columns if c.key not in gone]
    scope.visible = [replaced.get(id(c), c) for c in before] + kept
    return indirect(union(rows), "JOIN")


def _whole(source: Source) -> Column:
    """A relation's name as a value: a struct of its columns."""
    inputs = union(c.inputs for c in source.table.columns)
    if len(source.table.columns) == 1 and source.table.columns[0].key == source.alias:
        return source.table.columns[0]
    return Column(source.alias, direct(inputs, "TRANSFORMATION"), "STRUCT")
