"""A contract that was read before comes back as it was, and only for what it was read from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from headgate.contracts import stored
from headgate.contracts.load import FILE_NAME, load, load_all
from headgate.core import json as hjson
from headgate.core.cache import Cache
from headgate.core.errors import ContractError

CONTRACTS = Path(__file__).resolve().parents[3] / "data_contracts"


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """An empty cache."""
    return Cache(tmp_path / "cache.sqlite")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two of the repository's contracts, to be changed."""
    for name in ("chat/bronze_guilds", "irc/bronze_messages"):
        shutil.copytree(CONTRACTS / name, tmp_path / "contracts" / name)
    return tmp_path / "contracts"


def test_every_contract_of_the_project_comes_back_as_it_was() -> None:
    for path in sorted(CONTRACTS.rglob(FILE_NAME)):
        contract = load(path)
        text = stored.to_json(contract)
        assert text is not None, path
        again = stored.of_json(text)
        assert again == contract
        assert hjson.dumps(again.document) == hjson.dumps(contract.document)
        assert again.document["schema"][0]["name"]


def test_what_was_read_before_is_not_read_again(
    cache: Cache, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_all(folder, cache)
    monkeypatch.setattr("headgate.contracts.load._loaded", None)
    assert dict(load_all(folder, cache)) == dict(first)


def test_a_changed_file_is_read_anew(cache: Cache, folder: Path) -> None:
    load_all(folder, cache)
    path = folder / "irc/bronze_messages" / FILE_NAME
    path.write_text(path.read_text().replace("version: ", "version: 9", 1))
    found = load_all(folder, cache)["bronze.irc.messages"]
    assert found.version.startswith("9")
    assert found.hash == load(path).hash


def test_code_that_changed_reads_anew(
    cache: Cache, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = next(folder.rglob(FILE_NAME))
    before = stored.key(path, "text")
    monkeypatch.setattr(stored, "_reader", lambda: "another")
    assert stored.key(path, "text") != before
    assert stored.key(path.parent / "x", "text") != stored.key(path, "text")


def test_a_wrong_contract_is_told_again_and_again(cache: Cache, folder: Path) -> None:
    path = folder / "irc/bronze_messages" / FILE_NAME
    path.write_text(path.read_text().replace("dataGranularityDescription", "grain"))
    for _ in range(2):
        with pytest.raises(ContractError) as told:
            load_all(folder, cache)
        assert str(path) in str(told.value)


def test_a_damaged_entry_counts_as_none(cache: Cache, folder: Path) -> None:
    found = load_all(folder, cache)
    paths = sorted(folder.rglob(FILE_NAME))
    keys = [stored.key(p, p.read_text("utf-8")) for p in paths]
    assert set(cache.get(stored.KIND, keys)) == set(keys)
    cache.put(stored.KIND, {keys[0]: "[1, 2]", keys[1]: "not JSON"})
    assert dict(load_all(folder, cache)) == dict(found)
