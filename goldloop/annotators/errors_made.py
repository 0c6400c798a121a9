"""Errors made: what somebody says where the reference says something else, and in which direction.

The rows of a confusion matrix are the reference and the columns the person, as in Dawid and Skene,
Applied Statistics 28 (1979).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from goldloop.agreement import confusion_matrix
from goldloop.agreement.answers import scale
from goldloop.annotators.references import Comparison, truth_for, truths_of
from goldloop.consensus.states import Annotation
from goldloop.fields import Field, FieldKind, Value

CHOSEN = ("not chosen", "chosen")
MOST_OPTIONS = 50
_ONE = (FieldKind.SINGLE_CHOICE, FieldKind.PAIRWISE)
_NUMBERS = (FieldKind.RATING, FieldKind.NUMBER)


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often the reference's option (row) met the person's (column), shape (options, options).

    For a choice of one there is one matrix of the field's options, `option` None; above 50 options
    only of those that occur. For a choice of several there is one for each option, of not chosen
    and chosen, above 50 only where somebody chose it.
    """

    option: Value | None
    options: tuple[Value, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Bias:
    """How much more somebody says than the reference does, on the same `tasks`.

    For an option: the share of tasks on which the person gives it less the share on which the
    reference does, in [-1, 1]. For a rating or a number, where `option` is None: the mean
    difference from the mean of the others. `standard_error` is that of the mean over tasks, None
    for one task.
    """

    option: Value | None
    difference: float
    standard_error: float | None
    tasks: int


@dataclass(frozen=True, slots=True)
class FieldErrors:
    """One person's answers to one field beside their references."""

    field: str
    confusions: tuple[Confusion, ...]
    biases: tuple[Bias, ...]


def field_errors(
    field: Field,
    compared: Iterable[Comparison],
    standing: Mapping[str, Sequence[Annotation]],
) -> dict[int, FieldErrors]:
    """By person, what `FieldErrors` says of everybody with something to compare.

    `compared` are the comparisons of the field, `standing` the annotations that count. The
    reference is the ground truth that somebody else gave, else the majority of the other people's
    answers; for each option of several, of their ticks. A tie, and nobody else, is not counted.
    Ratings and numbers are compared with the mean of the others. Empty for texts, taxonomies and
    dates.
    """
    if field.kind in _ONE:
        return _of_one(field, compared)
    if field.kind is FieldKind.MULTIPLE_CHOICE:
        return _of_several(field, standing)
    if field.kind in _NUMBERS:
        return _of_numbers(field, standing)
    return {}


def _of_one(field: Field, compared: Iterable[Comparison]) -> dict[int, FieldErrors]:
    said: dict[int, dict[str, Value]] = defaultdict(dict)
    reference: dict[int, dict[str, Value]] = defaultdict(dict)
    for one in compared:
        if one.reference is not None:
            person = one.annotation.annotator_id
            said[person][one.task] = one.value
            reference[person][one.task] = one.reference
    found = {}
    for person in said:
        matrix = _matrix(field, reference[person], said[person])
        biases = tuple(_option_bias(matrix, place) for place in range(len(matrix.options)))
        found[person] = FieldErrors(field.name, (matrix,), biases)
    return found


def _matrix(field: Field, rows: Mapping[str, Value], columns: Mapping[str, Value]) -> Confusion:
    declared: Sequence[Value] = scale(field) or ()
    given = {*rows.values(), *columns.values()}
    if len(declared) > MOST_OPTIONS:
        declared = [option for option in declared if option in given]
    options = (*declared, *sorted(given.difference(declared), key=str))
    counts = confusion_matrix(rows, columns, options)
    return Confusion(None, options, tuple(tuple(row) for row in counts.tolist()))


def _of_several(
    field: Field, standing: Mapping[str, Sequence[Annotation]]
) -> dict[int, FieldErrors]:
    tallies: dict[tuple[int, str], Counter[tuple[bool, bool]]] = defaultdict(Counter)
    for person, option, expected, chosen in _ticks(field, standing):
        tallies[person, option][expected, chosen] += 1
    matrices: dict[int, list[Confusion]] = defaultdict(list)
    place = {option: number for number, option in enumerate(field.options)}
    for person, option in sorted(tallies, key=lambda key: (place.get(key[1], len(place)), key)):
        tally = tallies[person, option]
        rows = tuple(tuple(tally[row, column] for column in (False, True)) for row in (False, True))
        matrices[person].append(Confusion(option, CHOSEN, rows))
    return {
        person: FieldErrors(
            field.name, tuple(own), tuple(_option_bias(matrix, 1, matrix.option) for matrix in own)
        )
        for person, own in matrices.items()
    }


def _ticks(
    field: Field, standing: Mapping[str, Sequence[Annotation]]
) -> Iterator[tuple[int, str, bool, bool]]:
    """For each answer and option: who, which, whether the reference and whether the person chose.

    The options are the field's (none of them above 50) and those that somebody chose on the task.
    """
    offered = field.options if len(field.options) <= MOST_OPTIONS else ()
    for answers in standing.values():
        given = [(a, _chosen(field, a)) for a in answers if field.name in a.answers]
        counts = Counter(option for _, chosen in given for option in chosen)
        options = (*offered, *sorted(counts.keys() - set(offered)))
        truths = truths_of(answers)
        for annotation, chosen in given:
            truth = truth_for(annotation.annotator_id, truths)
            told = None if truth is None else _told(field, truth)
            for option in options:
                if told is not None:
                    yield annotation.annotator_id, option, option in told, option in chosen
                elif balance := 2 * (counts[option] - (option in chosen)) - (len(given) - 1):
                    yield annotation.annotator_id, option, balance > 0, option in chosen


def _told(field: Field, truth: Annotation) -> frozenset[str] | None:
    return _chosen(field, truth) if field.name in truth.answers else None


def _chosen(field: Field, annotation: Annotation) -> frozenset[str]:
    value = annotation.answers[field.name]
    return frozenset(map(str, value)) if isinstance(value, tuple) else frozenset()


def _option_bias(matrix: Confusion, place: int, option: Value | None = None) -> Bias:
    """The bias to the option at that place of the matrix, from what was said too often or not."""
    counts = np.array(matrix.counts)
    tasks, both = int(counts.sum()), counts[place, place]
    more, less = int(counts[:, place].sum() - both), int(counts[place].sum() - both)
    mean = (more - less) / tasks
    error = None
    if tasks > 1:
        error = math.sqrt(max(0.0, (more + less - tasks * mean**2) / (tasks - 1) / tasks))
    return Bias(matrix.options[place] if option is None else option, mean, error, tasks)


def _of_numbers(
    field: Field, standing: Mapping[str, Sequence[Annotation]]
) -> dict[int, FieldErrors]:
    differences: dict[int, list[float]] = defaultdict(list)
    for answers in standing.values():
        given = [(a.annotator_id, a.answers.get(field.name)) for a in answers]
        numbers = [(who, float(value)) for who, value in given if isinstance(value, int | float)]
        for person, number in numbers if len(numbers) > 1 else ():
            # Divided before they are added: the largest numbers would add up to infinity.
            share = len(numbers) - 1
            mean = math.fsum(other / share for who, other in numbers if who != person)
            if math.isfinite(number - mean):
                differences[person].append(number - mean)
    return {
        person: FieldErrors(field.name, (), (_number_bias(own),))
        for person, own in differences.items()
    }


def _number_bias(differences: Sequence[float]) -> Bias:
    tasks = len(differences)
    size = max(map(abs, differences)) or 1.0
    scaled = [difference / size for difference in differences]
    mean = fmean(scaled)
    error = None
    if tasks > 1:
        squares = math.fsum((one - mean) ** 2 for one in scaled)
        error = size * math.sqrt(squares / (tasks - 1) / tasks)
    return Bias(None, size * mean, error, tasks)
