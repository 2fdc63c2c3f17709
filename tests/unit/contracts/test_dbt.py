"""Generated dbt properties say what the contract says, always in the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import yaml

from headgate.contracts import dbt
from headgate.contracts.load import load_all

CONTRACTS = Path(__file__).resolve().parents[3] / "data_contracts"


def test_a_model_gets_its_relation_its_columns_and_an_enforced_contract() -> None:
    contracts = load_all(CONTRACTS)
    contract = contracts["gold.community.fct_messages"]

    (model,) = yaml.safe_load(dbt.show(contracts, contract))["models"]

    assert model["name"] == "fct_messages"
    config = model["config"]
    assert (config["materialized"], config["schema"], config["alias"]) == (
        "delta", "gold_community", "fct_messages",
    )  # fmt: skip
    assert config["contract"] == {"enforced": True}
    assert config["meta"]["owner"] == contract.owner
    assert [c["name"] for c in model["columns"]] == [c.name for c in contract.columns]
    author = next(c for c in model["columns"] if c["name"] == "author_id")
    assert author["config"]["meta"] == {"classification": "confidential", "personal_data": True}
    types = {c["name"]: c["data_type"] for c in model["columns"]}
    assert (types["sent_at"], types["characters"]) == ("TIMESTAMPTZ", "BIGINT")
    assert "tests" not in model and "data_tests" not in model


def test_a_source_shows_the_columns_that_ingest_adds() -> None:
    contracts = load_all(CONTRACTS)

    (source,) = yaml.safe_load(dbt.show(contracts, contracts["bronze.irc.messages"]))["sources"]

    assert (source["name"], source["schema"]) == ("bronze_irc", "bronze_irc")
    (table,) = source["tables"]
    names = [c["name"] for c in table["columns"]]
    assert names == list(contracts["bronze.irc.messages"].table_columns)
    assert {c["name"]: c["data_type"] for c in table["columns"]}["reply_to"] == "BIGINT[]"
    assert table["config"]["freshness"] == {"warn_after": {"count": 24, "period": "hour"}}


def test_every_contract_has_one_file_of_its_own() -> None:
    contracts = load_all(CONTRACTS)
    files = dbt.properties(contracts)
    assert len(files) == len(contracts)
    assert "gold_community__fct_messages.yml" in files
    assert "system_ledger__batches.yml" in files


def test_a_description_is_no_template() -> None:
    contracts = load_all(CONTRACTS)
    contract = replace(contracts["gold.community.fct_messages"], description="Like {{ this }}.")

    (model,) = yaml.safe_load(dbt.show(contracts, contract))["models"]

    assert model["description"].startswith("{% raw %}Like {{ this }}.")
    assert model["description"].endswith("{% endraw %}")


def test_the_bytes_depend_on_the_contracts_alone() -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from headgate.contracts import dbt; from headgate.contracts.load import load_all\n"
        f"contracts = load_all(Path({str(CONTRACTS)!r}))\n"
        "sys.stdout.write(''.join(dbt.properties(contracts).values()))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert texts == {"".join(dbt.properties(load_all(CONTRACTS)).values())}
