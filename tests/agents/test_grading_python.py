"""A function of the project that grades."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agents.grading import Grading
from goldloop.errors import SettingsError
from goldloop.graders import Grade, Grader
from goldloop.settings import Settings
from tests.agents.judging import RUN, SAMPLE, grader_set

Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    """Writes a module and gives its name, which no other test has."""
    names: list[str] = []

    def module(text: str) -> str:
        names.append(f"graders_{abs(hash(tmp_path))}_{len(names)}")
        (tmp_path / f"{names[-1]}.py").write_text(text)
        return names[-1]

    before = list(sys.path)
    yield module
    sys.path[:] = before
    for name in names:
        sys.modules.pop(name, None)


def called(folder: Path, target: str) -> Grade:
    with Grading(Settings(), folder) as grading:
        [grader] = grading.prepared(grader_set(by(target))).graders
        return grading.grade(grader, SAMPLE, RUN)


def by(target: str) -> Grader:
    return Grader("own", "python", {"target": target, "source": ""}, threshold=0.5)


@pytest.mark.parametrize(
    ("returned", "score", "reason"),
    [
        ("True", 1.0, ""),
        ("0.25", 0.25, ""),
        ("0", 0.0, ""),
        ("numpy.bool_(True)", 1.0, ""),
        ("numpy.float32(0.5)", 0.5, ""),
        ('{"score": 0.75, "reason": "nearly"}', 0.75, "nearly"),
        ('{"score": False, "reason": None}', 0.0, ""),
    ],
)
def test_it_returns_a_truth_a_number_or_both_with_a_reason(
    tmp_path: Path, write: Write, returned: str, score: float, reason: str
) -> None:
    module = write(f"import numpy\n\ndef f(case, run):\n    return {returned}\n")
    grade = called(tmp_path, f"{module}:f")
    assert (grade.score, grade.passed, grade.error) == (score, score >= 0.5, None)
    assert grade.reason == (reason or f"{module}:f gives {score:g}")


def test_it_is_given_the_case_and_the_run_as_plain_values(tmp_path: Path, write: Write) -> None:
    module = write(
        "def f(case, run):\n"
        "    expected, called = case['expected_tool_calls'][0], run['tool_calls'][0]\n"
        "    named = f\"{case['sample_id']}: {run['response']} {run['messages']}\"\n"
        "    both = expected['arguments']['number'] + called['arguments']['number']\n"
        "    called['arguments']['number'] = 0\n"
        "    return {'score': both / 15, 'reason': named}\n"
    )
    grade = called(tmp_path, f"{module}:f")
    assert (grade.score, grade.reason) == (1.0, "refund-1: On Monday, dear customer. []")
    assert RUN.tool_calls[0].arguments == {"number": 8}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ValueError('no\\nsuch ' + 'x' * 5000)", "raised ValueError: no such x"),
        ("raise SystemExit(3)", "raised SystemExit: 3"),
        ("return 2", "returned the score 2; expected 0 to 1"),
        ("return float('nan')", "returned the score nan; expected 0 to 1"),
        ("return 'fine'", "returned 'fine'; expected true or false"),
        ("return None", "returned null; expected true or false"),
        ("return 10 ** 400", "returned the score a huge number"),
        ("return {'passed': True}", "unknown key 'passed'"),
        ("return {'reason': 'no score'}", "returned null"),
        ("return {'score': 1, 'details': {'a': object()}}", "of type object"),
        ("return {'score': 1, 'details': {'a': 'x' * 30000}}", "more than 20000 characters"),
    ],
)
def test_what_it_raises_and_what_is_no_score_fails_the_grader(
    tmp_path: Path, write: Write, body: str, said: str
) -> None:
    grade = called(tmp_path, f"{write(f'def f(case, run):{chr(10)}    {body}{chr(10)}')}:f")
    assert (grade.score, grade.passed) == (None, None)
    assert said in str(grade.error)
    assert len(str(grade.error)) <= 300
    assert "\n" not in str(grade.error)


def test_its_version_changes_with_its_source(tmp_path: Path, write: Write) -> None:
    texts = ("def f(case, run):\n    return 1\n", "def f(case, run):\n    return 0\n")
    targets = [f"{write(text)}:f" for text in (texts[0], texts[1], texts[0])]
    with Grading(Settings(), tmp_path) as grading:
        found = grading.prepared(grader_set(*map(by, targets))).graders
    sources = [grader.settings["source"] for grader in found]
    assert len(sources[0]) == 64
    assert sources[0] == sources[2] != sources[1]
    assert found[0].version != by(targets[0]).version


def test_a_function_from_another_file_counts_with_that_file(tmp_path: Path, write: Write) -> None:
    inner = write("def f(case, run):\n    return 1\n")
    outer = write(f"from {inner} import f\n")
    with Grading(Settings(), tmp_path) as grading:
        [one, other] = grading.prepared(grader_set(by(f"{inner}:f"), by(f"{outer}:f"))).graders
    assert one.settings["source"] != other.settings["source"]


@pytest.mark.parametrize("target", ["no_such_module_here:f", "json:no_such", "sys:exit", "json"])
def test_what_cannot_be_imported_or_read_is_refused_at_the_door(
    tmp_path: Path, target: str
) -> None:
    with pytest.raises(SettingsError, match=r"grader (own: )?target"):
        called(tmp_path, target)
