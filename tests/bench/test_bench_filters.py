"""How `bench filters` scores, what it is scored on, and that the filters are as good as it says."""

import json
from collections import Counter

import pytest

from bench._filter_scores import by_reason, of_filter, show_scores
from bench._synthetic_samples import DEFAULT_RATES, SyntheticSamples
from bench.filters import figures, honest, scored, support_task
from goldloop.synthesis.consistency import judged_answers
from goldloop.synthesis.rules import Rules
from goldloop.synthesis.values import CONSISTENCY, REASONS, RULES

ALL_GOOD = dict.fromkeys(DEFAULT_RATES, 0.0)
OUTCOMES = [("empty", "empty"), ("empty", "too_short"), (None, "empty"), ("empty", None)]


def write(samples, draw, capability="refund_order", **more):
    asked = {"capability": capability, "difficulty": "easy", "intent": "clear", **more}
    return samples.write(draw, **asked)


def only(reason):
    return SyntheticSamples(1, {reason: 1.0})


def test_a_reason_is_scored_by_itself_and_a_filter_whatever_it_said():
    empty, short = by_reason(OUTCOMES, ["empty", "too_short"])
    assert (empty.made, empty.said, empty.right) == (3, 2, 1)
    assert (empty.precision, empty.recall) == (0.5, 0.3333)
    assert (short.precision, short.recall) == (0.0, None)

    whole = of_filter(OUTCOMES, ["empty", "too_short"], "all")
    assert (whole.made, whole.said, whole.right) == (3, 3, 2)


def test_the_table_shows_what_cannot_be_said(capsys):
    show_scores("rules", by_reason([], ["empty"]))
    assert capsys.readouterr().out.splitlines()[1].split() == ["empty", "0", "0", "0", "-", "-"]


def test_the_worst_reason_is_the_least_recalled(capsys):
    found = figures([("empty", "empty"), ("placeholder", None)], [("different_calls", None)])
    assert found["worst_reason_recall"] == 0.0
    assert found["reasons"]["empty"] == {"made": 1, "precision": 1.0, "recall": 1.0}
    assert found["rules_recall"] == 0.5


def test_a_draw_always_gives_the_same_sample():
    assert write(SyntheticSamples(1), 5) == write(SyntheticSamples(1), 5)
    assert write(SyntheticSamples(1), 5) != write(SyntheticSamples(2), 5)


def test_faults_come_at_their_rates():
    samples = SyntheticSamples(3, {"empty": 0.2, "refused": 0.1})
    made = Counter(write(samples, draw).reason for draw in range(2000))
    assert made["empty"] / 2000 == pytest.approx(0.2, abs=0.03)
    assert made["refused"] / 2000 == pytest.approx(0.1, abs=0.03)


def test_a_fault_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="no such fault: ugly"):
        SyntheticSamples(0, {"ugly": 0.5})


@pytest.mark.parametrize("tool", [tool.name for tool in support_task().tools])
def test_good_samples_expect_calls_that_fit_the_tools(tool):
    samples, schemas = SyntheticSamples(1, ALL_GOOD), Rules.of(support_task().tools).schemas
    for draw in range(30):
        made = write(samples, draw, tool)
        calls = made.sample["expected_tool_calls"]
        assert calls
        assert [schemas[call["name"]].misfit_of_text(call["arguments_json"]) for call in calls] == [
            None
        ] * len(calls)


def test_nothing_leaks_where_nothing_was_shown():
    assert write(only("leaked_example"), 1).reason is None
    assert write(only("leaked_example"), 1, examples=["a b c"]).reason == "leaked_example"


@pytest.mark.parametrize("reason", [one for one in REASONS[CONSISTENCY] if one != "unsolved"])
def test_what_is_inconsistent_is_solved_wrong_in_its_own_way(reason):
    samples = only(reason)
    made = write(samples, 9)
    first, second = (samples.solve(made, turn + 10, turn) for turn in range(2))
    parsed = [
        sorted(
            (one["name"], str(sorted(json.loads(one["arguments_json"]).items()))) for one in found
        )
        for found in (
            made.sample["expected_tool_calls"],
            first["tool_calls"],
            second["tool_calls"],
        )
    ]
    if reason.endswith("calls"):
        assert (parsed[1] == parsed[2]) == reason.startswith("unexpected")
        assert parsed[2] != parsed[0]
    else:
        assert parsed[0] == parsed[1] == parsed[2]
        texts = [made.sample["expected_response"], first["response"], second["response"]]
        assert judged_answers(samples.groups(texts)).reason == reason


def test_noise_makes_solvers_err_on_good_samples_only():
    samples = SyntheticSamples(1, ALL_GOOD)
    made = write(samples, 4)
    assert samples.solve(made, 1, 1)["tool_calls"] != []
    samples.noise = {"easy": 1.0}
    wrong = samples.solve(made, 1, 1)
    assert samples.slipped == {made.sample["user_input"]}
    samples.noise = {}
    assert wrong != samples.solve(made, 1, 1)


def test_both_filters_are_scored_over_the_whole_way(capsys):
    found = scored(250)

    assert set(found["reasons"]) == {*REASONS[RULES], *REASONS[CONSISTENCY]} - {"unsolved"}
    assert found["written"] < 250
    assert found["rules_recall"] > 0.9
    assert found["rules_precision"] > 0.85
    assert found["consistency_recall"] > 0.9
    assert found["consistency_false_alarms"] == found["of_which_the_solver_erred"] > 0
    assert "consistency rejects" in capsys.readouterr().out


def test_honest_texts_of_the_example_have_nothing_to_be_found(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("bench.filters.RUNS", tmp_path / "nowhere")
    found = honest()["honest"]["the example's texts"]

    assert found["texts"] > 500
    assert found["placeholders"] == found["personal_data"] == 0
    assert "honest texts" in capsys.readouterr().out


def test_honest_texts_of_real_runs_have_next_to_nothing(shared_data, capsys):
    found = honest()["honest"]

    assert found["recorded runs"]["placeholders"] <= 2
    assert found["recorded runs"]["personal_data"] <= 4
    assert found["their arguments"] == {"texts": 1164, "placeholders": 0, "personal_data": 0}
