"""Confusions of all people together."""

from __future__ import annotations

from collections.abc import Sequence

from goldloop.annotators import annotator_reports
from goldloop.consensus import Annotation
from goldloop.fields import Field, FieldKind, Value
from views.confusions import MixUp, confusions, mix_ups

VERDICT = Field("verdict", FieldKind.SINGLE_CHOICE, "run", ("good", "bad", "odd"))
FAULTS = Field("faults", FieldKind.MULTIPLE_CHOICE, "run", ("slow", "rude"))


def said(task: int, person: int, field: Field, value: Value) -> Annotation:
    return Annotation(10 * task + person, person, {field.name: value}, f"2026-01-{task + 1:02}")


def answers(field: Field, rows: Sequence[Sequence[Value]]) -> dict[str, list[Annotation]]:
    """The answers of persons 1, 2 and 3 to each task."""
    return {
        f"t{task}": [said(task, person, field, value) for person, value in enumerate(row, 1)]
        for task, row in enumerate(rows)
    }


def test_are_the_sum_of_everybodys() -> None:
    rows = [("good", "good", "bad"), ("good", "good", "bad"), ("bad", "bad", "bad")]
    found = annotator_reports([VERDICT], answers(VERDICT, rows))
    [matrix] = confusions(found, "verdict")
    assert matrix.options == ("good", "bad", "odd")
    # On the first two tasks only the third has a majority against it, the others have a tie.
    assert matrix.counts == ((0, 2, 0), (0, 3, 0), (0, 0, 0))
    assert mix_ups(matrix) == [MixUp("good", "bad", 2, 2)]
    assert mix_ups(matrix)[0].share == 1.0


def test_of_a_choice_of_several_stand_apart_for_each_option() -> None:
    rows = [(("slow",), ("slow",), ("rude",)), ((), (), ("rude",))]
    found = annotator_reports([FAULTS], answers(FAULTS, rows))
    slow, rude = confusions(found, "faults")
    assert (slow.option, rude.option) == ("slow", "rude")
    people = [errors.confusions[0].counts for one in found for errors in one.fields]
    assert slow.counts[1][0] == sum(counts[1][0] for counts in people) == 1


def test_above_fifty_options_those_that_occurred_are_put_together() -> None:
    many = Field("verdict", FieldKind.SINGLE_CHOICE, "run", tuple(f"o{n}" for n in range(60)))
    rows = [("o1", "o1", "o2"), ("o7", "o8", "o7")]
    found = annotator_reports([many], answers(many, rows))
    [matrix] = confusions(found, "verdict")
    assert {(one.reference, one.said) for one in mix_ups(matrix)} == {("o1", "o2"), ("o7", "o8")}


def test_there_are_none_for_a_field_that_nobody_was_compared_on() -> None:
    found = annotator_reports([VERDICT], answers(VERDICT, [("good",)]))
    assert confusions(found, "verdict") == []
    assert confusions(found, "another") == []
