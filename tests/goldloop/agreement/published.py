"""Worked examples from the literature, with their raw inputs. `.` marks a missing answer."""

from goldloop.agreement import CountTable, count_table

# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), sections A, B and C.
KRIPPENDORFF_A = ("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0")
KRIPPENDORFF_B = ("a a b b d c c c e d d a", "b a b b b c c c e d d d")
KRIPPENDORFF_C = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)

# Wikipedia, "Krippendorff's alpha": three coders, fifteen units.
WIKIPEDIA = (
    ". . . . . 3 4 1 2 1 1 3 3 . 3",
    "1 . 2 1 3 3 4 3 . . . . . . .",
    ". . 2 1 3 4 4 . 2 1 1 3 3 . 4",
)

# Fleiss, Measuring nominal scale agreement among many raters (1971): thirty patients, six
# psychiatrists, five diagnoses (depression, personality disorder, schizophrenia, neurosis, other).
FLEISS_1971 = [
    [0, 0, 0, 6, 0],
    [0, 3, 0, 0, 3],
    [0, 1, 4, 0, 1],
    [0, 0, 0, 0, 6],
    [0, 3, 0, 3, 0],
    [2, 0, 4, 0, 0],
    [0, 0, 4, 0, 2],
    [2, 0, 3, 1, 0],
    [2, 0, 0, 4, 0],
    [0, 0, 0, 0, 6],
    [1, 0, 0, 5, 0],
    [1, 1, 0, 4, 0],
    [0, 3, 3, 0, 0],
    [1, 0, 0, 5, 0],
    [0, 2, 0, 3, 1],
    [0, 0, 5, 0, 1],
    [3, 0, 0, 1, 2],
    [5, 1, 0, 0, 0],
    [0, 2, 0, 4, 0],
    [1, 0, 2, 0, 3],
    [0, 0, 0, 0, 6],
    [0, 1, 0, 5, 0],
    [0, 2, 0, 1, 3],
    [2, 0, 0, 4, 0],
    [1, 0, 0, 4, 1],
    [0, 5, 0, 1, 0],
    [4, 0, 0, 0, 2],
    [0, 2, 0, 4, 0],
    [1, 0, 5, 0, 0],
    [0, 0, 0, 0, 6],
]

# Wikipedia, "Fleiss' kappa": ten subjects, fourteen raters, five categories.
FLEISS_WIKIPEDIA = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]

# Cohen, A coefficient of agreement for nominal scales (1960), as counts of 200.
COHEN_1960 = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]


def coders(lines: tuple[str, ...], number: type[str] | type[int] = str) -> CountTable:
    """The count table of one line a coder."""
    return count_table(
        (unit, number(answer))
        for line in lines
        for unit, answer in enumerate(line.split())
        if answer != "."
    )


def two_raters(confusion: list[list[int]]) -> CountTable:
    """The count table of a confusion matrix: every task has two answers."""
    return count_table(
        (f"{row}-{column}-{copy}", answer)
        for row, cells in enumerate(confusion)
        for column, count in enumerate(cells)
        for copy in range(count)
        for answer in (row, column)
    )
