"""Novelty: is a sample or its run unlike everything that people have labelled?

A sample is novel by its text (`texts`), or by the path that its run took through the tools
(`tool_paths`). `boost` says how far that moves it up the ranking, and how many places of a batch it
may decide. Garbage is novel too, which is why that is capped.
"""

from goldloop.novelty.assess import Novelty, NoveltyRule, assess_novelty
from goldloop.novelty.boost import Boosted, boost_novel, most_novel
from goldloop.novelty.texts import Embed, TextVectors, sample_text, similar_form
from goldloop.novelty.tool_paths import (
    ToolPath,
    ToolStep,
    ToolSteps,
    new_transitions,
    novel_paths,
    steps_from_json,
    steps_to_json,
    tool_path,
    tool_steps,
    transition_text,
    transitions,
)

__all__ = [
    "Boosted",
    "Embed",
    "Novelty",
    "NoveltyRule",
    "TextVectors",
    "ToolPath",
    "ToolStep",
    "ToolSteps",
    "assess_novelty",
    "boost_novel",
    "most_novel",
    "new_transitions",
    "novel_paths",
    "sample_text",
    "similar_form",
    "steps_from_json",
    "steps_to_json",
    "tool_path",
    "tool_steps",
    "transition_text",
    "transitions",
]
