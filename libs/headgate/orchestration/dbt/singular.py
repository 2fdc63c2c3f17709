"""The dbt project's singular tests: queries that are to find no rows."""

from __future__ import annotations

from dataclasses import dataclass

from headgate.core.errors import ModelError
from headgate.orchestration.dbt import refs
from headgate.orchestration.dbt.compile import Sources, Text


@dataclass(frozen=True)
class Test:
    """One test. ``reads`` are the ids of the datasets that it reads, itself or through private
    models; ``code`` is its file."""

    name: str
    reads: frozenset[str]
    text: Text
    code: refs.ModelCode


def tests(sources: Sources) -> list[Test]:
    """Every singular test of the project, by name. One that is wrong reads what can be told."""
    folder = sources.project.settings.dbt_path / "tests"
    codes, found = [], []
    for path in sorted(p for p in folder.rglob("*.sql") if "generic" not in p.parts):
        code = refs.read(path, path.read_text("utf-8"))
        try:
            refs.reads(sources.project, sources.parts(code))
        except ModelError as error:
            seen = (sources.project.contracts.by_model(r) for r in code.refs)
            known = frozenset(c.id for c in seen if c is not None)
            found.append(Test(code.name, known, Text("", "", (), wrong=str(error)), code))
        else:
            codes.append(code)
    texts = sources.texts_of(codes, tests=True)
    for code in codes:
        text = texts[code.name]
        seen_reads = refs.reads(sources.project, sources.parts(code)) | set(text.reads)
        found.append(Test(code.name, frozenset(seen_reads), text, code))
    return sorted(found, key=lambda t: t.name)
