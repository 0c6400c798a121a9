"""The first filter: what is wrong with a candidate that can be said without asking anybody.

Each candidate is rejected for one reason, the first in the order of `REASONS[RULES]`, with words
that say what is wrong, for the model's next try as well. Nothing depends on the order in which
candidates come, on time or on chance: they are looked at in the order of their slots, and what was
kept before counts against those after it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NoReturn

from goldloop.errors import RecordError
from goldloop.json_values import check_json
from goldloop.near_duplicates import Picked, same_form, shingles, similarity
from goldloop.novelty.texts import sample_text
from goldloop.samples import ToolCall
from goldloop.schemas import Schema
from goldloop.synthesis.personal import personal_data
from goldloop.synthesis.placeholders import argument_placeholder, placeholder
from goldloop.synthesis.values import REASONS, RULES, Candidate, Rejection, Tool

MAX_ARGUMENTS = 20_000
MAX_SAID = 300
# Words in a row that two texts share: so many are a copy when they are half of the text, or when
# they come from the instructions; and that many, longer than most sentences, wherever they stand.
RUN, LONG_RUN = 8, 20
# Shows as nothing, though Unicode counts it as a letter or a symbol.
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"
_WORD = re.compile(r"\w+")

Text = tuple[str, str]
Runs = frozenset[tuple[str, ...]]
Check = Callable[[Candidate, "Rules"], str | None]


@dataclass(frozen=True, slots=True)
class Rules:
    """What candidates are held to: the tools' schemas by name, the characters that an input has at
    least, those that any text has at most, and the similarity from which inputs are duplicates.
    """

    schemas: Mapping[str, Schema]
    min_characters: int = 8
    max_characters: int = 4000
    near_duplicate: float = 0.7

    @classmethod
    def of(
        cls,
        tools: Iterable[Tool],
        *,
        min_characters: int = 8,
        max_characters: int = 4000,
        near_duplicate: float = 0.7,
    ) -> Rules:
        """Rules for these tools; raises SettingsError for parameters that are no JSON schema."""
        schemas = {
            tool.name: Schema(tool.parameters or {"type": "object"}, f"the tool {tool.name!r}")
            for tool in tools
        }
        return cls(schemas, min_characters, max_characters, near_duplicate)


class Sieve:
    """The rules along with all that candidates must not repeat: the `pool` and what other batches
    keep, as (sample_id, text) with `sample_text` as the text, the prompts' `instructions`, and what
    was kept so far.

    A pool of 100,000 texts of 20 words takes about 30 seconds and 800 MB. Raises SettingsError for
    a threshold of near-duplicates that is not above 0 and at most 1.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        pool: Iterable[Text] = (),
        instructions: Iterable[str] = (),
    ) -> None:
        self._rules = rules
        self._instructions = frozenset[tuple[str, ...]]().union(
            *(_runs(text, RUN) for text in instructions)
        )
        self._picked = Picked(rules.near_duplicate)
        for sample_id, text in pool:
            self._picked.add(sample_id, text)

    def sift(
        self,
        candidates: Iterable[Candidate],
        *,
        shown: Mapping[int, Sequence[Text]] | None = None,
    ) -> list[tuple[Candidate, Rejection | None]]:
        """Each candidate in the order of slots with what is wrong with it, None for what is kept.

        `shown` has the seed examples that a slot's prompts held, as (sample_id, text). One that
        comes back is `leaked_example`, and no duplicate although it is in the pool.
        """
        ordered = sorted(candidates, key=lambda one: (one.slot.index, one.attempt))
        return [(one, self._sifted(one, (shown or {}).get(one.slot.index, ()))) for one in ordered]

    def _sifted(self, candidate: Candidate, shown: Sequence[Text]) -> Rejection | None:
        found = self._first_fault(candidate, shown)
        if found is None:
            self._picked.add(candidate.sample.sample_id, _input(candidate))
            return None
        reason, said = found
        return Rejection(RULES, reason, said[:MAX_SAID])

    def _first_fault(self, candidate: Candidate, shown: Sequence[Text]) -> tuple[str, str] | None:
        for reason in REASONS[RULES]:
            found = self._fault(reason, candidate, shown)
            if found:
                return found
        return None

    def _fault(
        self, reason: str, candidate: Candidate, shown: Sequence[Text]
    ) -> tuple[str, str] | None:
        if reason == "exact_duplicate":
            # Finds near-duplicates as well, which come next.
            return self._repeats(candidate, shown)
        if reason == "leaked_example":
            said = self._leak(candidate, shown)
        else:
            said = _CHECKS[reason](candidate, self._rules) if reason in _CHECKS else None
        return (reason, said) if said else None

    def _repeats(self, candidate: Candidate, shown: Sequence[Text]) -> tuple[str, str] | None:
        """What the input repeats, with the reason that this is; None where it is new."""
        near = self._picked.closest(candidate.sample.sample_id, _input(candidate))
        if near is None:
            return None
        if near.of in {sample_id for sample_id, _ in shown}:
            return "leaked_example", _said_leak(near.of, near.similarity)
        of = f"that of the sample {near.of[:80]}"
        if near.similarity == 1.0:
            return "exact_duplicate", f"user_input is the same text as {of}"
        share = f"{near.similarity:.2f}"
        return "near_duplicate", f"user_input is like {of}: similarity {share}"

    def _leak(self, candidate: Candidate, shown: Sequence[Text]) -> str | None:
        own = _input(candidate)
        for sample_id, text in shown:
            alike = similarity(shingles(same_form(own)), shingles(same_form(text)))
            if alike >= self._rules.near_duplicate:
                return _said_leak(sample_id, alike)
            run = _copied(own, text)
            if run:
                return f"user_input copies words of the example {sample_id[:80]}: {run!r}"
        for where, text in _texts(candidate):
            copied = _runs(text, RUN) & self._instructions
            if copied:
                return f"{where} copies the instructions: {' '.join(min(copied))!r}"
        return None


def _said_leak(sample_id: str, alike: float) -> str:
    return f"user_input is like the example {sample_id[:80]} of the prompt: similarity {alike:.2f}"


def _input(candidate: Candidate) -> str:
    return sample_text(candidate.sample.user_input, candidate.sample.conversation)


def _texts(candidate: Candidate) -> Iterator[Text]:
    """Every text that the model wrote but the arguments, with its place."""
    sample = candidate.sample
    for number, turn in enumerate(sample.conversation):
        yield f"conversation[{number}]", turn.content or ""
    yield "user_input", sample.user_input
    yield "expected_response", sample.expected_response or ""
    for number, point in enumerate(candidate.key_points):
        yield f"key_points[{number}]", point


def _calls(candidate: Candidate) -> Iterator[tuple[str, ToolCall]]:
    for number, call in enumerate(candidate.sample.expected_tool_calls or ()):
        yield f"expected_tool_calls[{number}]", call


def _is_blank(text: str) -> bool:
    """Whether nothing of it can be seen: white space, controls, zero widths, marks on nothing."""
    return all(one in _BLANK or unicodedata.category(one)[0] in "CMZ" for one in text)


def _empty(candidate: Candidate, _: Rules) -> str | None:
    sample = candidate.sample
    if _is_blank(sample.user_input):
        return "user_input is empty"
    for number, turn in enumerate(sample.conversation):
        if _is_blank(turn.content or "") and not turn.tool_calls:
            return f"conversation[{number}] is empty"
    expected = (sample.expected_response or "", *candidate.key_points)
    if all(_is_blank(text) for text in expected):
        return "neither expected_response nor key_points say what is expected"
    return None


def _too_short(candidate: Candidate, rules: Rules) -> str | None:
    """Only the input: a right answer may be a single word."""
    length, least = len(candidate.sample.user_input.strip()), rules.min_characters
    if length >= least:
        return None
    return f"user_input has {length} characters; at least {least} are wanted"


def _too_long(candidate: Candidate, rules: Rules) -> str | None:
    for where, text in _texts(candidate):
        length, most = len(text.strip()), rules.max_characters
        if length > most:
            return f"{where} has {length} characters; at most {most} are taken"
    return None


def _unknown_tool(candidate: Candidate, rules: Rules) -> str | None:
    for where, call in _calls(candidate):
        if call.name not in rules.schemas:
            known = ", ".join(rules.schemas) or "none"
            return f"{where}: there is no tool {call.name[:80]!r}; there are: {known}"
    return None


def _bad_arguments(candidate: Candidate, rules: Rules) -> str | None:
    calls, texts = list(_calls(candidate)), candidate.arguments
    if len(texts) > len(calls):
        return "there are arguments without a tool call"
    for (where, call), text in zip_longest(calls, texts):
        said = _misfit(call, text, rules.schemas[call.name])
        if said:
            return f"{where} ({call.name[:80]}): {said}"
    return None


def _misfit(call: ToolCall, text: str | None, schema: Schema) -> str | None:
    """What is wrong with the arguments: as the model wrote them, where that is known."""
    try:
        arguments = dict(call.arguments) if text is None else json_object(text)
        check_json(arguments, "arguments")
    except RecordError as error:
        return str(error)
    return schema.misfit(arguments)


def json_object(text: str) -> dict[str, Any]:
    """The JSON object that a text is, of at most 20,000 characters.

    Raises RecordError for any other text, for a key that is there twice, as readers differ in which
    of them counts, and for NaN and Infinity.
    """
    if len(text) > MAX_ARGUMENTS:
        raise RecordError(f"arguments of {len(text)} characters; at most {MAX_ARGUMENTS} are taken")
    try:
        value = json.loads(text, parse_constant=_no_json, object_pairs_hook=_once)
    except RecordError:
        raise
    except (ValueError, RecursionError):
        raise RecordError("the arguments are not JSON") from None
    if not isinstance(value, dict):
        raise RecordError("the arguments are no JSON object")
    return value


def _no_json(constant: str) -> NoReturn:
    raise RecordError(f"the arguments hold {constant}, which is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise RecordError("the arguments hold a key twice")
    return found


def _placeholder(candidate: Candidate, _: Rules) -> str | None:
    for where, text in _texts(candidate):
        found = placeholder(text)
        if found:
            return f"{where} holds the placeholder {found!r}"
    for where, call in _calls(candidate):
        found = argument_placeholder(call.arguments)
        if found:
            return f"{where} ({call.name[:80]}) holds the placeholder {found!r}"
    return None


def _personal_data(candidate: Candidate, _: Rules) -> str | None:
    arguments = ((where, _as_text(call.arguments)) for where, call in _calls(candidate))
    for where, text in (*_texts(candidate), *arguments):
        for found in personal_data(text):
            return f"{where} holds what looks like personal data: {found.kind} {found.masked}"
    return None


def _as_text(arguments: Mapping[str, Any]) -> str:
    return json.dumps(dict(arguments), ensure_ascii=False)


def _runs(text: str, length: int) -> Runs:
    """The distinct runs of so many words, in the text's `same_form`."""
    words = _WORD.findall(same_form(text))
    starts = range(len(words) - length + 1)
    return frozenset(tuple(words[start : start + length]) for start in starts)


def _copied(own: str, example: str) -> str | None:
    """The words in a row that a text has from an example, when they make a copy of it."""
    length = min(max(RUN, -(-len(_WORD.findall(same_form(own))) // 2)), LONG_RUN)
    common = _runs(own, length) & _runs(example, length)
    return " ".join(min(common)) if common else None


_CHECKS: Mapping[str, Check] = {
    "empty": _empty,
    "too_short": _too_short,
    "too_long": _too_long,
    "unknown_tool": _unknown_tool,
    "bad_arguments": _bad_arguments,
    "placeholder": _placeholder,
    "personal_data": _personal_data,
}
