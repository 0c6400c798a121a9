"""From the settings to an agent that says how sure it is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from agents.estimating import EstimatingAgent
from agents.from_settings import agent_from_settings
from goldloop.errors import SettingsError
from goldloop.samples import Sample
from goldloop.settings import parse_settings
from tests.agents.openai_server import OpenAIServer, says

SAMPLE = Sample("s-1", "Is it open?")
KEY = {"OPENAI_API_KEY": "sk-test-0123456789abcdefghij"}
PYTHON = {"kind": "python:settings_agent:answer", "version": "v1"}


class Project:
    """A project folder with an agent in Python and an endpoint."""

    def __init__(self, folder: Path, server: OpenAIServer, closing: ExitStack) -> None:
        self.folder, self.server, self.closing = folder, server, closing
        (folder / "settings_agent.py").write_text("def answer(asked):\n    return 'Yes'\n")
        (folder / "policy.md").write_text("Be brief.")

    def agent(self, agent: dict[str, Any], **confidence: Any) -> EstimatingAgent:
        """The agent of these settings."""
        own = {"base_url": self.server.url, "attempts": 1, **agent}
        settings = parse_settings({"agent": own, "confidence": confidence}, KEY)
        made = agent_from_settings(settings, self.folder, "v1")
        assert isinstance(made, EstimatingAgent)
        self.closing.callback(made.close)
        return made

    def models(self) -> list[str]:
        """The models that were asked, in order."""
        return [request.body["model"] for request in self.server.requests]


@pytest.fixture
def project(tmp_path: Path, server: OpenAIServer) -> Iterator[Project]:
    server.script = [says('{"probability": 0.5}')]
    with ExitStack() as closing:
        yield Project(tmp_path, server, closing)


OPENAI = {"kind": "openai", "model": "m-1", "system_prompt": "policy.md"}


def test_a_models_own_confidence_is_asked_of_itself(project: Project) -> None:
    run = project.agent(OPENAI).answer(SAMPLE)
    assert project.models() == ["m-1"] * 4
    assert "Be brief." in str(project.server.requests[-1].body["messages"][-1]["content"])
    assert run.confidence_method == "combined:agreement+verbalized"


def test_another_model_may_be_asked_and_another_may_judge(project: Project) -> None:
    project.server.script = [says("a"), says("b"), says('{"groups": [1, 1]}'), says("0.25")]
    agent = project.agent({**OPENAI, "answers": 2}, model="m-2", judge="m-3")
    run = agent.answer(SAMPLE)
    assert project.models() == ["m-1", "m-1", "m-3", "m-2"]
    assert run.confidence == pytest.approx((1.0 + 0.25) / 2)
    assert run.confidence_method == "combined:judged_agreement+verbalized"


def test_an_agent_in_python_is_asked_again_but_no_model_is_unless_it_is_named(
    project: Project,
) -> None:
    run = project.agent(PYTHON).answer(SAMPLE)
    assert (run.confidence, run.confidence_method) == (1.0, "combined:agreement")
    assert project.models() == []
    run = project.agent(PYTHON, model="m-2").answer(SAMPLE)
    assert (run.confidence, run.confidence_method) == (0.75, "combined:agreement+verbalized")
    assert project.models() == ["m-2"]


def test_the_settings_say_what_is_estimated(project: Project) -> None:
    agent = project.agent({**OPENAI, "answers": 1}, estimators=["logprob"], method="logprob")
    project.server.script = [says("Yes", [math.log(0.5)])]
    run = agent.answer(SAMPLE)
    assert (run.confidence, run.confidence_method) == (pytest.approx(0.5), "logprob")
    assert project.models() == ["m-1"]


def test_a_value_of_a_structured_answer_decides_on_its_log_probability(project: Project) -> None:
    project.server.script = [says('{"open": true}', [math.log(0.01), math.log(0.25)])]
    agent = project.agent(OPENAI, estimators=["logprob"])
    assert agent.answer(SAMPLE).estimates["logprob"] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("confidence", "names"),
    [
        ({"method": "vibes"}, "method must be one of auto, combined"),
        ({"estimators": ["agreement", "vibes"]}, "estimators must hold only logprob, agreement"),
        ({"estimators": "agreement"}, "estimators must be a list"),
        ({"ordered_calls": "yes"}, "ordered_calls must be true or false"),
    ],
)
def test_a_wrong_setting_is_named(confidence: dict[str, Any], names: str) -> None:
    with pytest.raises(SettingsError, match=names):
        parse_settings({"confidence": confidence}, {})


def test_without_a_key_an_agent_in_python_still_needs_one_for_the_model(tmp_path: Path) -> None:
    (tmp_path / "settings_agent.py").write_text("def answer(asked):\n    return 'Yes'\n")
    settings = parse_settings({"agent": PYTHON, "confidence": {"model": "m-2"}}, {})
    with pytest.raises(SettingsError, match="OPENAI_API_KEY"):
        agent_from_settings(settings, tmp_path, "v1")
