"""Dawid and Skene's model here and in crowd-kit: seconds, memory and accuracy.

Synthetic answers of five classes, three a task, as integer codes in shuffled rows; both stop by the
same rule after the same number of iterations (quick: at most 5 for the largest). Each fit runs in a
process of its own; memory is the growth of its peak over what it held with the answers loaded.
Without crowd-kit the peer is a plain implementation with pandas, which is named as such.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import Any

from goldloop.consensus.dawid_skene import MAX_ITERATIONS

SIZES = {10_000: 5, 100_000: 3, 1_000_000: 1}  # answers: repetitions, of which the best counts
QUICK_ITERATIONS = 5


def main(quick: bool) -> dict[str, Any]:
    """Fit 10,000, 100,000 and 1,000,000 answers with both; the figures of the issue's aims."""
    peer = "crowd-kit" if importlib.util.find_spec("crowdkit") else "pandas"
    ours, theirs = {}, {}
    for size, repeats in SIZES.items():
        times = min(repeats, 3) if quick else 2 * repeats + 1
        most = QUICK_ITERATIONS if quick and size == max(SIZES) else MAX_ITERATIONS
        ours[size] = _fit("goldloop", size, times, most)
        theirs[size] = _fit(peer, size, 1 if quick and size > 10_000 else repeats, most)
    _table(ours, theirs, peer)
    largest, smallest = max(SIZES), min(SIZES)
    return {
        "peer": peer,
        "speedup_vs_crowdkit": _speedup(ours[largest], theirs[largest]),
        "speedup_10k": _speedup(ours[smallest], theirs[smallest]),
        "speedup_100k": _speedup(ours[100_000], theirs[100_000]),
        "memory_ratio": round(ours[largest]["peak_mb"] / theirs[largest]["peak_mb"], 3),
        "accuracy_ours": round(ours[largest]["accuracy"], 4),
        "accuracy_peer": round(theirs[largest]["accuracy"], 4),
        "iterations_ours": [figures["iterations"] for figures in ours.values()],
        "iterations_peer": [figures["iterations"] for figures in theirs.values()],
        "seconds_ours": [round(figures["seconds"], 4) for figures in ours.values()],
        "seconds_peer": [round(figures["seconds"], 4) for figures in theirs.values()],
        "hierarchical_seconds": round(ours[largest]["hierarchical_seconds"], 3),
        "hierarchical_accuracy": round(ours[largest]["hierarchical_accuracy"], 4),
        "update_task_ms": round(ours[largest]["update_task_ms"], 4),
    }


def _fit(peer: str, answers: int, repeats: int, most: int) -> dict[str, Any]:
    print(f"{peer}: {answers:,} answers", file=sys.stderr, flush=True)
    command = [sys.executable, "-W", "ignore", "-m", "bench._dawid_skene_fit"]
    done = subprocess.run(
        [*command, peer, str(answers), str(repeats), str(most)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{peer} failed on {answers} answers:\n{done.stderr[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _speedup(ours: dict[str, Any], theirs: dict[str, Any]) -> float:
    return round(float(theirs["seconds"] / ours["seconds"]), 1)


def _table(ours: dict[int, Any], theirs: dict[int, Any], peer: str) -> None:
    print(
        f"{'answers':>10} {'by':<10}{'seconds':>10}{'peak MB':>9}{'accuracy':>10}{'iterations':>12}"
    )
    for size in ours:
        for name, figures in (("goldloop", ours[size]), (peer, theirs[size])):
            print(
                f"{size:>10,} {name:<10}{figures['seconds']:>10.4f}{figures['peak_mb']:>9.0f}"
                f"{figures['accuracy']:>10.4f}{figures['iterations']:>12}"
            )
