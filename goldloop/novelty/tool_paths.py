"""Tool paths: the tools that a run called, in order, and which of their transitions are new.

An agent that takes a path never seen before deserves a look even when it is sure. A path is made of
steps, a tool with the names of the arguments that it was given, and read as transitions: from the
start to the first step, from each step to the next, and from the last one to the end. A run is
novel when it has a transition that no labelled run has; so a detour, a call with an argument never
given before, and stopping early all are, and a longer mix of what is known is not.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from goldloop.samples import ToolCall

ToolPath = tuple[str, ...]
ToolStep = tuple[str, tuple[str, ...]]
ToolSteps = tuple[ToolStep, ...]
# None is the start before a step, and the end after one.
Transition = tuple[ToolStep | None, ToolStep | None]
# Of a call's arguments, so many are named where a path is shown.
SHOWN = 4


def tool_path(calls: Iterable[ToolCall]) -> ToolPath:
    """The names of the tools called, in order, each run of one name counted once.

    >>> tool_path([ToolCall("find", {}), ToolCall("find", {"page": 2}), ToolCall("refund", {})])
    ('find', 'refund')
    """
    return tuple(name for name, _ in groupby(call.name for call in calls))


def novel_paths(paths: Sequence[Sequence[str]], seen: Iterable[Sequence[str]]) -> NDArray[np.bool_]:
    """Which of `paths` are in no run that was given to people before; shape (n,).

    Nothing is novel while nothing was seen: a boost for everybody would rank nobody.

    >>> novel_paths([("find",), ("find", "refund"), ()], seen=[("find",)])
    array([False,  True,  True])
    """
    known = {tuple(path) for path in seen}
    if not known:
        return np.zeros(len(paths), dtype=np.bool_)
    return np.array([tuple(path) not in known for path in paths], dtype=np.bool_)


def tool_steps(calls: Iterable[ToolCall]) -> ToolSteps:
    """The tools called with the names of their arguments, in order; a step that repeats in a row
    counts once. The values of the arguments do not matter.

    >>> tool_steps([ToolCall("find", {"page": 1}), ToolCall("find", {"page": 2})])
    (('find', ('page',)),)
    """
    steps = ((call.name, tuple(sorted(call.arguments))) for call in calls)
    return tuple(step for step, _ in groupby(steps))


def steps_to_json(steps: ToolSteps) -> str:
    """Steps as JSON: one text for one path.

    >>> steps_to_json((("find", ("page",)),))
    '[["find",["page"]]]'
    """
    return json.dumps(steps, ensure_ascii=False, separators=(",", ":"))


def steps_from_json(text: str) -> ToolSteps:
    """Steps as `steps_to_json` wrote them."""
    return tuple((name, tuple(keys)) for name, keys in json.loads(text))


def transitions(steps: ToolSteps) -> tuple[Transition, ...]:
    """Start to first, step to next, last to end; a run without tools has start to end alone.

    >>> transitions((("find", ()),))
    ((None, ('find', ())), (('find', ()), None))
    """
    return tuple(pairwise((None, *steps, None)))


def new_transitions(
    paths: Sequence[ToolSteps], labelled: ArrayLike
) -> dict[int, tuple[Transition, ...]]:
    """By position: the transitions that no labelled run has; positions without any are left out.

    `labelled` is of shape (n,). A labelled run is compared with the other labelled ones, so that
    whether it was drawn itself does not decide its novelty. Nothing is new while nothing is
    labelled, nor for the only labelled run.
    """
    given = np.asarray(labelled, dtype=np.bool_)
    # A pool of a million has few distinct paths.
    parts = {steps: frozenset(transitions(steps)) for steps in set(paths)}
    counts: Counter[Transition] = Counter()
    for steps, times in Counter(paths[i] for i in np.flatnonzero(given).tolist()).items():
        counts.update(dict.fromkeys(parts[steps], times))
    fresh = _unseen(parts, counts, 0) if given.any() else {}
    lonely = _unseen(parts, counts, 1) if given.sum() > 1 else {}
    found = ((lonely if mine else fresh).get(p) for p, mine in zip(paths, given, strict=True))
    return {i: new for i, new in enumerate(found) if new}


def _unseen(
    parts: dict[ToolSteps, frozenset[Transition]], counts: Counter[Transition], own: int
) -> dict[ToolSteps, tuple[Transition, ...]]:
    """By path: its transitions that `own` labelled runs have at most, in order; only where any."""
    found = {
        steps: tuple(one for one in dict.fromkeys(transitions(steps)) if counts[one] <= own)
        for steps in parts
    }
    return {steps: new for steps, new in found.items() if new}


def transition_text(new: Sequence[Transition], known: Iterable[Transition] = ()) -> str:
    """What is new about a path, to read; with the arguments only where the tools alone are not new.

    `known` are transitions of labelled runs. Transitions that follow each other are shown as one.

    >>> find, refund = ("find", ("id",)), ("refund", ("id",))
    >>> transition_text([(find, refund), (refund, None)])
    'new tool path: find > refund > (end)'
    >>> transition_text([(find, refund)], known=[(("find", ("name",)), refund)])
    'new tool path: find(id) > refund(id)'
    """
    names = {_names(one) for one in known}
    chains: list[list[Transition]] = []
    for one in new:
        if chains and chains[-1][-1][1] == one[0]:
            chains[-1].append(one)
        else:
            chains.append([one])
    return "new tool path: " + ", ".join(dict.fromkeys(_shown(one, names) for one in chains))


def _names(transition: Transition) -> tuple[str | None, ...]:
    return tuple(step and step[0] for step in transition)


def _shown(chain: Sequence[Transition], names: Container[tuple[str | None, ...]]) -> str:
    if chain[0] == (None, None):
        return "no tool"
    with_arguments = any(_names(one) in names for one in chain)
    first, last = chain[0][0], chain[-1][1]
    middle = [one[1] for one in chain[:-1]]
    ends = [_step(first, with_arguments) or "(start)", _step(last, with_arguments) or "(end)"]
    return " > ".join([ends[0], *(_step(step, with_arguments) for step in middle), ends[1]])


def _step(step: ToolStep | None, with_arguments: bool) -> str:
    if step is None or not with_arguments:
        return step[0] if step else ""
    more = [f"{len(step[1]) - SHOWN} more"] if len(step[1]) > SHOWN else []
    return f"{step[0]}({', '.join([*step[1][:SHOWN], *more])})"
