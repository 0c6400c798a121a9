"""goldloop diff: what differs in two versions, and what moved a label."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sync.markdown import markdown_text
from tests.sync.labelled import Labelled, labelled

LATER = "2999-01-01T00:00:00+00:00"
HOSTILE = "# No | <img src=x onerror=alert(1)> @all [a](http://b) \x1b[31m" + "x" * 400


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Labelled]:
    """A project whose version 1.0.0 has samples s0 to s3."""
    project = labelled(tmp_path / "project", 6)
    project.label(one for n in range(4) for one in project.three(n, ("correct", "correct")))
    project.run("commit")
    yield project
    project.db.close()


def diff(made: Labelled, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made.run("diff", *arguments, "--json").stdout)
    return found


def outvoted(made: Labelled, number: int) -> None:
    """A third person agrees with the first, who thought again."""
    first, second, third = made.three(number, ("incorrect", "correct", "incorrect"))
    made.label([replace(first, updated_at=LATER), second, replace(third, updated_at=LATER)])


def test_a_label_that_moved_names_the_annotations_that_moved_it(made: Labelled) -> None:
    outvoted(made, 1)
    made.run("commit")
    found = diff(made, "1.0.0", "2.0.0")
    assert found["counts"] == {
        "added": 0,
        "removed": 0,
        "changed": 0,
        "relabelled": 1,
        "evidence": 1,
    }
    [changed] = found["changed"]
    [label] = changed["relabelled"]
    assert (changed["sample_id"], label["field"]) == ("s1", "correctness")
    assert (label["old"], label["new"]) == ("correct", "incorrect")
    told = {one.get("annotation"): one for one in label["reasons"]}
    assert (told[1001]["cause"], told[1001]["says"]) == ("annotation_changed", "incorrect")
    assert (told[1003]["cause"], told[1003]["annotator"]) == ("annotation_added", 3)
    assert 1002 not in told


def test_rows_that_came_and_went_are_listed_with_what_they_ask(made: Labelled) -> None:
    made.label(made.three(4, ("correct", "correct")))
    made.label(made.three(0, ("correct", "incorrect")))
    made.run("commit")
    found = diff(made, "golden@1.0.0")
    assert [(one["sample_id"], one["user_input"]) for one in found["added"]] == [("s4", "4?")]
    assert [one["sample_id"] for one in found["removed"]] == ["s0"]
    back = diff(made, "2.0.0", "1.0.0")
    assert [one["sample_id"] for one in back["added"]] == ["s0"]


def test_a_version_differs_in_nothing_from_itself(made: Labelled) -> None:
    found = diff(made, "golden", "1.0.0")
    assert not any(found["counts"].values())
    assert "0 added, 0 removed, 0 changed, 0 relabelled" in made.run("diff", "golden").stdout


def test_another_interface_is_named(made: Labelled) -> None:
    made.show(made.interface.xml.replace("Is the", "Was the", 1) + "\n")
    made.run("commit")
    assert diff(made, "1.0.0")["guidelines"]
    assert "the labelling interface changed" in made.run("diff", "1.0.0").stdout


def test_a_folder_that_was_copied_elsewhere_is_compared_without_a_project(
    made: Labelled, tmp_path: Path
) -> None:
    outvoted(made, 1)
    made.run("commit")
    (tmp_path / "away").mkdir()
    root = made.folder / "versions" / "golden"
    (root / "1.0.0").rename(tmp_path / "away" / "old")
    there = replace(made, folder=tmp_path / "away")
    found = diff(there, "./old", str(root / "2.0.0"))
    assert found["counts"]["relabelled"] == 1


def test_what_is_hostile_is_escaped_and_cut_in_every_form(made: Labelled) -> None:
    sample = json.dumps({"sample_id": "s5", "user_input": HOSTILE, "expected_response": HOSTILE})
    path = made.folder / "hostile.jsonl"
    path.write_text(sample.replace('"s5"', '"h1"'))
    made.run("import", str(path))
    answers = [replace(one, sample_id="h1", task_id=99) for one in made.three(50, ("correct",) * 2)]
    made.label(answers)
    made.run("commit")
    page = made.run("diff", "1.0.0", "--markdown").stdout
    assert "<img" not in page
    assert "@all" not in page
    assert "\x1b" not in page
    assert max(map(len, page.splitlines())) < 1000
    table = made.run("diff", "1.0.0").stdout
    assert "\x1b" not in table


def test_markdown_stays_within_what_a_comment_takes(made: Labelled) -> None:
    many = [json.dumps({"sample_id": f"m{n}", "user_input": HOSTILE}) for n in range(400)]
    path = made.folder / "many.jsonl"
    path.write_text("\n".join(many))
    made.run("import", str(path))
    made.label(
        replace(one, sample_id=f"m{n}", task_id=1000 + n)
        for n in range(400)
        for one in made.three(1000 + n, ("correct", "correct"))
    )
    made.run("commit")
    page = made.run("diff", "1.0.0", "--markdown").stdout
    assert len(page) < 65_536
    shown = len(re.findall(r"^\| m", page, re.M))
    assert "<summary>Added (400)</summary>" in page
    assert f"and {400 - shown} more" in page


def test_json_and_markdown_at_once_is_a_wrong_use(made: Labelled) -> None:
    assert "cannot be had" in made.run("diff", "1.0.0", "--json", "--markdown", exit_code=2).stderr


@pytest.mark.parametrize("reference", ["9.9.9", "silver", "golden@../../etc", "./nowhere"])
def test_what_is_not_there_is_an_error(made: Labelled, reference: str) -> None:
    assert made.run("diff", reference, exit_code=1).stderr.startswith("goldloop: ")


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a\nb", "a b"),
        ("`x` _y_", "&#96;x&#96; &#95;y&#95;"),
        ("- list", "&#45; list"),
        ("http://a.b www.a.b", "http&#58;//a.b www&#46;a.b"),
        ("&amp; \0", "&amp;amp;  "),
        # A mark stands for a space without a width.
        ("cc @octocat, @a/b; x@y.org", "cc &#64;|octocat, &#64;|a/b; x&#64;|y.org"),
        ("fixes #12, o/r#3, GH-4 # 5", "fixes &#35;|12, o/r&#35;|3, GH-|4 &#35; 5"),
        (
            "deadbe1 and " + "1a2b3c4d" * 5,
            "deadbe|1 and 1a2b3c|4d1a2b|3c4d1a|2b3c4d|1a2b3c|4d1a2b|3c4d",
        ),
        ("https://h/o/r/issues/1", "https&#58;//h/o/r/issues/|1"),
        ("golden@1.0.0 by x@1.0.0.org", "golden&#64;1.0.0 by x&#64;|1.0.0.org"),
        ("order 12345678, effaced", "order 12345678, effaced"),
    ],
)
def test_no_text_is_markup_in_markdown(text: str, safe: str) -> None:
    assert markdown_text(text) == safe.replace("|", "\u200b")
