"""Which models and singular tests the engine spark will refuse, told before anything is built."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress

from headgate.contracts.model import Contract
from headgate.core.errors import HeadgateError
from headgate.orchestration.dbt import refs, singular, touched
from headgate.orchestration.dbt.compile import Sources, Text
from headgate.orchestration.dbt.refs import ModelCode
from headgate.orchestration.spark.foretelling.asked import Asked, Finding, refusals
from headgate.orchestration.spark.naming import flat, tables

_FUNCTION = re.compile(r"the function (\w+) cannot")


def findings(sources: Sources, contracts: Collection[Contract]) -> Iterator[Finding]:
    """What cannot be carried of the models of these datasets, in either mode, and of the tests that
    read one of them. Of each the first thing is told.

    Raises:
        ModelError: a model reads what it cannot.
    """
    models = {str(c.model): c for c in contracts if c.model and str(c.model) in sources.known}
    for model, text in sources.texts(models).items():
        code = sources.known[model]
        queries = [text.full]
        if text.incremental != text.full:
            queries.append(text.incremental)
        if code.touched and models[model].unit_of_change:
            with suppress(HeadgateError):  # told by its build on any engine
                queries.append(touched.scope(text.incremental, models[model], str(code.path)))
        yield from _first(sources, code, text, queries)
    ids = {c.id for c in contracts}
    for test in singular.tests(sources):
        if test.reads & ids:
            yield from _first(sources, test.code, test.text, [test.text.full])


def untold(sources: Sources, contracts: Collection[Contract]) -> Iterator[Finding]:
    """The models of which their build alone can tell it, for only dbt knows their SQL."""
    names = [str(c.model) for c in contracts if c.model and str(c.model) in sources.known]
    for model, text in sources.texts(names).items():
        if text.not_plain:
            yield (
                str(sources.known[model].path),
                "whether the engine spark takes it is known once it is built, since only dbt can"
                f" compile it: {text.not_plain}.",
            )


def _first(
    sources: Sources, code: ModelCode, text: Text, queries: Collection[str]
) -> Iterator[Finding]:
    if text.wrong or text.not_plain:
        return
    schema = _schema(sources, code)
    for query in queries:
        named = {name.lower() for name in tables(query)}
        shown = {name: of for name, of in schema.items() if name.lower() in named}
        for _, problem in refusals(Asked(flat(query, list(shown)), shown, "")):
            yield _place(sources, code, problem), problem
            return


def _schema(sources: Sources, code: ModelCode) -> Mapping[str, Mapping[str, str]]:
    """What a model may read, by schema and name, with the types that contracts give the columns."""
    contracts = sources.project.contracts
    found = {f"{c.name.schema}.{c.name.name}": c.table_columns for c in contracts.values()}
    for asked in code.changed:
        given = contracts[asked.dataset].table_columns if asked.dataset in contracts else {}
        if asked.column in given:
            found[f"{refs.SCHEMA}.{code.name}|{asked.label}"] = {asked.column: given[asked.column]}
    return found


def _place(sources: Sources, code: ModelCode, problem: str) -> str:
    """The file, with the line if it is a function that stands once in the model and what is in it."""
    named = _FUNCTION.search(problem)
    if named is None:
        return str(code.path)
    called = re.compile(rf"\b{re.escape(named[1])}\s*\(", re.IGNORECASE)
    found = [
        f"{part.path}:{number}"
        for part in sources.parts(code)
        for number, line in enumerate(part.sql.splitlines(), start=1)
        if called.search(line)
    ]
    return found[0] if len(found) == 1 else str(code.path)
