"""The whole report of plain values, and its warnings."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from goldloop.consensus import Annotation
from goldloop.fields import Field, FieldKind
from goldloop.quality_report import Facts, QualityReport, quality_report

VERDICT = Field("verdict", FieldKind.SINGLE_CHOICE, "run", ("good", "bad"))
HOSTILE = "<img src=x onerror=alert(1)>"


def items(count: int, **more: Any) -> list[dict[str, Any]]:
    """So many items that nothing is wrong with but their number."""
    return [
        {
            "sample_id": f"s{number:03}",
            "user_input": f"Question {number}",
            "expected_response": "Yes",
            "difficulty": ("easy", "hard")[number % 2],
            "tags": ["refund"],
            "source": "trace",
            "labels": {"verdict": ("good", "bad")[number % 2]},
            "evidence": {"state": "agreed", "annotators": 2, "agreement_rate": 1.0},
            "selection": {"round": 1, "reason": "random", "weight": 2.0},
            **more,
        }
        for number in range(count)
    ]


def said(sample_id: str, person: int, verdict: str) -> Annotation:
    number = int(sample_id[1:]) * 10 + person
    time = "2026-01-01T00:00:00+00:00"
    return Annotation(number, person, {"verdict": verdict}, time, lead_time=60.0)


def answers(verdicts: Sequence[str]) -> dict[str, list[Annotation]]:
    """One person a letter: "gb" is a task on which the first says good and the second bad."""
    words = {"g": "good", "b": "bad"}
    return {
        f"s{number:03}": [said(f"s{number:03}", who, words[w]) for who, w in enumerate(own, 1)]
        for number, own in enumerate(verdicts)
    }


def report(given: list[dict[str, Any]], **facts: Any) -> QualityReport:
    known = {"fields": [VERDICT], "voted": [VERDICT], "gold_fields": ["verdict"], **facts}
    return quality_report(lambda: given, Facts(**known))


def codes(made: QualityReport) -> list[str]:
    return [one.code for one in made.warnings]


def test_a_version_with_nothing_wrong_has_no_warning():
    assert codes(report(items(200), answers=answers(["gg", "bb"] * 100))) == []


def test_agreement_is_alpha_by_hand_and_only_of_the_version_s_own_items():
    made = report(items(4), answers={**answers(["gg", "bb", "gb", "bg"]), "s999": []}, draws=0)
    assert made.agreement is not None
    [found] = made.agreement
    assert (found.tasks, found.percent.value) == (4, 0.5)
    # observed disagreement 1/2, expected 2 * 4 * 4 / (8 * 7) = 4/7
    assert found.score.value == pytest.approx(1 - (1 / 2) / (4 / 7))


def test_answers_to_other_samples_do_not_count():
    made = report(items(2), answers=answers(["gg", "bb", "gb"]))
    assert made.annotators is not None
    assert [one.answers for one in made.annotators] == [2, 2]


def test_what_rests_on_unknown_answers_is_unknown_and_says_why():
    made = report(items(3), missing={"agreement": "there is no store"})
    assert made.agreement is None
    assert made.annotators is None
    assert made.missing == {"agreement": "there is no store"}
    assert "one_annotator" not in codes(made)


def test_where_nearly_all_answers_are_the_same_agreement_goes_by_ac1_and_not_by_alpha():
    made = report(items(40), answers=answers(["gg"] * 38 + ["gb", "bg"]), draws=0)
    assert made.agreement is not None
    assert made.lowest_agreement is not None
    # pe = 2 * 0.975 * 0.025 by Gwet, with 38 of 40 pairs equal.
    chance = 2 * 0.975 * 0.025
    assert made.lowest_agreement.value == pytest.approx((0.95 - chance) / (1 - chance))
    assert made.lowest_agreement.measure == "AC1"
    assert made.agreement[0].score.value == pytest.approx(-0.0128, abs=1e-3)
    assert "low_agreement" not in codes(made)


def test_a_single_annotator_is_said_and_has_no_agreement():
    made = report(items(3), answers=answers("ggg"))
    assert made.agreement is not None
    assert made.agreement[0].score.value is None
    assert made.annotators is not None
    assert made.annotators[0].with_others is None
    assert "one_annotator" in codes(made)


def test_items_that_nobody_labelled_are_told_and_counted():
    given = [*items(2), {**items(3)[2], "labels": {}, "evidence": {"state": "unverified"}}]
    made = report(given)
    assert made.composition.unlabelled == 1
    assert made.balance is not None
    assert (made.balance[0].labelled, made.balance[0].without) == (2, 1)
    assert "unlabelled" in codes(made)


@pytest.mark.parametrize(("labelled", "warned"), [(2, True), (3, False)])
def test_fewer_than_three_in_ten_labelled_by_people_are_warned_about(labelled: int, warned: bool):
    nobody = {"labels": {}, "evidence": {"state": "spot_checked", "verified_by": ["spot_check"]}}
    given = [one if n < labelled else {**one, **nobody} for n, one in enumerate(items(10))]
    made = report(given)
    assert made.composition.spot_checked == 10 - labelled
    assert ("mostly_unlabelled" in codes(made)) == warned


def test_more_items_than_are_compared_leave_near_duplicates_unknown():
    assert report(items(3), compared=3).near_duplicates is not None
    made = report(items(4), compared=3)
    assert made.near_duplicates is None
    assert "not looked for among more than 3 items" in made.missing["near_duplicates"]


def test_so_do_fewer_items_that_are_very_long():
    long = {"user_input": "word " * 500}
    made = report([{**one, **long} for one in items(3)], compared=3)
    assert made.near_duplicates is None
    assert report([{**items(1)[0], **long}, *items(3)[1:]], compared=3).near_duplicates is not None


@pytest.mark.parametrize(
    ("change", "code", "about"),
    [
        ({"tags": [HOSTILE]}, "few_of_a_tag", (HOSTILE,)),
        ({"tags": []}, "untagged", ()),
        ({"expected_response": None}, "nothing_expected", ()),
        ({"source": "synthetic"}, "mostly_synthetic", ()),
        ({"difficulty": None}, "one_difficulty", ()),
        ({"cluster_id": "one"}, "clusters", ()),
        ({"selection": None}, "", ()),
        ({"labels": {"verdict": "good"}}, "one_sided_labels", ("verdict",)),
        ({"user_input": "Where is my parcel?"}, "near_duplicates", ("s001", "s002")),
    ],
)
def test_each_weakness_has_its_warning(change, code, about):
    found = {one.code: one.about for one in report(items(40, **change)).warnings}
    expected = {"few_items", "few_of_a_tag", code} - {""}
    if code == "untagged":
        expected.discard("few_of_a_tag")
    assert found.keys() == expected
    if code:
        assert found[code][: len(about)] == about


def test_disputed_fields_and_samples_that_are_held_back_are_told():
    evidence = {"state": "agreed", "annotators": 3, "disputed_fields": ["notes"]}
    held = {"disputed": ["x1"], "ambiguous": ["x2"], "waiting": ["x3"]}
    made = report(items(2, evidence=evidence), held_back=held)
    found = {one.code: one for one in made.warnings}
    assert made.certainty.disputed == {"s000": ("notes",), "s001": ("notes",)}
    assert found["disputed_fields"].about == ("s000", "s001")
    assert found["held_back"].about == ("x1", "x2")
    assert found["held_back"].says.startswith("2 answered samples")


def test_low_agreement_and_who_is_far_from_the_others_are_told():
    made = report(items(30), answers=answers(["ggb", "bbg"] * 15), names={3: HOSTILE})
    found = {one.code: one for one in made.warnings}
    assert found["low_agreement"].about == ("verdict",)
    assert found["far_from_others"].about == (HOSTILE,)


@pytest.mark.parametrize(("words", "hasty"), [(100, 0), (900, 2)])
def test_who_answers_faster_than_anybody_reads_is_told(words, hasty):
    given = answers(["gg", "bb"])
    made = report(items(2), answers=given, words=dict.fromkeys(given, words))
    assert codes(made).count("hasty") == hasty


def test_unequal_weights_are_told_by_their_effective_size():
    given = items(10)
    given[0]["selection"] = {"round": 1, "reason": "random", "weight": 100.0}
    made = report(given)
    # (100 + 9 * 2)^2 / (100^2 + 9 * 4)
    assert made.selection.effective == pytest.approx(118**2 / 10036)
    assert "unequal_weights" in codes(made)


def test_a_tool_that_is_called_and_never_expected_is_told():
    made = report(items(2), tools_called={"s000": {HOSTILE}})
    assert {one.code: one.about for one in made.warnings}["tools_not_expected"] == (HOSTILE,)


def test_changes_count_ids_and_keys_since_the_parent():
    manifest = {
        "parent": "1.0.0",
        "reason": "2 samples relabelled",
        "changes": {
            "added": ["c"],
            "relabelled": {"a": ["verdict"], "b": ["verdict", "notes"]},
            "guidelines": True,
        },
    }
    changes = report(items(1), manifest=manifest).changes
    assert changes is not None
    assert changes["added"] == {"items": 1, "first": ["c"], "keys": {}}
    assert changes["relabelled"]["keys"] == {"notes": 1, "verdict": 2}
    assert changes["removed"]["items"] == 0
    assert changes["guidelines"] is True


def test_the_first_version_has_no_changes():
    assert report(items(1), manifest={"parent": None, "changes": {"added": ["a"]}}).changes is None


def test_the_record_is_plain_json_and_the_same_again():
    made = report(items(12), answers=answers(["gg", "gb"] * 6), tools_called={"s000": {"b", "a"}})
    record = made.record()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    again = report(items(12)[::-1], answers=answers(["gg", "gb"] * 6), tools_called={})
    assert again.record()["agreement"] == record["agreement"]


def test_what_may_grow_without_end_is_cut_and_counted():
    given = [{**one, "tags": [f"t{n}-{k}" for k in range(30)]} for n, one in enumerate(items(40))]
    made = report(given, held_back={"disputed": [f"x{n}" for n in range(500)]})
    assert made.composition.unique_tags == 1200
    assert len(made.capabilities) == 1000
    assert made.held_back is not None
    assert made.held_back["disputed"].samples == 500
    assert len(made.held_back["disputed"].first) == 100
    warning = {one.code: one for one in made.warnings}["few_of_a_tag"]
    assert warning.says.startswith("1200 of 1200 tags")
    assert len(warning.about) == 100


def test_the_items_are_read_once():
    readings = []

    def read() -> list[dict[str, Any]]:
        readings.append(1)
        return items(3)

    quality_report(read, Facts())
    assert readings == [1]
