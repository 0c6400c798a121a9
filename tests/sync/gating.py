"""Evaluations to gate: values made here, and a project whose store holds three of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from goldloop.evaluation import Attempt, Case, Evaluation, GraderFacts
from goldloop.graders.grader import Grade
from goldloop.samples import ToolCall
from tests.sync.loop import Loop

PROJECT = Path(__file__).parents[2] / "examples" / "github-actions" / "project"
SCRIPT = "<script>document.title = 'hit'</script>"
STEERING = "\x1b[31mred\x1b[0m\u202edrawkcab"
MARKDOWN = "|cell| **bold** [link](https://elsewhere.example) `x` <!-- @somebody"
TOOLS = GraderFacts("tools", "tool_calls", "t1")
JUDGE = GraderFacts("response", "judge", "j1", model="judge-2026-01-01")


def evaluation(
    name: str,
    wrong: Collection[int] = (),
    count: int = 120,
    errors: Collection[int] = (),
    hostile: bool = False,
    graders: tuple[GraderFacts, ...] = (TOOLS,),
) -> Evaluation:
    """An evaluation of the agent `name`: the cases in `wrong` fail, those in `errors` broke."""
    cases = tuple(
        case(number, number in wrong, number in errors, hostile, graders) for number in range(count)
    )
    return Evaluation(
        evaluation_id=name,
        dataset="golden",
        version="1.0.0",
        content_fingerprint="c" * 64,
        labels_fingerprint="1" * 64,
        agent_version=name,
        graders=graders,
        cases=cases,
        created_at="2026-11-01T10:00:00+00:00",
    )


def case(
    number: int, wrong: bool, broke: bool, hostile: bool, graders: tuple[GraderFacts, ...]
) -> Case:
    """A case with one attempt; every text of a hostile one is."""
    said = f"{SCRIPT} {MARKDOWN} {STEERING}" if hostile else "I cannot do that."
    reason = said if hostile else "the call refund is missing"
    grades = tuple(Grade(one.name, float(not wrong), not wrong, reason) for one in graders)
    attempt = Attempt(
        grades=grades,
        response=said if wrong else "Done.",
        tool_calls=() if wrong else (ToolCall("refund", {"order": number}),),
        seconds=0.25,
        input_tokens=100,
        output_tokens=20,
        usd="0.0012",
    )
    return Case(
        sample_id=f"s-{number:03}",
        content=f"{number:016x}",
        attempts=(Attempt(error=f"timeout {said}"),) if broke else (attempt,),
        user_input=f"Refund order {number} {said if hostile else ''}",
        tags=(MARKDOWN if hostile else "refund",) if number % 2 else ("shipping",),
        difficulty=("easy", "medium", "hard")[number % 3],
        source="trace",
        task_url=f"https://labels.example/projects/1/data?task={number}"
        if not hostile
        else "javascript:alert(1)",
    )


def runs(path: Path, wrong: Collection[int] = ()) -> Path:
    """A file of recorded runs on the example's golden set: those in `wrong` call nothing."""
    lines = (PROJECT / "versions/golden/1.0.0/data.jsonl").read_text().splitlines()
    items = [json.loads(line) for line in lines]
    records = (
        {
            "sample_id": item["sample_id"],
            "user_input": item["user_input"],
            "run": {
                "agent_version": "recorded",
                "response": "Which order?" if number in wrong else "Order AB-1234 it is.",
                "tool_calls": [] if number in wrong else item["expected_tool_calls"],
            },
        }
        for number, item in enumerate(items)
    )
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@contextmanager
def gating(folder: Path) -> Iterator[Loop]:
    """The example's project with evaluations 1 (v1, main), 2 (v2, feature) and 3 (broken, fix); v2
    fails two cases more than v1, and broken a third of them.
    """
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    made = Loop(folder, "")
    for version, branch, wrong in (
        ("v1", "main", range(40, 44)),
        ("v2", "feature", range(40, 46)),
        ("broken", "fix", range(0, 80, 3)),
    ):
        file = runs(folder / f"{version}.jsonl", wrong)
        made.run(
            "evaluate",
            *("--runs-file", str(file), "--agent-version", version, "--branch", branch),
            *("-o", str(folder / f"{version}.json")),
        )
    with made.closing:
        yield made
