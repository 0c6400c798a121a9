"""What the tables of agreement and annotators say, without a Label Studio."""

from __future__ import annotations

import pytest

from goldloop.agreement import FieldAgreement, field_agreement
from goldloop.annotators import annotator_reports
from goldloop.consensus import Annotation
from goldloop.fields import Field, FieldKind
from goldloop.gold_checks import CheckScore
from sync.shown_people import show_annotator, show_annotators, show_slices
from views.gold_checks import Checked

NAMES = {1: "Ann", 2: "Bob", 3: "Cem"}
NOT_CHECKED = Checked({}, ())
HOSTILE = "[red]no\x1b[31m"


def work(field: Field, *answers: object) -> dict[str, list[Annotation]]:
    """25 tasks on which each person gives one answer, always the same."""
    return {
        f"t{task}": [
            Annotation(100 * task + who, who, {field.name: value}, f"2026-01-{task + 1:02}")
            for who, value in enumerate(answers, start=1)
        ]
        for task in range(25)
    }


def test_how_many_were_looked_at_for_drift_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    verdict = Field("verdict", FieldKind.SINGLE_CHOICE, "run", ("good", "bad"))
    reports = annotator_reports([verdict], work(verdict, "good", "good", "good"))
    show_annotators(reports, NAMES, NOT_CHECKED)
    said = " ".join(capsys.readouterr().err.split())
    assert "looked for in 3 annotators, each at 95%" in said
    assert "is about 14%" in said


def test_hostile_options_and_fields_are_shown_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    field = Field(HOSTILE, FieldKind.SINGLE_CHOICE, "run", (HOSTILE, "yes"))
    [ann, *others] = annotator_reports([field], work(field, HOSTILE, "yes"))
    show_annotator(ann, [ann, *others], NAMES, NOT_CHECKED)
    shown = capsys.readouterr()
    assert shown.out.count("[red]no [31m") >= 4
    assert "\x1b[31m" not in shown.out + shown.err


def test_ticks_of_a_choice_of_several_are_counted_by_option(
    capsys: pytest.CaptureFixture[str],
) -> None:
    faults = Field("faults", FieldKind.MULTIPLE_CHOICE, "run", ("x", "y"))
    [ann, *others] = annotator_reports([faults], work(faults, ("x",), ("x", "y"), ("x", "y")))
    show_annotator(ann, [ann, *others], NAMES, NOT_CHECKED)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["x", "25", "0", "0", "0"] in rows
    assert ["y", "0", "0", "25", "0"] in rows
    assert ["y", "-1.000", "0.000", "25"] in rows


def test_the_bias_of_ratings_is_against_the_mean(capsys: pytest.CaptureFixture[str]) -> None:
    stars = Field("stars", FieldKind.RATING, "run", maximum=5)
    [ann, *others] = annotator_reports([stars], work(stars, 5, 3, 4))
    show_annotator(ann, [ann, *others], NAMES, NOT_CHECKED)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["1.500", "0.000", "25"] in rows


def test_of_very_many_warnings_the_first_ten_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    verdict = Field("verdict", FieldKind.SINGLE_CHOICE, "run", ("good", "bad"))
    slices: list[tuple[str, FieldAgreement]] = [
        (f"tag{n}", field_agreement(verdict, [("t", 1, "good")])) for n in range(13)
    ]
    show_slices("tag", slices, without=0)
    said = capsys.readouterr().err
    assert said.count("agreement takes two or more") == 10
    assert "and 3 more warnings; --json has them all" in said


def test_gold_checks_and_the_gold_that_they_contradict_are_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    verdict = Field("verdict", FieldKind.SINGLE_CHOICE, "run", ("good", "bad"))
    reports = annotator_reports([verdict], work(verdict, "good", "good"))
    show_annotators(reports, NAMES, Checked({1: CheckScore(4, 3)}, ("s-\x1b1",)))
    shown = capsys.readouterr()
    [ann] = [line.split() for line in shown.out.splitlines() if line.strip().startswith("Ann")]
    assert ann[-2:] == ["0.750", "4"]
    assert "contradict the label that stands; look at: s-" in shown.err
    assert "\x1b1" not in shown.err
