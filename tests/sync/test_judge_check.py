"""judge: how far a judge agrees with people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bench._golden_version import item_of, write_version
from goldloop.errors import RecordError
from store.evaluations import list_evaluations
from store.samples import get_samples
from sync.judges_file import judge_checks
from tests.agents.openai_server import Behaviour, OpenAIServer, Reply, fails, says
from tests.sync.calibrated import WORDS, say
from tests.sync.cases import case, pick
from tests.sync.loop import Loop

MODEL = "test-model"
COUNT = 24
Judge = Callable[[int], bool]


@pytest.fixture
def judge_server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        yield running


@pytest.fixture
def judged(offline: Loop, judge_server: OpenAIServer) -> Loop:
    """A project with 24 labelled runs, every fourth of which is wrong, and a judge."""
    offline.configure("agent", base_url=judge_server.url, attempts=1, timeout=5.0, concurrency=4)
    offline.configure("evaluation", judge=MODEL)
    offline.configure("gate", judge_cases=20)
    records = [case(number, expected_response=f"v1 says {number}") for number in range(COUNT)]
    offline.run("import", str(offline.write("cases.jsonl", records)))
    say(offline, {one: WORDS[truth(int(one[1:]))] for one in pick(offline, COUNT)})
    judge_server.script = [verdict(truth)]
    return offline


def truth(number: int) -> bool:
    return number % 4 > 0


def verdict(judge: Judge, otherwise: Behaviour | None = None) -> Behaviour:
    """The judge's reply on the one criterion, by the number of the case in its answer."""

    def behave(body: Any) -> Reply:
        number = int(json.loads(body["messages"][1]["content"])["answer"].split()[-1])
        one = {"number": 1, "reason": f"It says {number}.", "holds": judge(number)}
        return says(json.dumps({"criteria": [one]}))(body)

    return behave


def broken_from(place: int) -> Behaviour:
    """A judge that answers the cases before a number, and fails on the others."""

    def behave(body: Any) -> Reply:
        number = int(json.loads(body["messages"][1]["content"])["answer"].split()[-1])
        return (fails(401) if number >= place else verdict(truth))(body)

    return behave


def commit(loop: Loop) -> None:
    """A version of the first 24 cases, as golden@1.0.0."""
    with loop.store() as db:
        held = get_samples(db, [f"c{number:04}" for number in range(COUNT)]).values()
    write_version(loop.folder / "versions", [item_of(sample) for sample in held])


def stored(loop: Loop) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        (loop.folder / "versions" / "golden" / "judges.json").read_text()
    )
    return found


def test_a_judge_that_says_what_people_say_is_proven(
    judged: Loop, judge_server: OpenAIServer
) -> None:
    [found] = judged.json("judge")["judges"]
    assert (found["cases"], found["agreement"], found["kappa"]) == (COUNT, 1.0, 1.0)
    assert found["confusion"] == {
        "judge_pass_people_pass": 18,
        "judge_pass_people_fail": 0,
        "judge_fail_people_pass": 0,
        "judge_fail_people_fail": 6,
    }
    assert found["unproven"] is None
    assert found["slices"]["tag:refund"]["cases"] == 8
    assert len(judge_server.requests) == COUNT


def test_what_was_found_is_kept_by_the_graders_version_for_gates(judged: Loop) -> None:
    [found] = judged.json("judge")["judges"]
    checks = judge_checks(judged.folder / "versions", "golden")
    assert list(checks) == [found["version"]]
    [check] = checks.values()
    assert (check.grader, check.model, check.kappa) == ("response", MODEL, 1.0)
    assert check.record() == stored(judged)[0]


def test_a_judge_that_differs_from_people_is_unproven_and_its_differences_are_named(
    judged: Loop, judge_server: OpenAIServer
) -> None:
    judge_server.script = [verdict(lambda number: number % 3 > 0)]
    [found] = judged.json("judge", exit_code=3)["judges"]
    assert "lower bound of its kappa" in found["unproven"]
    differing = {number for number in range(COUNT) if truth(number) != (number % 3 > 0)}
    assert {int(one["sample_id"][1:]) for one in found["disagreements"]} == differing
    assert found["disagreements"][0]["reason"].endswith("says 3.")
    shown = judged.run("judge", exit_code=3).stdout
    assert "people: right" in shown
    assert "no, unproven" in shown


def test_too_few_labels_prove_nothing_and_the_number_that_is_missing_is_said(judged: Loop) -> None:
    judged.configure("gate", judge_cases=30)
    result = judged.run("judge", exit_code=3)
    assert "30 are needed" in " ".join(result.stderr.split())
    assert "label 6 more runs" in " ".join(result.stderr.split())


def test_verdicts_are_paid_for_once(judged: Loop, judge_server: OpenAIServer) -> None:
    first = judged.json("judge")["judges"][0]
    again = judged.json("judge")["judges"][0]
    assert (first["asked"], again["asked"]) == (COUNT, 0)
    assert (first["input_tokens"], again["input_tokens"]) == (7 * COUNT, 0)
    assert len(judge_server.requests) == COUNT
    assert judged.json("judge", "--again")["judges"][0]["asked"] == COUNT


def test_what_was_paid_for_before_a_failure_is_kept(
    judged: Loop, judge_server: OpenAIServer
) -> None:
    judge_server.script = [broken_from(20)]
    said = judged.refused("judge")
    assert "no verdict on 4 of 24 cases (sample c002" in said
    assert "run the same command again" in said
    assert not (judged.folder / "versions" / "golden" / "judges.json").exists()
    judge_server.script = [verdict(truth)]
    judge_server.requests.clear()
    assert judged.json("judge")["judges"][0]["asked"] == 4


def test_a_line_that_was_cut_off_is_asked_for_again(judged: Loop) -> None:
    judged.json("judge")
    path = judged.folder / "goldloop.db-judged.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    assert judged.json("judge")["judges"][0]["asked"] == 1
    assert judged.json("judge")["judges"][0]["asked"] == 0


def test_a_judge_that_cannot_be_asked_is_soon_left_alone(
    judged: Loop, judge_server: OpenAIServer
) -> None:
    judge_server.script = [fails(401, "bad key")]
    assert "the first 8 cases got no verdict (judge test-model: HTTP 401" in judged.refused("judge")
    assert len(judge_server.requests) < COUNT


def test_an_alias_is_told(judged: Loop) -> None:
    judged.configure("evaluation", judge="test")
    assert judged.json("judge")["judges"][0]["models"] == [MODEL]
    assert "pin the model" in " ".join(judged.run("judge").stderr.split())


def test_a_judge_that_is_the_agents_own_model_is_warned_of(judged: Loop) -> None:
    assert judged.json("judge")["judges"][0]["notes"] == []
    judged.configure("agent", kind="openai", model=MODEL)
    [note] = judged.json("judge")["judges"][0]["notes"]
    assert "the agent's own model" in note


def test_another_rubric_is_another_judge_beside_the_first(judged: Loop) -> None:
    judged.json("judge")
    graders = [
        {"name": "polite", "kind": "judge", "criteria": ["It is polite."]},
        {"name": "exact", "kind": "exact"},
    ]
    path = judged.folder / "graders.json"
    path.write_text(json.dumps({"graders": graders}))
    [found] = judged.json("judge", "--graders", str(path))["judges"]
    assert found["grader"] == "polite"
    assert [one["grader"] for one in stored(judged)] == ["polite", "response"]
    assert "no judge is called 'exact'; there are: polite" in judged.refused(
        "judge", "--graders", str(path), "--grader", "exact", exit_code=2
    )


def test_the_cost_is_told_where_the_price_is_known(judged: Loop) -> None:
    path = judged.folder / "goldloop.toml"
    path.write_text(path.read_text() + f'[prices]\n"{MODEL}" = [1.0, 2.0]\n')
    assert judged.json("judge")["judges"][0]["usd"] == "0.000312"


def test_with_a_version_its_cases_alone_are_compared(judged: Loop) -> None:
    commit(judged)
    records = [case(number, expected_response=f"v1 says {number}") for number in range(COUNT, 30)]
    judged.run("import", str(judged.write("more.jsonl", records)))
    say(judged, {one: WORDS[truth(int(one[1:]))] for one in pick(judged, 6)})
    assert judged.json("judge", "--dataset", "golden@1.0.0")["cases"] == COUNT
    assert judged.json("judge")["cases"] == 30
    assert "there is no golden@9.0.0" in judged.refused("judge", "--dataset", "golden@9.0.0")


def test_without_a_labelled_run_it_says_what_to_do(
    offline: Loop, judge_server: OpenAIServer
) -> None:
    offline.configure("agent", base_url=judge_server.url)
    offline.configure("evaluation", judge=MODEL)
    assert "goldloop push --batch-size 100" in offline.refused("judge")


def test_without_a_judge_it_says_how_to_name_one(judged: Loop) -> None:
    judged.configure("evaluation", judge="")
    assert "[evaluation] judge in goldloop.toml" in judged.refused("judge", exit_code=2)


@pytest.mark.parametrize("name", ["../golden", "a/b", ""])
def test_a_dataset_is_no_path(judged: Loop, name: str) -> None:
    assert "cannot name a dataset" in judged.refused("judge", "--dataset", f"{name}@1.0.0")


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "is not JSON"), ("{}", "expected a list"), ('[{"grader": 1}]', r"judges.json\[0\]")],
)
def test_a_file_of_judges_that_is_none_is_refused_and_left_as_it_is(
    judged: Loop, text: str, said: str
) -> None:
    folder = judged.folder / "versions" / "golden"
    folder.mkdir(parents=True)
    (folder / "judges.json").write_text(text)
    with pytest.raises(RecordError, match=said):
        judge_checks(judged.folder / "versions", "golden")
    judged.refused("judge")
    assert (folder / "judges.json").read_text() == text


def test_nothing_is_known_of_judges_without_a_file(judged: Loop) -> None:
    assert judge_checks(judged.folder / "versions", "golden") == {}


def test_what_a_judge_says_cannot_steer_the_terminal(
    judged: Loop, judge_server: OpenAIServer
) -> None:
    hostile = {"criteria": [{"number": 1, "reason": "\x1b[31m[red]x\x07", "holds": False}]}
    judge_server.script = [says(json.dumps(hostile))]
    shown = judged.run("judge", exit_code=3).stdout
    assert "\x1b" not in shown
    assert "[red]x" in shown


def test_an_evaluation_knows_its_judge_by_the_version_that_was_compared(judged: Loop) -> None:
    commit(judged)
    judged.json("judge")
    made = judged.json("evaluate", "--agent", "recorded", "--agent-version", "v1")
    with judged.store() as db:
        [stored_one] = list_evaluations(db)
    used = {facts.version for facts in stored_one.graders if facts.is_judge}
    assert used == set(judge_checks(judged.folder / "versions", "golden"))
    assert made["whole"]["mean"] == 0.75
