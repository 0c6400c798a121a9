"""What every agent adapter is."""

from __future__ import annotations

from typing import Protocol

from goldloop.samples import Run, Sample


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
