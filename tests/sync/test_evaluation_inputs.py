"""What an evaluation is made of: the branch, the agent's description, the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench._golden_version import item_of, write_version
from goldloop.errors import RecordError, VersionError
from store.tasks import ReviewProject, mark_delivered, plan_tasks, save_review_project
from sync.evaluation_agent import live, with_agent
from sync.evaluation_file import read_evaluation_file
from sync.evaluation_inputs import branch_of, questions_of
from tests.sync.evaluated import case, set_up
from tests.sync.loop import Loop


def test_the_branch_is_that_of_the_nearest_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    below = tmp_path / "evaluation" / "golden"
    below.mkdir(parents=True)
    assert branch_of(below) == "main"


def test_a_second_work_tree_has_a_branch_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "HEAD").write_text("ref: refs/heads/feature\n")
    (tmp_path / ".git").write_text("gitdir: real\n")
    assert branch_of(tmp_path) == "feature"


@pytest.mark.parametrize(
    "head", ["0123456789abcdef0123456789abcdef01234567\n", "ref: refs/heads/a\x1b[2J\n", "", "\x00"]
)
def test_no_branch_is_checked_out(tmp_path: Path, head: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text(head)
    assert branch_of(tmp_path) is None


def test_a_broken_repository_has_no_branch(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert branch_of(tmp_path) is None


def test_an_agent_is_described_without_a_secret(offline: Loop) -> None:
    set_up(offline, 1)
    (offline.folder / ".env").write_text(
        "OPENAI_API_KEY=sk-secret\nGOLDLOOP_AGENT_AUTHORIZATION=Bearer secret\n"
    )
    offline.configure("agent", base_url="http://host/v1?key=secret")
    for kind in ("openai:model-1", "http:http://host/agent?key=secret"):
        project = with_agent(offline.project, kind, None)
        with offline.store() as db:
            found = live(project, db)
        assert "secret" not in repr(found)


@pytest.mark.parametrize(
    ("kind", "version", "named"),
    [
        (None, None, "agent-1"),
        (None, "nightly", "nightly"),
        ("python:counting_agent:answer", None, "agent-1"),
        ("openai:model-1", None, "model-1"),
        ("openai:model-1", "nightly", "nightly"),
        ("http:http://host/agent?key=secret", None, "http:http://host/agent"),
    ],
)
def test_another_agent_does_not_take_the_name_of_the_one_in_the_settings(
    offline: Loop, kind: str | None, version: str | None, named: str
) -> None:
    set_up(offline, 1)
    with offline.store() as db:
        assert live(with_agent(offline.project, kind, version), db).version == named


def test_a_changed_prompt_makes_another_agent(offline: Loop) -> None:
    prompt = offline.folder / "prompt.md"
    prompt.write_text("Be kind.")
    offline.configure("agent", kind="openai", model="model-1", system_prompt="prompt.md")
    with offline.store() as db:
        before = live(offline.project, db)
        prompt.write_text("Be brief.")
        assert live(offline.project, db).agent != before.agent


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"{", "is not JSON"), (b"\xff\xfe\x00", "is not JSON"), (b"[" * 100_000, "is not JSON")],
)
def test_a_file_that_is_no_evaluation_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(RecordError, match=rf"run\.json {said}"):
        read_evaluation_file(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"run\.json cannot be read: No such file"):
        read_evaluation_file(tmp_path / "run.json")


@pytest.mark.parametrize(
    "broken",
    [
        {"selection": [1]},
        {"selection": {"inclusion_probability": "often"}},
        {"expected_tool_calls": "none"},
        {"user_input": {}, "conversation": 7},
    ],
)
def test_an_item_that_is_none_is_named(offline: Loop, broken: dict[str, Any]) -> None:
    item = {**item_of(case(0)), **broken}
    write_version(offline.folder / "versions", [item])
    with offline.store() as db, pytest.raises(VersionError, match="sample 's-000' is no whole"):
        questions_of(offline.project, db, "golden", "1.0.0")


def test_a_case_that_has_a_task_links_to_it(offline: Loop) -> None:
    set_up(offline, 2)
    offline.fill(1)
    offline.run("select", "--batch-size", "1")
    with offline.store() as db:
        save_review_project(db, ReviewProject(7, "http://there", "Review", "<View/>"))
        plan_tasks(db, 7, 1, ["s-000"], 10)
        mark_delivered(db, 7, {"s-000": 5})
        found = questions_of(offline.project, db, "golden", "1.0.0")
    links = [one.case.task_url for one in found.asked]
    assert links == ["http://there/projects/7/data?task=5", None]
