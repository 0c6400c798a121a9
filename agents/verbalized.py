"""Ask a model how likely it is that an answer is right, apart from the answer itself."""

from __future__ import annotations

from agents.base import Model
from agents.case_text import ReplyError, question_about, shown_turns
from agents.usage import Usage
from goldloop.confidence import stated_probability
from goldloop.samples import Run

TASK = (
    "You are asked how likely it is that an assistant did what it should have done: that its last "
    "answer is right and complete, that it called the tools that it had to and no others, and that "
    "it kept to its instructions. Think of what may be wrong with it before you decide. Reply with "
    'a probability from 0 (surely wrong) to 1 (surely right) as {"probability": number}.'
)
SCHEMA = {
    "type": "object",
    "properties": {"probability": {"type": "number"}},
    "required": ["probability"],
    "additionalProperties": False,
}


def asked_probability(
    model: Model, run: Run, instructions: str | None = None
) -> tuple[float, Usage]:
    """The probability in [0, 1] that the model states for a run, and what the question took.

    `instructions` is the prompt that the agent works by, where it is known. What the right answer
    would be is not told. Raises `AgentError` when the endpoint fails for good, and `ReplyError`
    when the reply states no probability.
    """
    case = {"instructions": instructions, "conversation": shown_turns(run.messages)}
    messages = question_about(TASK, {key: value for key, value in case.items() if value})
    completion = model.ask(messages, temperature=0.0, schema=SCHEMA)
    value = stated_probability(completion.text)
    if value is None:
        raise ReplyError("the reply states no probability", completion.spent)
    return value, completion.spent
