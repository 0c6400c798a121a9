"""Which of the calls that a run made are the expected ones: the largest one-to-one matching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from goldloop.graders.arguments import ArgumentRules, Difference, differences, is_unparsed
from goldloop.graders.call_rules import CallRules
from goldloop.samples import ToolCall

Fits = list[list[bool]]
# What is left over is compared with one another, so as to say what was nearly right.
MOST_NEAR = 10


@dataclass(frozen=True, slots=True)
class Near:
    """A call of the right tool that is no match: it differs in `places` arguments.

    `first` is None where the call's arguments are no JSON, and where it only comes out of order.
    """

    expected: ToolCall
    called: ToolCall
    first: Difference | None
    places: int


@dataclass(frozen=True, slots=True)
class Matching:
    """The calls that are compared, and what became of them.

    `pairs` are indices into `expected` and `called`. What is left over is `nearly` right, or else
    `missing` or `extra`.
    """

    expected: tuple[ToolCall, ...]
    called: tuple[ToolCall, ...]
    pairs: tuple[tuple[int, int], ...]
    nearly: tuple[Near, ...]
    missing: tuple[ToolCall, ...]
    extra: tuple[ToolCall, ...]

    @property
    def unmatched(self) -> list[ToolCall]:
        """The expected calls that none of those made is, nearly right ones among them."""
        matched = {row for row, _ in self.pairs}
        return [call for row, call in enumerate(self.expected) if row not in matched]


def match_calls(
    rules: CallRules, expected: Sequence[ToolCall], called: Sequence[ToolCall]
) -> Matching:
    """Match the calls that count; in `strict` mode no two pairs cross.

    Greedy pairs would not do: where arguments are compared loosely, a call may fit two expected
    ones, and take the only one that another fits.
    """
    wanted = tuple(call for call in expected if rules.counts(call))
    made = tuple(call for call in called if rules.counts(call))
    fits = fitting(rules, wanted, made)
    pairs = _longest_common(fits) if rules.mode == "strict" else _largest(fits)
    left = sorted(set(range(len(wanted))) - {row for row, _ in pairs})
    over = sorted(set(range(len(made))) - {column for _, column in pairs})
    near = _near_pairs(rules, wanted, made, left, over)
    near_wanted, near_made = {row for row, _ in near}, {column for _, column in near}
    return Matching(
        expected=wanted,
        called=made,
        pairs=tuple(pairs),
        nearly=tuple(near.values()),
        missing=tuple(wanted[row] for row in left if row not in near_wanted),
        extra=tuple(made[at] for at in over if at not in near_made),
    )


def fitting(rules: CallRules, expected: Sequence[ToolCall], called: Sequence[ToolCall]) -> Fits:
    """Which expected call (row) is matched by which that was made (column)."""
    by_tool = {call.name: ArgumentRules.of(rules, call.name) for call in expected}
    return [[_fits(by_tool[one.name], one, other) for other in called] for one in expected]


def _fits(rules: ArgumentRules, expected: ToolCall, called: ToolCall) -> bool:
    if expected.name != called.name or is_unparsed(called):
        return False
    return next(differences(rules, expected.arguments, called.arguments), None) is None


def _largest(fits: Fits) -> list[tuple[int, int]]:
    """The pairs of a maximum matching, by the index of what was expected."""
    found = [
        (row, column) for row, each in enumerate(fits) for column, fit in enumerate(each) if fit
    ]
    if len({row for row, _ in found}) == len({column for _, column in found}) == len(found):
        return found  # nothing to choose
    # Takes a third of a second to load, and most commands grade nothing.
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    columns = maximum_bipartite_matching(csr_array(fits, dtype=bool), perm_type="column")
    return [(row, int(column)) for row, column in enumerate(columns) if column >= 0]


def _longest_common(fits: Fits) -> list[tuple[int, int]]:
    """The pairs of a longest common subsequence."""
    rows, columns = len(fits), len(fits[0]) if fits else 0
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    for row in reversed(range(rows)):
        for column in reversed(range(columns)):
            longer = best[row + 1][column + 1] + 1 if fits[row][column] else 0
            best[row][column] = max(longer, best[row + 1][column], best[row][column + 1])
    pairs, row, column = [], 0, 0
    while row < rows and column < columns:
        if fits[row][column] and best[row][column] == best[row + 1][column + 1] + 1:
            pairs.append((row, column))
            row, column = row + 1, column + 1
        elif best[row + 1][column] >= best[row][column + 1]:
            row += 1
        else:
            column += 1
    return pairs


def _near_pairs(
    rules: CallRules,
    expected: Sequence[ToolCall],
    called: Sequence[ToolCall],
    left: Sequence[int],
    over: Sequence[int],
) -> dict[tuple[int, int], Near]:
    """For the first calls that are left, by indices, the one of their tool that differs least."""
    free, found = list(over), {}
    for row in left[:MOST_NEAR]:
        same = [column for column in free if called[column].name == expected[row].name]
        near = {column: _near(rules, expected[row], called[column]) for column in same}
        if near:
            nearest = min(near, key=lambda column: near[column].places)
            found[row, nearest] = near[nearest]
            free.remove(nearest)
    return found


def _near(rules: CallRules, expected: ToolCall, called: ToolCall) -> Near:
    if is_unparsed(called):
        return Near(expected, called, None, len(expected.arguments) + 1)
    by = ArgumentRules.of(rules, expected.name)
    found = list(differences(by, expected.arguments, called.arguments))
    return Near(expected, called, found[0] if found else None, len(found))
