"""Count tables: how many people gave each answer to each task."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from goldloop.errors import RecordError

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class CountTable:
    """Tasks x options, in sparse form: only cells with a count above zero are held.

    `task`, `option` and `count` have shape (cells,): the row, the column and the number of people,
    ordered by row and then by column. `tasks` and `options` name the rows and the columns. A task
    that nobody answered may have no cell. Thousands of distinct answers cost no more than few.
    """

    tasks: tuple[Hashable, ...]
    options: tuple[Hashable, ...]
    task: IntArray
    option: IntArray
    count: IntArray

    def dense(self) -> IntArray:
        """The counts as a matrix of shape (tasks, options)."""
        matrix = np.zeros((len(self.tasks), len(self.options)), dtype=np.int64)
        matrix[self.task, self.option] = self.count
        return matrix

    def sizes(self) -> IntArray:
        """The number of answers to each task, shape (tasks,)."""
        return self.task_sums(self.count).astype(np.int64)

    def starts(self) -> IntArray:
        """The first cell of each task that has one, in the tasks' order."""
        return np.flatnonzero(np.diff(self.task, prepend=-1))

    def options_used(self) -> int:
        """How many options were given at least once."""
        return len(np.unique(self.option))

    def paired(self) -> CountTable:
        """The tasks with two answers or more: the only ones that can tell of agreement."""
        return self._rows(np.flatnonzero(self.sizes() >= 2))

    def patterns(self) -> tuple[CountTable, IntArray]:
        """The distinct rows, and how many tasks share each, shape (patterns,).

        Measures see tasks only through their rows, so tasks with equal rows can be resampled as
        one. The patterns' order depends on neither the names nor the order of the tasks.
        """
        starts = np.searchsorted(self.task, np.arange(len(self.tasks) + 1))
        cells = np.stack([self.option, self.count], axis=1)
        shared: dict[bytes, list[int]] = {}
        for row, (start, end) in enumerate(pairwise(starts)):
            shared.setdefault(cells[start:end].tobytes(), []).append(row)
        rows = [shared[key] for key in sorted(shared)]
        copies = np.array([len(same) for same in rows], dtype=np.int64)
        return self._rows(np.array([same[0] for same in rows], dtype=np.int64)), copies

    def task_sums(self, values: FloatArray | IntArray) -> FloatArray:
        """Values of the cells added up for each task: shape (cells,) to (tasks,)."""
        sums = np.bincount(self.task, weights=values, minlength=len(self.tasks))
        return sums.astype(np.float64)

    def option_sums(self, weights: FloatArray, values: FloatArray | IntArray) -> FloatArray:
        """Values of the cells added up for each option, with the tasks weighted.

        `weights` has shape (draws, tasks), `values` (cells,), the result (draws, options).
        """
        sums = np.zeros((len(weights), len(self.options)))
        if not self.task.size:
            return sums
        order = np.argsort(self.option, kind="stable")
        option = self.option[order]
        starts = np.flatnonzero(np.diff(option, prepend=-1))
        weighted = weights[:, self.task[order]] * values[order]
        sums[:, option[starts]] = np.add.reduceat(weighted, starts, axis=1)
        return sums

    def cell_pairs(self) -> tuple[IntArray, IntArray]:
        """The pairs of different cells of one task, each pair once, as indices of cells."""
        ends = np.searchsorted(self.task, self.task, side="right")
        cells = np.arange(len(self.task))
        later = ends - cells - 1
        left = np.repeat(cells, later)
        nth = np.arange(len(left)) - np.repeat(np.cumsum(later) - later, later)
        return left, left + 1 + nth

    def pair_sums(self, left: IntArray, right: IntArray, scores: FloatArray) -> FloatArray:
        """Scores of `cell_pairs` added up for each task, once for each pair of answers: (tasks,).

        `left`, `right` and `scores` have shape (pairs,). Pairs of equal answers are not among them.
        """
        scores = self.count[left] * self.count[right] * scores
        sums = np.bincount(self.task[left], weights=scores, minlength=len(self.tasks))
        return sums.astype(np.float64)

    def _rows(self, rows: IntArray) -> CountTable:
        starts = np.searchsorted(self.task, rows)
        lengths = np.searchsorted(self.task, rows, side="right") - starts
        offsets = np.repeat(np.cumsum(lengths) - lengths, lengths)
        cells = np.repeat(starts, lengths) + np.arange(lengths.sum()) - offsets
        return CountTable(
            tasks=tuple(self.tasks[row] for row in rows),
            options=self.options,
            task=np.repeat(np.arange(len(rows)), lengths),
            option=self.option[cells],
            count=self.count[cells],
        )


def count_table(
    answers: Iterable[tuple[Hashable, Hashable]], options: Iterable[Hashable] | None = None
) -> CountTable:
    """The count table of (task, answer) pairs, one pair for each person who answered.

    A missing answer (None, NaN, pandas' NA and NaT) is left out. Without `options` the columns are
    the answers that occur, in sorted order; with it they are `options` in that order, and answers
    beyond them follow. The order matters to ordinal measures, the number of options to Gwet's.
    The order of the pairs never matters.

    >>> count_table([("t1", "yes"), ("t1", "no"), ("t2", "yes"), ("t1", None)]).dense()
    array([[1, 1],
           [0, 1]])
    """
    given = [(task, answer) for task, answer in answers if not is_missing(answer)]
    rows = {name: row for row, name in enumerate(ordered({task for task, _ in given}))}
    declared = list(dict.fromkeys(options)) if options is not None else []
    others = ordered({answer for _, answer in given}.difference(declared))
    columns = {name: column for column, name in enumerate([*declared, *others])}
    task = np.fromiter((rows[task] for task, _ in given), np.int64, len(given))
    option = np.fromiter((columns[answer] for _, answer in given), np.int64, len(given))
    cells, count = np.unique(task * max(len(columns), 1) + option, return_counts=True)
    task, option = np.divmod(cells, max(len(columns), 1))
    return CountTable(tuple(rows), tuple(columns), task, option, count.astype(np.int64))


def count_columns(
    tasks: Iterable[Hashable],
    answers: Iterable[Hashable],
    options: Iterable[Hashable] | None = None,
) -> CountTable:
    """The count table of two columns of equal length: arrays, pandas Series or plain lists.

    Missing answers and `options` as in `count_table`. Raises RecordError for unequal lengths.

    >>> count_columns(np.array([7, 7, 8]), np.array([1.0, 5.0, np.nan]), options=[1, 2, 5]).dense()
    array([[1, 0, 1]])
    """
    task_column, answer_column = _plain(tasks), _plain(answers)
    if len(task_column) != len(answer_column):
        raise RecordError(
            f"{len(task_column)} tasks and {len(answer_column)} answers; expected one a row"
        )
    return count_table(zip(task_column, answer_column, strict=True), options)


def count_matrix(counts: ArrayLike, options: Sequence[Hashable] | None = None) -> CountTable:
    """The count table of a matrix of shape (tasks, options); options are numbered unless named.

    Raises RecordError for what is no matrix of whole numbers from 0 up, and for names that do not
    fit its columns.

    >>> count_matrix([[2, 1], [0, 3]], options=["no", "yes"]).sizes()
    array([3, 3])
    """
    matrix = np.asarray(counts)
    if matrix.ndim != 2 or matrix.dtype.kind not in "iu" or (matrix.size and matrix.min() < 0):
        raise RecordError("counts must be a matrix (tasks x options) of whole numbers from 0 up")
    names = tuple(options) if options is not None else tuple(range(matrix.shape[1]))
    if len(set(names)) != matrix.shape[1]:
        raise RecordError(f"{len(set(names))} options are named; expected {matrix.shape[1]}")
    task, option = np.nonzero(matrix)
    rows = tuple(range(len(matrix)))
    return CountTable(rows, names, task, option, matrix[task, option].astype(np.int64))


def is_missing(answer: Any) -> bool:
    """Whether an answer is none: None, NaN, NaT or pandas' NA (whose comparisons have no truth)."""
    if answer is None or type(answer).__name__ == "NAType":
        return True
    return bool(answer != answer)


def ordered(values: Iterable[Any]) -> list[Any]:
    """Sorted, and where values of different types cannot be compared, type by type."""
    values = list(values)
    try:
        # Sets would be "sorted" by inclusion, which is no order.
        if not any(isinstance(value, frozenset) for value in values):
            return sorted(values)
    except TypeError:
        pass
    return sorted(values, key=_typed)


def _typed(value: Any) -> tuple[str, Any]:
    return type(value).__name__, ordered(value) if isinstance(value, frozenset) else value


def _plain(column: Iterable[Hashable]) -> list[Hashable]:
    """Arrays and Series give Python's own values, so that 1 and numpy's 1 read the same."""
    tolist = getattr(column, "tolist", None)
    return list(tolist()) if tolist is not None else list(column)
