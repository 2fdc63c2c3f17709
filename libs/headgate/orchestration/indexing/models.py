"""What models read, from the files of the dbt project, through private models to datasets."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from headgate.contracts.names import LAYERS, DatasetName
from headgate.core.errors import UsageError
from headgate.orchestration.dbt import mentions

#: What a file of SQL mentions, as plain JSON: refs and sources, each with its line.
Mention = dict[str, Any]


class WrongModel(Exception):
    """A model that is missing, or reads what does not exist."""

    def __init__(self, message: str, remedy: str, place: str = "") -> None:
        super().__init__(message)
        self.message, self.remedy, self.place = message, remedy, place


@dataclass(frozen=True)
class Reads:
    """The datasets that a model reads, and the files that say so, relative to the root."""

    datasets: frozenset[str]
    files: tuple[str, ...]


def mention(text: str) -> Mention:
    """What a file of SQL mentions."""
    code = mentions.uncommented(text)
    return {
        "refs": [[r, mentions.line_of(text, r)] for r in mentions.refs(code)],
        "sources": [[s, n, mentions.line_of(text, s, n)] for s, n in mentions.sources(code)],
    }


class Models:
    """The models of a project: ``files`` by path relative to the root, ``owned`` dataset by model."""

    def __init__(self, files: Mapping[str, Mention], owned: Mapping[str, str]) -> None:
        self._owned = owned
        self._paths: dict[str, list[str]] = {}
        self._files = files
        for path in sorted(files):
            name = path.rpartition("/")[2].removesuffix(".sql")
            self._paths.setdefault(name, []).append(path)

    def reads(self, model: str, known: Collection[str]) -> Reads:
        """What a model reads, itself and through private models.

        Raises:
            WrongModel: it, or something that it reads, is not there.
        """
        found: set[str] = set()
        passed: dict[str, str] = {}
        waiting = [(model, "")]
        while waiting:
            name, reader = waiting.pop(0)
            if name in passed:
                continue
            path = passed[name] = self._path(name, reader, model)
            for schema, table, line in self._files[path]["sources"]:
                found.add(_dataset(schema, table, known, f"{path}:{line}"))
            for ref, line in self._files[path]["refs"]:
                if ref in self._owned:
                    found.add(self._owned[ref])
                else:
                    waiting.append((ref, f"{path}:{line}"))
        return Reads(frozenset(found), tuple(sorted(passed.values())))

    def where(self, model: str, dataset: str) -> str | None:
        """Where a model's own SQL names a dataset, if it does."""
        for path in self._paths.get(model, ()):
            for ref, line in self._files[path]["refs"]:
                if self._owned.get(ref) == dataset:
                    return f"{path}:{line}"
            for schema, table, line in self._files[path]["sources"]:
                if f"{schema.replace('_', '.', 1)}.{table}" == dataset:
                    return f"{path}:{line}"
        return None

    def _path(self, name: str, reader: str, model: str) -> str:
        paths = self._paths.get(name, [])
        if len(paths) == 1:
            return paths[0]
        if paths:
            raise WrongModel(
                f"two models are called {name}: the other is {paths[0]}.",
                "Rename one of the files.",
                f"{paths[1]}:1",
            )
        if name == model:
            raise WrongModel(
                f"there is no {name}.sql in the dbt project.",
                "Write it, or name another model in headgate.model.",
            )
        raise WrongModel(
            f"ref('{name}'): there is no such model.", "Write it, or read another.", reader
        )


def _dataset(schema: str, table: str, known: Collection[str], place: str) -> str:
    try:
        if schema.partition("_")[0] not in LAYERS:
            raise UsageError(schema)
        dataset = DatasetName.from_schema(schema, table).id
    except UsageError:
        raise WrongModel(
            f"source('{schema}', '{table}') names no dataset.",
            "Write source('<layer>_<domain>', '<name>').",
            place,
        ) from None
    if dataset not in known:
        raise WrongModel(
            f"source {dataset}: no contract describes it.",
            "Write source('<layer>_<domain>', '<name>') of a dataset with a contract.",
            place,
        )
    return dataset
