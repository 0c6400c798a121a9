"""goldloop synthesis: what became of a batch, in numbers that were counted by hand."""

from __future__ import annotations

from typing import Any

import pytest

from goldloop.synthesis.values import Rejection
from store.synthesis import (
    KEPT,
    NEEDS_HUMAN,
    PASSED,
    REJECTED,
    STOPPED,
    NewBatch,
    create_batch,
    decide_candidate,
    judge_candidates,
    keep_candidates,
    set_batch_state,
)
from tests.store.synthetic import candidate, journal_of, slot, stored_batch
from tests.sync.loop import Loop

DUPLICATE = Rejection("rules", "near_duplicate", "like syn-0-1")
INCONSISTENT = Rejection("consistency", "different_answer", "one says \x1b[31myes\x1b[0m")


@pytest.fixture
def reported(offline: Loop) -> Loop:
    """Eight slots: a refusal and then a kept one; a duplicate twice; two that the model doubts, of
    which a person took one; four kept, of which people took one and turned one down.
    """
    with offline.store() as db:
        slots = [slot(index, "hard" if index < 4 else "easy") for index in range(8)]
        batch = create_batch(db, NewBatch({}, slots, "p1", "writer", 7))
        refusal = Rejection("call", "refused", "I cannot")
        keep_candidates(db, batch, [(slots[0], 1, refusal)])
        keep_candidates(db, batch, [(one, 1, candidate(one)) for one in slots[1:]])
        again = [(one, 2, candidate(one, 2)) for one in slots[:2]]
        keep_candidates(db, batch, again)
        judge_candidates(
            db,
            batch,
            [
                (0, 2, KEPT, None),
                (1, 1, REJECTED, DUPLICATE),
                (1, 2, REJECTED, DUPLICATE),
                (2, 1, NEEDS_HUMAN, INCONSISTENT),
                (3, 1, NEEDS_HUMAN, INCONSISTENT),
                *((index, 1, KEPT, None) for index in range(4, 8)),
            ],
        )
        set_batch_state(db, batch, "checking")
        for sample_id, good in (("syn-3-1", True), ("syn-4-1", True), ("syn-5-1", False)):
            decide_candidate(db, batch, sample_id, good, "" if good else "nobody asks so")
        journal = journal_of(db, batch)
        for number, purpose in enumerate(("write", "write", "solve")):
            call = {"purpose": purpose, "input_tokens": 100, "output_tokens": 10, "usd": "0.10"}
            journal.put(f"k{number}", call)
    return offline


def rates(report: dict[str, Any], stage: str) -> dict[str, tuple[int, int]]:
    """By name on any axis: how many were judged and rejected."""
    return {one["name"]: (one["judged"], one["rejected"]) for one in report["rates"][stage]}


def test_the_funnel_counts_every_stage(reported: Loop) -> None:
    funnel = reported.json("synthesis", "report", "1")["funnel"]
    assert funnel == {
        "slots": 8,
        "attempts": 10,
        "written": 9,
        "rejected": {
            "call": {"refused": 1},
            "rules": {"near_duplicate": 2},
            "consistency": {"different_answer": 2},
            "spot_check": {"human_rejected": 1},
        },
        "needs_human": 1,
        "decided": 1,
        "human_rejected": 1,
        "kept": 5,
        "verified": 2,
        "open": 2,
    }


def test_rates_count_the_attempts_that_reached_a_stage(reported: Loop) -> None:
    report = reported.json("synthesis", "report", "1")
    assert rates(report, "call")["p1"] == (10, 1)
    assert rates(report, "rules")["writer"] == (9, 2)
    assert rates(report, "rules")["hard"] == (5, 2)
    assert rates(report, "consistency") == {
        "p1": (7, 2),
        "writer": (7, 2),
        "easy": (4, 0),
        "hard": (3, 2),
        "refunds": (7, 2),
        "intent:clear": (7, 2),
    }
    # What a person decides about a doubt of the model says nothing of the batch.
    assert rates(report, "spot_check")["p1"] == (2, 1)


def test_the_cost_of_a_kept_sample_is_that_of_everything(reported: Loop) -> None:
    cost = reported.json("synthesis", "report", "1")["cost"]
    assert (cost["usd"], cost["usd_per_kept"], cost["unpriced_calls"]) == ("0.30", "0.06", 0)
    by_purpose = {one["purpose"]: (one["calls"], one["usd"]) for one in cost["by_purpose"]}
    assert by_purpose == {"write": (2, "0.20"), "solve": (1, "0.10")}


def test_coverage_and_diversity_are_of_what_is_kept(reported: Loop) -> None:
    report = reported.json("synthesis", "report", "1")
    [row] = report["coverage"]
    assert row == {"capability": "refunds", "easy": [3, 4], "medium": [0, 0], "hard": [2, 4]}
    assert report["pairs_covered"] == {"kept": 14, "asked": 14}
    assert report["diversity"]["n"] == 5
    assert report["diversity"]["pool"] is None


def test_a_batch_that_is_being_judged_is_counted_as_far_as_it_is(offline: Loop) -> None:
    with offline.store() as db:
        batch = stored_batch(db, 3)
        judge_candidates(db, batch, [(0, 1, PASSED, None)])
    report = offline.json("synthesis", "report")
    assert rates(report, "rules")["1"] == (1, 0)
    assert report["rates"]["consistency"] == []


def test_the_report_on_all_batches_adds_them_up(reported: Loop) -> None:
    with reported.store() as db:
        stored_batch(db, 3)
    report = reported.json("synthesis", "report")
    assert [one["batch"] for one in report["batches"]] == [1, 2]
    assert (report["funnel"]["slots"], report["funnel"]["kept"]) == (11, 5)
    assert {"p1", "1"} <= rates(report, "call").keys()
    assert report["diversity"] is None


def test_a_person_reads_the_whole_report(reported: Loop) -> None:
    shown = reported.run("synthesis", "report", "1").stdout
    assert "5 kept of 8 asked for" in shown
    assert "0.30 USD in all, 0.06 for each kept sample" in shown
    for heading in ("filter 2, consistency", "kept of the grid", "diversity"):
        assert heading in shown


def test_the_report_tells_how_the_spot_check_stands(
    reported: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"decision": "open", "answered": 10, "drawn": 50, "rejected": 1}
    found = {**found, "rate": 0.1, "low": 0.0025, "high": 0.445}
    monkeypatch.setattr("sync.synthesis_report.spot_check_result", lambda *_: found)
    shown = reported.run("synthesis", "report", "1").stdout
    assert "open: 10 of 50 drawn samples answered, 1 rejected (10.0%, 95% interval 0.2%" in shown
    assert reported.json("synthesis", "report", "1")["spot_check"] == found


def test_rejects_are_listed_with_why_and_steer_no_terminal(reported: Loop) -> None:
    shown = reported.run("synthesis", "rejects", "1").stdout
    assert "\x1b" not in shown
    assert "nobody asks so" in shown
    assert "needs human" in shown
    found = reported.json("synthesis", "rejects", "--stage", "rules")
    assert [(one["slot"], one["attempt"], one["reason"]) for one in found] == [
        (1, 1, "near_duplicate"),
        (1, 2, "near_duplicate"),
    ]
    assert found[0]["sample"]["user_input"].startswith("Please refund")
    by_people = reported.json("synthesis", "rejects", "--reason", "human_rejected")
    assert [one["human_said"] for one in by_people] == ["nobody asks so"]


def test_a_project_without_a_batch_says_how_to_make_one(offline: Loop) -> None:
    for command in ("list", "report"):
        assert "goldloop generate" in offline.run("synthesis", command).stdout
    assert "there is no batch 3" in offline.refused("synthesis", "report", "3")


def test_a_batch_is_taken_without_people_only_when_one_says_so(reported: Loop) -> None:
    refused = reported.refused("synthesis", "accept", "1", exit_code=2)
    assert "goldloop synthesis check 1" in refused
    taken = reported.json("synthesis", "accept", "1", "--unchecked")
    assert taken == {"batch": 1, "added": 5, "accepted": "unchecked"}
    assert reported.json("synthesis", "list")[0]["state"] == "accepted"


def test_a_batch_that_people_stopped_is_not_taken(reported: Loop) -> None:
    with reported.store() as db:
        set_batch_state(db, 1, STOPPED)
    said = reported.refused("synthesis", "accept", "1", "--unchecked", exit_code=2)
    assert "people stopped batch 1" in said
    assert reported.rows("SELECT count(*) FROM samples") == [(0,)]
