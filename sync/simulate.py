"""Simulated annotators, for the demo and the tests: they label through Label Studio's own queue.

Each knows the answer key and errs at a rate of its own; where and how it errs comes from a seed, so
that a simulation can be repeated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldloop.errors import RecordError
from goldloop.fields import Field, FieldKind, Value
from label_config.interface import Interface
from label_config.results import write_result
from sync.client import LabelStudioClient

Key = Mapping[str, Mapping[str, Value]]


@dataclass(frozen=True, slots=True)
class SimulatedAnnotator:
    """Somebody who answers wrongly with probability `error_rate`, question by question."""

    name: str
    client: LabelStudioClient
    error_rate: float


def read_answer_key(path: Path) -> Key:
    """By sample: the right answer to each field.

    Two files are read: an answer key ({"sample_id", field: answer, ...} a line) and a tau-bench
    file, whose `reward` is the truth.
    """
    key: dict[str, dict[str, Value]] = {}
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                sample_id, answers = _entry(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise RecordError(f"{path}:{number} is no line of an answer key: {error}") from None
            key[sample_id] = answers
    return key


def _entry(record: dict[str, Any]) -> tuple[str, dict[str, Value]]:
    if "reward" in record:
        good = record["reward"] == 1.0
        answers: dict[str, Value] = {
            "correctness": "correct" if good else "incorrect",
            "tool_use": "right" if good else "wrong_arguments",
            "failure_modes": () if good else ("wrong_tool_call",),
            "helpfulness": 5 if good else 1,
        }
        return record["id"], answers
    return record["sample_id"], {
        name: tuple(sorted(value)) if isinstance(value, list) else value
        for name, value in record.items()
        if name != "sample_id"
    }


def label_everything(
    annotators: Sequence[SimulatedAnnotator],
    interface: Interface,
    project_id: int,
    key: Key,
    seed: str = "goldloop",
    on_answer: Callable[[int], None] = lambda _: None,
) -> dict[str, int]:
    """Let everybody label in turn until the queue has nothing more; answers by annotator.

    Raises RecordError when the queue serves a sample that the key does not know.
    """
    done = dict.fromkeys((annotator.name for annotator in annotators), 0)
    working = list(annotators)
    while working:
        for annotator in tuple(working):
            task = annotator.client.next_task(project_id)
            if task is None:
                working.remove(annotator)
                continue
            answers = simulated_answers(annotator, interface, task["data"]["sample_id"], key, seed)
            annotator.client.create_annotation(
                task["id"],
                {
                    "result": write_result(interface, answers),
                    "lead_time": 20 + 60 * _chance(seed, annotator.name, str(task["id"]), "time"),
                },
            )
            done[annotator.name] += 1
            on_answer(1)
    return done


def simulated_answers(
    annotator: SimulatedAnnotator, interface: Interface, sample_id: str, key: Key, seed: str
) -> dict[str, Value]:
    """What this annotator answers to this sample."""
    if sample_id not in key:
        raise RecordError(f"the answer key has no sample {sample_id}")
    answers: dict[str, Value] = {}
    for field in interface.fields:
        right = key[sample_id].get(field.name)
        wrong = _chance(seed, annotator.name, sample_id, field.name) < annotator.error_rate
        if right is not None and right != ():
            answers[field.name] = (
                _wrong(field, right, sample_id + annotator.name) if wrong else right
            )
    if answers.get("correctness") == "correct":
        answers.pop("failure_modes", None)
    if any(field.name == "confidence" for field in interface.fields):
        luck = _chance(seed, annotator.name, sample_id, "confidence")
        answers["confidence"] = 3 + round(2 * luck * (1 - annotator.error_rate))
    return answers


def _wrong(field: Field, right: Value, salt: str) -> Value:
    """Another answer to the same question; text stays right, since nobody errs in typing alone."""
    pick = int(hashlib.sha256(f"{salt}{field.name}".encode()).hexdigest(), 16)
    if field.kind in (FieldKind.SINGLE_CHOICE, FieldKind.MULTIPLE_CHOICE):
        others = [option for option in field.options if option != right and (option,) != right]
        other = others[pick % len(others)] if others else field.options[0]
        return other if field.kind is FieldKind.SINGLE_CHOICE else (other,)
    if field.kind is FieldKind.RATING and isinstance(right, int):
        return right - 1 if right > 1 else right + 1
    return right


def _chance(*parts: str) -> float:
    """A number in [0, 1) that only depends on the parts."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2.0**48
