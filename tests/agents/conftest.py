from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.openai_server import OpenAIServer


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        yield running


@pytest.fixture
def waits() -> list[float]:
    """What a `Retry(sleep=waits.append)` waited, instead of waiting."""
    return []
