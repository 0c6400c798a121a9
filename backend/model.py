"""The model that Label Studio talks to: an agent whose runs are stored, or made on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from label_studio_ml.model import LabelStudioMLBase

from agents.base import Agent
from goldloop.errors import GoldloopError
from goldloop.samples import Run, Sample
from label_config.agent_prediction import agent_prediction
from label_config.interface import Interface
from store.database import Store, transaction
from store.runs import get_runs, insert_runs
from store.samples import get_samples

Report = Callable[[str, str], None]


class StoredRunsModel(LabelStudioMLBase):  # type: ignore[misc]
    """Answers from the store; asks the agent only about samples that have no run.

    `predict` gives one good item for each task, whatever happens: a task that cannot be answered
    gets an empty result with a score of 0, because a missing or null item would break the queue of
    every annotator in the project. It keeps to what label-studio-ml 1.x and 2.x have in common.
    """

    def __init__(self, label_config: str | None = None, **parts: Any) -> None:
        super().__init__(label_config=label_config)
        self._db: Store = parts["db"]
        self._interface: Interface = parts["interface"]
        self._prefill: Sequence[str] = parts["prefill"]
        self._agent: Agent | None = parts["agent"]
        self._report: Report = parts["report"]
        self.model_version: str = parts["model_version"]

    def predict(
        self,
        tasks: Sequence[Any],
        context: Mapping[str, Any] | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> list[dict[str, Any]]:
        """One prediction a task, in the order of the tasks."""
        ids = [_sample_id(task) for task in tasks]
        wanted = sorted({sample_id for sample_id in ids if sample_id is not None})
        samples = get_samples(self._db, wanted)
        runs = get_runs(self._db, wanted, self.model_version)
        for sample_id in wanted:
            if sample_id in samples and sample_id not in runs and self._agent is not None:
                self._run(samples[sample_id], runs)
        return [self._item(sample_id, samples, runs) for sample_id in ids]

    def fit(
        self,
        event: str,  # noqa: ARG002
        data: Mapping[str, Any] | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Nothing is trained here; answers are pulled by the worker."""
        return {}

    def _run(self, sample: Sample, runs: dict[str, Run]) -> None:
        try:
            run = self._agent.answer(sample) if self._agent else None
        except GoldloopError as error:
            self._report(sample.sample_id, str(error))
            return
        if run is not None:
            with transaction(self._db):
                insert_runs(self._db, [run])
            runs[sample.sample_id] = run

    def _item(
        self, sample_id: str | None, samples: Mapping[str, Sample], runs: Mapping[str, Run]
    ) -> dict[str, Any]:
        empty = {"result": [], "score": 0.0, "model_version": self.model_version}
        run = runs.get(sample_id or "")
        if run is None or run.error is not None:
            return empty
        try:
            return agent_prediction(self._interface, self._prefill, samples[run.sample_id], run)
        except GoldloopError as error:
            self._report(run.sample_id, str(error))
            return empty


def _sample_id(task: Any) -> str | None:
    data = task.get("data") if isinstance(task, Mapping) else None
    sample_id = data.get("sample_id") if isinstance(data, Mapping) else None
    return sample_id if isinstance(sample_id, str) and len(sample_id) <= 200 else None
