"""Consensus: which label stands, one method a file.

`task_consensus` decides a task; a method decides one field.
"""

from goldloop.consensus.majority import majority_vote
from goldloop.consensus.states import (
    STANDING,
    Annotation,
    FieldConsensus,
    Rules,
    State,
    TaskConsensus,
)
from goldloop.consensus.task import counted, task_consensus

__all__ = [
    "STANDING",
    "Annotation",
    "FieldConsensus",
    "Rules",
    "State",
    "TaskConsensus",
    "counted",
    "majority_vote",
    "task_consensus",
]
