"""The texts of a run that graders look at, and short quotations of them."""

from __future__ import annotations

from goldloop.canonical import canonical_json
from goldloop.errors import RecordError
from goldloop.samples import Message, Run, Sample, own_turns

# response: the last thing that the agent said. said: all that it said. trace: also what it called,
# what tools answered and what the user said meanwhile.
PLACES = ("response", "said", "trace")
MOST_READ = 1_000_000


def text_of(sample: Sample, run: Run, on: str) -> str:
    """What is graded of a run, by one of `PLACES`: at most its first 1,000,000 characters.

    Turns are parted by lines; a run without messages has no more than its response.
    """
    own = own_turns(sample, run.messages)
    if on == "response" or not own:
        return (run.response or "")[:MOST_READ]
    if on == "said":
        own = tuple(message for message in own if message.role == "assistant")
    return "\n".join(line for message in own for line in _lines(message, on))[:MOST_READ]


def _lines(message: Message, on: str) -> list[str]:
    lines = [message.content] if message.content else []
    if on == "trace":
        lines += [f"{call.name} {json_text(call.arguments)}" for call in message.tool_calls]
    return lines


def json_text(value: object) -> str:
    """A JSON value as canonical text; a word for what has none."""
    try:
        return canonical_json(value).decode()
    except (RecordError, RecursionError):
        return "(not JSON)"


def quoted(text: str, longest: int = 80) -> str:
    """A text in quotation marks on one line, cut where it is long.

    >>> quoted("a\\nb"), quoted("abcdefgh", 5)
    ('"a b"', '"abcd…"')
    """
    return f'"{cut(" ".join(text.split()), longest)}"'


def cut(text: str, longest: int) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
