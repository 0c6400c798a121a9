"""The one door for every kind of grader."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agents.grading import Grading
from goldloop.errors import SettingsError
from goldloop.graders import Grader
from goldloop.settings import EvaluationSettings, Settings
from tests.agents.judging import (
    MODEL,
    RUN,
    SAMPLE,
    grader_set,
    judge,
    settings_for,
    told,
    verdicts,
)
from tests.agents.openai_server import OpenAIServer


def test_kinds_that_ask_nobody_are_graded_by_their_rules(tmp_path: Path) -> None:
    exact = Grader("same", "exact", {"value": RUN.response, "normalise": True, "tolerance": None})
    with Grading(Settings(), tmp_path) as grading:
        grades = [
            grading.grade(one, SAMPLE, RUN) for one in grading.prepared(grader_set(exact)).graders
        ]
    assert [(grade.score, grade.error) for grade in grades] == [(1.0, None)]


def test_a_run_that_failed_is_not_graded(server: OpenAIServer, tmp_path: Path) -> None:
    with Grading(settings_for(server), tmp_path) as grading:
        [grader] = grading.prepared(grader_set(judge())).graders
        grade = grading.grade(grader, SAMPLE, told(RUN, response=None, error="it is down"))
    assert (grade.score, grade.error) == (None, "the agent failed: it is down")
    assert server.requests == []


def test_a_case_brings_no_code(tmp_path: Path) -> None:
    with Grading(Settings(), tmp_path) as grading:
        grade = grading.grade(Grader("x", "python", {"target": "os:system"}), SAMPLE, RUN)
    assert grade.score is None
    assert "a case brings no code" in str(grade.error)


def test_a_case_brings_no_judge_that_nobody_named(server: OpenAIServer, tmp_path: Path) -> None:
    server.script = [verdicts(True, True)]
    with Grading(settings_for(server, judge=MODEL), tmp_path) as grading:
        refused = grading.grade(judge(model="dear-model"), SAMPLE, RUN)
        taken = grading.grade(judge(model=""), SAMPLE, RUN)
    assert "neither the graders file nor [evaluation] judge" in str(refused.error)
    assert taken.score == 1.0
    assert len(server.requests) == 1


def test_threads_share_a_judge(server: OpenAIServer, tmp_path: Path) -> None:
    server.script = [verdicts(True, False)]
    with Grading(settings_for(server), tmp_path) as grading, ThreadPoolExecutor(8) as pool:
        [grader] = grading.prepared(grader_set(judge())).graders
        grades = list(pool.map(lambda _: grading.grade(grader, SAMPLE, RUN), range(24)))
    assert {grade.score for grade in grades} == {0.5}
    assert len(server.requests) == 24


def test_openai_without_a_key_is_refused_at_the_door(tmp_path: Path) -> None:
    settings = Settings(evaluation=EvaluationSettings(judge=MODEL))
    with (
        Grading(settings, tmp_path) as grading,
        pytest.raises(SettingsError, match="OPENAI_API_KEY is not set"),
    ):
        grading.prepared(grader_set(judge()))
