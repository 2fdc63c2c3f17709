"""Whatever is asked of the portal, right or wrong, no answer is an error of its own."""

from __future__ import annotations

from headgate.orchestration.project import Project
from tests.unit.portal import fuzzed


def test_no_answer_is_an_error_of_the_portal(own_project: Project) -> None:
    with fuzzed.freely(own_project) as client:
        assert fuzzed.ask_all(client, own_project, 2, seeded=9) > 60
