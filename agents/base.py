"""What every agent adapter is, and every model that one may ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from agents.completions import Completion
from goldloop.samples import Run, Sample

# How often an agent may ask its model before the run is an error.
MAX_STEPS = 10


class Agent(Protocol):
    """The agent under evaluation, in one version.

    One instance may be asked from several threads at once.
    """

    @property
    def version(self) -> str:
        """The name that its runs are kept under."""

    def answer(self, sample: Sample) -> Run:
        """What the agent does on the sample.

        Raises `AgentError`, naming the sample, when it fails or when its answer makes no sense.
        """

    def close(self) -> None:
        """Let go of connections. The agent is not asked again."""


class SamplingAgent(Agent, Protocol):
    """An agent that may say something else when it is asked again."""

    def answer_again(self, sample: Sample) -> Run:
        """Another answer, independent of the first: drawn at a temperature of at least 0.7 where
        the agent has one. Raises as `answer` does.
        """


class Model(Protocol):
    """A language model behind an endpoint. One instance may be asked from several threads."""

    def ask(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        temperature: float | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> Completion:
        """One answer to a conversation in chat form, without tools; with a JSON `schema`, an answer
        of that shape where the endpoint can do it. Raises `AgentError` after the last attempt.
        """

    def close(self) -> None:
        """Let go of connections."""
