"""/predict: exactly one good item for each task, whatever happens."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from label_studio_sdk.label_interface import LabelInterface
from project_folder import Folder, record, tasks_of

from backend.app import MAX_TASKS
from backend.predictions import CHUNK
from label_config.interface import builtin_interface
from store.database import open_store
from store.tasks import ReviewProject, save_review_project

Log = Callable[[], list[str]]
OTHER_INTERFACE = """
<View><Text name="shown" value="$user_input"/>
<Choices name="verdict" toName="shown"><Choice value="good"/><Choice value="bad"/></Choices></View>
"""


def predict(folder: Folder, *sample_ids: str) -> list[dict[str, Any]]:
    """The items for tasks of those samples, each found good."""
    reply = folder.client().post("/predict", json={"tasks": tasks_of(*sample_ids)})
    assert reply.status_code == 200, reply.text
    items: list[dict[str, Any]] = reply.get_json()["results"]
    check(items, len(sample_ids))
    return items


def check(items: list[dict[str, Any]], count: int) -> None:
    assert len(items) == count
    interface = LabelInterface(builtin_interface().xml)
    for item in items:
        assert list(item) == ["model_version", "result", "score"]
        assert isinstance(item["score"], float)
        assert 0 <= item["score"] <= 1
        assert isinstance(item["model_version"], str)
        assert item["model_version"]
        assert interface.validate_prediction(item, return_errors=True) == []


def answered(items: list[dict[str, Any]]) -> list[bool]:
    return [bool(item["result"]) for item in items]


def shown_interface(folder: Folder, xml: str) -> None:
    """As if a push had made a project with that interface."""
    with closing(open_store(folder.path / "goldloop.db")) as db:
        save_review_project(db, ReviewProject(1, "http://127.0.0.1:1", "Review", xml))


def test_a_stored_run_is_answered_with_its_response_and_confidence(folder: Folder) -> None:
    folder.add(record("a", 0.25, response="On its way."))
    [item] = predict(folder, "a")
    assert (item["score"], item["model_version"]) == (0.25, "v1")
    [result] = item["result"]
    assert (result["from_name"], result["type"]) == ("expected_response", "textarea")
    assert result["value"] == {"text": ["On its way."]}


def test_items_stand_in_the_order_of_the_tasks(folder: Folder) -> None:
    folder.add(*(record(name, number / 10) for number, name in enumerate("abcdef")))
    scores = [item["score"] for item in predict(folder, *"fbdbaf")]
    assert scores == [0.5, 0.1, 0.3, 0.1, 0.0, 0.5]


def test_a_run_without_confidence_has_the_score_of_the_unknown(folder: Folder) -> None:
    folder.add(record("a", response="yes"))
    assert predict(folder, "a")[0]["score"] == 0.5


def test_only_runs_of_the_served_version_are_answered_with(folder: Folder) -> None:
    folder.configure("agent", version="v2")
    folder.add(record("a", 0.9), record("b", 0.8, agent_version="v2"))
    items = predict(folder, "a", "b")
    assert answered(items) == [False, True]
    assert {item["model_version"] for item in items} == {"v2"}


@pytest.mark.parametrize(
    "task",
    [
        None,
        7,
        "task",
        [],
        {},
        {"id": 1},
        {"data": None},
        {"data": []},
        {"data": {}},
        {"data": {"text": "made by hand"}},
        {"data": {"sample_id": None}},
        {"data": {"sample_id": 5}},
        {"data": {"sample_id": ["a"]}},
        {"data": {"sample_id": ""}},
        {"data": {"sample_id": "unknown"}},
        {"data": {"sample_id": "a\x00"}},
        {"data": {"sample_id": "\ud800"}},
        {"data": {"sample_id": "a" * 10_000}},
        {"data": {"sample_id": "no-run"}},
        {"data": {"sample_id": "failed"}},
    ],
)
def test_what_has_no_answer_gets_an_empty_item_between_the_others(
    folder: Folder, task: Any
) -> None:
    failed = record("failed", error="the model was away", response=None)
    folder.add(record("a", 0.1), record("no-run"), failed, record("b", 0.2))
    [first], [last] = tasks_of("a"), tasks_of("b")
    reply = folder.client().post("/predict", json={"tasks": [first, task, last]})
    items = reply.get_json()["results"]
    check(items, 3)
    assert items[1] == {"model_version": "v1", "result": [], "score": 0.5}
    assert [items[0]["score"], items[2]["score"]] == [0.1, 0.2]


def test_a_batch_of_many_chunks_keeps_its_order(folder: Folder) -> None:
    count = 2 * CHUNK + 7
    folder.add(*(record(f"s{number}", number / count) for number in range(count)))
    items = predict(folder, *(f"s{number}" for number in reversed(range(count))))
    assert [item["score"] for item in items] == [n / count for n in reversed(range(count))]


def test_as_many_tasks_as_allowed_are_answered_and_one_more_is_refused(folder: Folder) -> None:
    client = folder.client()
    most = client.post("/predict", json={"tasks": [{}] * MAX_TASKS})
    assert (most.status_code, len(most.get_json()["results"])) == (200, MAX_TASKS)
    more = client.post("/predict", json={"tasks": [{}] * (MAX_TASKS + 1)})
    assert more.status_code == 400
    assert str(MAX_TASKS) in more.get_json()["error"]


def test_the_interface_of_the_project_counts_and_not_the_one_in_the_request(folder: Folder) -> None:
    folder.add(record("a", 0.25))
    body = {"tasks": tasks_of("a"), "label_config": OTHER_INTERFACE, "project": "1.2"}
    assert folder.client().post("/predict", json=body).get_json()["results"] == predict(folder, "a")


def test_a_prefill_that_does_not_fit_the_interface_leaves_the_item_empty(
    folder: Folder, log: Log
) -> None:
    folder.configure("label_studio", prefill=["expected_response"])
    folder.add(record("a", 0.25), record("b", 0.5))
    shown_interface(folder, OTHER_INTERFACE)
    items = predict(folder, "a", "b")
    assert answered(items) == [False, False]
    [line] = log()
    assert "cannot pre-fill" in line


def test_a_broken_interface_leaves_every_item_empty(folder: Folder, log: Log) -> None:
    folder.add(record("a", 0.25))
    shown_interface(folder, "<View>")
    assert answered(predict(folder, "a", "a")) == [False, False]
    [line] = log()
    assert "2 tasks without an answer" in line


def test_a_store_that_is_gone_leaves_every_item_empty(folder: Folder, log: Log) -> None:
    client = folder.client()
    (folder.path / "goldloop.db").unlink()
    items = client.post("/predict", json={"tasks": tasks_of("a", "b")}).get_json()["results"]
    check(items, 2)
    assert "there is no store" in log()[0]


def test_a_damaged_store_leaves_every_item_empty(folder: Folder, log: Log) -> None:
    client = folder.client()
    folder.change("ALTER TABLE samples RENAME TO lost")
    items = client.post("/predict", json={"tasks": tasks_of("a")}).get_json()["results"]
    check(items, 1)
    assert "no such table" in log()[0]


def test_several_recorded_versions_leave_every_item_empty(folder: Folder, log: Log) -> None:
    folder.add(record("a", 0.5), record("b", 0.5, agent_version="v2"))
    assert answered(predict(folder, "a", "b")) == [False, False]
    assert "say which one counts" in log()[0]


LIVE = "def answer(asked):\n    note(asked)\n    return {'response': 'live', 'confidence': 0.75}\n"


def test_the_agent_is_asked_only_about_samples_without_a_run(folder: Folder) -> None:
    folder.use_agent(LIVE)
    folder.add(record("new"), record("old", 0.25, agent_version="live-1"))
    items = predict(folder, "new", "old")
    assert [item["score"] for item in items] == [0.75, 0.25]
    assert folder.asked() == ["new"]


def test_a_run_that_was_made_on_demand_is_kept(folder: Folder) -> None:
    folder.use_agent(LIVE)
    folder.add(record("new"))
    first, second = predict(folder, "new"), predict(folder, "new")
    assert first == second
    assert folder.asked() == ["new"]
    runs = folder.rows("SELECT agent_version, response, confidence, created_at <> '' FROM runs")
    assert runs == [("live-1", "live", 0.75, 1)]


def test_a_sample_that_is_there_twice_is_run_once(folder: Folder) -> None:
    folder.use_agent(LIVE)
    folder.add(record("new"), record("other"))
    repeated = ["new"] * (CHUNK + 1)
    items = predict(folder, "new", "other", *repeated)
    assert all(answered(items))
    assert sorted(folder.asked()) == ["new", "other"]


def test_the_agent_is_never_asked_about_what_is_no_sample(folder: Folder) -> None:
    folder.use_agent(LIVE)
    assert answered(predict(folder, "unknown", "")) == [False, False]
    assert folder.asked() == []


@pytest.mark.parametrize(
    "failing",
    [
        "raise RuntimeError('fell over')",
        "raise SystemExit(3)",
        "raise RecursionError",
        "return None",
        "return 42",
        "return ''",
        "return {'response': 'x', 'confidence': 7}",
        "return {'response': 'x', 'confidence': float('nan')}",
        "return {'response': 'x', 'confidence': 'high'}",
        "return {'tool_calls': 'all of them'}",
        "return {'response': 'x', 'input_tokens': 2**80}",
        "return object()",
    ],
)
def test_an_agent_that_fails_or_talks_nonsense_leaves_its_item_empty(
    folder: Folder, log: Log, failing: str
) -> None:
    code = f"def answer(asked):\n    note(asked)\n    if asked['sample_id'] == 'bad': {failing}\n"
    folder.use_agent(code + "    return {'response': 'fine', 'confidence': 0.75}\n")
    folder.add(record("bad"), record("good"))
    items = predict(folder, "bad", "good")
    assert answered(items) == [False, True]
    assert items[0]["score"] == 0.5
    [line] = log()
    assert "'bad'" in line
    assert "\n" not in line


def test_a_failure_is_kept_with_its_sample_and_not_repeated(folder: Folder) -> None:
    folder.use_agent("def answer(asked):\n    note(asked)\n    raise ValueError('away')\n")
    folder.add(record("bad"))
    assert answered(predict(folder, "bad")) == answered(predict(folder, "bad")) == [False]
    assert folder.asked() == ["bad"]
    [(version, error)] = folder.rows("SELECT agent_version, error FROM runs")
    assert version == "live-1"
    assert "ValueError: away" in error


@pytest.mark.parametrize(
    "settings_of_agent",
    [
        {"kind": "python:there_is_no_such_module:answer"},
        {"kind": "python:json:there_is_no_such_function"},
        {"kind": "openai"},
        {"kind": "openai", "model": "m", "tools": "missing.json"},
        {"kind": "http"},
    ],
)
def test_wrong_settings_of_the_agent_cost_only_the_items_that_need_it(
    folder: Folder, log: Log, settings_of_agent: dict[str, str]
) -> None:
    folder.configure("agent", version="live-1", **settings_of_agent)
    stored = record("old", 0.25, agent_version="live-1")
    folder.add(record("new"), stored, record("newer"))
    assert answered(predict(folder, "new", "old", "newer")) == [False, True, False]
    assert folder.rows("SELECT sample_id FROM runs") == [("old",)]
    [line] = log()
    assert line.startswith("the agent is not asked: ")


def test_an_agent_that_was_mended_is_made_without_a_restart(folder: Folder) -> None:
    folder.use_agent("raise RuntimeError('half written')\n")
    [module] = folder.path.glob("agent_*.py")
    folder.add(record("new"))
    client = folder.client()
    first = client.post("/predict", json={"tasks": tasks_of("new")}).get_json()["results"]
    module.write_text("def answer(asked): return 'mended, and of another length'\n")
    second = client.post("/predict", json={"tasks": tasks_of("new")}).get_json()["results"]
    assert answered(first + second) == [False, True]


def test_a_locked_store_serves_what_is_stored_and_the_agent_is_not_asked_in_vain(
    folder: Folder, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.database.BUSY_TIMEOUT_SECONDS", 0.1)
    folder.use_agent(LIVE)
    folder.add(record("new"), record("newer"), record("old", 0.25, agent_version="live-1"))
    with closing(sqlite3.connect(folder.path / "goldloop.db")) as writer:
        writer.execute("BEGIN IMMEDIATE")
        items = predict(folder, "new", "newer", "old")
    assert answered(items) == [False, False, True]
    # What it said could not be kept.
    assert folder.asked() == []
    assert "what is wanted could not be stored: database is locked" in log()[0]
    assert all(answered(predict(folder, "new", "newer", "old")))


STORED_MEANWHILE = """
from contextlib import closing
from pathlib import Path
from goldloop.samples import Run
from store.database import open_store, transaction
from store.runs import insert_runs

def answer(asked):
    with closing(open_store(Path(__file__).with_name("goldloop.db"))) as db, transaction(db):
        insert_runs(db, [Run("new", "live-1", response="theirs", confidence=0.125)])
    return {"response": "ours", "confidence": 0.75}
"""


def test_a_run_that_another_process_stored_meanwhile_stands(folder: Folder) -> None:
    folder.use_agent(STORED_MEANWHILE)
    folder.add(record("new"))
    [item] = predict(folder, "new")
    assert item["score"] == 0.125
    assert folder.rows("SELECT response FROM runs") == [("theirs",)]


def test_the_log_names_no_more_than_the_sample(folder: Folder, log: Log) -> None:
    folder.use_agent("def answer(asked): raise ValueError('line one\\nline \\x1b[31mtwo')\n")
    folder.add(record("new"))
    body = {"tasks": tasks_of("new"), "params": {"login": "somebody", "password": "their-own"}}
    folder.client().post("/predict", json=body)
    [line] = log()
    assert line.isprintable()
    assert "their-own" not in line
    assert "Where is order" not in line


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
SAMPLE_IDS = st.sampled_from(["a", "b", "failed", "none", "a ", "A", "\x00", "\ud800"]) | VALUES
TASKS = st.lists(
    VALUES
    | st.fixed_dictionaries({"data": VALUES})
    | st.fixed_dictionaries(
        {"id": VALUES, "data": st.fixed_dictionaries({"sample_id": SAMPLE_IDS, "x": VALUES})}
    ),
    max_size=8,
)


@given(tasks=TASKS)
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_every_list_of_tasks_is_answered_item_by_item(folder: Folder, tasks: list[Any]) -> None:
    failed = record("failed", error="the model was away", response=None)
    folder.add(record("a", 0.1), record("b", 0.2), failed, record("none"))
    reply = folder.client().post("/predict", json={"tasks": tasks})
    assert reply.status_code == 200
    check(reply.get_json()["results"], len(tasks))
