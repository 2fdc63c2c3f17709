"""CSV files of other people: published examples, real corpora, naughty strings."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.unit.ingest import reading
from tests.unit.ingest.csvreading import check, contract


def test_published_good_files(real_data: Path) -> None:
    """csv-spectrum: each file says beside it what it must be."""
    paths = sorted((real_data / "bad_csv/csv-spectrum/csvs").glob("*.csv"))
    assert len(paths) == 12
    for path in paths:
        rows = json.loads((path.parents[1] / "json" / f"{path.stem}.json").read_text("utf-8"))
        rows = rows if isinstance(rows, list) else [rows]
        names = list(rows[0])
        bare = path.stem == "location_coordinates"  # inches and seconds, in no quotes
        found = check(path, contract(dict.fromkeys(names, "string"), nulls=[], bareQuotes=bare))
        assert not found.codes, path.name
        values = [{n: row[n] for n in names} for row in found.values.values()]
        if bare:  # its two halves disagree on the telephone number
            rows[0]["Contact Phone Number"] = values[0]["Contact Phone Number"]
        # The published copies of the *_crlf files have plain line feeds.
        assert values == [{k: v.replace("\r\n", "\n") for k, v in r.items()} for r in rows], path


REAL = {
    "safety_civil_toxic_spans/tsd_train.csv": {"spans": "array<long>", "text": "string"},
    "safety_civil_toxic_spans/tsd_trial.csv": {"spans": "json", "text": "string"},
    "safety_context_toxicity/gc.csv": {"id": "string", "text": "string", "parent": "string",
                                       "label": "long", "api": "double"},
    "safety_context_toxicity/gn.csv": {"id": "string", "text": "string", "label": "long",
                                       "api": "double", "parent": "string"},
    "safety_tdavidson/labeled_data.csv": {"number<-column 1": "long", "count": "long",
                                          "tweet": "string", "class": "integer"},
    "safety_wikipedia_talk/toxicity_nonfuzzed_testset.csv": {"rev_id": "long",
                                                             "comment": "string", "toxic": "boolean"},
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_what_the_csv_module_says(real_data: Path, name: str) -> None:
    with (real_data / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    of = contract(REAL[name])
    found = reading.read(real_data / name, of)
    assert found.reader.read == len(rows)
    assert not found.codes
    values = found.values
    for position, row in enumerate(rows, 1):
        for column in of.columns:
            text, value = (
                row["" if column.field == "column 1" else column.field],
                values[position][column.name],
            )
            if column.type == "string":
                assert value == (text or None) or value == text
            elif column.type == "boolean":
                assert value == (text == "True")
            elif column.type == "json":
                assert json.loads(value) == json.loads(text)
            elif column.type == "array<long>":
                assert value == json.loads(text)
            else:
                assert value is None if not text else float(value) == float(text)
    print(f"{name}: {len(found.proven)} of {len(rows)} proven")


def test_naughty_strings_come_back(real_data: Path, tmp_path: Path) -> None:
    strings = json.loads((real_data / "bad_naughty_strings/blns.json").read_text("utf-8"))
    strings = [s for s in strings if "\0" not in s]
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([["n", "s"], *enumerate(strings)])
    (tmp_path / "x.csv").write_text(text.getvalue(), "utf-8", newline="")
    found = check(tmp_path / "x.csv", contract({"n": "long", "s": "string"}))
    assert [row["s"] for row in found.values.values()] == strings
