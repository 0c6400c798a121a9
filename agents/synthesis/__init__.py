"""Synthetic samples out of a model: written, made harder, solved again.

`Asker` makes the calls: so many at once, each noted in a `Journal` and paid from a `Purse`.
`write_samples` fills slots, `check_consistency` solves what came of them twice.
"""

from agents.synthesis.asker import Asker, Call, OutageError, OutOfMoneyError
from agents.synthesis.from_settings import asker_from_settings, synthesis_model
from agents.synthesis.journal import Journal, MemoryJournal, Reply
from agents.synthesis.purse import Purse
from agents.synthesis.solving import check_consistency, solve_twice
from agents.synthesis.writing import Assignment, write_samples

__all__ = [
    "Asker",
    "Assignment",
    "Call",
    "Journal",
    "MemoryJournal",
    "OutOfMoneyError",
    "OutageError",
    "Purse",
    "Reply",
    "asker_from_settings",
    "check_consistency",
    "solve_twice",
    "synthesis_model",
    "write_samples",
]
