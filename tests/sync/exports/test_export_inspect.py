"""Inspect AI reads the samples and runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from sync.exports.inspect_samples import NO_CALL
from tests.sync.exports.golden import GRADABLE, RECORD, Golden


def samples(golden: Golden, folder: Path):
    from inspect_ai.dataset import json_dataset

    said = golden.export("inspect", folder / "out.jsonl")
    assert said["left_out"] == {"nothing is expected of them": 1}
    return json_dataset(str(folder / "out.jsonl"))


def test_a_sample_is_what_is_asked_and_what_is_right(golden: Golden, tmp_path: Path) -> None:
    read = {sample.id: sample for sample in samples(golden, tmp_path)}
    assert sorted(read) == GRADABLE
    for sample_id, sample in read.items():
        record = RECORD[sample_id]
        if "conversation" not in record:
            assert sample.input == record["user_input"]
        if "expected_response" in record:
            assert sample.target == record["expected_response"]
    assert json.loads(read["calls only"].target) == RECORD["calls only"]["expected_tool_calls"]
    assert read["no call"].target == NO_CALL


def test_a_conversation_comes_as_chat_messages_whose_calls_are_linked(
    golden: Golden, tmp_path: Path
) -> None:
    [turns] = [sample for sample in samples(golden, tmp_path) if sample.id == "turns"]
    roles = [message.role for message in turns.input]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "user"]
    [call] = turns.input[2].tool_calls
    assert (call.function, call.arguments) == ("find", {"id": 7})
    assert turns.input[3].tool_call_id == call.id
    assert turns.input[-1].text == RECORD["turns"]["user_input"]


def test_gold_weights_slices_and_fingerprints_are_in_the_metadata(
    golden: Golden, tmp_path: Path
) -> None:
    [turns] = [sample for sample in samples(golden, tmp_path) if sample.id == "turns"]
    item, known = golden.items["turns"], turns.metadata
    assert known["labels"] == item["labels"]
    assert known["expected_tool_calls"] == item["expected_tool_calls"]
    assert known["slices"] == ["difficulty:hard", "tag:orders", "tag:refund"]
    assert known["state"] == "agreed"
    assert known["weight"] == item["selection"]["weight"]
    assert known["metadata"] == item["metadata"]
    assert known["content_fingerprint"] == golden.manifest["fingerprints"]["content"]
    assert known["labels_fingerprint"] == golden.manifest["fingerprints"]["labels"]


EVALUATION = """
import json, sys
from inspect_ai import Task, eval
from inspect_ai.dataset import json_dataset
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import match
from inspect_ai.solver import generate

answer = ModelOutput.from_content("mockllm/model", "It leaves tomorrow.")
# Without a usage the mock counts tokens, with a vocabulary from the network.
answer.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
samples = json_dataset("out.jsonl")
task = Task(dataset=samples, solver=generate(), scorer=match())
model = get_model("mockllm/model", custom_outputs=[answer] * len(samples))
[log] = eval(task, model=model, display="none", log_dir="logs")
print(json.dumps([log.status, {one.id: one.scores["match"].value for one in log.samples}]))
"""


def test_an_evaluation_runs_over_every_sample(golden: Golden, tmp_path: Path) -> None:
    golden.export("inspect", tmp_path / "out.jsonl")
    # Of its own: Inspect leaves streams to the garbage collector, which warns in a later test.
    done = subprocess.run(
        [sys.executable, "-c", EVALUATION],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    expected = {one: "C" if one == "plain" else "I" for one in GRADABLE}
    assert json.loads(done.stdout.splitlines()[-1]) == ["success", expected]
