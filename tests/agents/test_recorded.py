from __future__ import annotations

import pytest

from agents.recorded import RecordedAgent
from goldloop.errors import AgentError
from goldloop.samples import Run, Sample

RUN = Run("s-1", "v1", response="Yes.")


def test_answers_with_the_recorded_run() -> None:
    assert RecordedAgent("v1", {"s-1": RUN}).answer(Sample("s-1", "?")) is RUN


def test_a_function_may_look_the_run_up() -> None:
    runs = {"s-1": RUN}
    assert RecordedAgent("v1", runs.get).answer(Sample("s-1", "?")) is RUN


def test_a_sample_without_a_run_is_named() -> None:
    with pytest.raises(AgentError, match="'s-2': no run is recorded"):
        RecordedAgent("v1", {"s-1": RUN}).answer(Sample("s-2", "?"))


def test_a_run_of_another_version_is_not_passed_off_as_this_one() -> None:
    with pytest.raises(AgentError, match=r"version 'v2'.*version 'v1'"):
        RecordedAgent("v2", {"s-1": RUN}).answer(Sample("s-1", "?"))
