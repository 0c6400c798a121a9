"""Novelty: is a run's pattern one that nobody has labelled yet?

The pattern is the tool path: the tools that the run called, in order, repeats of one tool in a row
counted once. An agent that takes a path never seen before deserves a look even when it is sure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from goldloop.samples import ToolCall

ToolPath = tuple[str, ...]


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
