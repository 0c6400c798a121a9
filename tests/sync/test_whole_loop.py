"""The whole loop on a real Label Studio, through the command line."""

from __future__ import annotations

import json

import pytest

from goldloop.versions import Fingerprints, fingerprints
from label_config.results import write_result
from sync.simulate import read_answer_key
from tests.sync.dying import start
from tests.sync.loop import VERDICT, sample

pytestmark = pytest.mark.labelstudio

COUNT = 8


def key(count):
    """Every run was right."""
    return {
        f"s-{n:03}": {"correctness": "correct", "tool_use": "right", "helpfulness": 5}
        for n in range(count)
    }


def test_the_whole_loop_ends_in_a_fingerprinted_version_that_exports(loop):
    records = [sample(number, 12) for number in range(12)]
    imported = loop.json("import", str(loop.write("runs.jsonl", records)))
    assert imported == {"added": 12, "updated": 0, "unchanged": 0, "runs": 12, "skipped": 0}
    counts = loop.json("run")
    assert counts == {"agent_version": "agent-1", "scored": 0, "without_confidence": 0}

    batch = loop.json("select", "--batch-size", str(COUNT))
    assert batch["pool_size"] == 12
    assert len(batch["picks"]) == COUNT
    picked = sorted(pick["sample_id"] for pick in batch["picks"])

    delivery = loop.json("push")
    assert (delivery["sent"], delivery["found"], delivery["rounds"]) == (COUNT, 0, [1])
    assert loop.samples_there() == picked

    answered = loop.annotate(key(12))
    assert sum(answered.values()) == 2 * COUNT

    pulled = loop.json("pull")
    assert pulled["changed"] == picked
    assert (pulled["tasks"], pulled["deleted"], pulled["foreign"]) == (COUNT, 0, 0)

    results = loop.json("consensus")
    assert [one["state"] for one in results] == ["agreed"] * COUNT
    assert {one["labels"]["correctness"] for one in results} == {"correct"}
    assert {one["annotators"] for one in results} == {2}

    manifest = loop.json("commit", "-m", "the first")
    assert (manifest["version"], manifest["parent"], manifest["items"]) == ("1.0.0", None, COUNT)

    target = loop.folder / "out" / "golden.jsonl"
    loop.run("export", "golden@1.0.0", "-o", str(target))
    items = [json.loads(line) for line in target.read_text().splitlines()]
    assert [item["sample_id"] for item in items] == picked
    assert {item["labels"]["tool_use"] for item in items} == {"right"}
    assert items[0]["goldloop"]["content_fingerprint"] == manifest["fingerprints"]["content"]
    assert fingerprints(items) == Fingerprints(**manifest["fingerprints"])

    assert [one["version"] for one in loop.json("versions")] == ["1.0.0"]
    doctor = start(loop.folder, ("doctor", "--json"))
    doctor.join(60)
    findings = json.loads((loop.folder / "dying.log").read_text())
    assert [one for one in findings if one["ok"] is False] == []
    assert doctor.exitcode == 0
    status = loop.json("status")
    assert (status["samples"], status["pool"], status["rounds"]) == (12, 12 - COUNT, 1)
    assert status["tasks"] == {"delivered": COUNT}
    assert status["annotations"] == 2 * COUNT
    assert status["consensus"] == {"agreed": COUNT}
    assert status["versions"] == {"golden": ["1.0.0"]}


def test_a_second_commit_needs_a_change_and_a_changed_answer_makes_a_major_version(loop):
    tasks = loop.pushed(3)
    given = [loop.answer(person, task) for task in tasks.values() for person in (0, 1)]
    loop.run("pull")
    first = loop.json("commit")
    assert "nothing changed since 1.0.0" in loop.refused("commit", exit_code=3)
    assert len(loop.json("versions")) == 1

    wrong = write_result(loop.project.interface(), {**VERDICT, "correctness": "incorrect"})
    api = loop.api()
    for annotation_id in given[:2]:
        api.patch(f"/api/annotations/{annotation_id}/", json={"result": wrong})
    loop.run("pull")
    second = loop.json("commit")
    assert (second["version"], second["parent"]) == ("2.0.0", "1.0.0")
    assert second["changes"]["relabelled"] == {"s-000": ["correctness"]}
    assert second["fingerprints"]["content"] == first["fingerprints"]["content"]
    assert second["fingerprints"]["labels"] != first["fingerprints"]["labels"]


def test_an_expected_response_that_people_agree_on_replaces_the_samples(loop):
    [task] = loop.pushed(1).values()
    for person in (0, 1):
        loop.answer(person, task, {**VERDICT, "expected_response": "It left yesterday."})
    loop.run("pull")
    loop.run("commit")
    loop.run("export", "-o", str(loop.folder / "golden.jsonl"))
    [item] = map(json.loads, (loop.folder / "golden.jsonl").read_text().splitlines())
    assert item["expected_response"] == "It left yesterday."


def test_commands_that_come_too_early_say_what_to_do_first(loop):
    assert "goldloop push" in loop.refused("pull")
    assert "goldloop run" in loop.refused("select")
    assert "nothing to commit" in loop.refused("commit")
    assert "goldloop commit" in loop.refused("export")
    assert loop.json("versions") == []
    assert loop.json("consensus") == []


class TestTauAirline:
    def test_its_reward_drives_the_annotators_and_is_nowhere_else(self, loop, tau_airline):
        imported = loop.json("import", str(tau_airline))
        assert (imported["added"], imported["runs"], imported["skipped"]) == (200, 200, 0)
        scored = loop.json("run")
        assert (scored["scored"], scored["without_confidence"]) == (200, 0)
        assert loop.json("push", "--batch-size", "20")["sent"] == 20

        answers = read_answer_key(tau_airline)
        loop.annotate(answers, rates=(0.0, 0.0))
        pulled = loop.json("pull")
        assert len(pulled["changed"]) == 20
        loop.run("commit")
        loop.run("export", "-o", str(loop.folder / "golden.jsonl"))
        items = list(map(json.loads, (loop.folder / "golden.jsonl").read_text().splitlines()))
        assert {item["sample_id"]: item["labels"]["correctness"] for item in items} == {
            sample_id: answers[sample_id]["correctness"] for sample_id in pulled["changed"]
        }

        tasks = json.dumps([loop.tasks_there(), loop.predictions_there()])
        assert "reward" not in tau_airline.read_text().replace('"reward"', "").lower()
        for text in (*_texts_in_the_store(loop), tasks, json.dumps(items)):
            assert "reward" not in text.lower()

    def test_other_rewards_make_the_same_pool(self, make_loop, label_studio, tau_airline):
        records = [json.loads(line) for line in tau_airline.read_text().splitlines()]
        for record in records:
            record["reward"] = 1.0 - record["reward"]
        one, other = make_loop(label_studio, "one"), make_loop(label_studio, "other")
        one.run("import", str(tau_airline))
        other.run("import", str(other.write("flipped.jsonl", records)))
        for loop in (one, other):
            loop.run("run")
        for query in (
            "SELECT sample_id, user_input, cluster_id, record FROM samples ORDER BY 1",
            "SELECT sample_id, messages, tool_calls, response, confidence FROM runs ORDER BY 1",
        ):
            assert one.rows(query) == other.rows(query)


def _texts_in_the_store(loop):
    tables = [name for (name,) in loop.rows("SELECT name FROM sqlite_master WHERE type='table'")]
    for table in tables:
        for row in loop.rows(f"SELECT * FROM {table}"):  # noqa: S608
            yield from (value for value in row if isinstance(value, str))
