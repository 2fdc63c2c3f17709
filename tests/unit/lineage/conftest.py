"""Contracts to speak of, and OpenLineage's specification to be judged by."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headgate.contracts import load
from headgate.contracts.model import Contract
from headgate.core import settings
from tests.unit.lineage.openlineage_spec import Spec

ROOT = Path(__file__).resolve().parents[3]

MESSAGES = """
apiVersion: v3.1.0
kind: DataContract
id: messages
name: bronze.chat.messages
version: 1.2.0
status: active
description: {purpose: "Messages, as landed."}
team: {name: chat-team, members: [{username: team-chat, role: owner}]}
customProperties:
  - {property: headgate.source, value: {format: jsonl, path: "landing/chat/*.jsonl"}}
schema:
  - name: messages
    dataGranularityDescription: One message.
    properties:
      - {name: id, logicalType: integer, primaryKey: true, description: Its number., classification: internal}
      - name: author
        physicalName: author_name
        logicalType: string
        description: Who wrote it.
        classification: confidential
        customProperties: [{property: headgate.personalData, value: true}]
      - {name: text, logicalType: string, description: What was written., classification: confidential, logicalTypeOptions: {maxLength: 500}}
    quality:
      - {name: enough, type: library, metric: rowCount, mustBeGreaterThan: 0}
      - {name: no_shouting, type: custom, engine: headgate, implementation: "text <> upper(text)", severity: warn, description: Nobody shouts.}
"""  # fmt: skip

DAILY = """
apiVersion: v3.1.0
kind: DataContract
id: daily
name: gold.chat.fct_daily
version: 1.0.0
status: active
description: {purpose: Messages a day.}
team: {name: analytics}
customProperties:
  - {property: headgate.inputs, value: [bronze.chat.messages]}
schema:
  - name: fct_daily
    dataGranularityDescription: One day.
    properties:
      - {name: day, logicalType: date, primaryKey: true, description: The day., classification: public, customProperties: [{property: headgate.severity, value: fail}]}
      - {name: messages, logicalType: integer, description: How many., classification: public}
"""  # fmt: skip


@pytest.fixture
def messages(tmp_path: Path) -> Contract:
    """An ingested dataset's contract."""
    return _contract(tmp_path / "messages.yaml", MESSAGES)


@pytest.fixture
def daily(tmp_path: Path) -> Contract:
    """A model's contract."""
    return _contract(tmp_path / "daily.yaml", DAILY)


@pytest.fixture(scope="session")
def spec() -> Spec:
    """OpenLineage's JSON Schemas, from the real data."""
    folder = settings.load(ROOT).real_data_path / "openlineage" / "spec"
    if not folder.is_dir():
        message = f"no OpenLineage schemas at {folder}: set HEADGATE_REAL_DATA"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return Spec(folder)


def _contract(path: Path, text: str) -> Contract:
    path.write_text(text, "utf-8")
    return load.load(path)
