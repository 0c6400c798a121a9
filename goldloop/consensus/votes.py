"""Votes: the answers to one choice field as integer codes, which is what the methods work on."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from goldloop.errors import RecordError

Ints: TypeAlias = NDArray[np.int32]
Counts: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

NO_GOLD = -1
LARGEST_TABLE = 50_000_000  # cells of a table of tasks by options: 400 MB


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Votes:
    """One row an answer: `annotators[i]` chose option `labels[i]` on `tasks[i]`.

    The three arrays have one length and hold codes from 0 up to `n_tasks`, `n_annotators` and
    `n_options`. They are kept sorted by task and annotator, whatever the order that they come in,
    so that not even a rounding error depends on it. Tasks and annotators without a row, and no rows
    at all, are allowed.

    Raises RecordError for arrays of different lengths, codes that are no whole numbers or out of
    range, and two answers by one annotator to one task.

    >>> votes = Votes([1, 0], [0, 0], [2, 1], n_tasks=2, n_annotators=1, n_options=3)
    >>> votes.tasks.tolist(), votes.labels.tolist()
    ([0, 1], [1, 2])
    """

    tasks: Ints
    annotators: Ints
    labels: Ints
    n_tasks: int
    n_annotators: int
    n_options: int

    def __init__(
        self,
        tasks: ArrayLike,
        annotators: ArrayLike,
        labels: ArrayLike,
        n_tasks: int,
        n_annotators: int,
        n_options: int,
    ) -> None:
        rows = (
            _codes("tasks", tasks, n_tasks),
            _codes("annotators", annotators, n_annotators),
            _codes("labels", labels, n_options),
        )
        if len({len(row) for row in rows}) > 1:
            lengths = ", ".join(str(len(row)) for row in rows)
            raise RecordError(f"tasks, annotators and labels must be as long, got {lengths}")
        place = rows[0].astype(np.int64) * max(n_annotators, 1) + rows[1]
        for name, row in zip(("tasks", "annotators", "labels"), _sorted(place, rows), strict=True):
            row.setflags(write=False)
            object.__setattr__(self, name, row)
        object.__setattr__(self, "n_tasks", n_tasks)
        object.__setattr__(self, "n_annotators", n_annotators)
        object.__setattr__(self, "n_options", n_options)

    def __len__(self) -> int:
        """How many answers there are."""
        return len(self.tasks)


@dataclass(frozen=True, slots=True, eq=False)
class CodedVotes:
    """Votes with the names that their codes stand for: `options[votes.labels[i]]` was chosen."""

    votes: Votes
    tasks: tuple[Hashable, ...]
    annotators: tuple[Hashable, ...]
    options: tuple[Hashable, ...]


def code_votes(
    tasks: Sequence[Hashable],
    annotators: Sequence[Hashable],
    labels: Sequence[Hashable],
    options: Sequence[Hashable] | None = None,
    all_tasks: Iterable[Hashable] = (),
) -> CodedVotes:
    """Codes for plain sequences with one item an answer.

    Names get their codes in sorted order (numbers before text), so that the codes do not depend on
    the order of the rows. `options` gives the field's options in its own order; without it they
    are the labels that occur. `all_tasks` adds tasks that nobody answered.

    Raises RecordError for sequences of different lengths, a label that is not among the options,
    an option named twice, and two answers by one annotator to one task.

    >>> coded = code_votes(["b", "a", "b"], [7, 7, 3], ["no", "yes", "yes"])
    >>> coded.tasks, coded.annotators, coded.options
    (('a', 'b'), (3, 7), ('no', 'yes'))
    >>> coded.votes.labels.tolist()
    [1, 1, 0]
    """
    task_codes = _codes_of({*tasks, *all_tasks})
    annotator_codes = _codes_of(set(annotators))
    option_codes = _codes_of(set(labels)) if options is None else _in_order(options)
    unknown = next((label for label in labels if label not in option_codes), None)
    if unknown is not None:
        raise RecordError(f"the answer {str(unknown)[:80]!r} is not among the field's options")
    votes = Votes(
        [task_codes[task] for task in tasks],
        [annotator_codes[annotator] for annotator in annotators],
        [option_codes[label] for label in labels],
        len(task_codes),
        len(annotator_codes),
        len(option_codes),
    )
    return CodedVotes(votes, tuple(task_codes), tuple(annotator_codes), tuple(option_codes))


def gold_codes(coded: CodedVotes, gold: Mapping[Any, Hashable]) -> Ints:
    """The gold label's code for each task, (T,), and -1 where there is none.

    Gold for a task that the votes do not have is left out. Raises RecordError for a gold label that
    is not an option.
    """
    codes = np.full(len(coded.tasks), NO_GOLD, dtype=np.int32)
    options = {option: code for code, option in enumerate(coded.options)}
    for place, task in enumerate(coded.tasks):
        if task in gold:
            if gold[task] not in options:
                raise RecordError(f"the gold label of task {str(task)[:80]!r} is not an option")
            codes[place] = options[gold[task]]
    return codes


def checked_gold(votes: Votes, gold: ArrayLike | None) -> Ints:
    """Gold as codes for every task, (T,); all -1 for None. Raises RecordError when it misfits."""
    if gold is None:
        return np.full(votes.n_tasks, NO_GOLD, dtype=np.int32)
    codes = np.asarray(gold)
    fits = codes.shape == (votes.n_tasks,) and np.issubdtype(codes.dtype, np.integer)
    if not fits or (codes.size and not NO_GOLD <= codes.min() <= codes.max() < votes.n_options):
        raise RecordError(
            f"gold must hold {votes.n_tasks} codes from -1 (none) to {votes.n_options - 1}"
        )
    return codes.astype(np.int32)


def votes_per_task(votes: Votes) -> Counts:
    """How many answered each task, (T,)."""
    return np.bincount(votes.tasks, minlength=votes.n_tasks)


def vote_counts(votes: Votes, weights: Floats | None = None) -> Floats:
    """How many chose each option on each task, (T, K); or the sum of the rows' `weights`.

    Raises RecordError when the table would be larger than 400 MB.
    """
    cells = votes.n_tasks * votes.n_options
    if cells > LARGEST_TABLE:
        raise RecordError(
            f"{votes.n_tasks} tasks by {votes.n_options} options are too many for one table;"
            " give the tasks in parts, or only the options that were chosen"
        )
    place = votes.tasks.astype(np.int64) * votes.n_options + votes.labels
    table = np.bincount(place, weights=weights, minlength=cells)
    return table.astype(np.float64, copy=False).reshape(votes.n_tasks, votes.n_options)


def chosen_options(votes: Votes) -> tuple[Votes, Counts]:
    """The votes with only the options that someone chose, and the old code of each.

    >>> votes, old = chosen_options(Votes([0, 1], [0, 0], [900, 7], 2, 1, 1000))
    >>> votes.labels.tolist(), votes.n_options, old.tolist()
    ([1, 0], 2, [7, 900])
    """
    old, labels = np.unique(votes.labels, return_inverse=True)
    fewer = Votes(
        votes.tasks, votes.annotators, labels, votes.n_tasks, votes.n_annotators, len(old)
    )
    return fewer, old.astype(np.int64)


def _codes(what: str, given: ArrayLike, below: int) -> Ints:
    array = np.asarray(given)
    if array.size == 0:
        return np.zeros(0, dtype=np.int32)
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        raise RecordError(f"{what} must be a row of whole numbers")
    if array.min() < 0 or array.max() >= below:
        raise RecordError(f"{what} must be codes from 0 to {below - 1}")
    return array.astype(np.int32)


def _sorted(place: Counts, rows: tuple[Ints, ...]) -> tuple[Ints, ...]:
    """The rows in the order of `place`, which no two may share."""
    step = np.diff(place)
    if step.size and step.min() <= 0:
        order = np.argsort(place, kind="stable")
        rows = tuple(row[order] for row in rows)
        step = np.diff(place[order])
    if step.size and step.min() == 0:
        raise RecordError("two answers by one annotator to one task; give the one that counts")
    return rows


def _codes_of(names: set[Hashable]) -> dict[Hashable, int]:
    ordered = sorted(names, key=lambda name: (isinstance(name, str), name))
    return {name: code for code, name in enumerate(ordered)}


def _in_order(options: Sequence[Hashable]) -> dict[Hashable, int]:
    codes = {option: code for code, option in enumerate(options)}
    if len(codes) < len(options):
        raise RecordError("the options must have different names")
    return codes
