"""evaluate with a judge: what it says is paid for once, and its failures are not the agent's."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bench._evaluation_peer import Peer
from sync.labelstudio.ports import free_port
from tests.sync.evaluated import asked, case, set_up
from tests.sync.loop import Loop


@pytest.fixture
def judge() -> Iterator[Peer]:
    """A judge that finds everything right, in a thread."""
    with Peer(0, 0.0) as peer:
        thread = threading.Thread(target=peer.serve_forever, args=(0.01,))
        thread.start()
        yield peer
        peer.shutdown()
        thread.join()


@pytest.fixture
def judged(offline: Loop, judge: Peer) -> Loop:
    """Three cases that expect calls and a response, which the judge grades."""
    set_up(offline, [replace(case(n), expected_response=f"done {n}") for n in range(3)])
    point_at(offline, judge.server_address[1])
    return offline


def point_at(loop: Loop, port: int) -> None:
    """Where the judge is."""
    loop.configure("evaluation", judge="judge-1", judge_base_url=f"http://127.0.0.1:{port}/v1")
    loop.configure("agent", attempts=1)


def test_responses_are_judged_and_the_judge_s_tokens_told(judged: Loop, judge: Peer) -> None:
    found = judged.json("evaluate")
    assert judge.counts()["judge"] == {"calls": 3, "paid_twice": 0}
    assert found["judges"] == [{"model": "judge-1", "input_tokens": 900, "output_tokens": 90}]
    graders = {one["facts"]["name"]: one for one in found["graders"]}
    assert graders["response"]["facts"]["model"] == "judge-1"
    assert graders["response"]["pass_rate"] == 1.0
    assert found["whole"]["mean"] == pytest.approx(2 / 3)
    assert "judge judge-1: 900 tokens in, 90 out" in judged.run("runs", "1").stdout


def test_a_judge_that_is_down_is_an_error_and_is_asked_again(judged: Loop, judge: Peer) -> None:
    point_at(judged, free_port())
    first = judged.json("evaluate", exit_code=3)
    assert (first["whole"]["graded"], first["whole"]["errors"]) == (0, 3)
    assert first["errors"][0]["error"].startswith("grader response: ")
    point_at(judged, judge.server_address[1])
    again = judged.json("evaluate", "--retry")
    assert again["whole"]["errors"] == 0
    assert len(asked(judged)) == 3
    assert judge.counts()["judge"]["calls"] == 3


def test_what_judges_cost_counts_against_the_money(judged: Loop) -> None:
    # An agent's run costs 0.00011 USD, a judge's answer 0.39.
    judged.configure("prices", **{"agent-1": [1, 1], "judge-1": [1000, 1000]})
    stopped = judged.run("evaluate", "--max-usd", "0.5", "--json", exit_code=3)
    found = json.loads(stopped.stdout)
    assert (found["made"], found["left"]) == (1, 2)


def test_recorded_runs_cost_only_their_judge(judged: Loop, judge: Peer) -> None:
    judged.run("evaluate")
    judged.configure("prices", **{"judge-1": [1000, 1000]})
    stopped = judged.run("evaluate", "--from", "1", "--max-usd", "0.3", "--json", exit_code=3)
    assert json.loads(stopped.stdout)["made"] == 1
    assert judge.counts()["judge"]["calls"] == 3 + 1


@pytest.mark.parametrize("ending", ["md", "html", "xml"])
def test_an_evaluation_is_written_for_people_too(judged: Loop, ending: str) -> None:
    path = judged.folder / f"run.{ending}"
    judged.run("evaluate", "-o", str(path))
    assert "s-001" in path.read_text()
