"""A project with two versions, full of what users, models and annotators should not write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from label_config.interface import builtin_interface
from store.annotations import save_annotators
from sync.init import init_project
from sync.project import open_project
from tests.sync.labelled import TRUTHS, Labelled

SCRIPT = "<script>document.title = 'hit'</script>"
IMAGE = "<img src=https://elsewhere.example/x.png onerror=\"document.title = 'hit'\">"
MARKDOWN = "|cell| **bold** [link](https://elsewhere.example) `x` # head @somebody"
STEERING = "\x1b[31mred\x1b[0m\r\u202edrawkcab"
NAMES = [(1, "ann@example.org", "Ann Lee"), (2, "bob@example.org", f"{IMAGE} | Bob"), (3, "", "C")]
COUNT, PICKED = 60, 40


def record(number: int) -> dict[str, Any]:
    """A sample with a run: the tags, tools and texts of every fourth one are hostile."""
    hostile = number % 4 == 0
    return {
        "sample_id": f"s{number}",
        "user_input": f"Question {number} {SCRIPT if hostile else ''} about {number * 7919}",
        "expected_response": f"The answer is {number}.",
        "expected_tool_calls": [{"name": "find_order", "arguments": {}}] if number % 3 else None,
        "tags": [SCRIPT, MARKDOWN, STEERING] if hostile else ["refunds"],
        "difficulty": ("easy", "medium", "hard")[number % 3],
        "source": ("trace", "synthetic", "manual")[number % 3],
        "metadata": {"origin": STEERING, IMAGE: MARKDOWN},
        "run": {
            "agent_version": "v1",
            "response": SCRIPT,
            "tool_calls": [{"name": IMAGE if hostile else "find_order", "arguments": {"n": 1}}],
            "confidence": round((number + 0.5) / COUNT, 4),
        },
    }


@contextmanager
def reported(folder: Path) -> Iterator[Labelled]:
    """Of 60 samples 40 picked in a round, labelled by three people and committed as 1.0.0; in 2.0.0
    s0 is relabelled.
    """
    folder.mkdir()
    init_project(folder)
    lines = (json.dumps(record(number)) for number in range(COUNT))
    (folder / "samples.jsonl").write_text("\n".join(lines))
    with closing(open_project(folder).open_store()) as db:
        made = Labelled(folder, db, builtin_interface())
        with db.conn:
            db.execute("UPDATE project SET value = ? WHERE key = 'secret'", ["0" * 64])
        made.run("import", str(folder / "samples.jsonl"))
        made.run("select", "--batch-size", str(PICKED))
        made.show(made.interface.xml)
        save_annotators(db, NAMES)
        rows = db.execute("SELECT sample_id FROM picks").fetchall()
        numbers = sorted(int(row[0][1:]) for row in rows)
        made.label(a for n in numbers for a in answers(made, n))
        made.run("commit", "-m", f"first {MARKDOWN}")
        later = "2026-02-01T00:00:00+00:00"
        made.label(replace(one, updated_at=later) for one in made.three(0, ["incorrect"] * 3))
        made.run("commit", "-m", SCRIPT)
        yield made


def answers(made: Labelled, number: int) -> list[Any]:
    """All three agree on the first sample, and the third errs on every fifth."""
    truth = TRUTHS[number % 3]
    third = TRUTHS[(number + 1) % 3] if number % 5 == 4 else truth
    return made.three(number, (truth, truth, third))
