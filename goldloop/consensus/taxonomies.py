"""Taxonomies: paths in a tree, with credit for agreeing on the way down."""

from __future__ import annotations

from collections import Counter
from typing import TypeAlias

from goldloop.consensus.outcome import Outcome, TaskAnswers, mean_jaccard, plurality, unanswered
from goldloop.errors import RecordError
from goldloop.fields import Value

METHOD = "deepest_majority"
VERSION = 1
Path: TypeAlias = tuple[str, ...]


def decide_taxonomy(answers: TaskAnswers) -> Outcome:
    """The deepest nodes that more than half of the annotators agree on.

    A path counts for itself and for every node above it, once for each annotator. What stands are
    the nodes with a majority that have no node with a majority below them. `confidence` is the
    smallest share behind one of them; `agreement` is the mean Jaccard index of two annotators'
    nodes, so that paths which part late agree more. Tied when no node has a majority although
    people chose some; an empty set stands when more than half chose nothing.

    >>> answers = {1: (("food", "fruit", "apple"),), 2: (("food", "fruit", "pear"),)}
    >>> decide_taxonomy(answers).value
    (('food', 'fruit'),)
    """
    reason = "the deepest nodes that more than half agree on"
    if not answers:
        return unanswered(METHOD, VERSION, reason)
    nodes = [frozenset(_with_ancestors(value)) for value in answers.values()]
    counts = Counter(node for chosen in nodes for node in chosen)
    agreed = {node for node, count in counts.items() if 2 * count > len(nodes)}
    above = {node[:-1] for node in agreed}
    deepest = tuple(sorted(node for node in agreed if node not in above))
    empty = sum(not chosen for chosen in nodes)
    tied = not deepest and 2 * empty <= len(nodes)
    vote, share = plurality(list(answers.values()))
    return Outcome(
        value=None if tied else deepest,
        votes=len(nodes),
        method=METHOD,
        method_version=VERSION,
        reason=reason,
        confidence=None if tied else min((counts[n] for n in deepest), default=empty) / len(nodes),
        posterior=tuple((node, counts[node] / len(nodes)) for node in deepest),
        vote=vote,
        share=share,
        agreement=mean_jaccard([frozenset[object](chosen) for chosen in nodes]),
        tied=tied,
    )


def _with_ancestors(value: Value) -> set[Path]:
    if not isinstance(value, tuple) or not all(isinstance(path, tuple) for path in value):
        raise RecordError(f"a taxonomy answer must be a tuple of paths, not {str(value)[:80]!r}")
    return {tuple(path[:depth]) for path in value for depth in range(1, len(path) + 1)}
