"""The predictions of one request: from stored runs, once the agent was asked for missing ones."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backend.live_runs import LiveRuns
from backend.served import Served
from goldloop.errors import StoreError
from goldloop.samples import Run, Sample
from label_config.agent_prediction import agent_prediction, empty_prediction
from store.calibrators import comparable, model_version
from store.database import Store
from store.runs import get_runs
from store.samples import get_samples
from store.wanted_runs import lacking_runs, show_empty

# Runs that are held in memory at a time.
CHUNK = 200


class Predictions:
    """Made for one request in one thread; raises what opening the interface raises."""

    def __init__(self, served: Served, live: LiveRuns, db: Store, version: str) -> None:
        self._served, self._live, self._db, self._version = served, live, db, version
        self.model_version = model_version(db, version)
        self._interface = served.interface(db)
        self._told: set[str] = set()

    def items(self, ids: Sequence[str | None], seconds: float) -> Iterable[dict[str, Any]]:
        """One prediction for each sample id, in order; None and unknown ids get an empty one.

        The agent has so many seconds for samples without a run; those that have none after that get
        an empty one too, and their runs are made later. A sample that is there twice is run once.
        Raises what reading the store raises.
        """
        until = time.monotonic() + seconds
        named = [sample_id for sample_id in ids if sample_id is not None]
        lacking = lacking_runs(self._db, self._version, named)
        self._live.await_runs(self._db, self._version, lacking, until)
        self._own_up(lacking)
        for start in range(0, len(ids), CHUNK):
            yield from self._some(ids[start : start + CHUNK])

    def _own_up(self, lacking: Sequence[str]) -> None:
        """Write down which of them are answered empty, so that it can be put right later."""
        still = lacking_runs(self._db, self._version, lacking) if lacking else []
        if not still:
            return
        try:
            show_empty(self._db, self._version, still)
        except StoreError as error:
            self._tell("empty predictions are not written down", error)

    def _some(self, ids: Sequence[str | None]) -> list[dict[str, Any]]:
        wanted = list(dict.fromkeys(sample_id for sample_id in ids if sample_id is not None))
        samples = get_samples(self._db, wanted)
        runs = self._runs(wanted)
        counts = Counter(ids)
        made: dict[str | None, dict[str, Any]] = {}
        for sample_id, sample in samples.items():
            made[sample_id] = self._item(sample, runs.get(sample_id), counts[sample_id])
        unknown = sum(sample_id not in made for sample_id in ids)
        self._served.metrics.empty.labels("unknown").inc(unknown)
        return [made.get(sample_id) or empty_prediction(self.model_version) for sample_id in ids]

    def _runs(self, ids: Sequence[str]) -> Mapping[str, Run]:
        runs = get_runs(self._db, ids, self._version)
        return {run.sample_id: run for run in comparable(self._db, list(runs.values()))}

    def _item(self, sample: Sample, run: Run | None, times: int) -> dict[str, Any]:
        if run is None or run.error is not None:
            return self._empty("pending" if run is None else "failed", times)
        names = self._served.settings.label_studio.prefill
        try:
            return agent_prediction(self._interface, names, sample, run, self.model_version)
        except Exception as error:  # noqa: BLE001 - must not cost the other tasks their item
            self._tell(f"sample {sample.sample_id}", error)
            return self._empty("unfit", times)

    def _empty(self, why: str, times: int) -> dict[str, Any]:
        self._served.metrics.empty.labels(why).inc(times)
        return empty_prediction(self.model_version)

    def _tell(self, what: str, error: Exception) -> None:
        """Log it, once a request for the same words: a wrong setting is wrong for every task."""
        if str(error) not in self._told:
            self._told.add(str(error))
            self._served.warn(what, error)
