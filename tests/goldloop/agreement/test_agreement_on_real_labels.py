"""Real people's answers; the expected numbers were computed by other programs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from goldloop.agreement import (
    annotator_pairs,
    count_table,
    field_agreement,
    fleiss_kappa,
    krippendorff_alpha,
    set_alpha,
)
from goldloop.agreement.alpha import Level
from goldloop.fields import Field, FieldKind

Labels = list[tuple[str, str, str]]
Read = Callable[[str], Labels]


def choice(rows: Labels) -> Field:
    return Field("label", FieldKind.SINGLE_CHOICE, "x", tuple(sorted({row[2] for row in rows})))


@pytest.mark.parametrize(
    ("name", "level", "expected"),
    [
        ("usr_topical_overall", "nominal", 0.269),
        ("usr_topical_overall", "ordinal", 0.665),
        ("usr_topical_overall", "interval", 0.661),
        ("fed_overall", "nominal", 0.098),
        ("fed_overall", "ordinal", 0.295),
        ("fed_overall", "interval", 0.338),
    ],
)
def test_alpha_of_ratings_of_dialogues(
    real_labels: Read, name: str, level: Level, expected: float
) -> None:
    table = count_table((task, int(label)) for task, _, label in real_labels(name))
    assert krippendorff_alpha(table, level) == pytest.approx(expected, abs=0.0006)


def test_few_doubles_among_many_judged_agent_runs(real_labels: Read) -> None:
    rows = real_labels("agentreward_success")
    agreement = field_agreement(choice(rows), rows)
    assert (agreement.tasks, agreement.annotators) == (106, 8)
    assert len({task for task, *_ in rows}) == 1302
    assert agreement.score.value == pytest.approx(0.742, abs=0.0005)
    assert agreement.score.interval == pytest.approx((0.60, 0.86), abs=0.012)


def test_ratings_use_the_ordinal_level(real_labels: Read) -> None:
    rows = [(task, who, int(label)) for task, who, label in real_labels("usr_topical_overall")]
    agreement = field_agreement(Field("overall", FieldKind.RATING, "x", maximum=5), rows)
    assert agreement.score.value == pytest.approx(0.665, abs=0.0005)
    assert agreement.tasks == 360


def test_a_rating_of_zero_below_the_scale_keeps_the_order(real_labels: Read) -> None:
    rows = [(task, who, int(label)) for task, who, label in real_labels("fed_overall")]
    assert min(rating for *_, rating in rows) == 0
    agreement = field_agreement(Field("overall", FieldKind.RATING, "x", maximum=5), rows)
    assert agreement.score.value == pytest.approx(0.295, abs=0.0006)


def test_measures_of_the_same_kind_come_close_with_ten_answers_a_task(real_labels: Read) -> None:
    rows = real_labels("rte")
    table = count_table((task, label) for task, _, label in rows)
    alpha, kappa = krippendorff_alpha(table), fleiss_kappa(table)
    sets = set_alpha(count_table((task, (label,)) for task, _, label in rows))
    assert alpha == pytest.approx(kappa, abs=1e-3)
    assert alpha == pytest.approx(sets)


@pytest.mark.parametrize("name", ["rte", "d_product", "dog", "bluebirds", "pandalm"])
def test_alpha_equals_the_krippendorff_package(real_labels: Read, name: str) -> None:
    krippendorff = pytest.importorskip(
        "krippendorff", reason="the krippendorff package is not installed; it is only for tests"
    )
    table = count_table((task, label) for task, _, label in real_labels(name))
    expected = krippendorff.alpha(value_counts=table.dense(), level_of_measurement="nominal")
    assert krippendorff_alpha(table) == pytest.approx(expected, abs=1e-10)


def test_a_summary_covers_25_000_answers_and_every_pair_of_people(real_labels: Read) -> None:
    rows = real_labels("d_product")
    agreement = field_agreement(choice(rows), rows)
    pairs = annotator_pairs(choice(rows), rows)
    assert agreement.tasks == 8315
    assert len(pairs) == 790


def test_reversing_the_rows_changes_nothing(real_labels: Read) -> None:
    rows = real_labels("pandalm")
    summarise = partial(field_agreement, choice(rows))
    assert summarise(rows) == summarise(rows[::-1])
