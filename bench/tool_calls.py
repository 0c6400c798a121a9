"""How well expected tool calls tell an agent's right runs from its wrong ones, mode by mode.

The runs of tau-airline in `../shared/data`; their `reward` is the truth: whether the database came
out right, and the user was told what they had to be told. A run passes when its calls of the tools
that change the database are the expected ones, and it says every expected text. Kappa has a 95%
bootstrap interval over runs.

Then how quick it is: grades a second beside AgentEvals (`uv sync --group bench`; their verdicts are
compared too), and beside the least that could be done, comparing two counters of canonical calls.
"""

from __future__ import annotations

import importlib
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bench.confidence import DATA as DEFAULT_DATA
from bench.confidence import Trial, read_trials
from goldloop.agreement import cohen_kappa, cohen_kappa_interval, confusion_matrix
from goldloop.canonical import canonical_calls
from goldloop.graders import GraderSet, case_graders, grade_run, read_graders
from goldloop.samples import ToolCall

T = TypeVar("T")
Trajectories = tuple[list[dict[str, Any]], list[dict[str, Any]]]

DATA: Path = DEFAULT_DATA
WRITES = (
    "book_reservation",
    "cancel_reservation",
    "send_certificate",
    "update_reservation_baggages",
    "update_reservation_flights",
    "update_reservation_passengers",
)
# By name, what differs from the first. A refused call has changed nothing in the database.
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "as recommended": {},
    "refused calls count": {"ignore_failed": False},
    "every tool counts": {"only_tools": []},
    "strict": {"mode": "strict"},
    "subset": {"mode": "subset"},
    "superset": {"mode": "superset"},
    "arguments ignored": {"arguments": "ignore"},
    "arguments subset": {"arguments": "subset"},
    "arguments superset": {"arguments": "superset"},
    "loose texts": {"text": "loose"},
}
MODES = ("strict", "unordered", "subset", "superset")
SEED = 9
DRAWS, QUICK_DRAWS = 2_000, 400
ROUNDS, QUICK_ROUNDS = 20, 5


def main(quick: bool) -> dict[str, Any]:
    """Grade all, and print a line for each variant; the figures are of the first."""
    if not DATA.is_file():
        print(f"skipped: there are no recorded runs in {DATA}")
        return {"skipped": f"no recorded runs in {DATA}"}
    trials = read_trials(DATA)
    draws = QUICK_DRAWS if quick else DRAWS
    found = {name: compared(trials, change, draws) for name, change in VARIANTS.items()}
    speed = measured(trials, QUICK_ROUNDS if quick else ROUNDS)
    _show(found, speed, len(trials))
    best = found["as recommended"]
    return {
        "runs": len(trials),
        **best,
        "agreement_by_variant": {name: one["agreement"] for name, one in found.items()},
        **speed,
    }


def graders(change: Mapping[str, Any]) -> GraderSet:
    """The graders of a variant."""
    calls = {"only_tools": WRITES, "ignore_failed": True, **change}
    texts = {"from_metadata": "expected_outputs", "on": "said", "ignore_characters": ","}
    listed = [
        {"name": "calls", "kind": "tool_calls", **calls},
        {"name": "texts", "kind": "contains", **texts},
    ]
    return read_graders({"graders": listed}, "bench")


def compared(
    trials: Sequence[Trial], change: Mapping[str, Any], draws: int = QUICK_DRAWS
) -> dict[str, Any]:
    """The verdicts beside the truth."""
    found = graders(change)
    verdicts = {number: passes(found, trial) for number, trial in enumerate(trials)}
    truth = {number: trial.right for number, trial in enumerate(trials)}
    confusion = confusion_matrix(verdicts, truth, [True, False])
    interval = cohen_kappa_interval(confusion, draws=draws, seed=SEED)
    (right, passed_wrong), (failed_right, wrong) = confusion.tolist()
    return {
        "agreement": round((right + wrong) / len(trials), 4),
        "kappa": _rounded(cohen_kappa(confusion)),
        "kappa_low": _rounded(interval.low if interval else None),
        "kappa_high": _rounded(interval.high if interval else None),
        "passed_wrong": passed_wrong,
        "failed_right": failed_right,
    }


def passes(found: GraderSet, trial: Trial) -> bool:
    """Whether a run passes each grader that is for its case."""
    each = case_graders(found, trial.sample)
    return all(grade_run(grader, trial.sample, trial.run).passed is True for grader in each)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def measured(trials: Sequence[Trial], rounds: int) -> dict[str, Any]:
    """Grades a second, and how much longer a grade takes than each of the others'."""
    grader = graders({"ignore_failed": False}).graders[0]
    ours = _seconds(lambda trial: grade_run(grader, trial.sample, trial.run), trials, rounds)
    floor = _seconds(_counted, trials, rounds)
    speed: dict[str, Any] = {
        "grades_per_second": round(1 / ours),
        "floor_ratio": round(ours / floor, 2),
    }
    try:
        peer = importlib.import_module("agentevals.trajectory.match")
    except ImportError:
        return speed
    made = peer.create_trajectory_match_evaluator
    evaluators = {mode: made(trajectory_match_mode=mode) for mode in MODES}
    pairs = [_trajectories(trial) for trial in trials]
    theirs = _seconds(lambda pair: _asked(evaluators["unordered"], pair), pairs, rounds)
    differ = {mode: _differing(trials, pairs, mode, evaluators[mode]) for mode in MODES}
    return {**speed, "agentevals_ratio": round(ours / theirs, 2), "agentevals_differs": differ}


def _seconds(work: Callable[[T], Any], trials: Sequence[T], rounds: int) -> float:
    """CPU seconds for one of them, the best of the rounds."""
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time()
        for trial in trials:
            work(trial)
        best = min(best, time.process_time() - started)
    return best / len(trials)


def _counted(trial: Trial) -> bool:
    return Counter(canonical_calls(_writes(trial.run.tool_calls))) == Counter(
        canonical_calls(_writes(trial.sample.expected_tool_calls or ()))
    )


def _writes(calls: Sequence[ToolCall]) -> list[ToolCall]:
    return [call for call in calls if call.name in WRITES]


def _trajectories(trial: Trial) -> Trajectories:
    expected = _messages(_writes(trial.sample.expected_tool_calls or ()))
    return _messages(_writes(trial.run.tool_calls)), expected


def _asked(evaluator: Any, pair: Trajectories) -> bool:
    called, expected = pair
    return bool(evaluator(outputs=called, reference_outputs=expected)["score"])


def _messages(calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
    """A trajectory of a message for each call."""
    return [{"role": "assistant", "content": "", "tool_calls": [_wire(call)]} for call in calls]


def _wire(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": json.dumps(dict(call.arguments))}
    return {"id": call.call_id or "", "type": "function", "function": function}


def _differing(
    trials: Sequence[Trial], pairs: Sequence[Trajectories], mode: str, evaluator: Any
) -> int:
    grader = graders({"mode": mode, "ignore_failed": False}).graders[0]
    return sum(
        grade_run(grader, trial.sample, trial.run).passed is not _asked(evaluator, pair)
        for trial, pair in zip(trials, pairs, strict=True)
    )


def _show(found: Mapping[str, Mapping[str, Any]], speed: Mapping[str, Any], runs: int) -> None:
    print(f"{runs} runs, verdict of the graders beside reward")
    print(f"{'':<22}{'agreement':>10}{'kappa':>8}  {'95%':<15}{'passed':>7}{'failed':>8}")
    print(f"{'':<22}{'':>10}{'':>8}  {'':<15}{'wrong':>7}{'right':>8}")
    for name, one in found.items():
        interval = f"{one['kappa_low']} to {one['kappa_high']}"
        print(
            f"{name:<22}{one['agreement']:>10.1%}{one['kappa']:>8.2f}  {interval:<15}"
            f"{one['passed_wrong']:>7}{one['failed_right']:>8}"
        )
    others = "AgentEvals is not installed"
    if "agentevals_ratio" in speed:
        differ = f"verdicts that differ: {speed['agentevals_differs']}"
        others = f"{speed['agentevals_ratio']} x the time of AgentEvals; {differ}"
    floor = f"{speed['floor_ratio']} x the floor"
    print(f"{speed['grades_per_second']:,} grades a second; {floor}; {others}")
