"""Models compiled to SQL: by our own rendering where they are plain, by dbt where they are not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from headgate.contracts.model import Contract
from headgate.contracts.substance import substance
from headgate.core import ids
from headgate.core import json as hjson
from headgate.core.errors import ModelError
from headgate.lake.engines.statements import parse_ahead
from headgate.orchestration.dbt import allowed, configured, refs
from headgate.orchestration.dbt.canonical import canonical
from headgate.orchestration.dbt.configured import Configured
from headgate.orchestration.dbt.plain import NotPlainError
from headgate.orchestration.dbt.refs import ModelCode
from headgate.orchestration.dbt.rendering import Rendered, Renderer
from headgate.orchestration.project import Project

#: Changes when the same files are to be compiled otherwise than before.
_EDITION = "3"
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

    ``reads`` are the dataset ids that it reads, itself or through private models. ``not_plain``
    says what only dbt can tell, ``wrong`` what nobody can. A test that ``warns`` fails nothing.
    ``hash`` is of the SQL in both modes, but for comments and layout.
    """

    full: str
    incremental: str
    reads: tuple[str, ...]
    not_plain: str = ""
    wrong: str = ""
    warns: bool = False
    hash: str = ""


def compile_models(project: Project, names: Collection[str]) -> dict[str, Compiled]:
    """The named contracted models, compiled, by name.

    Raises:
        ModelError: a model does not exist, reads what it cannot, or is no valid template.
    """
    found = Sources(project)
    texts = found.texts(names)
    for wrong in (texts[n].wrong for n in names if texts[n].wrong):
        raise ModelError(wrong)
    hashes = found.hashes(names)
    others = [n for n in names if texts[n].not_plain]
    compiled = _by_dbt(found, others)
    return {
        n: Compiled(n, *compiled[n], hashes[n], "dbt")
        if n in compiled
        else Compiled(n, texts[n].full, texts[n].incremental, hashes[n], "headgate")
        for n in names
    }


class Sources:
    """The project's models as their files are now, and what our rendering makes of them.

    ``known`` are all models by name; ``inputs`` the datasets that each contracted one is made from,
    by dataset.

    Raises:
        ModelError: as :func:`refs.inputs`.
    """

    def __init__(self, project: Project, known: Mapping[str, ModelCode] | None = None) -> None:
        self.project, self.known = project, refs.models(project) if known is None else known
        self.inputs = refs.inputs(project, self.known)
        self.said: Configured = configured.read(project)
        self._renderer = Renderer(project, self.known, self.said)
        self._texts: dict[Path, Text] = {}
        self._both: dict[Path, tuple[Rendered, Rendered]] = {}
        self._hashes: dict[str, str] = {}

    def texts(self, names: Iterable[str]) -> dict[str, Text]:
        """The SQL of models by name; worked out once for each state of the files."""
        return self.texts_of([self.known[n] for n in names])

    def texts_of(self, codes: Iterable[ModelCode], *, tests: bool = False) -> dict[str, Text]:
        """The SQL of models, or of singular tests, by name."""
        wanted = list(codes)
        keys = {c.path: self._key(c) for c in wanted if c.path not in self._texts}
        kept = self.project.cache.get(_KIND, keys.values())
        self._parse_ahead([c for c in wanted if keys.get(c.path, "") not in kept], tests)
        fresh: dict[str, str] = {}
        for code in wanted:
            key = keys.get(code.path)
            if key is None:
                continue
            if key in kept:
                entry = hjson.loads(kept[key])
                text = Text(**{**entry, "reads": tuple(entry["reads"])})
            else:
                text, lasting = self.render(code, tests=tests)
                if lasting:
                    fresh[key] = hjson.dumps(vars(text))
            self._texts[code.path] = text
        self.project.cache.put(_KIND, fresh)
        return {c.name: self._texts[c.path] for c in wanted}

    def hashes(self, names: Iterable[str]) -> dict[str, str]:
        """By model: the hash of all that its rows follow from, apart from its inputs."""
        wanted = list(names)
        missing = [n for n in wanted if n not in self._hashes]
        for name, text in self.texts(missing).items():
            self._hashes[name] = self._hash(self._contract(name), name, text)
        return {n: self._hashes[n] for n in wanted}

    def parts(self, code: ModelCode) -> list[ModelCode]:
        """The model or test, and the private models inside it.

        Raises:
            ModelError: as :func:`refs.with_private`.
        """
        return refs.with_private(self.project, code.name, {**self.known, code.name: code})

    def seen_through(self, model: str) -> frozenset[str]:
        """The relations that SQL may read which dbt compiled from a ref() to ``model``.

        Those of a private one are written out where it is read, unless it is a view of its own.
        """
        contract = self.project.contracts.by_model(model)
        if contract is not None:
            return allowed.relations([contract.id])
        found = frozenset({f"main.{model}"})
        for part in self.parts(self.known[model]) if model in self.known else ():
            contracts = [self.project.contracts.by_model(name) for name in part.refs]
            found |= allowed.relations([*part.sources, *(c.id for c in contracts if c)])
        return found

    def given(self, model: str) -> frozenset[str]:
        """The relations that a contracted model may read when dbt has compiled it."""
        code, contract = self.known[model], self._contract(model)
        labels = [c.label for c in code.changed]
        own = allowed.relations(
            [contract.id, *self.inputs[contract.id]], model=model, labels=labels
        )
        # To dbt a private model may be a view of its own.
        return own | {f"main.{part.name}" for part in self.parts(code)}

    def render(self, code: ModelCode, *, tests: bool = False) -> tuple[Text, bool]:
        """A file's SQL in both modes, and whether it follows from files alone."""
        try:
            full, other = self._rendered(code, tests)
            self._check(code, full.reads | other.reads, full.changed | other.changed)
            self._judge(code, full, other, test=tests)
        except NotPlainError as why:
            return Text("", "", (), str(why) or "something that only dbt knows"), True
        except ModelError as error:
            return Text("", "", (), wrong=str(error)), False
        beyond = (full.private | other.private) - {c.name for c in self.parts(code)}
        lasting = full.lasting and other.lasting and not beyond
        reads = tuple(sorted(full.reads | other.reads))
        hashed = ids.digest(*(canonical(sql) for sql in dict.fromkeys((full.sql, other.sql))))
        return Text(full.sql, other.sql, reads, warns=full.warns, hash=hashed), lasting

    def _rendered(self, code: ModelCode, tests: bool) -> tuple[Rendered, Rendered]:
        """A file in both modes; rendered once."""
        found = self._both.get(code.path)
        if found is None:
            render = self._renderer.render
            full = render(code, incremental=False, test=tests)
            other = render(code, incremental=True) if full.mode_matters else full
            found = self._both[code.path] = (full, other)
        return found

    def _parse_ahead(self, codes: Iterable[ModelCode], tests: bool) -> None:
        """Have the SQL of several files parsed at once, of those that have any."""
        found = []
        for code in codes:
            if code.path not in self._texts:
                with suppress(NotPlainError, ModelError):
                    found += [rendered.sql for rendered in self._rendered(code, tests)]
        if found:
            parse_ahead(set(found))

    def _check(self, code: ModelCode, reads: Set[str], labels: Set[str]) -> None:
        """What a model reads and asks for must be seen in its SQL, or said in its contract."""
        contract = self.project.contracts.by_model(code.name)
        unknown = reads - self.project.contracts.keys()
        if unknown:
            raise ModelError(
                f"source {min(unknown)}: no contract describes it.", place=str(code.path)
            )
        hidden = reads - set(self.inputs[contract.id]) if contract else set()
        if hidden:
            raise ModelError(
                f"it reads {min(hidden)}, which its SQL does not show.",
                remedy="Write the name in ref() or source() as a text, or add the dataset to "
                "headgate.inputs of its contract.",
                place=str(code.path),
            )
        unseen = labels - {c.label for c in code.changed}
        if unseen:
            raise ModelError(
                f"changed({min(unseen)!r}) is not written out.",
                remedy="Write its dataset and column as texts, so that they are seen without dbt.",
                place=str(code.path),
            )

    def _judge(self, code: ModelCode, full: Rendered, other: Rendered, *, test: bool) -> None:
        """The SQL itself is one SELECT, and reads nothing that the template did not name."""
        contract = None if test else self.project.contracts.by_model(code.name)
        own = [contract.id] if contract else []  # what `this` stands for
        files = [(p.path, p.sql) for p in self.parts(code)]
        for rendered in (full,) if other is full else (full, other):
            given = allowed.relations(
                [*rendered.reads, *own], model=code.name, labels=rendered.changed
            )
            allowed.check(rendered.sql, given, files)

    def _key(self, code: ModelCode) -> str:
        """Of all that the rendering of a model follows from."""
        parts = [_EDITION, self.said.hash]
        for part in self.parts(code):
            parts += [part.name, part.sql]
            for name in part.refs:
                contract = self.project.contracts.by_model(name)
                parts += [name, contract.id if contract else ""]
        return ids.digest(*parts)

    def _hash(self, contract: Contract, name: str, text: Text) -> str:
        if not text.not_plain and not text.wrong:
            return ids.digest("plain", substance(contract), text.hash)
        files = [p for c in self.parts(self.known[name]) for p in (c.name, canonical(c.sql))]
        return ids.digest("files", substance(contract), self.said.hash, *files)

    def _contract(self, model: str) -> Contract:
        contract = self.project.contracts.by_model(model)
        if contract is None:
            raise ModelError(f"{model} has no contract.", remedy="`headgate new model` drafts one.")
        return contract


def _by_dbt(sources: Sources, names: list[str]) -> dict[str, tuple[str, str]]:
    """Full and incremental SQL of models that are not plain.

    Raises:
        ModelError: dbt cannot compile one, or what it gives is more than a SELECT over its inputs.
    """
    if not names:
        return {}
    from headgate.orchestration.dbt import runner

    full = runner.compiled(sources.project, names, incremental=False)
    other = runner.compiled(sources.project, names, incremental=True)
    for name in names:
        files = [(p.path, p.sql) for p in sources.parts(sources.known[name])]
        for sql in dict.fromkeys((full[name], other[name])):
            allowed.check(sql, sources.given(name), files)
    return {n: (full[n], other[n]) for n in names}
