from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from goldloop.samples import Run, Sample
from store.database import Store
from store.run_estimates import estimated_runs, set_estimates
from store.runs import get_runs, insert_runs
from store.samples import add_samples


def test_runs_come_cluster_by_cluster_and_within_one_by_permanent_random_number(db: Store) -> None:
    clusters = {f"s{n}": ("a", "b", None)[n % 3] for n in range(30)}
    add_samples(
        db, [(Sample(one, "x", cluster_id=c), Run(one, "v1")) for one, c in clusters.items()]
    )
    found = [(run.sample_id, cluster) for run, cluster in estimated_runs(db, "v1")]
    assert dict(found) == clusters
    order = [cluster for _, cluster in found]
    assert order == [None] * 10 + ["a"] * 10 + ["b"] * 10
    prn = dict(db.execute("SELECT sample_id, prn FROM samples").fetchall())
    numbers = [prn[one] for one, _ in found]
    assert all(numbers[n : n + 10] == sorted(numbers[n : n + 10]) for n in (0, 10, 20))


def test_failed_runs_and_other_versions_are_left_out(
    db: Store, fill: Callable[..., list[str]]
) -> None:
    fill(3)
    fill(3, version="v2")
    insert_runs(db, [Run("s001", "v1", error="time-out")])
    assert {run.sample_id for run, _ in estimated_runs(db, "v1")} == {"s000", "s002"}


def test_estimates_are_kept_and_nothing_else_changes(
    db: Store, fill: Callable[..., list[str]]
) -> None:
    fill(2)
    fill(2, version="v2")
    before = get_runs(db, ["s000", "s001"], "v1")
    scored = Run(
        "s000", "v1", confidence=0.25, confidence_method="process", estimates={"process": 0.25}
    )
    set_estimates(db, [scored])
    after = get_runs(db, ["s000", "s001"], "v1")
    assert after["s001"] == before["s001"]
    changed = {"confidence": 0.25, "confidence_method": "process", "estimates": {"process": 0.25}}
    assert after["s000"] == replace(before["s000"], **changed)
    assert get_runs(db, ["s000"], "v2")["s000"].confidence == 0.5
    [first, second] = sorted(estimated_runs(db, "v1"), key=lambda one: one[0].sample_id)
    assert first == (scored, None)
    assert second[0].messages == ()
