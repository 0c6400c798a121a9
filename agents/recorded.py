"""An agent that is not run: its answers were recorded, for instance in production."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agents.answers import about
from goldloop.errors import AgentError
from goldloop.samples import Run, Sample


class RecordedAgent:
    """Answers with the run that was recorded for the sample, as it was recorded.

    `runs` maps sample ids to runs, or is a function that looks one up. A recorded run that carries
    an error comes back as such.
    """

    def __init__(self, version: str, runs: Mapping[str, Run] | Callable[[str], Run | None]) -> None:
        self.version = version
        self._find = runs.get if isinstance(runs, Mapping) else runs

    def __repr__(self) -> str:
        return f"RecordedAgent(version={self.version!r})"

    def answer(self, sample: Sample) -> Run:
        """The recorded run; `AgentError` when there is none, or one of another version."""
        with about(sample):
            run = self._find(sample.sample_id)
            if run is None:
                raise AgentError("no run is recorded; import its run or choose another agent")
            if (run.sample_id, run.agent_version) != (sample.sample_id, self.version):
                raise AgentError(
                    f"expected a run of version {self.version!r}, found one of sample "
                    f"{run.sample_id!r} and version {run.agent_version!r}"
                )
            return run

    def close(self) -> None:
        """Nothing to let go of."""
