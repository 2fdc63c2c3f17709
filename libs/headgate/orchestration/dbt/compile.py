"""Models compiled to SQL: by our own rendering where they are plain, by dbt where they are not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from headgate.contracts.model import Contract
from headgate.contracts.substance import substance
from headgate.core import ids
from headgate.core import json as hjson
from headgate.core.errors import ModelError
from headgate.orchestration.dbt import configured, refs
from headgate.orchestration.dbt.canonical import canonical
from headgate.orchestration.dbt.configured import Configured
from headgate.orchestration.dbt.plain import NotPlainError
from headgate.orchestration.dbt.refs import ModelCode
from headgate.orchestration.dbt.rendering import Renderer
from headgate.orchestration.project import Project

#: Changes when the same files are to be compiled otherwise than before.
_EDITION = "1"
_KIND = "compiled"


@dataclass(frozen=True)
class Compiled:
    """A contracted model as SQL.

    ``full`` is one SELECT in which refs and sources are ``"schema"."name"`` and private models
    are common table expressions; ``incremental`` is the same for an incremental build, in which
    ``changed()`` are the views ``headgate_changed."model|label"``. ``code_hash`` is of what the
    rows follow from; ``by`` is "headgate", or "dbt" where only dbt could tell.
    """

    model: str
    full: str
    incremental: str
    code_hash: str
    by: str


@dataclass(frozen=True)
class Text:
    """What our own rendering gives of one file: SQL in both modes, or why there is none.

    ``reads`` are the dataset ids that it reads, itself or through private models.
    """

    full: str
    incremental: str
    reads: tuple[str, ...]
    not_plain: str = ""


def compile_models(project: Project, names: Collection[str]) -> dict[str, Compiled]:
    """The named contracted models, compiled, by name.

    Raises:
        ModelError: a model does not exist, reads what it cannot, or is no valid template.
    """
    known = refs.models(project)
    refs.inputs(project, known)
    found = Sources(project, known)
    texts = found.texts(names)
    hashes = found.hashes(names)
    others = [n for n in names if texts[n].not_plain]
    compiled = _by_dbt(project, others)
    return {
        n: Compiled(n, *compiled[n], hashes[n], "dbt")
        if n in compiled
        else Compiled(n, texts[n].full, texts[n].incremental, hashes[n], "headgate")
        for n in names
    }


class Sources:
    """The project's models as files, and what our rendering makes of them."""

    def __init__(self, project: Project, known: Mapping[str, ModelCode]) -> None:
        self.project, self.known = project, known
        self.said: Configured = configured.read(project)
        self._renderer = Renderer(project, known, self.said)
        self._texts: dict[str, Text] = {}

    def texts(self, names: Iterable[str]) -> dict[str, Text]:
        """The SQL of contracted models, by name; worked out once for each state of the files.

        Raises:
            ModelError: a model is no valid template, or reads what its SQL does not show.
        """
        wanted = [n for n in names if n not in self._texts]
        keys = {n: self._key(self.known[n]) for n in wanted}
        kept = self.project.cache.get(_KIND, keys.values())
        fresh: dict[str, str] = {}
        for name in wanted:
            if keys[name] in kept:
                entry = hjson.loads(kept[keys[name]])
                text = Text(entry["full"], entry["incremental"], tuple(entry["reads"]),
                            entry["not_plain"])  # fmt: skip
            else:
                text, lasting = self.render(self.known[name])
                if lasting:
                    fresh[keys[name]] = hjson.dumps(vars(text))
            self._texts[name] = text
        self.project.cache.put(_KIND, fresh)
        return {n: self._texts[n] for n in names}

    def hashes(self, names: Iterable[str]) -> dict[str, str]:
        """By model: the hash of all that its rows follow from, apart from its inputs."""
        wanted = list(names)
        texts = self.texts(wanted)
        return {n: self._hash(self._contract(n), n, texts[n]) for n in wanted}

    def render(self, code: ModelCode) -> tuple[Text, bool]:
        """A file's SQL in both modes, and whether it follows from files alone."""
        try:
            full = self._renderer.render(code, incremental=False)
            other = self._renderer.render(code, incremental=True) if full.mode_matters else full
        except NotPlainError as why:
            return Text("", "", (), str(why) or "something that only dbt knows"), True
        _check_changed(code, full.changed | other.changed)
        beyond = (full.private | other.private) - {c.name for c in self._parts(code)}
        lasting = full.lasting and other.lasting and not beyond
        reads = tuple(sorted(full.reads | other.reads))
        return Text(full.sql, other.sql, reads), lasting

    def _key(self, code: ModelCode) -> str:
        """Of all that the rendering of a model follows from."""
        parts = [_EDITION, self.said.hash]
        for part in self._parts(code):
            parts += [part.name, part.sql]
            for name in part.refs:
                contract = self.project.contracts.by_model(name)
                parts += [name, contract.id if contract else ""]
        return ids.digest(*parts)

    def _parts(self, code: ModelCode) -> list[ModelCode]:
        return refs.with_private(self.project, code.name, {**self.known, code.name: code})

    def _hash(self, contract: Contract, name: str, text: Text) -> str:
        if not text.not_plain:
            return ids.digest(
                "plain", substance(contract), canonical(text.full), canonical(text.incremental)
            )
        files = [p for c in self._parts(self.known[name]) for p in (c.name, canonical(c.sql))]
        return ids.digest("files", substance(contract), self.said.hash, *files)

    def _contract(self, model: str) -> Contract:
        contract = self.project.contracts.by_model(model)
        if contract is None:
            raise ModelError(f"{model} has no contract.", remedy="`headgate new model` drafts one.")
        return contract


def _check_changed(code: ModelCode, labels: frozenset[str]) -> None:
    unseen = labels - {c.label for c in code.changed}
    if unseen:
        raise ModelError(
            f"changed({min(unseen)!r}) is not written out.",
            remedy="Write its dataset and column as texts, so that they are seen without dbt.",
            place=str(code.path),
        )


def _by_dbt(project: Project, names: list[str]) -> dict[str, tuple[str, str]]:
    """Full and incremental SQL of models that are not plain."""
    if not names:
        return {}
    raise ModelError(f"only dbt can compile {', '.join(names)}.")
