"""Graders, cases and judges for the tests of grading."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from goldloop.graders import Grader, GraderSet
from goldloop.samples import Message, Run, Sample, ToolCall
from goldloop.settings import AgentSettings, EvaluationSettings, Secrets, Settings
from tests.agents.conftest import KEY
from tests.agents.openai_server import Behaviour, OpenAIServer, Reply, says

MODEL = "judge-2026-01-01"
CRITERIA = ("The answer names the day.", "The answer is polite.")
SAMPLE = Sample(
    "refund-1",
    "When does my parcel leave?",
    expected_response="It leaves on Monday.",
    expected_tool_calls=(ToolCall("find", {"number": 7}),),
)
RUN = Run(
    "refund-1",
    "v1",
    response="On Monday, dear customer.",
    tool_calls=(ToolCall("find", {"number": 8}),),
)


def judge(name: str = "tone", **settings: Any) -> Grader:
    """A judge by criteria."""
    known = {"model": MODEL, "criteria": CRITERIA, "reference": True, "show_trace": False}
    return Grader(name, "judge", {**known, **settings})


def pair(**settings: Any) -> Grader:
    """A judge of two answers."""
    known = {"model": MODEL, "criteria": "more helpful", "against": "expected"}
    return Grader("better", "judge_pair", {**known, **settings}, threshold=0.5)


def settings_for(server: OpenAIServer, **evaluation: Any) -> Settings:
    """Settings whose agent's endpoint is the server."""
    return Settings(
        agent=AgentSettings(base_url=server.url, attempts=2, first_wait=0.0, timeout=5.0),
        evaluation=EvaluationSettings(**evaluation),
        secrets=Secrets(openai_api_key=KEY),
    )


def grader_set(*graders: Grader) -> GraderSet:
    """The graders of a file."""
    return GraderSet(graders)


def verdicts(*holds: bool, reason: str = "It says so.") -> Behaviour:
    """A judge's reply on so many criteria."""
    found = [{"number": n, "reason": reason, "holds": one} for n, one in enumerate(holds, 1)]
    return says(json.dumps({"criteria": found}))


def prefers(choose: Callable[[dict[str, Any]], str]) -> Behaviour:
    """A judge of pairs: what `choose` makes of the case that it is shown."""

    def behave(body: Any) -> Reply:
        better = choose(case_in(body))
        return says(json.dumps({"reason": f"{better}, I find.", "better": better}))(body)

    return behave


def case_in(body: Any) -> dict[str, Any]:
    """The case in a question."""
    found: dict[str, Any] = json.loads(body["messages"][1]["content"])
    return found


def told(run: Run, **changes: Any) -> Run:
    """A run that says something else."""
    return replace(run, **changes)


def trace(*answers: str) -> tuple[Message, ...]:
    """What the agent said, turn by turn."""
    return (Message("user", SAMPLE.user_input), *(Message("assistant", one) for one in answers))
