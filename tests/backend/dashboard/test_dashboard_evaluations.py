"""Did the agent regress? Evaluations, gates and flipped cases, as the pages show them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from goldloop.evaluation import Attempt, Rules
from goldloop.graders import Grade
from store.database import Store, create_store
from store.evaluations import save_gate
from store.gates import get_gate
from sync.init import init_project
from sync.project import open_project
from tests.backend.dashboard.dashboard_pages import client_of
from tests.backend.dashboard.gated_store import (
    ask_people,
    people_say,
    store_evaluation,
    store_gate,
)
from tests.backend.dashboard.read_page import rows as rows_of
from tests.sync.gating import JUDGE, SCRIPT, STEERING, TOOLS, evaluation
from tests.sync.loop import Loop

COUNT = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs 1 (v1, main), 2 (v2, main), 3 (v3, fix: worse) and 4 (v4, hostile, unfinished) on 60
    cases, 5 (v5) on 30 others of a newer version; gates 1 (1 -> 3), 2 (1 -> 2) and 3 (a file -> 3).
    """
    folder = tmp_path_factory.mktemp("gated") / "project"
    init_project(folder)
    with closing(open_project(folder).open_store()) as db:
        for name, branch, wrong in (("v1", "main", 6), ("v2", "main", 4), ("v3", "fix", 30)):
            made = evaluation(name, range(wrong), COUNT, [59] if name == "v3" else ())
            store_evaluation(db, replace(made, branch=branch))
        hostile = evaluation("v4", range(9), COUNT, hostile=True)
        store_evaluation(db, replace(hostile, branch=SCRIPT), finished=False)
        other = replace(evaluation("v5", count=30), version="2.0.0", content_fingerprint="d" * 64)
        store_evaluation(db, replace(other, branch="main"))
        first = store_gate(db, 1, 3, Rules(slices=("tag:refund",), min_slice=10))
        store_gate(db, 1, 2)
        _gate_of_a_file(db, first)
    return folder


def _gate_of_a_file(db: Store, like: int) -> None:
    gate = get_gate(db, like)
    assert gate is not None
    save_gate(db, gate.candidate_id, None, gate.status, gate.record)


@pytest.fixture(scope="module")
def client(folder: Path) -> FlaskClient:
    return client_of(folder)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[tuple[Path, Store]]:
    """An empty project with its open store."""
    init_project(tmp_path / "project")
    with closing(open_project(tmp_path / "project").open_store()) as db:
        yield tmp_path / "project", db


def rows(page: str) -> list[str]:
    """The numbers of the evaluations that the page lists, in its order."""
    return re.findall(r">run (\d+)</a>", page)


def cases(page: str) -> list[str]:
    """The cases that the page shows."""
    return re.findall(r'<article class="case"><h3>(?:<a [^>]*>)?(s-\d+)', page)


def text(page: str) -> str:
    """What is read on the page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_without_an_evaluation_the_page_says_how_to_make_one(fresh: tuple[Path, Store]) -> None:
    client = client_of(fresh[0])
    assert "<code>goldloop evaluate</code>" in client.get("/dashboard/evaluations").text
    assert "goldloop gate --baseline RUN" in client.get("/dashboard/gates").text


def test_without_a_gate_the_page_says_how_to_compare(fresh: tuple[Path, Store]) -> None:
    folder, db = fresh
    store_evaluation(db, evaluation("v1", count=3))
    page = client_of(folder).get("/dashboard/evaluations").text
    assert "goldloop gate --baseline RUN --candidate RUN" in page
    assert 'class="plot"' not in page


def test_each_evaluation_is_listed_with_what_its_score_rests_on(client: FlaskClient) -> None:
    page = client.get("/dashboard/evaluations").text
    assert rows(page) == ["5", "4", "3", "2", "1"]
    # 29 of the 59 that did not break pass; run 2, on the same cases, passed 56 of 60.
    row = text(page.split(">run 3</a>")[1].split("</tr>")[0])
    assert "golden@1.0.0 v3 fix 49.2%" in row
    assert "-44.2 59 1 $0.0708" in row


def test_the_list_says_the_same_as_the_command(folder: Path, client: FlaskClient) -> None:
    page = client.get("/dashboard/evaluations").text
    listed = Loop(folder, "").json("runs")
    assert len(listed) == 5
    for one in listed:
        row = page.split(f">run {one['id']}</a>")[1].split("</tr>")[0]
        assert f"{one['mean']:.1%}" in row
        assert f"{one['low']:.1%} to {one['high']:.1%}" in row
        assert f'<td class="number">{one["graded"]}</td>' in row
        assert one["change"] is None or f"{100 * one['change']:+.1f}" in row


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("branch=main", "521"),
        ("agent=v3", "3"),
        ("dataset=golden&state=unfinished", "4"),
        ("state=finished&sort=oldest", "1235"),
        ("sort=worst", "34125"),
        ("sort=best", "52143"),
        ("sort=errors", "31245"),
        ("sort=fallen", "32145"),
        ("dataset=golden@2.0.0", "5"),
        ("dataset=silver", ""),
    ],
)
def test_evaluations_are_filtered_and_sorted_by_the_address(
    client: FlaskClient, query: str, found: str
) -> None:
    page = client.get(f"/dashboard/evaluations?{query}").text
    if query != "sort=fallen":
        assert "".join(rows(page)) == found
    else:
        assert rows(page)[0] == "3"
    assert ("No evaluation fits" in page) == (not found)


def test_the_plot_has_the_evaluations_of_the_same_cases_alone(client: FlaskClient) -> None:
    # The newest finished one is alone on its cases, so there is nothing to draw yet.
    page = client.get("/dashboard/evaluations").text
    assert 'class="plot"' not in page
    [older] = re.findall(r'<option value="(\w{12})"[^>]*>golden@1.0.0 \(3\)', page)
    page = client.get(f"/dashboard/evaluations?cases={older}").text
    assert '"names": ["main", "fix"]' in page
    assert '"data": [[1, 2, 3], [0.9, 0.9333333333333333, null], [null, null, ' in page
    by_agent = client.get(f"/dashboard/evaluations?cases={older}&by=agent").text
    assert '"names": ["v3", "v2", "v1"]' in by_agent


def test_an_unfinished_evaluation_says_so_and_is_in_no_plot(client: FlaskClient) -> None:
    page = client.get("/dashboard/evaluations?branch=" + SCRIPT).text
    assert "unfinished" in page
    assert "unfinished" in client.get("/dashboard/evaluations/4").text


def test_an_evaluation_shows_its_figures_slices_and_graders(client: FlaskClient) -> None:
    page = text(client.get("/dashboard/evaluations/3").text)
    assert "v3 on golden@1.0.0" in page
    assert "Passed 49.2%" in page
    assert "Errors 1 left out" in page
    assert "tag:refund" in page
    assert "tool_calls" in page
    assert "timeout" in page


@pytest.mark.parametrize(
    ("query", "first", "many"),
    [
        ("show=failed", "s-000", 30),
        ("show=errored", "s-059", 1),
        ("show=passed", "s-030", 29),
        ("show=failed&slice=tag:refund", "s-001", 15),
        ("grader=tools&sort=sample", "s-000", 30),
        ("q=ORDER 17", "s-017", 1),
        ("q=cannot do that&slice=difficulty:hard", "s-002", 11),
    ],
)
def test_cases_are_found_by_how_they_went_slice_grader_and_words(
    client: FlaskClient, query: str, first: str, many: int
) -> None:
    page = client.get(f"/dashboard/evaluations/3?{query}").text
    assert cases(page)[0] == first
    assert len(cases(page)) == min(many, 25)
    assert f"1 to 25 of {many}" in page or many <= 25


def test_a_case_shows_what_the_agent_did_and_why_it_failed(client: FlaskClient) -> None:
    page = text(client.get("/dashboard/evaluations/3?q=order 7").text)
    assert "tools failed : the call refund is missing" in page
    assert "I cannot do that." in page
    whole = text(client.get("/dashboard/evaluations/3/s-040").text)
    assert "It came to: right" in whole
    assert "calls refund" in whole
    assert "Done." in whole


def test_a_case_that_broke_is_no_failure_of_the_agent(client: FlaskClient) -> None:
    page = text(client.get("/dashboard/evaluations/3/s-059").text)
    assert "It came to: error" in page
    assert "no failure of the agent: timeout" in page


def test_every_run_of_a_case_has_its_address(fresh: tuple[Path, Store]) -> None:
    folder, db = fresh
    right, wrong = evaluation("v1", count=1), evaluation("v1", [0], count=1)
    attempts = (right.cases[0].attempts[0], wrong.cases[0].attempts[0])
    both = replace(right, cases=(replace(right.cases[0], attempts=attempts),), runs_per_case=2)
    store_evaluation(db, both)
    client = client_of(folder)
    assert "1 of 2 runs right" in client.get("/dashboard/evaluations/1").text
    for run, came_to in (("1", "right"), ("2", "wrong")):
        page = text(client.get(f"/dashboard/evaluations/1/s-000?run={run}").text)
        assert f"It came to: {came_to}" in page
    assert client.get("/dashboard/evaluations/1/s-000?run=3").status_code == 400


def test_a_gate_shows_its_verdict_as_the_command_does(folder: Path, client: FlaskClient) -> None:
    with closing(open_project(folder).open_store()) as db:
        gate = get_gate(db, 1)
    assert gate is not None
    page = text(client.get("/dashboard/gates/1").text)
    assert gate.record["sentence"].replace("->", "-&gt;").replace("<", "&lt;") in page
    assert "Policy significant on cases that pass: blocks a drop of more than 2.0 points" in page
    assert "59 cases: 24 worse, 0 better" in page
    assert f"{gate.record['power']['cases_for_drop']:,} for the drop that was seen" in page
    assert "blocks" in page.partition("tag:refund")[2][:200]
    for note in gate.record["notes"]:
        assert note.replace("'", "&#39;") in page


def test_gates_are_listed_newest_first_and_by_verdict(client: FlaskClient) -> None:
    def gates(query: str) -> list[str]:
        return re.findall(r">gate (\d+)</a>", client.get(f"/dashboard/gates{query}").text)

    assert gates("") == ["3", "2", "1"]
    assert gates("?status=regression") == ["3", "1"]
    assert gates("?sort=oldest") == ["1", "2", "3"]
    assert gates("?sort=risen") == ["2", "3", "1"]
    assert gates("?sort=fallen&status=regression") == ["3", "1"]
    page = client.get("/dashboard/gates?sort=oldest").text
    assert 'href="/dashboard/gates?status=regression&amp;sort=oldest"' in page
    assert "gate 3" in client.get("/dashboard/evaluations/3").text
    assert "gate 3" not in client.get("/dashboard/evaluations/2").text


def test_a_baseline_from_a_file_has_no_link(client: FlaskClient) -> None:
    page = client.get("/dashboard/gates/3").text
    assert "from a file" in page
    assert 'href="/dashboard/evaluations/1"' not in page


def test_flipped_cases_stand_side_by_side_and_are_filtered(client: FlaskClient) -> None:
    page = client.get("/dashboard/gates/1").text
    assert "24 went from right to wrong, 0 from wrong to right" in text(page)
    assert len(cases(page)) == 20
    assert len(cases(client.get("/dashboard/gates/1?page=2").text)) == 4
    one = text(client.get("/dashboard/gates/1?q=s-007").text)
    assert "baseline : right" in one
    assert "candidate : wrong" in one
    assert "Done." in one
    assert "I cannot do that." in one
    assert cases(client.get("/dashboard/gates/1?slice=difficulty:hard&q=order 8").text) == ["s-008"]
    assert "No flipped case fits" in client.get("/dashboard/gates/1?show=recovered").text


def test_what_people_say_of_flipped_cases_stands_beside_them(fresh: tuple[Path, Store]) -> None:
    folder, db = fresh
    for name, wrong in (("v1", ()), ("v2", range(4))):
        store_evaluation(db, evaluation(name, wrong, 20))
    gate = store_gate(db, 1, 2)
    client = client_of(folder)
    assert "goldloop push --from-gate 2" in client.get("/dashboard/gates/1").text
    ask_people(db, 2, gate, ["s-000", "s-001", "s-002"])
    people_say(db, 2, "s-000", "correct", "correct")
    people_say(db, 2, "s-001", "incorrect", "incorrect")
    page = text(client.get("/dashboard/gates/1").text)
    said = Loop(folder, "").json("gate-review", "2")["regressed"]
    assert (said["right"], said["wrong"], said["open"]) == (1, 1, 1)
    assert "asked about 3 of them" in page
    assert "1 right, 1 wrong, 0 disputed, 1 open." in page
    assert "speaks against the expected answer or the grader" in page
    for people, found in (
        ("right", ["s-000"]),
        ("wrong", ["s-001"]),
        ("open", ["s-002"]),
        ("not_asked", ["s-003"]),
    ):
        assert cases(client.get(f"/dashboard/gates/1?people={people}").text) == found


def test_a_gate_without_a_verdict_shows_what_broke(fresh: tuple[Path, Store]) -> None:
    folder, db = fresh
    store_evaluation(db, evaluation("v1", count=5))
    store_evaluation(db, evaluation("v2", count=5, errors=range(5)))
    store_gate(db, 1, 2)
    page = text(client_of(folder).get("/dashboard/gates/1").text)
    assert "Too many errors" in page
    assert "5 of the candidate came to nothing" in page
    assert "s-004 candidate timeout" in page


def test_an_unproven_judge_is_marked(fresh: tuple[Path, Store]) -> None:
    folder, db = fresh
    both = (TOOLS, JUDGE)
    wrong = (Grade("tools", 1.0, True), Grade("response", 0.0, False))
    made = evaluation("v2", (), 30, graders=both)
    cases = [replace(one, attempts=(Attempt(wrong),)) for one in made.cases[:9]]
    store_evaluation(db, evaluation("v1", (), 30, graders=both))
    store_evaluation(db, replace(made, cases=(*cases, *made.cases[9:])))
    store_gate(db, 1, 2)
    whole = client_of(folder).get("/dashboard/gates/1").text
    page = text(whole)
    # What only such a judge finds wrong counts in no figure of the two sides.
    shown = rows_of(whole, "Table of both evaluations")
    assert [row[2:5] for row in shown] == [["100.0%"] * 3, ["100.0%", "70.0%", "100.0%"]]
    assert "response is an unproven judge" in page
    assert "with unproven judges" in page


def test_what_agents_and_graders_wrote_is_text(client: FlaskClient) -> None:
    for path in ("evaluations", "evaluations/4", "evaluations/4/s-001"):
        page = client.get(f"/dashboard/{path}").text
        assert SCRIPT not in page
        assert "javascript:" not in page
        assert not set(page) & set(STEERING) & set("\x1b\u202e")
    assert "&lt;script&gt;" in client.get("/dashboard/evaluations/4").text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("evaluations?sort=x", 400),
        ("evaluations?by=x", 400),
        ("evaluations?state=x", 400),
        ("evaluations?page=0", 400),
        ("evaluations?branch=" + "x" * 201, 400),
        ("evaluations/3?show=x", 400),
        ("evaluations/3?slice=x", 400),
        ("evaluations/3?grader=x", 400),
        ("evaluations/99", 404),
        (f"evaluations/{10**30}", 404),
        ("evaluations/3/none", 404),
        ("gates?status=x", 400),
        ("gates/1?people=x", 400),
        ("gates/1?show=x", 400),
        ("gates/99", 404),
        (f"gates/{10**30}", 404),
    ],
)
def test_what_there_cannot_be_is_refused(client: FlaskClient, path: str, status: int) -> None:
    assert client.get(f"/dashboard/{path}").status_code == status


def test_a_store_that_was_begun_anew_shows_nothing_of_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    init_project(folder)
    client = client_of(folder)
    for wrong, share in ((range(2), "80.0%"), (range(5), "50.0%")):
        (folder / "goldloop.db").unlink()
        with closing(create_store(folder / "goldloop.db")) as db:
            store_evaluation(db, evaluation("v1", wrong, 10))
        assert share in client.get("/dashboard/evaluations").text


def test_the_loop_ends_with_evaluations_and_the_newest_gate(client: FlaskClient) -> None:
    page = text(client.get("/dashboard/").text)
    assert "Evaluations 4 newest gate: regression" in page


def test_one_goes_from_case_to_case_of_those_that_were_asked_for(client: FlaskClient) -> None:
    query = "?show=failed&slice=tag:refund"
    page = client.get(f"/dashboard/evaluations/3/s-003{query}").text
    assert "2 of 15" in page
    ways = dict(re.findall(r'rel="(prev|next)" href="/dashboard/evaluations/3/(s-\d+)\?', page))
    assert ways == {"prev": "s-001", "next": "s-005"}
    assert "not among these cases" in client.get(f"/dashboard/evaluations/3/s-040{query}").text
