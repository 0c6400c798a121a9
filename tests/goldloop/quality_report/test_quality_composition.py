"""What a version is made of, counted by hand."""

from typing import Any

import pytest

from goldloop.fields import Field, FieldKind
from goldloop.quality_report import (
    capabilities,
    composition,
    field_balance,
    kish_size,
    repeats,
    selected,
    tool_coverage,
)

HOSTILE = "<script>alert(1)</script> | `x` \x1b[31m"


def item(sample_id: str = "a", **more: Any) -> dict[str, Any]:
    """An item that says as little as it can."""
    return {"sample_id": sample_id, "user_input": f"What about {sample_id}?", "labels": {}, **more}


class TestComposition:
    def test_counts_items_by_what_they_have(self):
        found = composition(
            [
                item("a", labels={"x": "y"}, expected_response="Yes", source="trace"),
                item("b", expected_tool_calls=[], conversation=[{"role": "user", "content": "x"}]),
                item("c", expected_response=""),
            ]
        )
        assert (found.items, found.labelled, found.unlabelled) == (3, 1, 2)
        assert (found.with_response, found.with_tool_calls, found.nothing_expected) == (1, 1, 1)
        assert (found.conversations, found.untagged) == (1, 3)

    def test_names_every_difficulty_and_source_even_without_any(self):
        found = composition([item(difficulty="hard", source="synthetic"), item("b")])
        assert [(one.name, one.count, one.share) for one in found.difficulties] == [
            ("easy", 0, 0.0),
            ("medium", 0, 0.0),
            ("hard", 1, 0.5),
            ("not given", 1, 0.5),
        ]
        assert [one.count for one in found.sources] == [1, 0, 0, 1]

    def test_counts_only_items_that_share_a_cluster_as_clustered(self):
        clusters = ["x", "x", "y", None]
        found = composition([item(str(n), cluster_id=one) for n, one in enumerate(clusters)])
        assert (found.clusters, found.clustered) == (2, 2)

    def test_of_nothing_is_zeros(self):
        assert composition([]).items == 0
        assert {one.share for one in composition([]).difficulties} == {0.0}

    def test_an_item_without_a_label_has_the_state_that_its_evidence_says(self):
        found = composition([item(evidence={"state": "unverified"}), item("b", evidence=None)])
        assert [(one.name, one.count) for one in found.states] == [
            ("not given", 1),
            ("unverified", 1),
        ]


class TestCapabilities:
    def test_a_tag_is_short_of_fifty(self):
        items = [item(str(n), tags=["refund", *(["vip"] if n < 3 else [])]) for n in range(51)]
        found = [(one.tag, one.items, one.short_of) for one in capabilities(items)]
        assert found == [("refund", 51, 0), ("vip", 3, 47)]

    def test_a_tag_that_comes_twice_on_an_item_counts_once(self):
        assert capabilities([item(tags=[HOSTILE, HOSTILE])])[0].items == 1
        assert capabilities([item(tags=[HOSTILE])])[0].tag == HOSTILE


class TestBalance:
    def test_of_a_choice_names_the_options_that_are_never_the_label(self):
        field = Field("v", FieldKind.SINGLE_CHOICE, "run", ("good", "bad", "ugly"))
        labels = [{"v": "good"}, {"v": "good"}, {"v": "bad"}, {}]
        found = field_balance(field, [item(str(n), labels=one) for n, one in enumerate(labels)])
        assert (found.labelled, found.without, found.never) == (3, 1, ("ugly",))
        assert found.top is not None
        assert (found.top.name, found.top.share) == ("good", pytest.approx(2 / 3))

    @pytest.mark.parametrize("made", [tuple, list])
    def test_of_several_choices_counts_each(self, made):
        field = Field("m", FieldKind.MULTIPLE_CHOICE, "run", ("a", "b"))
        found = field_balance(field, [item(labels={"m": made(("a", "b"))}), item("b")])
        assert [(one.name, one.count, one.share) for one in found.values] == [
            ("a", 1, 1.0),
            ("b", 1, 1.0),
        ]

    def test_of_a_rating_between_two_steps_counts_the_nearer_one(self):
        field = Field("stars", FieldKind.RATING, "run", maximum=3)
        labels = [1, 1.4, 2.5, 3.0]
        found = field_balance(field, [item(str(n), labels={"stars": s}) for n, s in
                                      enumerate(labels)])  # fmt: skip
        assert [(one.name, one.count) for one in found.values] == [("1", 2), ("2", 0), ("3", 2)]
        assert (found.smallest, found.middle, found.largest) == (1.0, 1.95, 3.0)

    def test_of_texts_counts_how_many_are_different(self):
        field = Field("t", FieldKind.TEXT, "run")
        texts = ["x", "x", HOSTILE]
        found = field_balance(field, [item(str(n), labels={"t": t}) for n, t in enumerate(texts)])
        assert (found.distinct, found.values, found.top) == (2, (), None)

    def test_of_dates_gives_the_first_and_the_last(self):
        field = Field("d", FieldKind.DATE, "run")
        dates = ["2026-03-01", "2025-12-31"]
        found = field_balance(field, [item(str(n), labels={"d": d}) for n, d in enumerate(dates)])
        assert (found.smallest, found.largest) == ("2025-12-31", "2026-03-01")

    def test_of_paths_counts_each_path_whole(self):
        field = Field("tax", FieldKind.TAXONOMY, "run")
        found = field_balance(field, [item(labels={"tax": [["a", "b"], ["c"]]})])
        assert [one.name for one in found.values] == ["a > b", "c"]


class TestSelection:
    def test_weights_are_worth_as_many_equal_ones_as_kish_says(self):
        # (1 + 1 + 2)^2 / (1 + 1 + 4)
        assert kish_size([1.0, 1.0, 2.0]) == pytest.approx(16 / 6)

    def test_an_item_without_a_round_has_no_weight(self):
        found = selected(
            [
                item(selection={"round": 2, "reason": "random", "weight": 4.0}),
                item("b", selection={"round": 10, "reason": "uncertain", "weight": 1.0}),
                item("c", selection=None),
            ]
        )
        assert [(one.name, one.count) for one in found.reasons] == [
            ("uncertain", 1),
            ("random", 1),
            ("manual", 1),
        ]
        assert [one.name for one in found.rounds] == ["2", "10"]
        assert (found.weighted, found.unweighted, found.speaks_for) == (2, 1, 5.0)
        assert found.effective == pytest.approx(25 / 17)

    def test_without_a_weight_there_is_no_effective_size(self):
        found = selected([item()])
        assert (found.effective, found.smallest, found.speaks_for) == (None, None, None)


class TestTools:
    def test_a_tool_counts_once_an_item(self):
        calls = [{"name": "find", "arguments": {}}, {"name": "find", "arguments": {"n": 1}}]
        found = tool_coverage([item(expected_tool_calls=calls)], {"a": {"pay"}, "z": {"find"}})
        assert [(one.tool, one.expected, one.called) for one in found] == [
            ("find", 1, 0),
            ("pay", 0, 1),
        ]

    def test_unknown_runs_are_no_zero(self):
        calls = [{"name": HOSTILE, "arguments": {}}]
        assert tool_coverage([item(expected_tool_calls=calls)], None)[0].called is None


class TestRepeats:
    def test_the_later_id_repeats_the_earlier_one_whatever_the_order(self):
        items = [
            item("b", user_input="WHERE is my parcel?"),
            item("a", user_input="Where is my  parcel?"),
            item("c", user_input="Please close my account"),
        ]
        assert [(one.sample_id, one.of) for one in repeats(items)] == [("b", "a")]

    def test_what_was_said_before_makes_two_questions_different(self):
        turns = [
            [{"role": "user", "content": f"I bought {thing} from your shop last week"}]
            for thing in ("a table lamp", "two garden chairs")
        ]
        items = [item(str(n), user_input="Refund", conversation=t) for n, t in enumerate(turns)]
        assert repeats(items) == ()
