"""The parts of a run: what each does and leaves alone, and what it says of what it did."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from headgate.core.errors import UsageError
from headgate.orchestration import parts
from headgate.orchestration.accounts import NodeState, PartReport
from headgate.orchestration.building import _Building
from headgate.orchestration.context import RunContext
from headgate.orchestration.dbt import runner
from headgate.orchestration.dbt.compile import Sources
from headgate.orchestration.dbt.native import Native
from headgate.orchestration.dbt.result import DbtResult
from headgate.orchestration.project import Project
from headgate.orchestration.run import opened, run
from tests.reliability.harness import small

# One worker runs all of this file, so that its lake is made once.
pytestmark = pytest.mark.xdist_group("parts")
IRC, POSTS = small.IRC, small.POSTS
SILVER, TALKS = "silver.chat.messages", "silver.chat.conversations"
FACTS, DAILY = "gold.community.fct_messages", "gold.community.fct_channel_activity_daily"
ANSWERS = "gold.community.fct_conversation_response"


@dataclass
class House:
    """A small project, put back to how it was before each test."""

    root: Path
    kept: Path

    @property
    def project(self) -> Project:
        """Opened anew, as each task does."""
        return Project.open(self.root)

    def day(self, number: int, name: str) -> list[str]:
        """The path of one source's deliveries of a day."""
        return [str(self.root / "days" / str(number) / name)]

    def keep(self, name: str) -> None:
        """Keep the lake and the models as they are now."""
        for what in ("lake", "dbt_project", "data_contracts"):
            shutil.copytree(self.root / what, self.kept / name / what)

    def put_back(self, name: str) -> House:
        """Put lake and models where they were."""
        for what in ("lake", "dbt_project", "data_contracts"):
            shutil.rmtree(self.root / what, ignore_errors=True)
            shutil.copytree(self.kept / name / what, self.root / what)
        return self

    def edit(self, path: str, change: Callable[[str], str]) -> None:
        """Change a file of the project."""
        text = (self.root / path).read_text("utf-8")
        assert change(text) != text
        (self.root / path).write_text(change(text), "utf-8")

    def versions(self) -> dict[str, int]:
        """What the newest release shows."""
        newest = self.project.releases.newest()
        return newest.versions if newest else {}

    def head(self, dataset: str) -> int:
        """The newest version of a table."""
        snapshot = self.project.lake.snapshot(dataset)
        assert snapshot is not None
        return snapshot.version

    def curate(self, group: str, **how: object) -> tuple[PartReport, list[tuple[str, str]]]:
        """Curate a group; gives the report and what was told of on the way."""
        told: list[NodeState] = []
        found = parts.curate(self.project, group, on_node=told.append, **how)  # type: ignore[arg-type]
        return found, [(n.dataset, n.state) for n in told]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The first day taken (``taken``), and then built and released by its groups (``released``)."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**small.SETTINGS, "HEADGATE_READERS": "inline"}.items():
            patch.setenv(name, value)
        house = House(tmp_path_factory.mktemp("parts") / "project", tmp_path_factory.mktemp("kept"))
        small.make(house.root)
        parts.take(house.project, POSTS, paths=house.day(1, "posts"))
        parts.take(house.project, IRC, paths=house.day(1, "irc"))
        house.keep("taken")
        for group in ("irc", "discord", "chat", "community"):
            parts.curate(house.project, group)
            assert parts.release(house.project, group).well
        house.keep("released")
        yield house


@pytest.fixture
def taken(built: House) -> House:
    return built.put_back("taken")


@pytest.fixture
def released(built: House) -> House:
    return built.put_back("released")


def test_what_is_taken_is_committed_and_not_released(taken: House) -> None:
    again = parts.take(taken.project, IRC, paths=taken.day(1, "irc"))

    assert (again.accounts, again.well, taken.versions()) == ((), True, {})
    with opened(taken.project, "look") as context:
        runs = context.session.con.execute(
            f"SELECT command, outcome FROM {context.project.lake.snapshot('system.ledger.runs').relation()}"  # type: ignore[union-attr]
        ).fetchall()
    assert sorted(runs) == [(f"take {d}", "published") for d in (POSTS, IRC)]


def test_a_later_try_of_a_task_tells_of_what_an_earlier_one_did(taken: House) -> None:
    first = parts.take(taken.project, IRC, paths=taken.day(2, "irc"), task="monday")
    again = parts.take(taken.project, IRC, paths=taken.day(2, "irc"), task="monday")
    other = parts.take(taken.project, IRC, paths=taken.day(2, "irc"), task="tuesday")

    assert [a.read for a in first.accounts] == [132, 40]  # a third file was known
    assert again.accounts == first.accounts
    assert other.accounts == ()
    assert all(
        a.read == a.published + a.quarantined + a.deduplicated + a.refused for a in again.accounts
    )

    chat = parts.curate(taken.project, "chat", task="monday")
    assert [n.state for n in chat.nodes] == ["built", "built"]
    assert [n.state for n in parts.curate(taken.project, "chat").nodes] == ["unchanged"] * 2
    retried = parts.curate(taken.project, "chat", task="monday")
    assert [(n.dataset, n.state, n.account) for n in retried.nodes] == [
        (n.dataset, n.state, n.account) for n in chat.nodes
    ]
    done = parts.release(taken.project, "chat", task="monday")
    assert done.released == (TALKS, SILVER)
    assert [a.release for a in done.accounts] == [done.release] * 2
    assert parts.release(taken.project, "chat", task="monday").accounts == done.accounts
    assert parts.release(taken.project, "chat").release is None


def test_a_parent_that_comes_brings_in_what_waited_for_it(released: House) -> None:
    found = parts.take(released.project, small.CHANNELS, paths=released.day(2, "channels"))

    assert [(a.dataset, a.published) for a in found.accounts] == [(small.CHANNELS, 1), (POSTS, 12)]


def test_a_group_is_built_and_released_by_itself(taken: House) -> None:
    found, told = taken.curate("community")  # which reads what is not there yet
    assert (found.nodes, told) == (found.nodes, [(d, "unchanged") for d in (ANSWERS, FACTS, DAILY)])
    assert parts.release(taken.project, "community").release is None

    found, told = taken.curate("chat")
    assert sorted(told) == [(TALKS, "built"), (SILVER, "built")]
    assert [n.dataset for n in found.nodes] == [SILVER, TALKS]
    assert {n.account.version for n in found.nodes if n.account} == {0}
    assert taken.versions() == {}
    assert parts.release(taken.project, "chat").released == (TALKS, SILVER)
    assert set(taken.versions()) == {SILVER, TALKS}
    assert parts.release(taken.project, "irc").released == (IRC,)
    assert set(taken.versions()) == {SILVER, TALKS, IRC}

    with pytest.raises(
        UsageError, match=r"no release group 'chatt'.*chat, community, discord, irc"
    ):
        parts.release(taken.project, "chatt")


def test_what_cannot_be_built_fails_alone_and_holds_its_group(released: House) -> None:
    parts.take(released.project, IRC, paths=released.day(2, "irc"))
    released.curate("chat")
    model = "dbt_project/models/marts/community/fct_messages.sql"
    released.edit(model, lambda text: text + "\nthis is no SQL")
    found, told = released.curate("community")
    before = released.versions()

    by_id = {n.dataset: n for n in found.nodes}
    assert {d: n.state for d, n in by_id.items()} == {
        FACTS: "failed", DAILY: "skipped", ANSWERS: "built"
    }  # fmt: skip
    assert dict(told) == {d: n.state for d, n in by_id.items()}
    assert "syntax error" in by_id[FACTS].message
    held = parts.release(released.project, "community")
    assert (held.held, held.release) == (("community",), None)
    assert [told.split(" is ")[0] for told in held.problems] == [DAILY, FACTS]
    assert parts.release(released.project, "chat").well  # others go on
    assert {d for d in released.versions() if released.versions()[d] != before[d]} == {
        SILVER,
        TALKS,
    }

    # By itself, with what is made from it.
    released.edit(model, lambda text: text.removesuffix("\nthis is no SQL"))
    mended = parts.build_from(released.project, FACTS)
    assert [(n.dataset, n.state) for n in mended.nodes] == [(FACTS, "built"), (DAILY, "built")]
    assert parts.release(released.project, "community").released == (DAILY, ANSWERS, FACTS)


def test_a_dataset_is_built_only_once_the_tests_that_read_it_have_passed(released: House) -> None:
    test = "dbt_project/tests/assert_daily_activity_counts_every_message.sql"
    parts.take(released.project, IRC, paths=released.day(2, "irc"))
    released.curate("chat")
    released.edit(
        test,
        lambda text: "select 1 as wrong from {{ ref('fct_messages') }} limit 1",
    )
    found, told = released.curate("community")

    assert [(n.dataset, n.state) for n in found.nodes] == [
        (ANSWERS, "built"), (FACTS, "failed"), (DAILY, "built")
    ]  # fmt: skip
    assert (
        "assert_daily_activity_counts_every_message: the test found 1 rows"
        in found.nodes[1].message
    )
    assert told.count((FACTS, "failed")) == 1 and (FACTS, "built") not in told
    assert parts.release(released.project, "community").held == ("community",)
    # It is tested again, not built again, until the test passes.
    version = released.head(FACTS)
    assert [n.state for n in parts.build_from(released.project, FACTS).nodes] == [
        "failed",
        "unchanged",
    ]
    released.edit(test, lambda text: text + " offset 1000000")
    assert [n.state for n in parts.build_from(released.project, FACTS).nodes] == ["unchanged"] * 2
    assert released.head(FACTS) == version
    assert parts.release(released.project, "community").released == (DAILY, ANSWERS, FACTS)


@pytest.mark.parametrize("by", ["a stand-in", pytest.param("dbt", marks=pytest.mark.long)])
def test_what_only_dbt_can_build_is_told_of_while_dbt_goes_on(
    by: str, released: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_COMPILER", "dbt" if by == "dbt" else "headgate")
    parts.take(released.project, IRC, paths=released.day(2, "irc"))
    ended: list[str] = []
    once = runner.build

    def stand_in(context: RunContext, models: Sequence[str]) -> DbtResult:
        """Another's threads build, as dbt's do."""
        native = Native(context, Sources(context.project))
        with ThreadPoolExecutor(1) as pool:
            for model in models:
                contract = context.project.contracts.by_model(model)
                assert contract is not None
                pool.submit(native.build, contract).result()
        return DbtResult(ok=True, failed=(), ran=tuple(models))

    def build(context: RunContext, *, models: Sequence[str], engine: str) -> DbtResult:
        assert engine == "duckdb"
        try:
            return once(context, models=models) if by == "dbt" else stand_in(context, models=models)
        finally:
            ended.append("dbt is done")

    monkeypatch.setattr(runner, "build", build)
    if by != "dbt":
        monkeypatch.setattr(_Building, "_needs_dbt", lambda self, contract: bool(contract.model))
    released.edit(
        "dbt_project/tests/assert_every_message_is_in_one_conversation.sql",
        lambda text: "select 1 as one where 1 = 0",
    )
    parts.curate(released.project, "chat", on_node=lambda n: ended.append(f"{n.dataset} {n.state}"))

    assert ended == [f"{SILVER} built", "dbt is done", f"{TALKS} built"]


def test_sources_that_move_on_are_released_as_the_group_was_built_from_them(
    released: House,
) -> None:
    """Here they are of one group with what is made from them."""
    for name in ("irc/bronze_messages", "chat/bronze_messages"):
        path = f"data_contracts/{name}/contract.odcs.yaml"
        released.edit(path, lambda text: _in_group(text, "chat"))
    parts.take(released.project, IRC, paths=released.day(2, "irc")[0:1])
    released.curate("chat")
    built_from = released.head(IRC)
    late = released.root / "days" / "late.jsonl"
    lines = (released.root / "days/2/irc/2009-05-07.jsonl").read_text().splitlines()
    late.write_text("\n".join(line.replace("2009-05-07", "2009-05-08") for line in lines) + "\n")
    parts.take(released.project, IRC, paths=[str(late)])

    assert parts.release(released.project, "chat").released == (IRC, TALKS, SILVER)
    assert released.versions()[IRC] == built_from == released.head(IRC) - 1
    again = parts.release(released.project, "chat")
    assert (again.well, again.release) == (True, None)
    released.curate("chat")
    parts.release(released.project, "chat")
    assert released.versions()[IRC] == released.head(IRC)


def test_one_of_several_is_built_again_from_what_the_others_were_built_from(
    released: House,
) -> None:
    parts.take(released.project, IRC, paths=released.day(2, "irc"))
    released.curate("chat")
    model = "dbt_project/models/marts/community/fct_messages.sql"
    released.edit(model, lambda text: text + "\nthis is no SQL")
    released.curate("community")
    silver = released.head(SILVER)
    parts.take(released.project, small.CHANNELS, paths=released.day(2, "channels"))
    released.curate("chat")
    assert released.head(SILVER) > silver, "nothing moved meanwhile"
    released.edit(model, lambda text: text.removesuffix("\nthis is no SQL"))

    parts.build_from(released.project, FACTS)
    facts = released.project.lake.snapshot(FACTS)
    assert facts is not None and facts.meta is not None and facts.meta.inputs[SILVER] == silver
    assert parts.release(released.project, "community").well
    assert [n.state for n in released.curate("community")[0].nodes].count("built") > 0


def test_a_refused_batch_is_told_of_and_the_rest_goes_on(
    taken: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_MAX_QUARANTINE_SHARE", "0.01")
    found = parts.take(taken.project, IRC, paths=taken.day(2, "irc"), task="x")

    assert [(a.verdict, a.version is None) for a in found.accounts] == [
        ("refused", True), ("warned", False)
    ]  # fmt: skip
    assert not found.well
    again = parts.take(taken.project, IRC, paths=taken.day(2, "irc"), task="x")
    assert sorted(a.verdict for a in again.accounts) == ["refused", "warned"]


def test_a_contract_that_somebody_has_to_act_on_stops_its_dataset_and_holds_its_group(
    released: House,
) -> None:
    released.edit("data_contracts/irc/bronze_messages/contract.odcs.yaml",
                  lambda text: text.replace("name: line\n", "name: line_number\n", 1))  # fmt: skip
    found = parts.take(released.project, IRC, paths=released.day(2, "irc"))

    assert found.accounts == () and "headgate rebuild" in found.problems[0]
    held = parts.release(released.project, "irc")
    assert held.held == ("irc",) and "headgate rebuild" in held.problems[0]


def test_a_run_and_parts_may_take_turns(taken: House) -> None:
    taken.curate("chat")
    assert run(taken.project).exit_code == 0
    assert set(taken.versions()) == {IRC, POSTS, SILVER, TALKS, FACTS, DAILY, ANSWERS}
    assert [parts.release(taken.project, g).release for g in ("chat", "irc", "community")] == [
        None
    ] * 3
    assert {n.state for n in taken.curate("community")[0].nodes} == {"unchanged"}


def test_only_what_can_be_done_is_asked_for(built: House) -> None:
    with pytest.raises(UsageError, match="is not made from other datasets"):
        parts.build_from(built.project, IRC)
    with pytest.raises(UsageError, match=r"is made from other datasets.*headgate rebuild"):
        parts.take(built.project, SILVER)
    with pytest.raises(UsageError, match=r"has no \{date\} in it|it has no path"):
        parts.take(built.project, IRC, dates=[])


def _in_group(text: str, group: str) -> str:
    lines = text.splitlines()
    at = next((i for i, line in enumerate(lines) if "headgate.releaseGroup" in line), None)
    if at is None:
        at = next(i for i, line in enumerate(lines) if line == "customProperties:")
        lines[at + 1 : at + 1] = ["  - property: headgate.releaseGroup", f"    value: {group}"]
    else:
        lines[at + 1] = f"    value: {group}"
    return "\n".join(lines) + "\n"


def test_a_test_of_two_groups_that_failed_is_run_again_with_whichever_is_built(
    released: House,
) -> None:
    test = "dbt_project/tests/assert_daily_activity_counts_every_message.sql"
    both = "select 1 as wrong from {{ ref('fct_messages') }} join {{ source('silver_chat', 'messages') }} using (message_id)"
    parts.take(released.project, IRC, paths=released.day(2, "irc"))
    released.curate("chat")
    released.edit(test, lambda text: f"{both} limit 1")
    found, _ = released.curate("community")
    assert {n.dataset: n.state for n in found.nodes}[FACTS] == "failed"
    assert parts.release(released.project, "chat").held == ("chat",)

    released.edit(test, lambda text: f"{both} where 1 = 0")
    released.curate("community")
    assert [parts.release(released.project, g).held for g in ("chat", "community")] == [(), ()]
