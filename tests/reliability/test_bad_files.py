"""The public collections of bad JSON, CSV, Parquet and texts: nothing crashes, each ends as it must."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headgate.ingest.readers.base import REASONS
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from tests.reliability import hostile
from tests.reliability.figures import record
from tests.unit.ingest import reading

#: Reasons that a text may have which is no JSON.
NO_JSON = {"malformed_json", "invalid_utf8", "truncated", "nesting_too_deep", "no_records"}
#: Parsed by others: we refuse a field that is named twice, whatever it holds.
TWICE = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}
#: Files of the CSV collection whose JSON does not say what they hold, and that have quotes inside
#: of fields without quotes.
ODD_CSV = {"location_coordinates"}
#: Two cells of a gigabyte each, packed in three kilobytes: a bomb, though none was meant.
GIGABYTES = "large_string_map.brotli.parquet"


#: Six rows, of which the footer says that they are none: refused, where others take either.
NO_ROWS = "repeated_no_annotation.parquet"


@pytest.fixture(scope="module")
def suite(real_data: Path) -> dict[str, bytes]:
    found = {p.name: p.read_bytes() for p in (real_data / "bad_json/test_parsing").iterdir()}
    assert len(found) == 318
    return found


@pytest.fixture(scope="module")
def naughty(real_data: Path) -> list[str]:
    found: list[str] = json.loads((real_data / "bad_naughty_strings/blns.json").read_text("utf-8"))
    assert len(found) > 500
    return list(dict.fromkeys(found))


def sources(project: Project, folder: Path) -> dict[str, list[str]]:
    """Each dataset's own folder."""
    return {
        c.id: [str(folder / c.name.name)]
        for c in project.contracts.sources
        if (folder / c.name.name).is_dir()
    }


def wrapped(name: str, text: bytes) -> bytes:
    return b'{"id": ' + json.dumps(name).encode() + b', "v": ' + text + b"}"


def judged(name: str, text: bytes, published: dict[str, str], codes: dict[str, set[str]]) -> str:
    """Why a text of the JSON collection did not end as it must; empty if it did."""
    if (name in published) == (name in codes):
        return "neither published nor set aside, or both"
    if name in codes and not codes[name] <= REASONS.keys():
        return f"set aside for {codes[name]}"
    if name in TWICE:
        return "" if codes.get(name) == {"duplicate_field"} else "a field twice was taken"
    if name.startswith("y_"):
        if name in codes:
            return f"set aside for {codes[name]}"
        same = published[name] is None or json.loads(published[name]) == json.loads(text)
        return "" if same else f"published as {published[name]}"
    if name.startswith("n_") and not codes.get(name, set()) & NO_JSON:
        return f"published, or set aside for {codes.get(name)}"
    return ""


def test_json_in_lines(suite: dict[str, bytes], tmp_path: Path) -> None:
    """All that can stand in a line, each as the value of a field, in one file; then once more."""
    texts = {n: t for n, t in sorted(suite.items()) if b"\n" not in t}
    assert len(texts) > 300
    data = b"".join(wrapped(n, t) + b"\n" for n, t in texts.items())
    ends = []
    for name in ("first", "second"):
        columns = {"id": "string", "v": "json"}
        project = hostile.lay_out(tmp_path / name, {"lines": ("{format: jsonl}", columns)})
        path = tmp_path / "all.jsonl"
        path.write_bytes(data)

        report = run(project, sources={hostile.dataset("lines"): [str(path)]})

        assert not report.problems
        found = hostile.look(project)
        assert found.batches["all.jsonl"]["read"] == len(texts)
        published = {r["id"]: r["v"] for r in hostile.published(project, "lines")}
        names = list(texts)
        rows = found.set_aside["lines"]["all.jsonl"]
        codes = {names[r.position - 1]: hostile.codes([r]) for r in rows}
        wrong = {n: judged(n, t, published, codes) for n, t in texts.items()}
        assert not {n: why for n, why in wrong.items() if why}
        ends.append((published, codes))
    assert ends[0] == ends[1]
    record("bad_json", short=True, files=len(texts), wrong=0)


@pytest.mark.long
def test_json_in_documents(suite: dict[str, bytes], tmp_path: Path) -> None:
    """Each as a file of its own: as the value of a field, and as it is."""
    columns = {"id": "string", "v": "json"}
    project = hostile.lay_out(
        tmp_path / "project",
        {
            "whole": ('{format: json, records: "$"}', columns),
            "bare": ('{format: json, records: "$[*]"}', columns),
        },
    )
    for folder in ("whole", "bare"):
        (tmp_path / folder).mkdir()
    for name, text in suite.items():
        (tmp_path / "whole" / f"w_{name}").write_bytes(wrapped(name, text))
        (tmp_path / "bare" / name).write_bytes(text)

    report = run(project, sources=sources(project, tmp_path))

    assert not report.problems
    found = hostile.look(project)
    # Two files of one content are one: what was taken is not taken again.
    assert len(found.batches) == len(suite) + len(set(suite.values()))
    published = {r["id"]: r["v"] for r in hostile.published(project, "whole")}
    codes = {n.removeprefix("w_"): hostile.codes(r) for n, r in found.set_aside["whole"].items()}
    wrong = {n: judged(n, t, published, codes) for n, t in suite.items()}
    assert not {n: why for n, why in wrong.items() if why}
    # As they are they hold no records with an id: what is no JSON has a reason that says so.
    assert not hostile.published(project, "bare")
    bare = {n: hostile.codes(found.set_aside["bare"].get(n, [])) for n in found.batches}
    # One holds a form feed and nothing else between its brackets, which is an empty record to us.
    refusals = NO_JSON | {"empty_line"}
    untold = {n: c for n, c in bare.items() if n.startswith("n_") and not c & refusals}
    assert not untold
    record("bad_json", files=2 * len(suite), wrong=0)


def test_csv(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "bad_csv/csv-spectrum"
    paths = sorted((folder / "csvs").glob("*.csv"))
    assert len(paths) == 12
    tables, expected = {}, {}
    for path in paths:
        rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"), newline="")))
        if path.stem not in ODD_CSV:
            rows = json.loads((folder / "json" / f"{path.stem}.json").read_text("utf-8"))
        expected[path.stem] = [list(r.values()) for r in rows]
        columns = {f"c{at}<-{name}": "string" for at, name in enumerate(rows[0])}
        odd = ", bareQuotes: true" if path.stem in ODD_CSV else ""
        tables[path.stem] = (f"{{format: csv{odd}}}", columns)
    project = hostile.lay_out(tmp_path / "project", tables)

    report = run(project, sources={hostile.dataset(p.stem): [str(p)] for p in paths})

    assert not report.problems
    for name, rows in expected.items():
        found = hostile.published(project, name)
        width = len(rows[0])
        told = [[r[f"c{at}"] for at in range(width)] for r in found]
        told = [[v.replace("\r\n", "\n") for v in row] for row in told]
        assert told == [[v.replace("\r\n", "\n") for v in row] for row in rows], name
    record("bad_csv", short=True, files=len(paths), wrong=0)


@pytest.mark.long
def test_parquet(real_data: Path, tmp_path: Path) -> None:
    """All in one run: what its library reads has all its rows told of, the rest a reason."""
    (tmp_path / "every").mkdir()
    rows: dict[str, int | None] = {}
    for path in sorted((real_data / "bad_parquet").rglob("*.parquet*")):
        if path.name.endswith(".json"):
            continue
        name = path.relative_to(real_data / "bad_parquet").as_posix().replace("/", "-")
        name = name.removesuffix(".encrypted")
        (tmp_path / "every" / name).write_bytes(path.read_bytes())
        rows[name] = _rows_of(path)
    assert len(rows) > 80
    project = hostile.lay_out(
        tmp_path / "project", {"every": ("{format: parquet}", {"no_such_column": "string"})}
    )

    report = run(project, sources=sources(project, tmp_path))

    assert not report.problems
    found = hostile.look(project)
    wrong = {}
    for name, count in rows.items():
        batch = found.batches.get(name)
        if not count and batch is None:
            continue
        assert batch is not None, name
        codes = hostile.codes(found.set_aside["every"].get(name, []))
        if name.endswith(GIGABYTES):
            fits = batch["read"] == 1 and codes <= {"reader_memory", "reader_time", "reader_output"}
        elif count is None:
            bad = {"encrypted"} if "encrypt" in name or "uniform" in name else {"corrupt_file"}
            if "external_key" in name:
                bad = {"encrypted"}
            fits = bad <= codes <= bad | {"no_such_column.required"}
        else:
            fits = batch["read"] == count
            fits = fits and codes <= {"no_such_column.required"}
        if not fits:
            wrong[name] = (count, batch["read"], codes)
    assert not wrong
    record("bad_parquet", files=len(rows), wrong=0)


def _rows_of(path: Path) -> int | None:
    """How many rows another reader of all columns finds; None if it refuses the file."""
    try:
        with pq.ParquetFile(path) as file:
            if path.name == NO_ROWS:
                return None
            if path.name == GIGABYTES:
                return int(file.metadata.num_rows)
            return sum(b.num_rows for b in file.iter_batches())
    except (pa.ArrowException, OSError):
        return None


#: A column's type for what Arrow has.
KINDS = ((pa.types.is_boolean, "boolean"), (pa.types.is_integer, "long"),
         (pa.types.is_floating, "double"), (pa.types.is_string, "string"))  # fmt: skip


def test_parquet_values(real_data: Path) -> None:
    """What is proven and what is looked at exactly are both what another reader reads."""
    tried = 0
    for path in sorted((real_data / "bad_parquet").rglob("*.parquet")):
        if path.name == GIGABYTES or not _rows_of(path):
            continue
        table = pq.read_table(path)
        columns = {}
        for field in table.schema:
            kind = next((k for fits, k in KINDS if fits(field.type)), None)
            if kind and field.name.isascii() and table.schema.names.count(field.name) == 1:
                columns[f"c{len(columns)}<-{field.name}"] = (field.name, kind)
        if not columns:
            continue
        of = reading.contract({c: kind for c, (_, kind) in columns.items()}, "parquet")
        found = reading.read(path, of)
        for column, (field, kind) in columns.items():
            expected = table.column(field).to_pylist()
            for position, row in found.values.items():
                value: Any = row[column.partition("<-")[0]]
                assert reading.same(value, _as(kind, expected[position - 1])), (path.name, field)
        refused = found.codes
        assert all(set(c) <= {"lossy_number", "lone_surrogate"} for c in refused.values()), (
            path.name
        )
        tried += len(found.values)
    assert tried > 10_000


def _as(kind: str, value: Any) -> Any:
    return float(value) if kind == "double" and value is not None else value


def test_naughty_strings(naughty: list[str], tmp_path: Path) -> None:
    """Every text in and out unchanged, in each format, as a value and as a key."""
    tables = {}
    for format, source in hostile.SOURCES.items():
        tables[f"{format}_value"] = (source, {"id": "long", "text": "string"})
        tables[f"{format}_key"] = (source, {"text": "string", "id": "long"})
    project = hostile.lay_out(tmp_path / "project", tables)
    rows = [{"id": n, "text": text} for n, text in enumerate(naughty)]
    paths = {}
    for name in tables:
        format = name.partition("_")[0]
        paths[name] = tmp_path / f"{name}.{format}"
        if format == "parquet":
            pq.write_table(pa.Table.from_pylist(rows), paths[name])
        elif format == "csv":
            with paths[name].open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, quoting=csv.QUOTE_ALL)
                writer.writerows([["id", "text"], *[[r["id"], r["text"]] for r in rows]])
        elif format == "json":
            paths[name].write_text(json.dumps(rows, indent=1), "utf-8")
        else:
            text = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
            paths[name].write_text(text, "utf-8")

    report = run(project, sources={hostile.dataset(n): [str(p)] for n, p in paths.items()})

    assert not report.problems
    for name in tables:
        found = {r["id"]: r["text"] for r in hostile.published(project, name)}
        assert found == {r["id"]: r["text"] for r in rows}, name
    record("bad_naughty_strings", short=True, texts=len(naughty), tables=len(tables), wrong=0)


@pytest.mark.long
def test_naughty_names(naughty: list[str], tmp_path: Path) -> None:
    """Every text that a file may be called by as the name of a file, and of a field."""
    fits = [t for t in naughty if t.strip(". ") and not set(t) & set("/\0")]
    names = [f"a{t}.jsonl" for t in fits if len(t.encode()) < 200]
    assert len(names) > 300
    project = hostile.lay_out(
        tmp_path / "project", {"named": ("{format: jsonl}", {"id": "long", "text": "string"})}
    )
    (tmp_path / "named").mkdir()
    for at, name in enumerate(names):
        row = {"id": at, "text": name, name: 1}
        (tmp_path / "named" / name).write_text(json.dumps(row) + "\nno JSON\n", "utf-8")

    report = run(project, sources=sources(project, tmp_path))

    assert not report.problems
    found = hostile.published(project, "named")
    assert {r["_source"]: r["text"] for r in found} == {n: n for n in names}
    for row in found:
        assert json.loads(row["_rescued"]) == {row["_source"]: 1}
    kept = hostile.look(project).set_aside["named"]
    assert {n: [r.raw for r in rows] for n, rows in kept.items()} == {n: ["no JSON"] for n in names}
    record("bad_naughty_strings", names=len(names), wrong=0)
