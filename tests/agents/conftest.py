from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agents.openai_agent import OpenAIAgent
from agents.openai_model import OpenAIModel
from agents.retry import Retry
from tests.agents.openai_server import Behaviour, OpenAIServer

KEY = "sk-test-0123456789abcdefghij"
WAYS = {
    "chat": {"api": "chat", "stream": False},
    "chat stream": {"api": "chat", "stream": True},
    "responses": {"api": "responses", "stream": False},
    "responses stream": {"api": "responses", "stream": True},
}
MODEL_SETTINGS = ("api", "stream", "timeout", "max_tokens", "base_url", "api_key")

Make = Callable[..., Any]


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        yield running


@pytest.fixture
def waits() -> list[float]:
    """What a `Retry(sleep=waits.append)` waited, instead of waiting."""
    return []


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each of the interfaces, plain and streamed."""
    return WAYS[request.param]


@pytest.fixture
def make_model(server: OpenAIServer, waits: list[float]) -> Iterator[Make]:
    """A model at the server, which follows the script."""
    made: list[OpenAIModel] = []

    def build(*script: Behaviour, attempts: int = 4, **settings: Any) -> OpenAIModel:
        server.script = list(script)
        retry = Retry(attempts=attempts, sleep=waits.append)
        settings = {"base_url": server.url, "api_key": KEY, "timeout": 5.0, **settings}
        made.append(OpenAIModel("m-1", retry=retry, **settings))
        return made[-1]

    yield build
    for model in made:
        model.close()


@pytest.fixture
def make(make_model: Make) -> Make:
    """An agent at the server, which follows the script."""

    def build(*script: Behaviour, attempts: int = 4, **settings: Any) -> OpenAIAgent:
        own = {key: settings.pop(key) for key in MODEL_SETTINGS if key in settings}
        return OpenAIAgent(make_model(*script, attempts=attempts, **own), "v1", **settings)

    return build
