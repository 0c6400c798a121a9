"""What can be compared, and what is left of two evaluations that have only some in common."""

from dataclasses import replace

import pytest
from made_evaluations import TONE, TOOLS, case, evaluation, judged, passing

from goldloop.errors import IncomparableError, VersionError
from goldloop.evaluation import Rules, gate
from goldloop.evaluation.comparable import comparable

OLD, NEW = passing([1.0] * 20, "1"), passing([1.0] * 20, "2")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"content_fingerprint": "cc", "version": "1.1.0"}, "golden@1.0.0 and golden@1.1.0"),
        ({"graders": (replace(TOOLS, version="t-2"),)}, "tools changed from version t-1 to t-2"),
        ({"graders": (TOOLS, TONE)}, "the baseline was not graded by tone"),
        ({"graders": ()}, "the candidate was not graded by tools"),
        ({"graders": (replace(TOOLS, weight=2.0),)}, "tools weighs 1 in the baseline and 2 now"),
        ({"pass_score": 0.7}, "passes at other scores"),
        ({"cases": NEW.cases[:15]}, "only 15 are in both"),
    ],
)
def test_what_is_not_alike_is_refused_by_name(change, told):
    with pytest.raises(IncomparableError) as caught:
        gate(OLD, replace(NEW, **change), Rules())
    assert told in str(caught.value)
    assert "--intersect" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    assert isinstance(caught.value, VersionError)


def test_names_from_another_tool_s_file_are_cut_and_kept_on_one_line():
    other = replace(TOOLS, name="so\nlong" * 500)
    with pytest.raises(IncomparableError) as caught:
        gate(OLD, replace(NEW, graders=(TOOLS, other)), Rules())
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_another_model_behind_a_judge_is_named():
    old = judged([1.0], [1.0])
    other = replace(TONE, version="j-2", model="judge-2026-06-01")
    with pytest.raises(IncomparableError, match=r"j-1 \(judge-2026-01-01\) to j-2 \(judge-2026"):
        comparable(old, replace(old, graders=(TOOLS, other)), intersect=False)


def test_other_labels_alone_are_noted():
    found = gate(OLD, replace(NEW, labels_fingerprint="dd", version="1.0.1"), Rules())
    assert "golden@1.0.0 and golden@1.0.1 hold the same cases with other labels." in found.notes


def test_an_evaluation_can_be_compared_with_itself_and_an_agent_with_its_second_run():
    assert "An evaluation is compared with itself." in gate(OLD, OLD, Rules()).notes
    again = replace(NEW, agent_version=OLD.agent_version)
    assert any(
        "what differs between them is chance" in note for note in gate(OLD, again, Rules()).notes
    )


def test_of_another_tools_files_nobody_knows_whether_the_agent_changed():
    other = replace(NEW, agent_version=OLD.agent_version, made_by="promptfoo")
    notes = gate(replace(OLD, made_by="promptfoo"), other, Rules()).notes
    assert not any("chance" in note for note in notes)


def test_intersecting_keeps_the_cases_of_the_same_content():
    old = evaluation([case(n, 1) for n in range(10)], "1")
    changed = replace(case(5, 0), content="other")
    new = evaluation([*(case(n, 1) for n in range(3, 5)), changed, *(case(n, 1) for n in (6, 20))])
    new = replace(new, agent_version="agent-2", content_fingerprint="cc")
    base, cand, notes = comparable(old, new, intersect=True)
    assert [one.sample_id for one in base.cases] == ["s-0003", "s-0004", "s-0006"]
    assert [one.sample_id for one in cand.cases] == ["s-0003", "s-0004", "s-0006"]
    assert notes == (
        "Only the 3 cases of both are compared; left out: 6 only the baseline has, 1 only the"
        " candidate has, 1 whose content changed.",
    )


def test_intersecting_keeps_the_graders_of_the_same_version():
    old = judged([1.0] * 60, [0.0] * 60, "1")
    new = judged([1.0] * 60, [1.0] * 60, "2")
    new = replace(new, graders=(TOOLS, replace(TONE, version="j-2")))
    found = gate(old, new, Rules(), intersect=True)
    assert [one.facts.name for one in found.graders] == ["tools"]
    assert found.paired.change == 0.0
    assert "Graders left out, as both do not have them alike: tone." in found.notes


def test_intersecting_takes_the_candidate_s_weights_and_score_to_pass():
    old = evaluation([case(n, 0.8) for n in range(60)], "1")
    new = replace(old, evaluation_id="2", pass_score=0.5, graders=(replace(TOOLS, weight=2.0),))
    found = gate(old, new, Rules(), intersect=True)
    assert (found.paired.baseline, found.paired.candidate) == (1.0, 1.0)
    assert "The candidate's weights of graders count for both." in found.notes
    assert "For both a case passes from 0.5 on, as the candidate's." in found.notes


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"graders": (TONE,)}, "no grader in common"),
        ({"cases": (replace(case(0, 1), content="other"),)}, "no case in common"),
    ],
)
def test_nothing_in_common_cannot_be_compared(change, told):
    with pytest.raises(IncomparableError, match=told):
        gate(OLD, replace(NEW, **change), Rules(), intersect=True)


def test_intersecting_what_is_alike_changes_nothing():
    assert gate(OLD, NEW, Rules(), intersect=True) == gate(OLD, NEW, Rules())
