"""What is known is what the lake says, at once and however it came to it."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from headgate.core import clock
from headgate.core.errors import LakeError
from headgate.lake.engines.duckdb import connect
from headgate.lake.lake import Lake
from headgate.orchestration import status as status_module
from headgate.orchestration.maintaining import maintain
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from headgate.portal.knowing import gathering, watching
from headgate.portal.knowing.known import Known
from headgate.portal.knowing.summary import Health
from headgate.portal.knowing.watching import Watcher
from headgate.quality import quarantine
from tests.shown_lake import DISCORD, IRC, export, line


def test_summaries_say_what_the_lake_says(shown: Project) -> None:
    known = Watcher(shown).now()
    for one in status_module.status(shown):
        told = known.datasets[one.dataset]
        assert told.owner == one.owner
        assert (told.version, told.released_version, told.rows) == (
            one.version, one.released_version, one.rows,
        )  # fmt: skip
        assert (told.published_at, told.fresh) == (one.last_published_at, one.fresh)
        assert (told.open_quarantine, told.outcome) == (one.open_quarantine, one.last_outcome)
    assert [r.number for r in known.releases] == shown.releases.ids()[::-1]
    assert known.healths[Health.QUARANTINE] == 1
    assert known.quarantined[0].id == IRC
    assert known.quarantined[0].oldest_open is not None


def test_a_release_tells_what_it_moved(shown: Project) -> None:
    known = Watcher(shown).now()
    for told in known.releases:
        release = shown.releases.get(told.number)
        parent = shown.releases.get(told.parent) if told.parent else None
        moved = shown.releases.diff(parent, release)
        assert told.moved == len(moved)
        assert set(told.named) <= {c.dataset for c in moved}
        assert told.groups == tuple(sorted({release.tables[c.dataset].group for c in moved}))


def test_batches_and_breaches_are_those_of_the_ledgers(shown: Project) -> None:
    known = Watcher(shown).now()
    assert [b.dataset for b in known.batches if b.failed] == [IRC]
    assert list(known.batches) == sorted(known.batches, key=lambda b: (b.at, b.id), reverse=True)
    assert sum(n for _, _, n in known.days) == len(known.batches)
    newest = known.batches[0].at
    assert known.batches_since(newest) == tuple(b for b in known.batches if b.at >= newest)
    broken = {b.rule: b.breaches for b in known.datasets[DISCORD].broken}
    assert broken["channel_id.foreign_key"] == 18
    assert not known.datasets[IRC].broken  # its newest batch broke none


def test_contracts_that_changed_and_datasets_that_began_are_told(shown: Project) -> None:
    told = {e.dataset: e for e in Watcher(shown).now().editions}
    assert (told[IRC].version, told[IRC].first) == ("1.1.0", False)
    assert told[DISCORD].first


def test_a_day_later_it_is_late_and_nothing_is_new(shown: Project) -> None:
    watcher = Watcher(shown)
    before = watcher.now()
    fresh = [s for s in before.datasets.values() if s.fresh]
    assert fresh
    longest = max(s.hours_allowed or 0 for s in fresh)
    with clock.frozen(clock.now() + timedelta(hours=longest + 1)):
        known = watcher.now()
        assert {s.id for s in known.late} == {s.id for s in fresh}
        assert known.datasets[fresh[0].id].health is Health.LATE
        assert not known.editions


def test_a_waiver_is_seen_at_once(own_project: Project) -> None:
    watcher = Watcher(own_project)
    waiting = watcher.now().datasets[IRC].open_quarantine
    assert waiting
    quarantine.waive(
        own_project.lake, own_project.contracts[IRC], by="me", why="known", everything=True
    )
    assert watcher.now().datasets[IRC].open_quarantine == 0


def test_what_followed_is_what_is_gathered_anew(own_project: Project, tmp_path: Path) -> None:
    watcher = Watcher(own_project)
    watcher.now()
    for number in range(2):
        irc = tmp_path / f"{number}.jsonl"
        irc.write_text("\n".join(_json(line(n, day=10 + number)) for n in range(20)))
        discord = tmp_path / f"{number}.json"
        discord.write_text(_json(export(*range(40 + 20 * number, 60 + 20 * number))))
        run(own_project, sources={IRC: [str(irc)], DISCORD: [str(discord)]})
        _same(watcher.now(), Watcher(own_project).now())
    rows = watcher.now().datasets[IRC].rows
    maintain(own_project)
    _same(watcher.now(), Watcher(own_project).now())
    assert watcher.now().datasets[IRC].rows == rows


def _json(value: object) -> str:
    from headgate.core import json as hjson

    return hjson.dumps(value)


def _same(one: Known, other: Known) -> None:
    assert one.datasets == other.datasets
    assert one.releases == other.releases
    assert one.batches == other.batches
    assert (one.days, one.editions, one.jumps) == (other.days, other.editions, other.jumps)


def test_a_wrong_contract_is_told_and_stops_no_other(own_project: Project) -> None:
    watcher = Watcher(own_project)
    before = watcher.now()
    path = before.contracts[DISCORD].path
    whole = path.read_text()
    path.write_text(whole + "nonsense: {")
    known = watcher.now()
    assert DISCORD not in known.datasets
    assert any(str(path) in w.place for w in known.wrong)
    assert known.datasets[IRC] == before.datasets[IRC]
    path.write_text(whole.replace("tags: [", "tags: [entirely_new, "))
    known = watcher.now()
    assert known.search("entirely_new").found == (known.datasets[DISCORD],)
    # No batch was made under it yet.
    assert [e.at for e in known.editions if e.dataset == DISCORD] == [None]
    path.unlink()
    assert DISCORD not in watcher.now().datasets


def test_a_table_that_cannot_be_read_is_told_and_stops_no_other(own_project: Project) -> None:
    log = own_project.lake.root / own_project.lake.key(IRC, quarantine=True) / "_delta_log"
    sorted(log.glob("*.json"))[-1].write_bytes(b"torn")
    known = Watcher(own_project).now()
    assert known.datasets[DISCORD].rows
    assert any(str(log) in w.place for w in known.wrong)


def test_after_a_failed_look_nothing_is_lost(
    own_project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    watcher = Watcher(own_project)
    watcher.now()
    irc = tmp_path / "more.jsonl"
    irc.write_text("\n".join(_json(line(n, day=20)) for n in range(20)))
    run(own_project, sources={IRC: [str(irc)]})
    with monkeypatch.context() as patched:
        patched.setattr(gathering.Verdicts, "read", _fail)
        assert "disk gone" in watcher.now().trouble
    known = watcher.now()
    assert not known.trouble
    _same(known, Watcher(own_project).now())


def _fail(*_: object) -> None:
    raise LakeError("disk gone")


def test_of_a_large_lake_nobody_waits_for_news(
    own_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SMALL", 0)
    watcher = Watcher(own_project, every=3600)
    first = watcher.now()
    quarantine.waive(
        own_project.lake, own_project.contracts[IRC], by="me", why="known", everything=True
    )
    assert watcher.now() is first
    looked = threading.Event()
    gathered = gathering.Gathering.gathered

    def telling(self: gathering.Gathering) -> Known:
        try:
            return gathered(self)
        finally:
            looked.set()

    monkeypatch.setattr(gathering.Gathering, "gathered", telling)
    watcher.look_soon()
    assert looked.wait(60)
    watcher.stop()
    assert watcher.now().datasets[IRC].open_quarantine == 0


def test_an_empty_platform_is_known_too(project: Project) -> None:
    known = Watcher(project).now()
    assert set(known.healths) == set(Health)
    assert known.healths[Health.NEVER] == len(known.datasets) > 0
    assert not known.releases and not known.batches and not known.late


def test_each_asker_has_a_lake_of_their_own(shown: Project) -> None:
    known = Watcher(shown).now()
    one, other = known.project, known.project
    assert isinstance(one.lake, Lake) and one.lake is not other.lake
    assert one.contracts is known.contracts
    with connect(one.settings) as con:
        assert quarantine.open_rows(one.lake, con, IRC) == known.datasets[IRC].open_quarantine
