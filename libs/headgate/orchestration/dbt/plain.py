"""Whether a model's Jinja is plain: nothing but names and forms whose meaning is known here."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import cache
from typing import Any

#: What a plain template may call; each only ever directly, as in ``ref('a')``.
FUNCTIONS = frozenset(
    {"ref", "source", "config", "var", "env_var", "is_incremental", "changed", "return"}
)
#: What a plain template may read.
VALUES = frozenset({"this", "target"})
#: What Jinja itself brings.
_JINJA = frozenset({"range", "dict", "namespace", "cycler", "joiner"})
#: Names that are Headgate's in every project: a macro of that name is not looked into.
OURS = frozenset({"is_incremental", "changed"})
#: Filters whose outcome is not the same every time, or that call what cannot be seen here.
_NO_FILTERS = frozenset({"random", "map", "select", "reject", "selectattr", "rejectattr", "attr"})
_FORMS_WORDS = """Template Output TemplateData Name Const Call Keyword Pair List Dict Tuple Getattr Getitem
    Slice Filter Test If For Assign AssignBlock CondExpr Concat And Or Not Compare Operand Add Sub
    Mul Div FloorDiv Mod Pow Neg Pos NSRef ExprStmt Break Continue With FilterBlock"""
_FORMS = frozenset(_FORMS_WORDS.split())


class NotPlainError(Exception):
    """Only dbt can tell what a template means; the text says why."""


@cache
def environment() -> Any:
    """Jinja as dbt sets it up for SQL."""
    from jinja2 import nodes
    from jinja2.ext import Extension
    from jinja2.sandbox import SandboxedEnvironment

    class Blocks(Extension):
        """Blocks that dbt adds to macro files; what they hold is nothing to call."""

        tags = {"materialization", "test", "data_test", "docs", "snapshot"}  # noqa: RUF012

        def parse(self, parser: Any) -> list[nodes.Node]:
            tag = next(parser.stream).value
            while parser.stream.current.type != "block_end":
                next(parser.stream)
            parser.parse_statements((f"name:end{tag}",), drop_needle=True)
            return []

    found = SandboxedEnvironment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols", Blocks])
    del found.globals["lipsum"]  # it is another text each time
    found.filters.update(dict.fromkeys(("as_text", "as_bool", "as_native", "as_number"), _same))
    return found


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Piece:
    """A template, or one macro, as read: what it takes from outside, and how it is run.

    ``not_plain`` says which form of it has a meaning that is not known here.
    """

    outside: frozenset[str]
    code: Any
    not_plain: str

    def template(self) -> Any:
        """It, ready to be rendered."""
        from jinja2 import Template

        return Template.from_code(environment(), self.code, environment().globals)


def piece(tree: Any) -> Piece:
    """What a template's tree comes to; it is compiled in the same pass that finds its names.

    Raises:
        TemplateSyntaxError: it makes no sense.
    """
    generator = _generator()
    generator.visit(tree)
    code = compile(generator.stream.getvalue(), "<template>", "exec")
    told = ""
    try:
        _check(tree)
    except NotPlainError as why:
        told = str(why)
    return Piece(frozenset(generator.outside), code, told)


def _generator() -> Any:
    from jinja2.compiler import CodeGenerator, Frame

    class Generator(CodeGenerator):
        """Jinja's own, which notes the names that are looked up outside."""

        def __init__(self) -> None:
            super().__init__(environment(), None, None)
            self.outside: set[str] = set()

        def enter_frame(self, frame: Frame) -> None:
            super().enter_frame(frame)
            loads = frame.symbols.loads.values()
            self.outside |= {str(name) for action, name in loads if action == "resolve"}

    return Generator()


def _check(tree: Any) -> None:
    """Refuse what is not known here, whatever names it has."""
    from jinja2 import nodes

    called: set[int] = set()
    for node in _all(tree):
        kind = type(node).__name__
        if kind not in _FORMS:
            raise NotPlainError(f"{{% {kind.lower()} %}} on line {node.lineno}")
        if isinstance(node, nodes.Filter | nodes.Test):
            _check_filter(node)
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
            called.add(id(node.node))
        elif isinstance(node, nodes.Name) and node.name in FUNCTIONS and id(node) not in called:
            raise NotPlainError(f"{node.name} on line {node.lineno} is not called directly")


def _check_filter(node: Any) -> None:
    from jinja2 import nodes

    is_filter = isinstance(node, nodes.Filter)
    known = environment().filters if is_filter else environment().tests
    if node.name not in known or (is_filter and node.name in _NO_FILTERS and not _simple(node)):
        raise NotPlainError(f"the filter or test {node.name} on line {node.lineno}")


def _simple(node: Any) -> bool:
    """Whether a filter that calls others by name calls only what Jinja brings."""
    from jinja2 import nodes

    if node.name == "random":
        return False
    if node.name == "attr":
        return False
    named = node.args[:1] if node.name in ("map", "select", "reject") else node.args[1:2]
    known = {*environment().filters, *environment().tests} - _NO_FILTERS
    return all(isinstance(a, nodes.Const) and a.value in known for a in named)


def _all(tree: Any) -> Iterator[Any]:
    """Every node, each before those in it; the macro that is the template's whole body excepted."""
    from jinja2 import nodes

    waiting = [tree]
    while waiting:
        node = waiting.pop()
        whole = isinstance(node, nodes.Macro) and len(tree.body) == 1 and node is tree.body[0]
        if not whole:
            yield node
        waiting += reversed(list(node.iter_child_nodes()))


def check(read: Piece, macros: Set[str]) -> set[str]:
    """The project's macros that a plain template calls; its other names are all known.

    Raises:
        NotPlainError: what it is that only dbt knows.
    """
    if read.not_plain:
        raise NotPlainError(read.not_plain)
    used = set(read.outside & macros - OURS)
    unknown = read.outside - used - FUNCTIONS - VALUES - _JINJA
    if unknown:
        raise NotPlainError(", ".join(sorted(unknown)))
    return used
