"""What a task fails of for good, and what it tries again."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowFailException

from headgate.core import errors
from headgate.orchestration.airflow.take_task import take
from headgate.orchestration.airflow.working import LoggedProgress, Working, failing_at_once
from headgate.orchestration.project import Project

LASTING = (
    errors.ContractError, errors.ModelError, errors.RefusedError, errors.UsageError,
    errors.SettingError,
)  # fmt: skip
PASSING = (
    errors.LakeBusyError, errors.ResourceError, errors.UnknownOutcomeError, errors.ConflictError,
    errors.NotFoundError, OSError, RuntimeError,
)  # fmt: skip


@pytest.mark.parametrize("kind", LASTING)
def test_what_another_try_would_meet_again_fails_at_once(kind: type[errors.HeadgateError]) -> None:
    with pytest.raises(AirflowFailException, match=r"^here:1: it is wrong\. Mend it\.$"), (
        failing_at_once()
    ):  # fmt: skip
        raise kind("it is wrong.", remedy="Mend it.", place="here:1")


@pytest.mark.parametrize("kind", PASSING)
def test_what_may_pass_is_tried_again(kind: type[Exception]) -> None:
    with pytest.raises(kind, match="not now"), failing_at_once():
        raise kind("not now")


def test_every_error_of_ours_is_one_or_the_other() -> None:
    kinds = {k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, Exception)}
    assert kinds == {*LASTING, *PASSING, errors.HeadgateError, errors.LakeError} - {
        OSError, RuntimeError,
    }  # fmt: skip


def test_a_source_without_a_place_is_told_with_what_to_do(project: Project) -> None:
    work = Working(project, LoggedProgress(), "a task")
    with pytest.raises(errors.UsageError, match=r"names no place .* parameter `paths`"):
        take(work, "bronze.irc.messages")
