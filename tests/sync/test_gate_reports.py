"""The reports of gates and evaluations: comment, JUnit, page, JSON; hostile texts do nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from junitparser import Error, Failure, JUnitXml, Properties, Skipped

from goldloop.errors import VersionError
from goldloop.evaluation import Evaluation, Rules, gate, summarise
from goldloop.graders import Grade
from sync.evaluation_report import evaluation_markdown, write_evaluation_report
from sync.gate import Gated
from sync.gate_comment import LONGEST, MARKER, gate_markdown
from sync.gate_page import MOST_FLIPS, gate_page
from sync.gate_sections import sections, sides_table
from sync.junit import evaluation_junit, gate_junit
from tests.sync.gating import JUDGE, TOOLS, evaluation
from views.flips import address_of
from views.gate_words import chance

NO_REPLY = Grade(JUDGE.name, None, None, error="no reply")


def gated(baseline: Evaluation, candidate: Evaluation, **rules: object) -> Gated:
    """What a gate says of two evaluations."""
    chosen = replace(Rules(), **rules)
    verdict = gate(baseline, candidate, chosen)
    return Gated(
        verdict,
        baseline,
        candidate,
        summarise(baseline, chosen.metric, verdict.without),
        summarise(candidate, chosen.metric, verdict.without),
    )


@pytest.fixture(scope="module")
def blocked() -> Gated:
    """A third of 120 cases went wrong, and one broke."""
    return gated(evaluation("v1", range(110, 120)), evaluation("v2", range(0, 120, 3), errors=[1]))


@pytest.fixture(scope="module")
def hostile() -> Gated:
    """The same with hostile texts everywhere, and a judge."""
    both = (TOOLS, JUDGE)
    return gated(
        evaluation("v1", range(110, 120), hostile=True, graders=both),
        evaluation("v2", range(0, 120, 3), errors=[1], hostile=True, graders=both),
    )


class TestTheComment:
    def test_begins_with_the_marker_and_the_verdict(self, blocked: Gated) -> None:
        lines = gate_markdown(blocked).splitlines()
        assert lines[:2] == [MARKER, "### Regression on golden&#64;1.0.0"]
        assert lines[3].startswith("Regression: pass rate")

    def test_folds_the_details(self, blocked: Gated) -> None:
        said = gate_markdown(blocked)
        assert said.count("<details>") == said.count("</details>") > 3
        assert "<summary>37 went from right to wrong, 7 back</summary>" in said

    def test_links_to_the_task_of_a_case(self, blocked: Gated) -> None:
        said = gate_markdown(blocked)
        assert (
            "**s-000** from right to wrong ([task](<https://labels.example/projects/1/data?task=0>))"
            in (said.replace("&#45;", "-"))
        )

    def test_is_never_longer_than_github_takes_and_counts_what_is_left_out(self) -> None:
        many = gated(evaluation("v1", count=2000), evaluation("v2", range(1500), count=2000))
        said = gate_markdown(many)
        assert 50_000 < len(said) <= LONGEST
        [left] = re.findall(r"and ([\d,]+) more, which the other reports have", said)
        shown = said.count("from right to wrong ([task]")
        assert shown + int(left.replace(",", "")) == 1500

    def test_holds_no_markup_of_others(self, hostile: Gated) -> None:
        said = gate_markdown(hostile)
        assert "<script" not in said
        assert "<!-- @" not in said
        assert not re.search("(@|&#64;)somebody", said)
        assert "](https://elsewhere" not in said
        assert "javascript:" not in said
        assert "\x1b" not in said


class TestJUnit:
    def test_can_be_read_back_with_a_test_for_each_case_and_one_for_the_verdict(
        self, blocked: Gated
    ) -> None:
        [suite] = JUnitXml.fromstring(
            gate_junit(blocked.verdict, blocked.baseline, blocked.candidate).encode()
        )
        cases = {case.name: case for case in suite}
        assert len(cases) == 121
        assert isinstance(cases["verdict"].result[0], Failure)
        assert isinstance(cases["s-000"].result[0], Failure)
        assert "the call refund is missing" in cases["s-000"].result[0].text
        assert isinstance(cases["s-001"].result[0], Error)
        assert cases["s-002"].is_passed
        assert (suite.tests, suite.failures, suite.errors) == (121, 38, 1)

    def test_says_slices_and_scores_as_properties(self, blocked: Gated) -> None:
        text = gate_junit(blocked.verdict, blocked.baseline, blocked.candidate)
        [suite] = JUnitXml.fromstring(text.encode())
        case = next(one for one in suite if one.name == "s-002")
        said = [(one.name, one.value) for found in case.iterchildren(Properties) for one in found]
        assert ("slice", "difficulty:hard") in said
        assert ("score", "1.0000") in said

    def test_a_case_of_one_side_alone_is_skipped(self) -> None:
        old, new = evaluation("v1", count=60), evaluation("v2", count=60)
        fewer = replace(old, cases=old.cases[:50], content_fingerprint="d" * 64)
        verdict = gate(fewer, new, Rules(), intersect=True)
        [suite] = JUnitXml.fromstring(gate_junit(verdict, fewer, new).encode())
        skipped = [c.name for c in suite if any(isinstance(r, Skipped) for r in c.result)]
        assert [name for name in skipped if name != "verdict"] == [
            f"s-{number:03}" for number in range(50, 60)
        ]

    def test_what_an_unproven_judge_cannot_grade_hides_no_case_that_got_worse(self) -> None:
        old, new = (
            evaluation(name, wrong, count=30, graders=(TOOLS, JUDGE))
            for name, wrong in (("v1", ()), ("v2", range(10)))
        )
        silent = tuple(
            replace(case, attempts=(replace(run, grades=(run.grades[0], NO_REPLY)),))
            if run.grades[0].passed is False
            else case
            for case in new.cases
            for run in case.attempts
        )
        found = gated(old, replace(new, cases=silent))
        assert (found.verdict.status, len(found.verdict.flips)) == ("regression", 10)
        text = gate_junit(found.verdict, found.baseline, found.candidate)
        [suite] = JUnitXml.fromstring(text.encode())
        assert (suite.failures, suite.skipped) == (11, 0)
        said = {row[0]: row[2] for row in sides_table(found).rows}
        assert said["cases that pass"].startswith(said["of the cases compared"])
        assert said["errors"] == "0"

    def test_characters_that_xml_forbids_do_not_break_it(self, hostile: Gated) -> None:
        text = gate_junit(hostile.verdict, hostile.baseline, hostile.candidate)
        assert "\x1b" not in text
        assert len(next(iter(JUnitXml.fromstring(text.encode())))) == 121
        text = evaluation_junit(hostile.candidate, summarise(hostile.candidate))
        assert len(next(iter(JUnitXml.fromstring(text.encode())))) == 120

    def test_an_evaluation_fails_each_case_that_did_not_pass(self) -> None:
        made = evaluation("v1", range(5), errors=[7])
        [suite] = JUnitXml.fromstring(evaluation_junit(made, summarise(made)).encode())
        assert (suite.tests, suite.failures, suite.errors) == (120, 5, 1)


class TestThePage:
    def test_holds_no_markup_of_others(self, hostile: Gated) -> None:
        page = gate_page(hostile)
        assert "<script" not in page
        assert "javascript:" not in page
        assert "\x1b" not in page
        assert "\u202e" not in page

    def test_forbids_itself_everything(self, blocked: Gated) -> None:
        assert "default-src 'none'" in gate_page(blocked)

    def test_shows_so_many_flips_and_counts_the_rest(self) -> None:
        many = gated(evaluation("v1", count=700), evaluation("v2", range(500), count=700))
        page = gate_page(many)
        assert page.count("<details class='flip regressed'>") == MOST_FLIPS
        assert f"and {500 - MOST_FLIPS} more" in page


@pytest.mark.parametrize("policy", ["point", "significant", "noninferior"])
def test_a_report_calls_the_p_of_slices_corrected_where_it_is(policy: str) -> None:
    rules = {"slices": ("tag:refund", "tag:shipping"), "policy": policy}
    found = gated(evaluation("v1"), evaluation("v2", range(3)), **rules)
    [section] = [one for one in sections(found) if one.name == "slices"]
    row = next(row for row in section.tables[0].rows if row[0] == "tag:shipping")
    change = next(one for one in found.verdict.slices if one.name == "tag:shipping")
    corrected = policy == "significant"
    assert ("Holm" in section.says[0]) is corrected
    assert row[6] == chance(change.p if corrected else change.paired.p)
    assert change.p != change.paired.p


class TestAnEvaluation:
    @pytest.mark.parametrize("ending", [".md", ".html", ".xml"])
    def test_is_written_by_the_ending(self, tmp_path: Path, ending: str) -> None:
        made = evaluation("v1", range(10), hostile=True)
        target = tmp_path / f"report{ending}"
        write_evaluation_report(target, made, summarise(made))
        text = target.read_text()
        assert "<script" not in text
        assert "91.7%" in text
        with pytest.raises(VersionError, match="--force"):
            write_evaluation_report(target, made, summarise(made))

    def test_another_ending_is_refused(self, tmp_path: Path) -> None:
        made = evaluation("v1")
        with pytest.raises(VersionError, match=r"must end in \.html, \.md, \.xml"):
            write_evaluation_report(tmp_path / "a.json", made, summarise(made))

    def test_names_the_failed_cases_with_their_reasons(self) -> None:
        made = evaluation("v1", [3])
        said = evaluation_markdown(made, summarise(made))
        assert "| s-003 | 0 of 1 | tag:refund, difficulty:easy, source:trace |" in said
        assert "tools: the call refund is missing" in said


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://a.example/>)", "https://a.example/ b", "//a", "", None]
)
def test_what_is_no_plain_address_is_no_link(blocked: Gated, url: str | None) -> None:
    flip = blocked.verdict.flips[0]
    assert address_of(flip) == flip.task_url
    assert address_of(replace(flip, task_url=url)) is None
