"""Which columns an expression can name, and the type of each that is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from headgate.lake.engines.spark.carrying.values import Value, quoted


@dataclass(frozen=True)
class Relation:
    """A relation in a FROM: its columns and their types, in order; ``columns`` None: unknown."""

    name: str
    columns: Mapping[str, str | None] | None = None


@dataclass
class Scope:
    """The relations of a query, those around it, and the parameters of lambdas."""

    relations: list[Relation] = field(default_factory=list)
    outer: Scope | None = None
    lambdas: list[Mapping[str, str | None]] = field(default_factory=list)
    aliases: dict[str, Value] = field(default_factory=dict)

    @contextmanager
    def names(self, parameters: Mapping[str, str | None]) -> Iterator[None]:
        """Have further names, of a lambda, while inside."""
        self.lambdas.append({n.lower(): k for n, k in parameters.items()})
        try:
            yield
        finally:
            self.lambdas.pop()

    def column(self, path: Sequence[str]) -> Value:
        """A column as Spark finds it: DuckDB does not tell upper case from lower."""
        first = path[0].lower()
        for parameters in reversed(self.lambdas):
            if first in parameters:
                return Value(
                    ".".join(quoted(p) for p in path), parameters[first] if len(path) == 1 else None
                )
        scope: Scope | None = self
        while scope is not None:
            found = scope._own(path)
            if found is not None:
                return found
            scope = scope.outer
        if len(path) == 1 and first in self.aliases:
            return self.aliases[first]
        return Value(".".join(quoted(p) for p in path), None, name=path[-1])

    def _own(self, path: Sequence[str]) -> Value | None:
        for relation in self.relations:
            columns = relation.columns or {}
            named = {c.lower(): c for c in columns}
            if len(path) > 1 and path[0].lower() == relation.name.lower():
                real = named.get(path[1].lower())
                if real is not None:
                    told = ".".join(
                        [quoted(relation.name), quoted(real), *(quoted(p) for p in path[2:])]
                    )
                    return Value(told, columns[real] if len(path) == 2 else None, name=real)
                if relation.columns is None:
                    told = ".".join([quoted(relation.name), *(quoted(p) for p in path[1:])])
                    return Value(told, None, name=path[-1])
            elif path[0].lower() in named:
                real = named[path[0].lower()]
                told = ".".join([quoted(real), *(quoted(p) for p in path[1:])])
                return Value(told, columns[real] if len(path) == 1 else None, name=real)
        return None

    def all(self, relation: str = "") -> dict[str, str | None] | None:
        """What a star stands for; None if it is not known of every relation."""
        found: dict[str, str | None] = {}
        for each in self.relations:
            if relation and each.name.lower() != relation.lower():
                continue
            if each.columns is None:
                return None
            found |= each.columns
        return found
