"""What is counted for Prometheus, and what the store knows of the worker's progress.

Each app has a registry of its own. Label values come from the fixed sets below, so that nothing a
stranger sends can make another series. Where several processes serve one app, they share a folder
that `SHARED` names before prometheus_client is imported, and each shows the figures of all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from goldloop.errors import (
    AgentError,
    GoldloopError,
    InterfaceError,
    PredictionError,
    RecordError,
    SettingsError,
    StoreError,
)
from goldloop.times import instant
from goldloop.webhooks import KNOWN_ACTIONS, START_TRAINING
from store.annotations import get_cursor
from store.database import Store, store_errors
from store.inbox import backlog, hints_set_aside, seconds_to_done
from store.wanted_runs import wanted

# The environment variable that prometheus_client knows.
SHARED = "PROMETHEUS_MULTIPROC_DIR"
Stores = Callable[[], AbstractContextManager[Store]]

ENDPOINTS = ("health", "setup", "predict", "versions", "webhook", "metrics", "openapi", "other")
# What carries no secret is unsigned, whatever it says that it is.
ACTIONS = (*KNOWN_ACTIONS, START_TRAINING, "other", "unsigned")
# Why a prediction was empty: no such sample, the agent failed on it, its run is not there yet, or
# it does not fit the labelling interface.
EMPTY = ("unknown", "failed", "pending", "unfit")
# How a call of the agent ended; an overdue one is counted again when it does end.
OUTCOMES = ("answered", "failed", "down", "overdue")
REFUSALS = ("wrong_secret", "too_large", "malformed", "not_stored")
KINDS = {
    AgentError: "agent",
    StoreError: "store",
    SettingsError: "settings",
    InterfaceError: "interface",
    PredictionError: "prediction",
    RecordError: "record",
    GoldloopError: "other",
}
INTERNAL = "internal"
QUANTILES = (0.5, 0.9, 0.99, 1)
# The cursor in which the worker writes when it last had everything.
RECONCILED = "reconciled"
# Label Studio gives up on a webhook after 1 s, on a setup after 3 s, on a prediction after 100 s.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.9, 3, 10, 30, 100)


class Metrics:
    """The figures of one app; safe to use from any thread."""

    def __init__(self, stores: Stores) -> None:
        self._registry = CollectorRegistry()
        self.received = Counter(
            "goldloop_events_received", "Webhook events taken.", ["action"], registry=self._registry
        )
        self.refused = Counter(
            "goldloop_events_refused",
            "Webhook events refused.",
            ["reason"],
            registry=self._registry,
        )
        self.predictions = Counter(
            "goldloop_predictions_served",
            "Predictions given to Label Studio.",
            registry=self._registry,
        )
        self.errors = Counter(
            "goldloop_errors", "What went wrong here.", ["kind"], registry=self._registry
        )
        self.seconds = Histogram(
            "goldloop_request_seconds",
            "Seconds from the head of a request to its answer.",
            ["endpoint"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._count_runs()
        self._start_at_zero()
        self._store_figures = _StoreFigures(stores)
        self._registry.register(self._store_figures)
        ProcessCollector(registry=self._registry)

    def _count_runs(self) -> None:
        self.empty = Counter(
            "goldloop_predictions_empty",
            "Empty predictions among those served.",
            ["reason"],
            registry=self._registry,
        )
        self.calls = Counter(
            "goldloop_agent_calls",
            "Calls of the agent by how they ended.",
            ["outcome"],
            registry=self._registry,
        )
        self.calls_under_way = Gauge(
            "goldloop_agent_calls_under_way",
            "Calls of the agent that have not ended.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self.breaker = Gauge(
            "goldloop_agent_breaker",
            "0: the agent is asked; 1: it is tried again; 2: it is down and left alone.",
            registry=self._registry,
            multiprocess_mode="livemax",
        )
        self.refused_runs = Counter(
            "goldloop_wanted_runs_refused",
            "Runs that were wanted when the queue was full.",
            registry=self._registry,
        )

    def _start_at_zero(self) -> None:
        """A series that appears with its first event hides that event from a rate."""
        for action in ACTIONS:
            self.received.labels(action)
        for reason in REFUSALS:
            self.refused.labels(reason)
        for why in EMPTY:
            self.empty.labels(why)
        for outcome in OUTCOMES:
            self.calls.labels(outcome)
        for kind in (*KINDS.values(), INTERNAL):
            self.errors.labels(kind)
        for endpoint in ENDPOINTS:
            self.seconds.labels(endpoint)

    def count_error(self, error: Exception) -> None:
        """Count an error under the nearest kind that it is of."""
        kinds = (KINDS[cls] for cls in type(error).__mro__ if cls in KINDS)
        self.errors.labels(next(kinds, INTERNAL)).inc()

    def page(self) -> bytes:
        """Everything in Prometheus' text format; without the store's figures when it is away.

        Of several processes it is what they counted together; those of the operating system, which
        are of one process, are left out then.
        """
        if SHARED not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        registry.register(self._store_figures)
        return generate_latest(registry)


class _StoreFigures(Collector):
    """Read from the store whenever somebody asks."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def describe(self) -> Iterator[Metric]:
        """Nothing: to ask the store while the registry is made would be too early."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """The inbox and the reconciliation; `goldloop_store_up` is 0 where they cannot be read."""
        figures: list[Metric] = []
        try:
            with self._stores() as db, store_errors():
                figures = list(_figures(db, datetime.now(UTC)))
        except GoldloopError:
            pass
        yield GaugeMetricFamily(
            "goldloop_store_up", "Whether the store can be read.", 1 if figures else 0
        )
        yield from figures


def _figures(db: Store, now: datetime) -> Iterator[Metric]:
    waiting = backlog(db)
    yield GaugeMetricFamily(
        "goldloop_inbox_pending", "Hints that the worker has not followed up.", waiting.pending
    )
    yield GaugeMetricFamily(
        "goldloop_inbox_oldest_pending_seconds",
        "Age of the oldest of them; 0 when none waits.",
        _age(waiting.oldest, now) if waiting.oldest else 0,
    )
    yield GaugeMetricFamily(
        "goldloop_inbox_set_aside",
        "Hints that the worker could not follow up; see: goldloop inbox list.",
        len(hints_set_aside(db)),
    )
    yield _processing(seconds_to_done(db))
    runs = wanted(db)
    yield GaugeMetricFamily(
        "goldloop_wanted_runs", "Runs that are wanted and not there.", runs.pending
    )
    yield GaugeMetricFamily(
        "goldloop_wanted_runs_oldest_seconds",
        "For how long the oldest of them is wanted; 0 when none is.",
        _age(runs.oldest, now) if runs.oldest else 0,
    )
    reconciled = get_cursor(db, RECONCILED)
    if reconciled:
        yield GaugeMetricFamily(
            "goldloop_reconcile_lag_seconds",
            "Seconds since the worker last had everything that Label Studio has.",
            _age(reconciled, now),
        )


def _processing(seconds: Sequence[float]) -> Metric:
    """Quantiles of sorted seconds; no series where there are none."""
    said = "Seconds from a hint's coming until the worker had followed it up, of the latest 1,000."
    family = GaugeMetricFamily("goldloop_event_processing_seconds", said, labels=["quantile"])
    for quantile in QUANTILES if seconds else ():
        nearest = min(len(seconds) - 1, int(quantile * len(seconds)))
        family.add_metric([f"{quantile:g}"], seconds[nearest])
    return family


def _age(moment: str, now: datetime) -> float:
    """Seconds since then; 0 for a clock that was set back. Raises RecordError for no time."""
    return max(0.0, (now - instant(moment)).total_seconds())
