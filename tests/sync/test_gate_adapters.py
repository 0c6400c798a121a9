"""Results of promptfoo and logs of Inspect AI, read as evaluations and gated."""

from __future__ import annotations

import gc
import json
import re
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task
from inspect_ai import eval as evaluate_task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import read_eval_log, write_eval_log
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Score, includes, mean, scorer
from inspect_ai.solver import solver
from inspect_ai.tool import ToolCall

from goldloop.errors import IncomparableError, RecordError
from goldloop.evaluation import (
    Evaluation,
    Rules,
    case_outcomes,
    evaluation_record,
    gate,
    read_evaluation,
)
from goldloop.json_values import check_json
from sync.adapters.foreign import LONGEST_TEXT
from sync.gate_inputs import read_results
from tests.sync.gating import STEERING

ORIGIN = {
    "dataset": "golden",
    "version": "1.2.0",
    "content_fingerprint": "c" * 64,
    "labels_fingerprint": "1" * 64,
}


def facts(number: int) -> dict[str, Any]:
    """The metadata that our exports leave in a case."""
    return {
        "sample_id": f"s-{number:02}",
        "tags": ["refund"],
        "difficulty": "hard",
        "source": "trace",
        "cluster_id": f"c{number // 2}",
        "inclusion_probability": 0.5,
        **ORIGIN,
    }


def component(kind: str, passed: bool, **more: Any) -> dict[str, Any]:
    """What an assertion of promptfoo came to."""
    weight = {key: more.pop(key) for key in ("weight", "metric", "provider") if key in more}
    said = {"pass": passed, "score": float(passed), "reason": f"{kind} said so", **more}
    return said | {"assertion": {"type": kind, "value": "any", **weight}}


def result(number: int, passed: bool = True, **more: Any) -> dict[str, Any]:
    """A result of promptfoo with two assertions."""
    components = more.pop(
        "components",
        [component("javascript", passed, metric="tool_calls"), component("llm-rubric", True)],
    )
    return {
        "testIdx": number,
        "promptIdx": 0,
        "testCase": question(number),
        "provider": {"id": "openai:gpt-5", "label": ""},
        "prompt": {"raw": "{{user_input}}", "label": "plain"},
        "response": {"output": f"answer {number}"},
        "success": passed,
        "score": float(passed),
        "failureReason": 0 if passed else 1,
        "latencyMs": 1500,
        "cost": 0.00025,
        "tokenUsage": {"prompt": 10, "completion": 3, "total": 13},
        "gradingResult": {"pass": passed, "score": 1, "componentResults": components},
        **more,
    }


def question(number: int) -> dict[str, Any]:
    """A test of promptfoo without what it asserts."""
    return {"vars": {"user_input": f"q{number}"}, "metadata": facts(number)}


def promptfoo(path: Path, results: list[Any], version: int = 3) -> Path:
    """A file as promptfoo writes it."""
    found = {"version": version, "timestamp": "2026-01-02T03:04:05.678Z", "results": results}
    path.write_text(json.dumps({"evalId": "e", "results": found, "config": {"description": "d"}}))
    return path


def read(path: Path, wanted: str = "") -> Evaluation:
    """The evaluation that a file holds."""
    return read_results(path, wanted).evaluation


def refusal(path: Path) -> str:
    """Why a file is refused; its name where it is read."""
    try:
        return read(path).evaluation_id
    except RecordError as error:
        return str(error)


class TestPromptfoo:
    def test_assertions_become_graders_and_our_facts_come_back(self, tmp_path: Path) -> None:
        made = read(promptfoo(tmp_path / "r.json", [result(1), result(0, passed=False)]))
        assert [(one.name, one.kind) for one in made.graders] == [
            ("llm-rubric", "judge"),
            ("tool_calls", "promptfoo:javascript"),
        ]
        assert (made.dataset, made.version, made.content_fingerprint) == (
            "golden",
            "1.2.0",
            "c" * 64,
        )
        assert (made.agent_version, made.made_by) == ("openai:gpt-5", "promptfoo")
        [first, second] = made.cases
        assert (first.sample_id, first.slices) == (
            "s-00",
            ("tag:refund", "difficulty:hard", "source:trace"),
        )
        assert (first.cluster_id, first.inclusion_probability, first.user_input) == (
            "c0",
            0.5,
            "q0",
        )
        [attempt] = second.attempts
        assert (attempt.response, attempt.seconds, attempt.usd) == ("answer 1", 1.5, "0.00025")
        assert (attempt.input_tokens, attempt.output_tokens) == (10, 3)
        assert [one.passes for one in case_outcomes(made)] == [0, 1]

    def test_a_fingerprint_that_promptfoo_blacked_out_is_none(self, tmp_path: Path) -> None:
        written = Path(__file__).parent / "fixtures" / "promptfoo_results.json"
        path = tmp_path / "results.json"
        path.write_text(re.sub(r"sha256:[0-9a-f]{64}", "[REDACTED]", written.read_text()))
        made = read(path)
        assert made.version == "unversioned"
        assert any("do not all name one dataset version" in note for note in made.notes)

    def test_what_promptfoo_wrote_of_our_export_is_read(self) -> None:
        # promptfoo 0.121 with --repeat 2 on tests from goldloop export; one call broke.
        made = read(Path(__file__).parent / "fixtures" / "promptfoo_results.json")
        assert (made.dataset, made.version, made.agent_version) == ("golden", "1.0.0", "shop")
        assert made.content_fingerprint.startswith("46fecc30")
        assert [(one.name, one.kind) for one in made.graders] == [
            ("tool_calls", "promptfoo:javascript")
        ]
        found = {one.case.sample_id: (one.passes, one.graded) for one in case_outcomes(made)}
        assert found == {"cancel-005": (2, 2), "cancel-008": (0, 2), "delivery-010": (0, 0)}
        assert made.cases[0].slices == ("tag:cancel", "difficulty:easy", "source:trace")
        assert made.cases[2].attempts[0].error == "down"

    def test_repeats_are_attempts(self, tmp_path: Path) -> None:
        results = [result(0), result(1), result(0, passed=False, testIdx=2), result(1, testIdx=3)]
        made = read(promptfoo(tmp_path / "r.json", results))
        assert made.runs_per_case == 2
        assert [one.value for one in case_outcomes(made)] == [0.5, 1.0]

    def test_an_error_is_no_failure(self, tmp_path: Path) -> None:
        broke = result(1, passed=False, failureReason=2, error="429", gradingResult=None)
        made = read(promptfoo(tmp_path / "r.json", [result(0), broke]))
        assert [one.error for one in case_outcomes(made)] == [None, "429"]

    def test_a_grader_that_failed_gives_no_grade(self, tmp_path: Path) -> None:
        judged = [
            component("javascript", True),
            component("llm-rubric", False, metadata={"graderError": True}),
        ]
        failed = result(1, passed=False, components=judged)
        other = result(0, components=[component("javascript", True)])
        made = read(promptfoo(tmp_path / "r.json", [other, failed]))
        assert [one.errors for one in case_outcomes(made)] == [0, 1]

    def test_its_own_verdict_counts_where_a_threshold_made_it(self, tmp_path: Path) -> None:
        lenient = result(0, components=[component("regex", False), component("equals", True)])
        made = read(promptfoo(tmp_path / "r.json", [lenient]))
        assert {one.name: one.weight for one in made.graders} == {
            "promptfoo": 1.0,
            "regex": 0.0,
            "equals": 0.0,
        }
        assert case_outcomes(made)[0].passes == 1
        assert any("promptfoo's own verdict is graded" in note for note in made.notes)

    def test_how_the_tests_are_set_up_says_what_grades_whatever_they_come_to(
        self, tmp_path: Path
    ) -> None:
        def made(file: str, right: bool, threshold: float | None = 0.5) -> Evaluation:
            """One assertion of two holds in each case, or both do, which is a pass as well."""
            parts = [component("contains", True), component("icontains", right)]
            given = {"assert": [one["assertion"] for one in parts], "threshold": threshold}
            return read(
                promptfoo(
                    tmp_path / file,
                    [result(n, testCase=question(n) | given, components=parts) for n in range(90)],
                )
            )

        old, new = made("a.json", False), made("b.json", True)
        assert {one.name: one.weight for one in old.graders}["promptfoo"] == 1.0
        assert old.graders == new.graders
        assert gate(old, new, Rules()).status == "pass"
        # Tests that pass from another score on are graded otherwise.
        with pytest.raises(IncomparableError, match="grader promptfoo changed"):
            gate(old, made("c.json", True, 0.9), Rules())

    def test_agents_that_broke_are_too_many_errors_and_not_graded_otherwise(
        self, tmp_path: Path
    ) -> None:
        asserted = {"assert": [component("equals", True)["assertion"]]}
        cases = [
            result(n, testCase=question(n) | asserted, components=[component("equals", True)])
            for n in range(90)
        ]
        broke = [one | {"failureReason": 2, "error": "429", "gradingResult": None} for one in cases]
        old = read(promptfoo(tmp_path / "a.json", cases))
        new = read(promptfoo(tmp_path / "b.json", broke))
        assert gate(old, new, Rules()).status == "errors"

    def test_several_agents_have_to_be_named(self, tmp_path: Path) -> None:
        other = {"id": "openai:other", "label": "the other"}
        both = [result(0), result(0, provider=other, passed=False)]
        path = promptfoo(tmp_path / "r.json", both)
        with pytest.raises(RecordError, match=r"r\.json#NAME\. It has: openai:gpt-5; the other"):
            read(path)
        assert read(path, "the other").agent_version == "the other"
        with pytest.raises(RecordError, match="has no 'third'"):
            read(path, "third")

    def test_without_our_facts_cases_are_known_by_their_variables(self, tmp_path: Path) -> None:
        bare = [
            result(n, testCase={"vars": {"q": f"{STEERING}{n}"}, "metadata": {"tags": 3}})
            for n in range(3)
        ]
        made = read(promptfoo(tmp_path / "r.json", bare))
        again = read(promptfoo(tmp_path / "r.json", bare[::-1]))
        assert made.content_fingerprint == again.content_fingerprint
        assert (made.dataset, made.version) == ("d", "unversioned")
        assert any("by id and content alone" in note for note in made.notes)
        assert all(one.sample_id.startswith("case-") for one in made.cases)

    def test_two_files_of_it_are_gated(self, tmp_path: Path) -> None:
        good = [result(n) for n in range(90)]
        bad = [result(n, passed=n % 3 > 0) for n in range(90)]
        old = read(promptfoo(tmp_path / "a.json", good))
        new = read(promptfoo(tmp_path / "b.json", bad))
        assert gate(old, new, Rules()).status == "regression"
        assert gate(old, old, Rules()).exit_code() == 0

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"version": 2}, "version 3"),
            ({"results": []}, "compares several agents|no result"),
            ({"results": [1, None]}, "several agents|no result"),
        ],
    )
    def test_what_it_cannot_be_is_refused(
        self, tmp_path: Path, change: dict[str, Any], says: str
    ) -> None:
        given = {"results": [result(0)], **change}
        path = promptfoo(tmp_path / "r.json", given["results"], given.get("version", 3))
        with pytest.raises(RecordError, match=says):
            read(path)

    def test_nonsense_in_any_place_is_refused_or_read_without_a_crash(self, tmp_path: Path) -> None:
        for key in result(0):
            for nonsense in (None, 7, "x", [], {}, [{}], {"a": []}, float("inf"), 10**400):
                path = promptfoo(tmp_path / "r.json", [result(0) | {key: nonsense}])
                assert str(path) in refusal(path)

    def test_a_file_that_is_nested_without_end_is_refused(self, tmp_path: Path) -> None:
        for depth in (900, 990, 100_000):
            nested = '{"a":' * depth + "1" + "}" * depth
            found = json.dumps(result(0)).replace('"q0"', nested)
            path = tmp_path / "deep.json"
            path.write_text('{"results": {"version": 3, "results": [' + found + "]}}")
            assert str(path) in refusal(path)

    def test_texts_are_bounded_and_can_be_kept(self, tmp_path: Path) -> None:
        long = result(0, response={"output": "a\0\ud800" + "x" * 200_000})
        [case] = read(promptfoo(tmp_path / "r.json", [long])).cases
        response = case.attempts[0].response
        assert response is not None
        assert len(response) == LONGEST_TEXT
        assert response.startswith("a\ufffd")


@solver
def shop() -> Any:
    """Answers by the sample's number: one breaks, one is wrong, the others are right."""

    async def solve(state: Any, generate: Any) -> Any:
        if state.sample_id == "s-02":
            raise RuntimeError("agent down")
        said = "no" if state.sample_id == "s-01" else "Done, as asked"
        state.output = ModelOutput.from_content("mockllm/model", said)
        state.output.message.tool_calls = [ToolCall(id="1", function="refund", arguments={"o": 1})]
        state.messages.append(state.output.message)
        return state

    return solve


@scorer(metrics=[mean()])
def length() -> Any:
    """Two values, of which one leaves the range."""

    async def score(state: Any, target: Any) -> Score:
        size = len(state.output.completion)
        return Score(value={"half": 0.5, "size": size}, explanation="by length")

    return score


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real log: four samples, two epochs, two scorers; one sample breaks."""
    folder = tmp_path_factory.mktemp("inspect")
    samples = [
        Sample(id=f"s-{n:02}", input=f"q{n}", target="Done", metadata=facts(n)) for n in range(4)
    ]
    task = Task(
        dataset=MemoryDataset(samples, name="golden"),
        solver=shop(),
        scorer=[includes(), length()],
        epochs=2,
    )
    # Inspect leaves streams of a broken sample to the garbage collector, which warns of them.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        [made] = evaluate_task(
            task, model="mockllm/model", display="none", log_dir=str(folder), fail_on_error=False
        )
        gc.collect()
    return Path(made.location)


class TestInspect:
    def test_scorers_become_graders_and_epochs_attempts(self, log: Path) -> None:
        made = read(log)
        assert [(one.name, one.kind) for one in made.graders] == [
            ("includes", "inspect:includes"),
            ("length.half", "inspect:length"),
        ]
        assert (made.dataset, made.version, made.runs_per_case) == ("golden", "1.2.0", 2)
        assert (made.agent_version, made.made_by) == ("mockllm/model", "inspect")
        [first, *_] = made.cases
        assert (first.sample_id, first.user_input, first.cluster_id) == ("s-00", "q0", "c0")
        assert first.attempts[0].response == "Done, as asked"
        assert [(call.name, call.arguments) for call in first.attempts[0].tool_calls] == [
            ("refund", {"o": 1})
        ]
        assert [grade.score for grade in first.attempts[0].grades] == [1.0, 0.5]

    def test_a_scorer_that_leaves_the_range_is_told_and_grades_nothing(self, log: Path) -> None:
        assert any("scorer length.size gives numbers outside" in note for note in read(log).notes)

    def test_a_scorer_of_numbers_between_is_told_to_be_compared_by_its_score(
        self, log: Path
    ) -> None:
        assert any(
            "scorer length.half" in note and "--metric score" in note for note in read(log).notes
        )

    def test_a_sample_that_broke_is_an_error(self, log: Path) -> None:
        errors = {one.case.sample_id: one.error for one in case_outcomes(read(log)) if one.errors}
        assert list(errors) == ["s-02"]
        assert "agent down" in str(errors["s-02"])

    def test_the_json_form_says_the_same(self, log: Path, tmp_path: Path) -> None:
        write_eval_log(read_eval_log(str(log)), str(tmp_path / "log.json"))
        made, other = read(log), read(tmp_path / "log.json")
        assert made.cases == other.cases
        assert made.graders == other.graders

    def test_samples_that_the_log_lost_are_errors(self, log: Path, tmp_path: Path) -> None:
        whole = json.loads(_as_json(log, tmp_path).read_text())
        whole["samples"] = [one for one in whole["samples"] if one["epoch"] == 1][:2]
        (tmp_path / "cut.json").write_text(json.dumps(whole))
        outcomes = case_outcomes(read(tmp_path / "cut.json"))
        assert [one.errors for one in outcomes] == [1, 1, 2, 2]

    def test_what_tools_were_called_with_can_be_kept(self, log: Path, tmp_path: Path) -> None:
        whole = json.loads(_as_json(log, tmp_path).read_text())
        given = {"a\ud800": ["\ud800", float("nan"), 10**400, {"deep": [[{}]]}], "b": None}
        for turn in whole["samples"][0]["messages"]:
            for call in turn.get("tool_calls") or ():
                call["arguments"] = given
        (tmp_path / "odd.json").write_text(json.dumps(whole))
        [call] = read(tmp_path / "odd.json").cases[0].attempts[0].tool_calls
        assert call.arguments == {"a?": ["?", "nan", 10**400, {"deep": [[{}]]}], "b": None}
        check_json(call.arguments)

    def test_two_scores_of_one_name_are_two_graders_in_every_sample(
        self, log: Path, tmp_path: Path
    ) -> None:
        whole = json.loads(_as_json(log, tmp_path).read_text())
        both = {"a": {"value": {"b": "C"}}, "a.b": {"value": "I"}}
        for number, sample in enumerate(whole["samples"]):
            sample |= {"error": None, "scores": both if number else {"a": both["a"]}}
        (tmp_path / "two.json").write_text(json.dumps(whole))
        made = read(tmp_path / "two.json")
        assert [one.name for one in made.graders] == ["a.b", "a.b #2"]
        alone, *others = [attempt for case in made.cases for attempt in case.attempts]
        assert [(one.grader, one.score) for one in alone.grades] == [("a.b #2", 1.0)]
        for attempt in others:
            assert {one.grader: one.score for one in attempt.grades} == {"a.b": 0.0, "a.b #2": 1.0}
        read_evaluation(evaluation_record(made), "made")

    def test_one_that_is_still_written_is_refused(self, log: Path, tmp_path: Path) -> None:
        whole = json.loads(_as_json(log, tmp_path).read_text()) | {"status": "started"}
        (tmp_path / "started.json").write_text(json.dumps(whole))
        with pytest.raises(RecordError, match="still being written"):
            read(tmp_path / "started.json")

    @pytest.mark.parametrize(
        ("value", "score"),
        [("C", 1.0), ("I", 0.0), ("P", 0.5), ("N", 0.0), (True, 1.0), ("yes", 1.0), (0.25, 0.25)],
    )
    def test_values_count_as_inspect_counts_them(
        self, log: Path, tmp_path: Path, value: object, score: float
    ) -> None:
        whole = json.loads(_as_json(log, tmp_path).read_text())
        for sample in whole["samples"]:
            sample["scores"] = {"s": {"value": value}}
        (tmp_path / "v.json").write_text(json.dumps(whole))
        assert read(tmp_path / "v.json").cases[0].attempts[0].grades[0].score == score

    def test_a_damaged_zip_is_refused_in_one_line(self, log: Path, tmp_path: Path) -> None:
        whole = log.read_bytes()
        for name, content in (("cut", whole[: len(whole) // 2]), ("bent", _bent(whole))):
            path = tmp_path / f"{name}.eval"
            path.write_bytes(content)
            with pytest.raises(RecordError, match=name):
                read(path)

    def test_a_part_that_unpacks_to_too_much_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sync.adapters.zipped_log.LARGEST_PART", 1000)
        with zipfile.ZipFile(tmp_path / "big.eval", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("header.json", b" " * 100_000)
        with pytest.raises(RecordError, match="larger than"):
            read(tmp_path / "big.eval")

    @pytest.mark.parametrize("place", ["content", "flags", "method"])
    def test_a_zip_that_cannot_be_unpacked_is_refused_in_one_line(
        self, tmp_path: Path, place: str
    ) -> None:
        path = tmp_path / "odd.eval"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("header.json", b'{"eval": 1}' * 100)
        content = bytearray(path.read_bytes())
        central = content.index(b"PK\x01\x02")
        at, value = {
            "content": (45, b"\xff\xff"),
            "flags": (central + 8, b"\x01\x00"),
            "method": (central + 10, b"\x63\x00"),
        }[place]
        content[at : at + 2] = value
        path.write_bytes(content)
        with pytest.raises(RecordError, match=r"odd\.eval: header\.json cannot be read"):
            read(path)

    def test_a_name_after_the_file_is_refused_where_there_is_one_agent(self, log: Path) -> None:
        with pytest.raises(RecordError, match="leave out #other"):
            read(log, "other")

    def test_another_zip_is_no_log(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
            archive.writestr("../../etc/passwd", b"x")
        with pytest.raises(RecordError, match=r"no header\.json"):
            read(tmp_path / "other.zip")

    def test_nonsense_in_any_place_is_refused_or_read_without_a_crash(
        self, log: Path, tmp_path: Path
    ) -> None:
        whole = json.loads(_as_json(log, tmp_path).read_text())
        path = tmp_path / "n.json"

        def written(change: Callable[[dict[str, Any]], None]) -> Path:
            copy = json.loads(json.dumps(whole))
            change(copy)
            path.write_text(json.dumps(copy))
            return path

        for key in ("id", "epoch", "input", "scores", "metadata", "output", "messages", "error"):
            for nonsense in (None, 7, "x", [], {}, [{}], {"a": []}, 1e300):
                changed = written(lambda log: log["samples"][0].update({key: nonsense}))  # noqa: B023
                assert str(path) in refusal(changed)


def _as_json(log: Path, folder: Path) -> Path:
    path = folder / "whole.json"
    write_eval_log(read_eval_log(str(log), exclude_fields={"events"}), str(path))
    return path


def _bent(content: bytes) -> bytes:
    """The same with the content of its first sample damaged."""
    start = content.index(b"samples/") + 60
    return content[:start] + bytes(200) + content[start + 200 :]
