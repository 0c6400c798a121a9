"""The verdict of the gate: each status and what leads to it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from made_evaluations import TONE, case, evaluation, judged, passing

from goldloop.errors import IncomparableError
from goldloop.evaluation import (
    STATUSES,
    Evaluation,
    Rules,
    blocked,
    check_judge,
    gate,
    paired,
)
from goldloop.settings import parse_settings

GOOD = [1.0] * 300
RULES = Rules()


def after(worse: int, better: int = 0, cases: int = 300, was_wrong: int = 0) -> list[float]:
    """Outcomes of a candidate whose baseline is right but for the last `was_wrong`."""
    outcomes = [1.0] * cases
    for n in range(worse):
        outcomes[n] = 0.0
    for n in range(was_wrong - better):
        outcomes[cases - 1 - n] = 0.0
    return outcomes


def before(was_wrong: int, cases: int = 300) -> list[float]:
    return [1.0] * (cases - was_wrong) + [0.0] * was_wrong


def proof(kappa_of: int = 0) -> dict:
    """A check that proves the judge `tone`."""
    verdicts = {f"s-{n}": n % 3 > 0 for n in range(150)}
    labels = {name: verdict ^ (n < kappa_of) for n, (name, verdict) in enumerate(verdicts.items())}
    return {TONE.version: check_judge(TONE, verdicts, labels, dataset="golden@1.0.0")}


def test_an_agent_that_did_not_change_passes():
    found = gate(passing(GOOD, "1"), passing(GOOD, "2"), RULES)
    assert (found.status, found.exit_code(), found.exit_code(strict=True)) == ("pass", 0, 0)
    assert found.paired.change == 0.0
    assert found.flips == found.errors == ()


def test_a_clear_drop_is_a_regression():
    found = gate(passing(GOOD, "1"), passing(after(18), "2"), RULES)
    assert (found.status, found.exit_code(), found.exit_code(strict=True)) == ("regression", 1, 1)
    assert found.paired.drop == pytest.approx(0.06)
    assert [one.direction for one in found.flips] == ["regressed"] * 18
    assert found.sentence.startswith("Regression: pass rate 100.0% -> 94.0%, 6.0 points down")


def test_a_drop_over_the_margin_that_may_be_chance_is_inconclusive():
    found = gate(passing(before(30), "1"), passing(after(30, 22, was_wrong=30), "2"), RULES)
    assert found.paired.drop == pytest.approx(8 / 300)
    assert found.paired.p > 0.05
    assert (found.status, found.exit_code(), found.exit_code(strict=True)) == ("inconclusive", 0, 3)
    assert any("would settle the drop" in note for note in found.notes)


def test_a_significant_drop_within_the_margin_does_not_block():
    found = gate(passing(GOOD, "1"), passing(after(5), "2"), RULES)
    assert found.paired.p < 0.05
    assert found.status == "pass"


def test_a_drop_of_just_the_margin_is_not_over_it():
    cases = [1.0] * 50
    found = gate(passing(cases, "1"), passing([0.0, *cases[1:]], "2"), Rules(policy="point"))
    assert found.paired.drop == pytest.approx(0.02)
    assert found.status != "regression"


def test_the_point_policy_blocks_chance_and_says_how_often():
    rules = Rules(policy="point")
    found = gate(passing(before(30), "1"), passing(after(30, 22, was_wrong=30), "2"), rules)
    assert found.status == "regression"
    assert found.power.false_blocks == found.power.literal_false_blocks > 0.1
    assert any(f"{found.power.false_blocks:.0%} of agents" in note for note in found.notes)


def test_noninferior_blocks_what_is_not_shown_to_hold():
    rules = Rules(policy="noninferior")
    few, many = [1.0] * 60, [1.0] * 400
    found = gate(passing(few, "1"), passing(few, "2"), rules)
    assert found.status == "regression"
    assert found.sentence.startswith("Not shown to be as good: ")
    assert gate(passing(many, "1"), passing(many, "2"), rules).status == "pass"


def test_a_pass_that_would_have_missed_a_drop_is_no_evidence():
    few = [1.0] * 30
    found = gate(passing(few, "1"), passing(few, "2"), RULES)
    assert (found.status, found.exit_code(), found.exit_code(strict=True)) == ("no_evidence", 0, 3)
    assert found.power.smallest_drop > 0.05
    assert found.sentence.startswith("Pass without enough evidence")


def test_a_drop_within_the_margin_need_not_have_been_seen():
    assert gate(passing(GOOD, "1"), passing(after(12), "2"), Rules(margin=0.05)).status == "pass"
    few = [1.0] * 12
    found = gate(passing(few, "1"), passing(few, "2"), Rules(margin=0.05))
    assert found.status == "no_evidence"


def test_a_gain_that_rules_the_drop_out_is_evidence_though_the_power_is_small():
    found = gate(passing(before(40, 60), "1"), passing([1.0] * 60, "2"), RULES)
    assert found.power.smallest_drop > 0.05
    assert found.status == "pass"


def test_too_many_errors_give_no_verdict_whatever_the_rest_says():
    found = gate(passing(GOOD, "1"), passing([None] * 16 + after(40)[16:], "2"), RULES)
    assert (found.status, found.exit_code(), found.exit_code(strict=True)) == ("errors", 2, 2)
    assert "16 of 300 of the candidate" in found.sentence
    assert len(found.errors) == 16
    assert found.errors[0].side == "candidate"
    assert found.errors[0].error == "the agent did not answer"


def test_few_errors_are_left_out_and_are_no_failures():
    found = gate(passing(GOOD, "1"), passing([None] * 15 + [1.0] * 285, "2"), RULES)
    assert found.status == "pass"
    assert (found.paired.pairs, found.paired.change) == (285, 0.0)
    assert (found.baseline.errors, found.candidate.errors) == (0, 15)
    assert any("15 of the candidate came to nothing" in note for note in found.notes)


def test_errors_of_the_baseline_count_as_well():
    found = gate(passing([None] * 20 + [1.0] * 280, "1"), passing(GOOD, "2"), RULES)
    assert found.status == "errors"


def test_nothing_but_errors_gives_no_verdict_and_no_crash():
    found = gate(passing(GOOD, "1"), passing([None] * 300, "2"), RULES)
    assert (found.status, found.paired, found.power) == ("errors", None, None)
    assert json.dumps(found.record())


def test_cases_without_any_grader_cannot_be_compared():
    empty = evaluation([case(n) for n in range(3)])
    with pytest.raises(IncomparableError, match="no case that was graded in both"):
        gate(empty, empty, RULES)


def test_cases_that_were_never_run_are_errors_of_their_side():
    whole = passing(GOOD, "1")
    stopped = evaluation([case(n, *([1.0] if n < 60 else [])) for n in range(300)], "2")
    found = gate(whole, stopped, RULES)
    assert (found.status, found.exit_code(), found.candidate.errors) == ("errors", 2, 240)
    assert found.errors[0].error == "no attempt was made"
    assert not any("does not apply" in note for note in found.notes)
    # Nor do two halves make a whole.
    assert gate(stopped, stopped, RULES).status == "errors"


def test_a_case_that_only_the_baseline_has_a_grade_of_is_an_error_of_the_candidate():
    half = [1.0] * 150 + [None] * 150
    old, new = judged(RIGHT, RIGHT, "1"), judged(half, half, "2")
    found = gate(old, new, RULES, proof())
    assert (found.status, found.baseline.errors, found.candidate.errors) == ("errors", 0, 150)
    assert gate(new, old, RULES, proof()).baseline.errors == 150
    # Nor does it help that judges that nobody has compared with people are left out.
    found = gate(judged(RIGHT, [None] * 300, "1"), judged(half, RIGHT, "2"), RULES)
    assert (found.status, found.candidate.errors) == ("errors", 150)


def test_runs_of_a_case_are_taken_together():
    old = evaluation([case(n, 1, 1, 1) for n in range(200)], "1")
    new = evaluation([case(n, 1, 0, float(n > 40)) for n in range(200)], "2")
    found = gate(old, new, RULES)
    assert found.paired.pairs == 200
    assert found.paired.drop == pytest.approx((200 + 41) / 600)
    # Half of a case's runs must change for it to be a flip.
    assert len(found.flips) == 41


def test_a_failed_run_is_left_out_of_its_case_and_told():
    old = evaluation([case(n, 1, 1) for n in range(200)], "1")
    new = evaluation([case(n, 1, None if n < 30 else 1) for n in range(200)], "2")
    found = gate(old, new, RULES)
    assert (found.status, found.candidate.errors) == ("pass", 0)
    assert any(note.startswith("30 further runs came to nothing") for note in found.notes)


def test_clusters_count_as_one_each():
    old = evaluation([case(n, 1, cluster_id=f"k-{n // 20}") for n in range(200)], "1")
    new = evaluation([case(n, n >= 20, cluster_id=f"k-{n // 20}") for n in range(200)], "2")
    found = gate(old, new, RULES)
    assert (found.paired.clusters, found.paired.p) == (10, 0.25)
    assert found.status == "inconclusive"
    assert (
        gate(passing([1] * 200), passing([0] * 20 + [1] * 180, "2"), RULES).status == "regression"
    )


def sliced(right: list[float], name: str, second: int = 150) -> Evaluation:
    """The first cases are of tag a, the last `second` of tag b."""
    cut = len(right) - second
    return evaluation(
        [case(n, one, tags=("a",) if n < cut else ("b",)) for n, one in enumerate(right)], name
    )


def test_a_named_slice_blocks_by_itself():
    new = sliced(after(12), "2")
    assert gate(sliced(GOOD, "1"), new, Rules(margin=0.05)).status == "pass"
    found = gate(sliced(GOOD, "1"), new, Rules(margin=0.05, slices=("tag:a", "tag:b")))
    assert found.status == "regression"
    assert found.sentence.endswith("Slices that block: tag:a.")
    by_name = {one.name: one for one in found.slices}
    assert by_name["tag:a"].blocks
    assert by_name["tag:a"].p == pytest.approx(2 * by_name["tag:a"].paired.p)
    assert not by_name["tag:b"].blocks
    assert any("Holm" in note for note in found.notes)
    assert any("Slice tag:a blocks: 8.0 points down" in note for note in found.notes)


@pytest.mark.parametrize("policy", ["point", "noninferior"])
def test_only_a_policy_that_goes_by_p_says_that_the_p_of_slices_is_corrected(policy: str) -> None:
    rules = Rules(policy=policy, slices=("tag:a", "tag:b"))
    found = gate(sliced(GOOD, "1"), sliced(after(12), "2"), rules)
    [of_a] = [note for note in found.notes if note.startswith("Slice tag:a blocks")]
    assert of_a.startswith("Slice tag:a blocks: 8.0 points down, at worst -1")
    assert not any("corrected" in note or "Holm" in note for note in found.notes)
    unchanged = gate(sliced(GOOD, "1"), sliced(GOOD, "2"), replace(rules, margin=0.001))
    of_b = "Slice tag:b blocks: no change, at worst -1.5 points (one-sided, at 0.05)."
    assert (of_b in unchanged.notes) is (policy == "noninferior")


def test_all_slices_are_shown_and_only_named_ones_gate():
    found = gate(sliced(GOOD, "1"), sliced(after(12), "2"), Rules(margin=0.05, slices=("tag:b",)))
    assert [(one.name, one.gates, one.blocks) for one in found.slices] == [
        ("tag:a", False, False),
        ("tag:b", True, False),
    ]
    assert found.slices[0].p is None
    assert found.status == "pass"


def test_correction_for_many_slices_lets_chance_in_one_pass():
    tags = [f"t{n // 60}" for n in range(300)]
    old = evaluation([case(n, 1, tags=(tag,)) for n, tag in enumerate(tags)], "1")
    new = evaluation([case(n, n >= 4, tags=(tag,)) for n, tag in enumerate(tags)], "2")
    alone = gate(old, new, Rules(slices=("tag:t0",)))
    every = gate(old, new, Rules(slices=tuple(f"tag:t{n}" for n in range(5))))
    assert (alone.status, every.status) == ("regression", "inconclusive")


def test_a_named_slice_that_is_too_small_or_not_there_does_not_gate_and_is_told():
    rules = Rules(slices=("tag:b", "tag:none"))
    found = gate(sliced(GOOD, "1", 49), sliced(before(49), "2", 49), replace(rules, margin=0.5))
    assert not any(one.gates for one in found.slices)
    notes = " ".join(found.notes)
    assert "Slice tag:b does not gate: it has 49 cases and needs 50." in notes
    assert "Slice tag:none does not gate: no case" in notes


RIGHT = [1.0] * 300


def test_an_unproven_judge_cannot_block_alone():
    old, new = judged(RIGHT, RIGHT, "1"), judged(RIGHT, after(60), "2")
    found = gate(old, new, RULES)
    assert (found.status, found.exit_code()) == ("inconclusive", 0)
    assert found.paired.change == 0.0
    assert found.with_unproven.drop == pytest.approx(0.2)
    tone = next(one for one in found.graders if one.facts.name == "tone")
    assert "has not been compared" in tone.unproven
    assert tone.paired.drop == pytest.approx(0.2)
    assert any("With tone it would block" in note for note in found.notes)
    assert found.flips == ()


def test_a_proven_judge_blocks():
    old, new = judged(RIGHT, RIGHT, "1"), judged(RIGHT, after(60), "2")
    found = gate(old, new, RULES, proof())
    assert found.status == "regression"
    assert found.with_unproven is None
    assert all(one.unproven is None for one in found.graders)


def test_a_judge_that_people_contradict_stays_unproven():
    old, new = judged(RIGHT, RIGHT, "1"), judged(RIGHT, after(60), "2")
    assert gate(old, new, RULES, proof(kappa_of=60)).status == "inconclusive"


def test_a_check_of_another_version_of_the_judge_proves_nothing():
    old, new = judged(RIGHT, RIGHT, "1"), judged(RIGHT, after(60), "2")
    checks = {"j-0": proof()[TONE.version]}
    assert gate(old, new, RULES, checks).status == "inconclusive"


def test_proven_graders_block_whatever_an_unproven_judge_says():
    old, new = judged(RIGHT, RIGHT, "1"), judged(after(60), RIGHT, "2")
    found = gate(old, new, RULES)
    assert found.status == "regression"
    assert any("verdict is made without them" in note for note in found.notes)


def test_where_only_unproven_judges_are_left_a_regression_is_inconclusive():
    nobody = [None] * 300
    old, new = judged(nobody, RIGHT, "1"), judged(nobody, after(60), "2")
    found = gate(old, new, RULES)
    assert (found.status, found.exit_code(), found.exit_code(strict=True)) == ("inconclusive", 0, 3)
    assert found.paired.drop == pytest.approx(0.2)
    assert len(found.flips) == 60
    assert any("nothing here can block by itself" in note for note in found.notes)
    assert gate(old, new, RULES, proof()).status == "regression"


def test_a_pass_by_unproven_judges_alone_is_no_evidence():
    old, new = judged([None] * 300, RIGHT, "1"), judged([None] * 300, RIGHT, "2")
    assert gate(old, new, RULES).status == "no_evidence"
    assert gate(old, new, RULES, proof()).status == "pass"


def test_a_judge_that_weighs_nothing_changes_no_verdict_and_is_still_told():
    shown = replace(TONE, weight=0.0)
    old, new = (
        replace(one, graders=(one.graders[0], shown))
        for one in (judged(RIGHT, RIGHT, "1"), judged(RIGHT, after(60), "2"))
    )
    found = gate(old, new, RULES)
    assert (found.status, found.with_unproven) == ("pass", None)
    assert found.graders[1].unproven is not None


def test_cases_that_only_an_unproven_judge_grades_are_left_out_and_no_errors():
    tools = [1.0] * 250 + [None] * 50
    found = gate(judged(tools, RIGHT, "1"), judged(tools, RIGHT, "2"), RULES)
    assert (found.status, found.paired.pairs) == ("pass", 250)
    assert any("50 cases are left out" in note for note in found.notes)


def test_the_mean_score_can_gate_instead_of_the_pass_rate():
    old = evaluation([case(n, 0.9) for n in range(100)], "1")
    new = evaluation([case(n, 0.9 - 0.1 * (n % 2)) for n in range(100)], "2")
    assert gate(old, new, RULES).paired.change == 0.0
    found = gate(old, new, Rules(metric="score"))
    assert found.status == "regression"
    assert found.paired.drop == pytest.approx(0.05)
    assert "mean score" in found.sentence


def test_the_verdict_is_that_of_the_paired_comparison():
    random = np.random.default_rng(4)
    for drop in (0.0, 0.05, 0.1):
        one, other = random.random((2, 200)) < np.array([[0.8], [0.8 - drop]])
        found = gate(passing(one.tolist(), "1"), passing(other.tolist(), "2"), RULES)
        expected = paired(one, other)
        assert found.paired == expected
        assert (found.status == "regression") == blocked(expected, expected.p, RULES)


def test_the_record_is_json_and_holds_all():
    found = gate(sliced(GOOD, "1"), sliced(after(18), "2"), Rules(slices=("tag:a",)))
    record = json.loads(json.dumps(found.record()))
    assert record["status"] in STATUSES
    assert record["paired"]["drop"] == pytest.approx(0.06)
    assert record["rules"]["slices"] == ["tag:a"]
    assert record["flips"][0]["direction"] == "regressed"
    assert record["baseline"]["evaluation_id"] == "1"
    assert set(record) == {
        "schema", "status", "sentence", "rules", "baseline", "candidate", "paired",
        "with_unproven", "power", "slices", "graders", "flips", "errors", "notes",
        "without",
    }  # fmt: skip


def test_rules_are_those_of_the_settings():
    settings = parse_settings(
        {"gate": {"policy": "point", "slices": ["tag:a"]}, "evaluation": {"max_errors": 0.1}}, {}
    )
    rules = Rules.of(settings)
    assert (rules.policy, rules.slices, rules.max_errors) == ("point", ("tag:a",), 0.1)
    assert Rules.of(parse_settings({}, {})) == Rules()
