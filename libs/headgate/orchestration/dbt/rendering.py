"""Our own rendering of plain models: what dbt's compiler gives, without importing dbt."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from headgate.contracts.names import LAYERS, DatasetName
from headgate.core.errors import ModelError
from headgate.core.secrets import is_secret_name
from headgate.orchestration.dbt import canonical, literal, plain
from headgate.orchestration.dbt.configured import INERT, Configured
from headgate.orchestration.dbt.plain import NotPlainError, Piece
from headgate.orchestration.dbt.refs import SCHEMA, Changed, ModelCode
from headgate.orchestration.project import Project

#: What dbt calls a private model inside those that use it.
_PRIVATE = "__dbt__cte__"
_MACRO = re.compile(r"\{%-?\s*macro\s+(\w+)")
_INSIDE = "dbt_macro__"


@dataclass(frozen=True)
class Rendered:
    """A model's SQL in one mode. ``reads`` are dataset ids; ``private`` the models inside it.

    ``mode_matters``: it asked whether the build is incremental. ``lasting``: it follows from files
    alone, and not from the environment. ``warns``: it is a test that is only to warn.
    """

    sql: str
    reads: frozenset[str]
    private: frozenset[str]
    changed: frozenset[str]
    mode_matters: bool
    lasting: bool
    warns: bool = False


@dataclass(frozen=True)
class Relation:
    """What ``ref``, ``source`` and ``this`` give: a table's name, and its parts."""

    schema: str
    identifier: str
    text: str

    @property
    def name(self) -> str:
        """The table's name without its schema."""
        return self.identifier

    @property
    def table(self) -> str:
        """The same, as dbt also calls it."""
        return self.identifier

    def __str__(self) -> str:
        return self.text

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotPlainError(f"a relation's {name}")


class _Target:
    """The profile's output, as far as it is written there as it is."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        self._known = known

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self._known:
            raise NotPlainError(f"target.{name}")
        return self._known[name]


class _Nameless:
    """What ``this`` stands for where there is no table: dbt has a name for it, and no use."""

    def __str__(self) -> str:
        raise NotPlainError("this, in a model without a table")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotPlainError("this, in a model without a table")


class _ReturnedError(Exception):
    """A macro's ``return``; ``value`` is what it returns."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


@dataclass
class _Rendering:
    """One rendering going on: for which model, and what it met."""

    code: ModelCode
    incremental: bool
    test: bool
    reads: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    private: dict[str, str] = field(default_factory=dict)
    mode_matters: bool = False
    lasting: bool = True
    severity: str = "error"


class Renderer:
    """Renders models and singular tests of one project."""

    def __init__(self, project: Project, known: Mapping[str, ModelCode], said: Configured) -> None:
        self.project, self.known, self.said = project, known, said
        self._pieces: dict[Path, Piece] = {}

    @cached_property
    def _macros(self) -> dict[str, Piece | None]:
        return _read_macros(self.said.macro_files)

    def render(self, code: ModelCode, *, incremental: bool, test: bool = False) -> Rendered:
        """The SQL of a model or singular test, with the private models that it reads inside it.

        Raises:
            NotPlainError: only dbt can tell; the text says why.
            ModelError: the template cannot be read.
        """
        if self.said.not_plain:
            raise NotPlainError(self.said.not_plain)
        own = _Rendering(code, incremental, test)
        sql = self._text(own, code, top=True)
        ctes = [f"{_PRIVATE}{name} as (\n{text}\n)" for name, text in own.private.items()]
        return Rendered(
            canonical.with_first(sql, ctes), frozenset(own.reads), frozenset(own.private),
            frozenset(own.changed), own.mode_matters, own.lasting,
            own.severity.lower() == "warn",
        )  # fmt: skip

    def _text(self, own: _Rendering, code: ModelCode, *, top: bool) -> str:
        """One file's SQL; a private model's goes into ``own.private`` before what reads it."""
        if code.name in self.said.models:
            raise NotPlainError(f"{code.name}: {self.said.models[code.name]}")
        try:
            if self._literal(code.sql):
                return literal.render(code.sql, self._names(own, code, set(), top=top))
            read = self._pieces.get(code.path)
            if read is None:
                read = self._pieces[code.path] = plain.piece(plain.environment().parse(code.sql))
            names = self._names(own, code, self._used(read), top=top)
            found: str = read.template().render(names)
            return found
        except (NotPlainError, ModelError):
            raise
        except _ReturnedError:
            raise NotPlainError("return outside of a macro") from None
        except Exception as error:
            raise _told(error, code) from None

    def _literal(self, sql: str) -> bool:
        """Whether a template is of the simplest kind, and its functions are those that we know."""
        return not self._overridden and literal.is_literal(sql)

    @cached_property
    def _overridden(self) -> bool:
        defined = {n for text in self.said.macro_files.values() for n in _MACRO.findall(text)}
        return bool(defined & literal.FUNCTIONS - plain.OURS)

    def _used(self, read: Piece) -> set[str]:
        """The macros that a template needs, and those that they need."""
        every = self._macros.keys()
        found = plain.check(read, every)
        waiting = list(found)
        while waiting:
            name = waiting.pop()
            macro = self._macros[name]
            if macro is None:
                raise NotPlainError(f"the macro {name}")
            more = plain.check(macro, every) - found
            found |= more
            waiting += more
        return found

    def _names(
        self, own: _Rendering, code: ModelCode, macros: set[str], *, top: bool
    ) -> dict[str, Any]:
        """What a template finds under each name that it may use."""
        contract = None if own.test else self.project.contracts.by_model(code.name)
        name = contract.name if contract else None

        def is_incremental() -> bool:
            own.mode_matters = own.mode_matters or (top and contract is not None)
            return own.incremental and top and contract is not None

        def changed(dataset: str, column: str, refers: Any = None, to: Any = None) -> str:
            label = Changed(dataset, column, (str(refers), str(to)) if refers else None).label
            own.changed.add(label)
            return f'{SCHEMA}."{own.code.name}|{label}"'

        found: dict[str, Any] = {
            "ref": lambda *args, **named: self._ref(own, *args, **named),
            "source": lambda schema, table: self._source(own, code, schema, table),
            "this": Relation(name.schema, name.name, name.relation) if name else _Nameless(),
            "config": lambda *args, **named: _config(own, name is None, *args, **named),
            "var": self._var,
            "env_var": lambda *args: _env_var(own, *args),
            "is_incremental": is_incremental,
            "changed": changed,
            "target": _Target(self.said.target),
            "return": _return,
        }
        for macro in macros:
            found[macro] = _callable(macro, self._macros[macro], found)
        return found

    def _ref(self, own: _Rendering, *args: str, **named: Any) -> Relation:
        if named or not args or len(args) > 2:
            raise NotPlainError("a ref with a version")
        model = args[-1]
        if len(args) == 2 and args[0] != self.said.name:
            raise NotPlainError(f"the package {args[0]}")
        contract = self.project.contracts.by_model(model)
        if contract is not None:
            own.reads.add(contract.id)
            return Relation(contract.name.schema, contract.name.name, contract.name.relation)
        if model not in self.known:
            raise ModelError(f"ref('{model}'): there is no such model.", place=str(own.code.path))
        if model not in own.private:
            text = self._text(own, self.known[model], top=False)
            own.private[model] = text
        return Relation("main", _PRIVATE + model, _PRIVATE + model)

    def _source(self, own: _Rendering, code: ModelCode, schema: str, table: str) -> Relation:
        if str(schema).partition("_")[0] not in LAYERS:
            raise ModelError(
                f"source('{schema}', '{table}') names no dataset.", place=str(code.path)
            )
        name = DatasetName.from_schema(schema, table)
        own.reads.add(name.id)
        return Relation(name.schema, name.name, name.relation)

    def _var(self, name: str, default: Any = plain) -> Any:
        if name not in self.said.variables:
            if default is plain:
                raise NotPlainError(f"the variable {name}, which nothing sets")
            return default
        value = self.said.variables[name]
        if isinstance(value, str) and ("{{" in value or "{%" in value):
            raise NotPlainError(f"the variable {name}, which is a template itself")
        return value


def _config(own: _Rendering, private: bool, *args: Any, **named: Any) -> str:
    given = {**(args[0] if args and isinstance(args[0], dict) else {}), **named}
    inert = set(INERT)
    if own.test and given.get("severity") in ("warn", "error", "WARN", "ERROR"):
        own.severity = str(given["severity"])
        inert |= {"severity"}
    elif private and given.get("materialized") in ("ephemeral", "view"):
        inert |= {"materialized"}
    other = given.keys() - inert
    if given.get("enabled", True) is not True:
        other |= {"enabled"}
    if other or len(args) > 1:
        raise NotPlainError(f"config({', '.join(sorted(other))})")
    return ""


def _env_var(own: _Rendering, name: str, default: str | None = None) -> str:
    own.lasting = False
    value = os.environ.get(name, default)  # noqa: TID251 (an analyst's, and no setting)
    if is_secret_name(name):
        raise ModelError(
            f"env_var('{name}') is a secret, and a model's SQL is kept where others read it.",
            remedy="Leave it out: a model is given its data, and needs no password for it.",
            place=str(own.code.path),
        )
    if value is None:
        raise NotPlainError(f"the environment variable {name}")
    return value


def _return(value: Any = None) -> Any:
    raise _ReturnedError(value)


def _told(error: Exception, code: ModelCode) -> Exception:
    """What to raise for an error in a template: what we can tell for certain, or that dbt must."""
    from jinja2 import TemplateSyntaxError

    if isinstance(error, TemplateSyntaxError) and "unknown tag" not in str(error):
        return ModelError(
            f"{code.name} is not a Jinja template: {error.message}",
            place=f"{code.path}:{error.lineno}",
        )
    return NotPlainError(f"{type(error).__name__}: {error}")


def _read_macros(files: Mapping[str, str]) -> dict[str, Piece | None]:
    """Every macro of the project by name; None for those that cannot be read here.

    What stands around a macro in its file is not seen from inside.
    """
    from jinja2 import TemplateError, nodes

    found: dict[str, Piece | None] = {}
    for text in files.values():
        found |= dict.fromkeys(_MACRO.findall(text))
        try:
            tree = plain.environment().parse(text)
        except TemplateError:
            continue
        for node in tree.find_all(nodes.Macro):
            alone = nodes.Template([node], lineno=node.lineno)
            alone.set_environment(plain.environment())
            # Under another name inside, so that calls of it go through what dbt would call.
            name, node.name = node.name, _INSIDE + node.name
            with suppress(TemplateError):
                found[name] = plain.piece(alone)
    return found


def _callable(name: str, macro: Piece | None, context: Mapping[str, Any]) -> Callable[..., Any]:
    assert macro is not None
    template = macro.template()

    def call(*args: Any, **named: Any) -> Any:
        module = template.make_module(dict(context))
        try:
            return getattr(module, _INSIDE + name)(*args, **named)
        except _ReturnedError as returned:
            return returned.value

    return call
