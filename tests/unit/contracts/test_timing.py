"""When a dataset is made: what may be said, what is refused and where, what follows where nothing is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.contracts import cron, lines, stored, timing
from headgate.contracts.load import load
from headgate.contracts.model import Contract, Timing
from headgate.core.errors import ContractError

TEXT = """\
apiVersion: v3.1.0
kind: DataContract
id: x
name: {dataset}
version: 1.0.0
status: active
team: {{name: shop}}
schema:
  - name: orders
    dataGranularityDescription: One row is one order.
    properties:
      - {{name: order_id, logicalType: string, primaryKey: true, classification: internal, description: It.}}
customProperties:
{custom}
{sla}
"""


def contract(
    folder: Path, sla: str = "", dataset: str = "bronze.shop.orders", **custom: Any
) -> Contract:
    """A contract with these custom properties, as YAML."""
    said = "\n".join(f"  - {{property: headgate.{k}, value: {v}}}" for k, v in custom.items())
    told = f"slaProperties: [{{property: freshness, value: {sla}}}]" if sla else ""
    path = folder / "contract.odcs.yaml"
    path.write_text(TEXT.format(dataset=dataset, custom=said, sla=told))
    return load(path)


SOURCE = {"source": "{format: jsonl, path: landing}"}


@pytest.mark.parametrize(
    ("sla", "schedule"),
    [
        ("", "@daily"),
        ("24, unit: h", "0 */6 * * *"),
        ("1, unit: d", "0 */6 * * *"),
        ("1, unit: h", "*/15 * * * *"),
        ("1, unit: minutes", "*/15 * * * *"),
        ("2, unit: h", "*/30 * * * *"),
        ("5, unit: h", "@hourly"),
        ("20, unit: h", "0 */4 * * *"),
        ("36, unit: h", "0 */8 * * *"),
        ("3, unit: d", "0 */12 * * *"),
        ("7, unit: d", "@daily"),
        ("1, unit: y", "@daily"),
    ],
)
def test_a_schedule_follows_from_the_promised_freshness(
    tmp_path: Path, sla: str, schedule: str
) -> None:
    assert timing.schedule_of(contract(tmp_path, sla, **SOURCE)) == schedule


def test_what_is_said_goes_before_what_follows(tmp_path: Path) -> None:
    found = contract(
        tmp_path, "1, unit: h", schedule="'30 6 * * 1-5'", timezone="Europe/Berlin",
        retries="0", retryMinutes="0.5", **SOURCE,
    )  # fmt: skip
    assert found.timing == Timing("30 6 * * 1-5", "Europe/Berlin", 0, 0.5)
    assert timing.schedule_of(found) == "30 6 * * 1-5"
    kept = stored.to_json(found)
    assert kept is not None and stored.of_json(kept) == found


def test_nothing_starts_by_itself_what_is_manual_or_has_no_path(tmp_path: Path) -> None:
    assert timing.schedule_of(contract(tmp_path, schedule="manual", **SOURCE)) is None
    nowhere = contract(tmp_path, "1, unit: h", source="{format: jsonl}")
    assert timing.schedule_of(nowhere) is None
    assert timing.schedule_of(contract(tmp_path, source="{format: csv}", schedule="manual")) is None


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("schedule", "'61 * * * *'", "minute '61' is no number from 0 to 59"),
        ("schedule", "'* * * *'", "it has 4 fields"),
        ("schedule", "'0 0 * * * *'", "it has 6 fields"),
        ("schedule", "'0  0 * * *'", "single spaces"),
        ("schedule", "'0 0 31 2 *'", "none of its months has such a day"),
        ("schedule", "'0 0 31 feb,apr *'", "none of its months has such a day"),
        ("schedule", "'5-1 * * * *'", "ends before it begins"),
        ("schedule", "'*/0 * * * *'", "no step from 1 to 59"),
        ("schedule", "'*/x * * * *'", "no step"),
        ("schedule", "'0 0 * * monday'", "day of the week 'monday' is no number"),
        ("schedule", "'0 0 ? * *'", "cannot be read"),
        ("schedule", "'0 0 * 13 *'", "month '13'"),
        ("schedule", "'٣ * * * *'", "cannot be read"),
        ("schedule", "'@monthly'", "it has 1 fields"),
        ("schedule", "''", "it has 0 fields"),
        ("schedule", "5", "is no text"),
        ("schedule", "true", "is no text"),
        ("timezone", "Mars/Olympus", "is no time zone"),
        ("timezone", "'../../etc/passwd'", "is no time zone"),
        ("timezone", "/etc/localtime", "is no time zone"),
        ("timezone", "Europe", "is no time zone"),
        ("timezone", "2", "is no time zone"),
        ("retries", "-1", "is no number from 0 to 100"),
        ("retries", "1.5", "is no number from 0 to 100"),
        ("retries", "true", "is no number"),
        ("retries", "'3'", "is no number"),
        ("retryMinutes", "1441", "is no number from 0 to 1440"),
        ("retryMinutes", "[1]", "is no number from 0 to 1440"),
        ("releaseGroup", "'a/b'", "is no name of a release group"),
        ("source", "{format: jsonl, path: 'in/{day}/x'}", "braces that mean nothing"),
        ("source", "{format: jsonl, path: 'in/{date'}", "braces that mean nothing"),
    ],
)
def test_what_means_nothing_is_refused_at_its_line(
    tmp_path: Path, name: str, value: str, told: str
) -> None:
    with pytest.raises(ContractError) as refused:
        contract(tmp_path, **{**SOURCE, name: value})
    path = tmp_path / "contract.odcs.yaml"
    text = path.read_text().splitlines()
    line = next(n for n, t in enumerate(text, 1) if f"headgate.{name}" in t)
    assert re.match(
        rf"{re.escape(str(path))}:{line}#/customProperties/headgate\.{name}", refused.value.place
    )
    assert told in refused.value.message
    assert refused.value.remedy


@pytest.mark.parametrize("value", [".inf", "!!binary aGVs", "{1: a, b: c}"])
def test_what_json_has_no_form_for_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(ContractError, match="JSON has no form for"):
        contract(tmp_path, anything=value, **SOURCE)


def test_a_time_is_for_what_is_ingested_and_has_a_place(tmp_path: Path) -> None:
    for name in ("schedule", "timezone"):
        with pytest.raises(ContractError, match="for datasets that are ingested"):
            contract(tmp_path, dataset="silver.shop.orders", **{name: "manual"})
    with pytest.raises(ContractError, match="does not say where"):
        contract(tmp_path, source="{format: jsonl}", schedule="'@daily'")
    made = contract(tmp_path, dataset="silver.shop.orders", retries="9")
    assert made.timing.retries == 9


def test_a_date_in_a_path_makes_a_source_dated(tmp_path: Path) -> None:
    found = contract(tmp_path, source="{format: jsonl, path: 'in/{date}/{date}.jsonl'}").source
    assert found is not None and found.dated
    plain = contract(tmp_path, **SOURCE).source
    assert plain is not None and not plain.dated


def test_the_times_of_a_dataset_change_nothing_of_its_rows(tmp_path: Path) -> None:
    before = contract(tmp_path, **SOURCE)
    after = contract(tmp_path, schedule="'@hourly'", retries="1", timezone="Asia/Tokyo", **SOURCE)
    assert before.substance == after.substance and before.hash != after.hash


_NUMBER = st.integers(0, 65).map(str)
_NAME = st.sampled_from(["jan", "feb", "dec", "sun", "mon", "sat", "JUN", "Fri", "x"])
_VALUE = st.one_of(_NUMBER, _NUMBER, _NAME)
_SPAN = st.one_of(st.just("*"), _VALUE, st.tuples(_VALUE, _VALUE).map("-".join))
_STEPPED = st.one_of(_SPAN, st.tuples(_SPAN, _NUMBER).map("/".join))
_FIELD = st.lists(_STEPPED, min_size=1, max_size=2).map(",".join)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.lists(_FIELD, min_size=5, max_size=5).map(" ".join))
def test_what_is_let_through_the_scheduler_takes(line: str) -> None:
    """Airflow's own reading, and it comes some day."""
    try:
        cron.demand(line)
    except ValueError:
        return
    from croniter import croniter

    assert croniter(line, 1_700_000_000).get_next() > 1_700_000_000
    assert len(croniter(line).expanded) == 5


@pytest.mark.parametrize(
    ("pointer", "line"),
    [
        ("", 1),
        ("/name", 4),
        ("/schema/0", 9),
        ("/schema/0/properties/0/name", 12),
        ("/customProperties/headgate.source/path", 14),
        ("/customProperties/headgate.none", 13),
        ("/schema/7/none", 8),
    ],
)
def test_a_pointer_leads_to_a_line(pointer: str, line: int) -> None:
    text = TEXT.format(
        dataset="a", custom="  - {property: headgate.source, value: {path: x}}", sla=""
    )
    assert lines.line_of(text, pointer) == line
