"""The predictions of one request: from stored runs, and by the agent where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agents.base import Agent
from backend.served import Served
from goldloop.errors import AgentError, SettingsError, StoreError
from goldloop.samples import Run, Sample
from label_config.agent_prediction import agent_prediction, empty_prediction
from store.database import Store, transaction
from store.runs import get_runs, insert_runs
from store.samples import get_samples


class Predictions:
    """Made for one request in one thread; raises what opening the interface raises.

    An agent that cannot be made, or whose runs cannot be stored, is not asked again in the request:
    the annotator who waits would wait as long for each task as for the first.
    """

    def __init__(self, served: Served, db: Store, version: str) -> None:
        self._served, self._db, self._version = served, db, version
        self._interface = served.interface(db)
        self._gave_up = False
        self._told: set[str] = set()

    def items(self, ids: Sequence[str | None]) -> list[dict[str, Any]]:
        """One prediction for each sample id, in order; None and unknown ids get an empty one.

        A sample that is there twice is run once. Raises what reading the store raises.
        """
        wanted = list(dict.fromkeys(sample_id for sample_id in ids if sample_id is not None))
        samples = get_samples(self._db, wanted)
        runs = get_runs(self._db, wanted, self._version)
        made: dict[str | None, dict[str, Any]] = {}
        for sample_id in wanted:
            if sample_id in samples:
                run = runs.get(sample_id) or self._new_run(samples[sample_id])
                made[sample_id] = self._item(samples[sample_id], run)
        return [made.get(sample_id) or empty_prediction(self._version) for sample_id in ids]

    def _item(self, sample: Sample, run: Run | None) -> dict[str, Any]:
        if run is None or run.error is not None:
            return empty_prediction(self._version)
        names = self._served.settings.label_studio.prefill
        try:
            return agent_prediction(self._interface, names, sample, run)
        except Exception as error:  # noqa: BLE001 - must not cost the other tasks their item
            self._tell(f"sample {sample.sample_id}", error)
            return empty_prediction(self._version)

    def _new_run(self, sample: Sample) -> Run | None:
        try:
            agent = None if self._gave_up else self._served.live_agent(self._version)
            return None if agent is None else self._kept(self._answer(agent, sample))
        except (SettingsError, StoreError) as error:
            self._gave_up = True
            self._tell("the agent is not asked", error)
        except Exception as error:  # noqa: BLE001 - must not cost the other tasks their item
            self._tell(f"sample {sample.sample_id}", error)
        return None

    def _answer(self, agent: Agent, sample: Sample) -> Run:
        """The agent's run; one that carries the error when it fails, as `goldloop run` keeps it."""
        try:
            return agent.answer(sample)
        except AgentError as error:
            self._tell("the agent failed", error)
            return Run(sample.sample_id, self._version, error=str(error))

    def _kept(self, run: Run) -> Run:
        """The run that stands: another process may have stored one while the agent was asked, and
        annotators may have been shown it since.
        """
        with transaction(self._db):
            known = get_runs(self._db, [run.sample_id], self._version).get(run.sample_id)
            if known is None:
                insert_runs(self._db, [run])
        return known or run

    def _tell(self, what: str, error: Exception) -> None:
        """Log it, once a request for the same words: a wrong setting is wrong for every task."""
        if str(error) not in self._told:
            self._told.add(str(error))
            self._served.warn(what, error)
