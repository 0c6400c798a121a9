"""A sample with the run that annotators were given, as pages show both."""

from __future__ import annotations

from typing import Any

from backend.dashboard.trace import calls_of, text_of, trace_of
from goldloop.samples import Run, Sample
from store.database import Store
from store.runs import shown_runs, stored_runs


def run_shown(db: Store, sample: Sample, whole: bool) -> dict[str, Any]:
    """What was asked, done and expected; with `whole`, as far as a browser can bear."""
    run = _newest_shown(db, sample.sample_id)
    return {
        "sample": sample,
        "run": run,
        "whole": whole,
        "trace": trace_of(sample, run, whole),
        "expected": sample.expected_response and text_of(sample.expected_response),
        "expected_calls": calls_of(sample.expected_tool_calls or ()),
    }


def _newest_shown(db: Store, sample_id: str) -> Run | None:
    """The run that annotators were given; the newest where several were."""
    shown = shown_runs(db, [sample_id])
    runs = [run for key, run in stored_runs(db, [sample_id]).items() if key in shown]
    return max(runs, key=lambda run: str(run.created_at), default=None)
