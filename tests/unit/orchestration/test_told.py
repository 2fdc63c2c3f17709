"""Runs that somebody was told of are noted once, taken once, and forgotten in time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headgate.core import clock
from headgate.core import settings as core_settings
from headgate.core.settings import Settings
from headgate.lake import storage
from headgate.orchestration.alerting import told


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "headgate.toml").write_text("")
    return core_settings.load(tmp_path, {})


def test_what_is_noted_is_taken_once(settings: Settings) -> None:
    assert not told.take(settings, "dag run")
    assert not settings.lake_path.exists()
    told.note(settings, "dag run")
    told.note(settings, "dag run")
    told.note(settings, "dag other")
    assert told.take(settings, "dag run")
    assert not told.take(settings, "dag run")
    assert told.take(settings, "dag other")


def test_it_is_forgotten_in_time(settings: Settings) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for days in range(12):
        with clock.frozen(start + timedelta(days=days)):
            told.note(settings, f"dag {days}")
    assert len((settings.lake_path / told.NOTE).read_text().split(",")) == 8


def test_many_at_once_lose_nothing(settings: Settings) -> None:
    runs = [f"dag {n}" for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda run: told.note(settings, run), runs))
        assert all(pool.map(lambda run: told.take(settings, run), runs))


def test_two_that_ask_at_once_are_told_apart(settings: Settings) -> None:
    with told.alone(settings, "freshness", wait=False) as one:
        assert one
        with told.alone(settings, "freshness", wait=False) as other:
            assert not other
        with told.alone(settings, "told", wait=True) as another:
            assert another


def test_a_lake_that_an_alert_makes_is_durable(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    sync = storage.sync_folder
    monkeypatch.setattr(storage, "sync_folder", lambda p: (synced.append(Path(p)), sync(p))[1])
    told.note(settings, "dag run")
    assert {settings.root, settings.lake_path, settings.lake_path / "_state"} <= set(synced)
