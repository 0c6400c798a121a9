"""What consensus takes and gives: annotations, rules, and results with their state."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from goldloop.errors import SettingsError
from goldloop.fields import Answers, Field, Value


class State(StrEnum):
    """How far a field or a task has come.

    `waiting`: fewer answers than asked for. `agreed`: a label stands. `disputed`: people answered
    and no label stands. `ambiguous`: still disputed after all further annotators. `adjudicated`:
    somebody marked an annotation as the ground truth, and it stands. `unanswered`: enough people
    saw the field and too few had cause to answer it (an optional question, or one shown only after
    certain answers).
    """

    WAITING = "waiting"
    AGREED = "agreed"
    DISPUTED = "disputed"
    AMBIGUOUS = "ambiguous"
    ADJUDICATED = "adjudicated"
    UNANSWERED = "unanswered"


STANDING = (State.AGREED, State.ADJUDICATED)


@dataclass(frozen=True, slots=True)
class Annotation:
    """One person's answers to one task, as they stand now.

    A negative `annotator_id` is somebody who is no longer known (a deleted user): each such
    annotation has its own, because nobody can tell which of them one person gave.
    `updated_at` is ISO 8601 in UTC; of several annotations by one person the latest counts.
    `confidence` is how sure the person was, in [0, 1], or None. `lead_time` is in seconds.
    """

    annotation_id: int
    annotator_id: int
    answers: Answers
    updated_at: str
    confidence: float | None = None
    was_cancelled: bool = False
    ground_truth: bool = False
    lead_time: float | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """When a label stands.

    `fields` are the questions that are voted on. `gold_fields` names those that must be agreed for
    the task to be: the others may stay disputed without holding the sample back.
    `max_annotators` is how many people are asked at most; what they dispute is ambiguous. None
    where there is no such limit. A label that the annotators' model gives with a probability under
    `min_confidence` is disputed. Raises
    SettingsError for no gold field, a gold field that is not voted on, two fields of one name, and
    `min_annotators` below 1.
    """

    fields: tuple[Field, ...]
    gold_fields: tuple[str, ...]
    min_annotators: int = 2
    max_annotators: int | None = None
    min_confidence: float = 0.7

    def __post_init__(self) -> None:
        names = [field.name for field in self.fields]
        unknown = [name for name in self.gold_fields if name not in names]
        if unknown or not self.gold_fields:
            wrong = f"{unknown[0]} is not" if unknown else "none was named"
            voted = ", ".join(names) or "there is none"
            raise SettingsError(f"gold_fields must be among the voted fields ({voted}); {wrong}")
        if len(set(names)) < len(names):
            raise SettingsError(f"the voted fields must have different names: {', '.join(names)}")
        if self.min_annotators < 1:
            raise SettingsError(f"min_annotators must be at least 1, not {self.min_annotators}")


@dataclass(frozen=True, slots=True)
class FieldConsensus:
    """The outcome for one field of one task.

    `value` is None unless `state` is agreed or adjudicated. `share` is the winner's share of the
    votes, in (0, 1], None without votes. `agreement` says whether all votes are equal; None below
    two votes. `confidence` is how probable the value is by the method, in [0, 1], None where it
    gives none. `posterior` lists at most ten values with their probabilities, the most probable
    first, whatever the state; for several choices the probability that each applies. Empty where
    the method gives none. `vote` is what most said, beside what the method says; None when that is
    tied. `spread` is the standard deviation of numbers, ratings or dates (in days). `reason` says
    why this method; `warnings` are sentences.
    """

    field: str
    state: State
    value: Value | None
    votes: int
    share: float | None
    agreement: bool | None
    method: str
    method_version: int
    confidence: float | None = None
    posterior: tuple[tuple[Value, float], ...] = ()
    vote: Value | None = None
    spread: float | None = None
    reason: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskConsensus:
    """The outcome for one task.

    `agreement_rate` is the share of fields on which all agree, among those with two answers or
    more. `annotators` counts the people whose answers count, `skips` those who skipped.
    `mean_confidence` is over the annotators who gave one, in [0, 1].
    """

    state: State
    fields: tuple[FieldConsensus, ...]
    agreement_rate: float | None
    annotators: int
    skips: int
    mean_confidence: float | None
    labels: dict[str, Value] = field(default_factory=dict)
