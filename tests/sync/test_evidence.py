"""commit: what an item says that its labels rest on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sync.labelled import Labelled, labelled
from views.version_folder import checked_items

LATER = "2026-06-01T00:00:00+00:00"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Labelled]:
    project = labelled(tmp_path / "project", 3)
    yield project
    project.db.close()


def test_each_person_counts_once_with_the_latest_answer_and_skips_do_not(made: Labelled) -> None:
    first, second, third = made.three(0, ("incorrect", "correct", "correct"))
    again = replace(made.three(0, ("correct",))[0], annotation_id=77, updated_at=LATER)
    made.label([first, second, replace(third, was_cancelled=True), again])
    made.run("commit")
    [item] = checked_items(made.folder / "versions", "golden", "1.0.0")
    assert item["evidence"]["annotations"] == [
        {"id": 2, "annotator": 2, "updated_at": second.updated_at},
        {"id": 77, "annotator": 1, "updated_at": LATER},
    ]
    assert item["evidence"]["annotators"] == 2


def test_a_field_says_its_method_where_something_stands_and_is_named_where_it_is_disputed(
    made: Labelled,
) -> None:
    made.configure('[consensus]\ngold_fields = ["correctness"]\n')
    made.label(
        made.said(1, person, correctness="correct", tool_use=use)
        for person, use in ((1, "right"), (2, "wrong_tool"))
    )
    made.run("commit")
    [item] = checked_items(made.folder / "versions", "golden", "1.0.0")
    assert set(item["labels"]) == set(item["evidence"]["methods"]) == {"correctness"}
    assert item["evidence"]["disputed_fields"] == ["tool_use"]


def test_another_label_studio_with_other_ids_is_a_patch(made: Labelled) -> None:
    answers = made.three(2, ("correct", "correct"))
    made.label(answers)
    made.run("commit")
    made.label([replace(one, annotation_id=one.annotation_id + 500) for one in answers])
    said = made.run("commit").output
    assert "golden@1.0.1" in said
    assert "only descriptions or evidence changed" in said
