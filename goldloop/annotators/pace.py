"""Pace: whether an answer came faster than anybody reads what it is about."""

from __future__ import annotations

from goldloop.samples import Run, Sample

# Nobody reads an agent's run, and judges it, in less.
FASTEST_SECONDS = 5.0
# Adults read English non-fiction silently at 238 words a minute in the mean, and most of them at
# 175 to 300 (Brysbaert, Journal of Memory and Language 109 (2019), 104047, over 190 studies): at
# twice the fast end somebody has skimmed.
WORDS_PER_MINUTE = 600.0

_SPOKEN = ("user", "assistant")


def is_hasty(seconds: float, words: int = 0) -> bool:
    """Whether an answer took under 5 seconds, or less than reading the words at 600 a minute.

    >>> is_hasty(4.0), is_hasty(20.0), is_hasty(20.0, words=300)
    (True, False, True)
    """
    return seconds < max(FASTEST_SECONDS, words * 60.0 / WORDS_PER_MINUTE)


def words_to_read(sample: Sample, run: Run | None = None) -> int:
    """How many words an annotator has to read of a sample and its run, each text counted once.

    The input, the response, and what user and agent say in between. Instructions and tools'
    results are left out, since annotators skim or fold them: a count that is too low calls nobody
    hasty who is not. Words are what spaces set apart, so there are few in Chinese or Japanese.
    """
    turns = (*sample.conversation, *(run.messages if run else ()))
    texts = [sample.user_input, run.response if run else None]
    texts += [turn.content for turn in turns if turn.role in _SPOKEN]
    return sum(len(text.split()) for text in dict.fromkeys(texts) if text)
