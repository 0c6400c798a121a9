"""The whole way of a synthetic sample: written, filtered, looked at by a person, in a version."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from bench._synthetic_endpoint import SyntheticEndpoint
from label_config.results import write_result
from label_config.spot_check import spot_check_interface
from tests.sync.generating import use
from tests.sync.loop import Loop

pytestmark = pytest.mark.labelstudio

GOOD = {"realistic": "yes", "answer_right": "yes", "calls_right": "yes", "difficulty": "right"}


def test_a_generated_batch_is_checked_by_people_and_committed(loop: Loop) -> None:
    tokens = (loop.folder / ".env").read_text()
    with SyntheticEndpoint(seed=5) as server:
        made = loop.json(*use(loop, server), "14")
        truth = server.truth
    with (loop.folder / ".env").open("a") as file:
        file.write(tokens)
    funnel = made["funnel"]
    checked = loop.json("synthesis", "check", exit_code=3)
    assert checked["sent"] == funnel["kept"] + funnel["needs_human"]
    result = write_result(spot_check_interface(), GOOD)
    for (task_id,) in loop.rows("SELECT task_id FROM spot_check_tasks"):
        loop.person(0).create_annotation(task_id, {"result": result})
    done = loop.json("synthesis", "check", exit_code=0)
    assert done["added"] == checked["sent"]
    # In the store and in the version as the model wrote it, marked as seen by a person.
    loop.run("commit", "--unverified")
    loop.run("export", "-o", str(loop.folder / "golden.jsonl"))
    items = [json.loads(line) for line in (loop.folder / "golden.jsonl").read_text().splitlines()]
    assert len(items) == done["added"]
    assert {item["user_input"] for item in items} <= truth.keys()
    verified = Counter(tuple(item["verified_by"]) for item in items)
    assert verified == {("spot_check",): len(items)}
    report = loop.json("synthesis", "report", "1")
    assert report["spot_check"]["decision"] == "accepted"
    assert report["funnel"]["verified"] == done["added"]
    assert "spot check, accepted" in loop.run("synthesis", "report", "1").stdout
