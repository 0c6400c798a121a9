"""Consensus through the store, from whatever people and interfaces come up with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from goldloop.consensus import State
from store.consensus import learned, stored_models
from sync.consensus import refit, refit_due, update_consensus
from sync.pull import _annotation
from tests.sync.labelled import TRUTHS, labelled

VIEW = '<View><Text name="trace" value="$user_input"/>{}</View>'


@pytest.fixture
def made(tmp_path):
    """90 samples that nobody has answered."""
    one = labelled(tmp_path / "project")
    yield one
    one.db.close()


@pytest.fixture
def many(monkeypatch):
    """However few annotations there are, they count as many."""
    monkeypatch.setattr("sync.consensus.SMALL", 0)


def test_one_annotator_alone_decides_nothing(made):
    made.label([made.said(n, 1) for n in range(60)])
    update_consensus(made.project, made.db)
    for one in made.found().values():
        assert (one.state, one.labels, one.disputed) == (State.WAITING, {}, ())
        assert one.fields["correctness"].vote == "correct"
        assert one.fields["correctness"].votes == 1


def test_where_all_say_the_same_it_stands_and_nothing_is_warned_of(made):
    made.label([one for n in range(60) for one in made.three(n, ("correct",) * 3)])
    update_consensus(made.project, made.db)
    for one in made.found().values():
        assert one.state is State.AGREED
        assert one.labels == {"correctness": "correct", "tool_use": "right"}
        assert one.warnings == ()


def test_who_always_gives_one_answer_settles_nothing(made):
    made.label([one for n in range(80) for one in made.careless(n)])
    made.label(made.three(81, ("incorrect", "", "correct")))
    made.label(made.three(82, ("correct", "", "correct")))
    update_consensus(made.project, made.db)
    found = made.found()
    assert found["s81"].labels["correctness"] == "incorrect"
    assert found["s82"].labels["correctness"] == "correct"


def test_two_classes_that_are_never_seen_together_each_stand_where_they_are(made):
    made.label([one for n in range(40) for one in made.three(n, ("correct", "correct"))])
    made.label([one for n in range(40, 80) for one in made.three(n, ("", "", *["incorrect"] * 2))])
    update_consensus(made.project, made.db)
    for sample_id, one in made.found().items():
        expected = "correct" if int(sample_id[1:]) < 40 else "incorrect"
        assert (one.state, one.labels["correctness"]) == (State.AGREED, expected)


def test_ten_thousand_options_are_voted_on(made):
    options = "".join(f'<Choice value="o{n}"/>' for n in range(10_000))
    made.show(VIEW.format(f'<Choices name="which" toName="trace">{options}</Choices>'))
    made.label(
        made.said(n, person, which=f"o{n * 37 + (person == 3)}")
        for n in range(60)
        for person in (1, 2, 3)
    )
    update_consensus(made.project, made.db)
    for sample_id, one in made.found().items():
        assert one.labels == {"which": f"o{int(sample_id[1:]) * 37}"}
        field = one.fields["which"]
        assert len(field.posterior) == 10
        assert sum(p for _, p in field.posterior) <= 1
        assert field.posterior[0] == (field.value, field.confidence)


def test_where_everybody_skipped_it_waits_and_the_skips_are_counted(made):
    skips = [replace(made.said(0, person), was_cancelled=True) for person in (1, 2, 3)]
    update_consensus(made.project, made.db, made.label(skips))
    [one] = made.found().values()
    assert (one.state, one.annotators, one.skips) == (State.WAITING, 0, 3)
    assert one.fields["correctness"].votes == 0
    assert one.fields["correctness"].posterior == ()


class TestAfterTheModelsWereLearned:
    @pytest.fixture
    def learned_from(self, made, many):
        made.label([one for n in range(80) for one in made.careless(n)])
        refit(made.project, made.db)
        return made

    def update(self, made, annotations):
        [changed] = made.label(annotations)
        update_consensus(made.project, made.db, [changed])
        return made.found()[changed]

    def test_an_annotator_whom_they_do_not_know_counts_as_one_of_the_others(self, learned_from):
        made = learned_from
        stranger = made.said(81, 99, correctness="incorrect", tool_use="right")
        new = self.update(made, [*made.three(81, ("incorrect",)), stranger])
        assert new.state is State.AGREED
        assert new.labels["correctness"] == "incorrect"
        assert learned(made.db).version == 1

    def test_a_field_that_was_added_later_is_voted_on_until_they_are_learned_anew(
        self, learned_from
    ):
        made = learned_from
        made.show(
            made.interface.xml.replace(
                "</View>",
                '<Choices name="tone" toName="trace"><Choice value="kind"/><Choice value="cold"/>'
                "</Choices></View>",
                1,
            )
        )
        answer = {"correctness": "correct", "tool_use": "right", "tone": "kind"}
        new = self.update(made, [made.said(81, person, **answer) for person in (1, 2)])
        assert new.labels["tone"] == "kind"
        assert new.fields["tone"].method == "majority_vote"
        assert "nothing was learned" in new.fields["tone"].reason
        assert new.fields["tone"].posterior == (("kind", 2.5 / 3), ("cold", 0.5 / 3))
        assert new.fields["correctness"].method == "hierarchical"
        assert refit_due(made.project, made.db)
        refit(made.project, made.db)
        assert made.found()["s81"].fields["tone"].method == "majority_posterior"
        assert not refit_due(made.project, made.db)

    def test_a_field_that_is_of_another_kind_now_is_voted_on(self, learned_from):
        made = learned_from
        made.show(VIEW.format('<Rating name="correctness" toName="trace" maxRating="5"/>'))
        new = self.update(made, [made.said(81, person, correctness=4) for person in (1, 2)])
        assert new.labels == {"correctness": 4}
        assert refit_due(made.project, made.db)
        refit(made.project, made.db)
        assert made.found()["s81"].labels == {"correctness": 4}
        assert made.found()["s0"].state is State.WAITING  # its answers are to another question

    def test_an_option_that_was_added_later_sends_its_task_to_the_vote(self, learned_from):
        made = learned_from
        made.show(
            made.interface.xml.replace(
                '<Choice value="Correct"', '<Choice value="unsure"/><Choice value="Correct"', 1
            )
        )
        new = self.update(made, [made.said(81, p, correctness="unsure") for p in (1, 2)])
        assert new.labels["correctness"] == "unsure"
        assert "does not know the option 'unsure'" in new.fields["correctness"].reason

    def test_who_is_worse_than_chance_is_named_where_he_answered(self, learned_from):
        made = learned_from
        others = {"correct": "incorrect", "incorrect": "correct", "partially_correct": "correct"}
        truths = {n: TRUTHS[n % 3] for n in range(80)}
        made.label(
            one
            for n, truth in truths.items()
            for one in made.three(n, (truth, truth, truth, others[truth]))
        )
        refit(made.project, made.db)
        assert "correctness: the model takes annotator 4 for worse than chance" in (
            made.found()["s7"].warnings
        )
        without = self.update(made, made.three(81, ("correct", "correct")))
        assert without.warnings == ()


class TestDeletedUsers:
    """Label Studio keeps their annotations, without saying whose they were."""

    def raw(self, number):
        when = {"created_at": "2026-01-01", "updated_at": "2026-01-01"}
        return {"id": number, "completed_by": None, "result": [], **when}

    def test_two_of_them_are_two_voters(self, made):
        people = [_annotation(self.raw(number), 7, 1, "s0").annotator_id for number in (11, 12)]
        assert people == [-11, -12]
        made.label([made.said(0, person, correctness="correct") for person in people])
        update_consensus(made.project, made.db)
        [one] = made.found().values()
        assert (one.annotators, one.fields["correctness"].votes) == (2, 2)
        assert one.labels["correctness"] == "correct"

    def test_nothing_is_kept_of_what_they_are_like(self, made, many):
        made.label([one for n in range(80) for one in made.careless(n)])
        made.label([made.said(80, person, correctness="correct") for person in (-5, -6)])
        refit(made.project, made.db)
        assert stored_models(made.db)["correctness"]["fitted"]["annotators"] == [1, 2, 3]
        assert made.found()["s80"].labels["correctness"] == "correct"


class TestTolerance:
    """How far the consensus of samples that were updated one by one is from a full fit's."""

    def test_until_a_refit_is_due_the_states_are_those_of_a_refit_but_for_five_in_a_hundred(
        self, tmp_path, many
    ):
        made = labelled(tmp_path / "crowd", samples=500)
        made.label(made.crowd(range(460)))
        refit(made.project, made.db)
        for number in range(460, 500):
            assert not refit_due(made.project, made.db)
            update_consensus(made.project, made.db, made.label(made.crowd([number])))
        singly = made.found()
        refit(made.project, made.db)
        fully = made.found()
        same = sum(singly[one].state is fully[one].state for one in fully)
        assert same >= 0.95 * len(fully) == 475
        both = [
            (singly[one].labels["correctness"], fully[one].labels["correctness"])
            for one in fully
            if "correctness" in singly[one].labels and "correctness" in fully[one].labels
        ]
        assert len(both) > 300
        assert sum(before != after for before, after in both) <= len(both) / 1000
        made.db.close()

    def test_with_the_same_models_they_are_the_same(self, made, many):
        made.label(made.crowd(range(90)))
        refit(made.project, made.db)
        fully = {one: (c.state, c.fields) for one, c in made.found().items()}
        for number in range(90):
            update_consensus(made.project, made.db, [f"s{number}"])
        assert {one: (c.state, c.fields) for one, c in made.found().items()} == fully
