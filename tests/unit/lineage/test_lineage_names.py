"""Names in lineage lead to one thing each, and back."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from headgate.contracts.model import Contract, SourceSpec
from headgate.core.errors import UsageError
from headgate.lineage import names


def test_namespace_names_the_lake_and_leads_back() -> None:
    assert names.namespace("prod") == "headgate://prod"
    assert names.lake_of("headgate://prod") == "prod"
    assert names.lake_of("duckdb://:memory:") is None


def test_declared_source_is_the_contracts_path_whatever_files_are_read(messages: Contract) -> None:
    assert names.source(messages) == "landing/chat/*.jsonl"


def test_source_without_a_path_is_still_one_named_node(messages: Contract) -> None:
    homeless = replace(messages, source=SourceSpec("jsonl"))
    assert names.source(homeless) == "source:bronze.chat.messages"


def test_model_has_no_source(daily: Contract) -> None:
    with pytest.raises(UsageError, match=r"gold\.chat\.fct_daily has no source"):
        names.source(daily)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/data/lake/gold/x", ("file", "/data/lake/gold/x")),
        ("file:///data/x", ("file", "/data/x")),
        ("s3://bucket/gold/x", ("s3://bucket", "gold/x")),
        ("s3://bucket", ("s3://bucket", "/")),
    ],
)
def test_physical_paths_are_named_as_openlineage_names_storage(
    path: str, expected: tuple[str, str]
) -> None:
    assert names.physical(path) == expected


@pytest.mark.parametrize("kind", names.DATASET_KINDS)
def test_job_of_a_dataset_leads_back_to_it(kind: str) -> None:
    job = names.job(kind, "bronze.chat.messages")
    assert job == f"bronze.chat.messages.{kind}"
    assert names.parse_job(job) == (kind, "bronze.chat.messages")


@pytest.mark.parametrize("kind", names.RUN_KINDS)
def test_job_of_a_run_has_no_dataset(kind: str) -> None:
    assert names.parse_job(names.job(kind)) == (kind, None)
    with pytest.raises(UsageError):
        names.job(kind, "bronze.chat.messages")


@pytest.mark.parametrize("name", ["", "gate", "bronze.chat.messages", "chat.gate", "a.b.c.gate"])
def test_what_is_no_job_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        names.parse_job(name)


def test_run_ids_are_repeatable_and_tell_batches_apart() -> None:
    first = names.run_id("r", "bronze.chat.messages.gate", "b1")
    assert uuid.UUID(first)
    assert first == names.run_id("r", "bronze.chat.messages.gate", "b1")
    others = {
        names.run_id("r", "bronze.chat.messages.gate", "b2"),
        names.run_id("r", "bronze.chat.messages.ingest", "b1"),
        names.run_id("s", "bronze.chat.messages.gate", "b1"),
    }
    assert len(others | {first}) == 4


def test_nodes_are_the_contracts_and_their_sources(messages: Contract, daily: Contract) -> None:
    assert names.nodes([messages, daily], "local") == {
        ("headgate://local", "bronze.chat.messages"),
        ("file", "landing/chat/*.jsonl"),
        ("headgate://local", "gold.chat.fct_daily"),
    }
