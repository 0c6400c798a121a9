"""Recorded runs say how sure one may be of them: by each other, and by what happened on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from goldloop.confidence import Answer, process_estimate, share_agreeing
from goldloop.samples import Run, own_turns
from goldloop.settings import ConfidenceSettings
from store.database import Store, create_store
from store.runs import get_runs
from store.samples import get_samples
from sync import score_recorded as module
from sync.import_records import import_files
from sync.score_recorded import MOST_OTHERS, score_recorded

Import = Callable[..., None]


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Store]:
    store = create_store(tmp_path / "goldloop.db")
    yield store
    store.close()


@pytest.fixture
def read(db: Store, tmp_path: Path) -> Import:
    """Imports runs, given as (sample, cluster, response) or with more about the run."""

    def read(*runs: tuple[str, str | None, str] | dict[str, Any]) -> None:
        records = [one if isinstance(one, dict) else record(*one) for one in runs]
        path = tmp_path / "runs.jsonl"
        path.write_text("".join(json.dumps(one) + "\n" for one in records))
        import_files(db, [path], print)

    return read


def record(name: str, cluster: str | None, response: str, **run: Any) -> dict[str, Any]:
    return {
        "sample_id": name,
        "user_input": "is it open?",
        "cluster_id": cluster,
        "run": {"agent_version": "v1", "response": response, **run},
    }


def trail(name: str, cluster: str | None, *results: str, **run: Any) -> dict[str, Any]:
    """A run that called one tool after another, with these results."""
    turns: list[dict[str, Any]] = []
    for number, result in enumerate(results):
        call = {"id": f"c{number}", "function": {"name": f"tool_{number}", "arguments": "{}"}}
        turns += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"c{number}", "content": result},
        ]
    turns.append({"role": "assistant", "content": "done"})
    given = record(name, cluster, "done", **run)
    given["run"]["messages"] = turns
    return given


def runs(db: Store, *names: str) -> dict[str, Run]:
    return get_runs(db, names, "v1")


def methods(db: Store, *names: str) -> dict[str, tuple[float | None, str | None]]:
    found = runs(db, *names)
    return {name: (found[name].confidence, found[name].confidence_method) for name in names}


def test_the_runs_of_a_cluster_vouch_for_each_other_and_none_for_itself(
    db: Store, read: Import
) -> None:
    read(("a", "open", "yes"), ("b", "open", "Yes "), ("c", "open", "no"), ("d", None, "yes"))
    counts = score_recorded(db, "v1")
    assert dict(counts) == {"scored": 3, "without_confidence": 1}
    assert methods(db, "a", "b", "c", "d") == {
        "a": (0.5, "combined:agreement"),
        "b": (0.5, "combined:agreement"),
        "c": (0.0, "combined:agreement"),
        "d": (None, None),
    }
    assert runs(db, "a")["a"].estimates == {"agreement": 0.5, "combined:agreement": 0.5}


def test_what_happened_on_the_way_counts_with_and_without_a_cluster(
    db: Store, read: Import
) -> None:
    read(trail("a", "x", "ok"), trail("b", "x", "Error: gone"), trail("alone", None, "ok"))
    score_recorded(db, "v1")
    found = runs(db, "a", "b", "alone")
    assert found["alone"].confidence_method == "combined:process"
    assert found["a"].confidence_method == "combined:agreement+process"
    assert found["a"].estimates["agreement"] == found["b"].estimates["agreement"] == 1.0
    assert found["a"].estimates["process"] == found["alone"].estimates["process"]
    assert found["b"].estimates["process"] < found["a"].estimates["process"]


def test_a_confidence_that_came_with_a_run_stands_and_is_among_the_estimates(
    db: Store, read: Import
) -> None:
    given = record("a", "x", "yes", confidence=0.9, confidence_method="logits of production")
    read(given, ("b", "x", "no"))
    assert score_recorded(db, "v1")["scored"] == 1
    for method in ("auto", "agreement", "combined"):
        score_recorded(db, "v1", ConfidenceSettings(method=method))
        assert methods(db, "a") == {"a": (0.9, "logits of production")}
        assert runs(db, "a")["a"].estimates["reported"] == 0.9
        assert runs(db, "a")["a"].estimates["agreement"] == 0.0


def test_doing_it_again_changes_nothing(db: Store, read: Import) -> None:
    read(
        ("a", "x", "yes"),
        ("b", "x", "no"),
        ("lone", None, "yes"),
        trail("t", None, "ok"),
        record("r", "x", "yes", confidence=0.9),
    )
    score_recorded(db, "v1")
    before = db.execute("SELECT * FROM runs ORDER BY run_id").fetchall()
    writes = db.conn.total_changes
    assert dict(score_recorded(db, "v1")) == {"scored": 0, "without_confidence": 1}
    assert db.execute("SELECT * FROM runs ORDER BY run_id").fetchall() == before
    assert db.conn.total_changes == writes


def test_importing_the_same_again_after_scoring_is_no_conflict(db: Store, read: Import) -> None:
    records = [("a", "x", "yes"), ("b", "x", "no"), record("c", "x", "no", confidence=0.2)]
    read(*records)
    score_recorded(db, "v1")
    before = runs(db, "a", "b", "c")
    read(*records)
    assert runs(db, "a", "b", "c") == before


def test_a_cluster_that_got_new_runs_is_estimated_anew(db: Store, read: Import) -> None:
    read(("a", "x", "yes"), ("b", "x", "yes"), ("other", "y", "yes"), ("another", "y", "no"))
    score_recorded(db, "v1")
    assert methods(db, "a")["a"][0] == 1.0
    read(("c", "x", "no"))
    assert dict(score_recorded(db, "v1")) == {"scored": 3, "without_confidence": 0}
    assert [methods(db, one)[one][0] for one in ("a", "b", "c", "other")] == [0.5, 0.5, 0.0, 0.0]


def test_only_clusters_with_something_new_are_read(
    db: Store, read: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(("a", "x", "yes"), ("b", "x", "yes"), ("c", "y", "yes"), trail("d", None, "ok"))
    score_recorded(db, "v1")
    read(("e", "y", "no"))
    asked: list[str] = []

    def noted(store: Store, ids: list[str], version: str) -> dict[str, Run]:
        asked.extend(ids)
        return get_runs(store, ids, version)

    monkeypatch.setattr(module, "get_runs", noted)
    score_recorded(db, "v1")
    assert sorted(asked) == ["c", "e"]


def test_another_method_takes_another_of_the_same_estimates(db: Store, read: Import) -> None:
    read(trail("a", "x", "ok"), trail("b", "x", "ok", "ok"))
    score_recorded(db, "v1")
    counts = score_recorded(db, "v1", ConfidenceSettings(method="agreement"))
    assert counts["scored"] == 2
    # One call of three is only in one of them: 2 / 3.
    assert methods(db, "a") == {"a": (pytest.approx(2 / 3), "agreement")}
    score_recorded(db, "v1", ConfidenceSettings(method="logprob"))
    assert methods(db, "a") == {"a": (None, None)}
    score_recorded(db, "v1")
    assert methods(db, "a")["a"][1] == "combined:agreement+process"


def test_the_settings_say_what_is_estimated(db: Store, read: Import) -> None:
    read(trail("a", "x", "ok"), trail("b", "x", "ok"))
    score_recorded(db, "v1")
    chosen = ConfidenceSettings(estimators=("entropy", "agreement"), ordered_calls=True)
    score_recorded(db, "v1", chosen)
    assert set(runs(db, "a")["a"].estimates) == {
        "ordered_agreement",
        "ordered_entropy",
        "combined:ordered_agreement",
    }
    score_recorded(db, "v1", ConfidenceSettings(estimators=("process",)))
    assert set(runs(db, "a")["a"].estimates) == {"process", "combined:process"}


def test_failed_runs_neither_get_a_confidence_nor_give_one(db: Store, read: Import) -> None:
    failed = record("f", "x", "yes")
    failed["run"] = {"agent_version": "v1", "error": "time-out"}
    read(("a", "x", "yes"), failed)
    assert dict(score_recorded(db, "v1")) == {"scored": 0, "without_confidence": 1}
    assert runs(db, "f")["f"].confidence is None


def test_other_versions_do_not_count(db: Store, read: Import) -> None:
    read(("a", "x", "yes"), record("b", "x", "no", agent_version="v2"))
    assert score_recorded(db, "v1")["without_confidence"] == 1
    assert dict(score_recorded(db, "v3")) == {"scored": 0, "without_confidence": 0}


def test_in_a_large_cluster_each_run_is_compared_with_a_bounded_number(
    db: Store, read: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def noted(one: Answer, others: Sequence[Answer]) -> float | None:
        sizes.append(len(others))
        return share_agreeing(one, others)

    monkeypatch.setattr(module, "share_agreeing", noted)
    names = [f"s{n}" for n in range(100)]
    read(*[(name, "x", "yes" if n % 2 else "no") for n, name in enumerate(names)])
    assert score_recorded(db, "v1")["scored"] == 100
    assert set(sizes) == {MOST_OTHERS}
    confidences = [run.confidence or 0.0 for run in runs(db, *names).values()]
    assert 0.4 < sum(confidences) / 100 < 0.6


def test_a_cluster_that_is_read_in_several_pieces_is_one(
    db: Store, read: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CHUNK", 2)
    read(*[(f"s{n}", "x", "yes") for n in range(5)], ("lone", None, "yes"))
    assert score_recorded(db, "v1")["scored"] == 5
    assert methods(db, "s0", "s4") == dict.fromkeys(("s0", "s4"), (1.0, "combined:agreement"))


def test_a_stop_in_the_middle_leaves_the_store_as_it_was(
    db: Store, read: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(("a", "x", "yes"), ("b", "x", "yes"), ("c", "x", "yes"))
    whole = module.set_estimates

    def torn(store: Store, found: Any) -> None:
        def half() -> Iterator[Run]:
            yield next(iter(found))
            raise KeyboardInterrupt

        whole(store, half())

    monkeypatch.setattr(module, "set_estimates", torn)
    with pytest.raises(KeyboardInterrupt):
        score_recorded(db, "v1")
    assert db.execute("SELECT count(*) FROM runs WHERE estimates <> '{}'").fetchone()[0] == 0


def test_real_trials_are_estimated_by_the_other_three_and_by_their_own_turns(
    db: Store, tau_airline: Path
) -> None:
    import_files(db, [tau_airline], print)
    counts = score_recorded(db, "gpt-4o")
    assert dict(counts) == {"scored": 200, "without_confidence": 0}
    one = "airline-000-trial0"
    run, sample = get_runs(db, [one], "gpt-4o")[one], get_samples(db, [one])[one]
    assert run.confidence_method == "combined:agreement+process"
    process = process_estimate(own_turns(sample, run.messages))
    assert run.estimates["process"] == process
    assert run.confidence == (run.estimates["agreement"] + run.estimates["process"]) / 2
