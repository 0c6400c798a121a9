"""A version whose items are as odd as they come, and what exporting it gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from goldloop.versions import Item
from label_config.interface import read_interface
from label_config.results import write_result
from store.annotations import RawAnnotation, store_task_annotations
from store.database import transaction
from store.tasks import ReviewProject, mark_delivered, plan_tasks, save_review_project
from sync.cli import main
from sync.exports.form import Edition
from sync.init import init_project
from sync.project import open_project
from tests.sync.test_own_interface import ANSWERS, EVERY_KIND

NESTED = {
    "order": {"id": 7, "lines": [{"sku": "A-1", "count": 2}, {"sku": "ß", "count": 1.5}]},
    "note": 'say "hi"\n{{ env.HOME }}',
    "gift": None,
    "fast": True,
}
REFUND = {"name": "refund", "arguments": NESTED}
RECORDS: list[dict[str, Any]] = [
    {
        "sample_id": "plain",
        "user_input": "Where is my order 7?",
        "expected_response": "It leaves tomorrow.",
        "difficulty": "easy",
        "tags": ["orders"],
    },
    {
        "sample_id": "turns",
        "conversation": [
            {"role": "developer", "content": "You help customers."},
            {"role": "user", "content": "Hello 👩‍👩‍👧‍👦"},
            {"role": "assistant", "tool_calls": [{"name": "find", "arguments": {"id": 7}}]},
            {"role": "tool", "content": "found", "name": "find"},
            {"role": "assistant", "content": "Hi! What can I do?"},
        ],
        "user_input": "Refund order 7.",
        "expected_response": "I refunded order 7.",
        "expected_tool_calls": [REFUND, {"name": "say_bye", "arguments": {}}],
        "difficulty": "hard",
        "tags": ["refund", "orders"],
        "metadata": {"sample_id": "another", "deep": [[{"a": None}], 2**53], "$ref": "x"},
    },
    {
        "sample_id": "calls only",
        "user_input": "Cancel it,\r\nplease.\n",
        "expected_tool_calls": [{"name": "cancel", "arguments": {"id": "7"}}],
        "difficulty": "medium",
        "tags": ["orders"],
    },
    {
        "sample_id": "no call",
        "user_input": "Just say thanks.",
        "expected_tool_calls": [],
        "tags": ["talk"],
    },
    {
        "sample_id": "nothing expected",
        "user_input": "What is the meaning of it all?",
        "tags": ["talk"],
    },
    {
        "sample_id": "=cmd|' /C calc'!A0",
        "user_input": '=HYPERLINK("http://evil","x")',
        "expected_response": "'-1+1",
        "tags": ["+1", "a,b", '"q"', "@x"],
        "cluster_id": "-2",
        "metadata": {"=1": "@SUM(A1)"},
    },
    {
        "sample_id": "00012",
        "user_input": "{{ env.OPENAI_API_KEY }}{{messages}}{{ x }}{%raw%}{# x #} ${7*7} {{{x}}}",
        "expected_response": "{{7*7}} </script> \u2028 | `x` ✓ é",
        "tags": ["{{tag}}"],
    },
    {
        "sample_id": "file",
        "user_input": "file:///etc/passwd",
        "expected_response": "package:x",
        "tags": ["orders"],
    },
]
SETTINGS = """
[label_studio]
interface = "mine.xml"
prefill = []
[dataset]
license = "CC-BY-4.0"
"""
IDS = sorted(record["sample_id"] for record in RECORDS)
RECORD = {record["sample_id"]: record for record in RECORDS}
GRADABLE = [one for one in IDS if one != "nothing expected"]


@dataclass(frozen=True)
class Golden:
    """A project folder with one committed version, golden@1.0.0."""

    folder: Path

    def run(self, *arguments: str, exit_code: int = 0) -> Result:
        """A command of goldloop; fails the test when it ends otherwise than expected."""
        result = CliRunner().invoke(main, ["-C", str(self.folder), *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == exit_code, f"{arguments}: {result.stdout}{result.stderr}"
        return result

    def export(self, form: str, target: Path, *arguments: str) -> dict[str, Any]:
        """What export says with --json after it wrote to `target`."""
        asked = ("export", "golden@1.0.0", "--format", form, "-o", str(target), "--json")
        return json.loads(self.run(*asked, *arguments).stdout)

    def refused(self, form: str, target: Path, *arguments: str) -> str:
        """The line that an export ends with that refuses."""
        asked = ("export", "golden@1.0.0", "--format", form, "-o", str(target), *arguments)
        return self.run(*asked, exit_code=1).stderr.strip().splitlines()[-1]

    @property
    def version(self) -> Path:
        """The version's folder."""
        return self.folder / "versions" / "golden" / "1.0.0"

    @property
    def manifest(self) -> dict[str, Any]:
        """What the version says of itself."""
        return json.loads((self.version / "manifest.json").read_text(encoding="utf-8"))

    @property
    def items(self) -> dict[str, Item]:
        """The items of the version as it holds them, by id."""
        with (self.version / "data.jsonl").open(encoding="utf-8") as lines:
            return {item["sample_id"]: item for item in map(json.loads, lines)}

    def edition(self, *items: Mapping[str, Any]) -> Edition:
        """An edition of the version with other items."""
        return Edition(self.manifest, iter(items), EVERY_KIND, {})


def make_golden(folder: Path) -> Golden:
    """Import the records, let two people answer every question alike, and commit."""
    init_project(folder)
    golden = Golden(folder)
    (folder / "mine.xml").write_text(EVERY_KIND)
    (folder / "goldloop.toml").write_text(SETTINGS)
    records = folder / "records.jsonl"
    records.write_text("".join(json.dumps(_with_run(record)) + "\n" for record in RECORDS))
    _make_repeatable(golden)
    golden.run("import", str(records))
    golden.run("select", "--batch-size", str(len(RECORDS) - 1))
    _answer(golden)
    golden.run("commit")
    return golden


def _make_repeatable(golden: Golden) -> None:
    """The same random numbers, and so the same picks, in every test run."""
    db = open_project(golden.folder).open_store()
    with transaction(db):
        db.execute("UPDATE project SET value = ? WHERE key = 'secret'", ["0" * 64])
    db.conn.close()


def _with_run(record: Mapping[str, Any]) -> dict[str, Any]:
    run = {"agent_version": "agent-1", "response": "I do not know.", "confidence": 0.5}
    return {**record, "run": run}


def _answer(golden: Golden) -> None:
    """Two people say the same of every sample, also of the one that no round picked."""
    ids = {sample_id: number for number, sample_id in enumerate(IDS, 1)}
    db = open_project(golden.folder).open_store()
    picked = [one for (one,) in db.execute("SELECT sample_id FROM picks")]
    with transaction(db):
        save_review_project(db, ReviewProject(1, "http://127.0.0.1:9", "Test", EVERY_KIND))
        plan_tasks(db, 1, 1, picked, 100)
        mark_delivered(db, 1, {one: ids[one] for one in picked})
        for sample_id, task in ids.items():
            given = [_annotation(10 * task + person, task, sample_id, person) for person in (1, 2)]
            store_task_annotations(db, {(1, task): given})
    db.conn.close()


def _annotation(number: int, task: int, sample_id: str, person: int) -> RawAnnotation:
    when = "2026-01-01T00:00:00.000000Z"
    return RawAnnotation(
        annotation_id=number,
        project_id=1,
        task_id=task,
        sample_id=sample_id,
        annotator_id=person,
        updated_by=person,
        result=write_result(read_interface(EVERY_KIND), ANSWERS),
        was_cancelled=False,
        ground_truth=False,
        lead_time=1.0,
        created_at=when,
        updated_at=when,
    )
