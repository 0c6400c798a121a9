"""Inspect AI: the log of an evaluation, as .eval (a zip file) or .json.

Each scorer is a grader, each epoch an attempt. `C` and true are 1, `P` is 0.5, `I`, `N` and false
are 0, as Inspect counts them; a number counts as it is and passes at 1. A scorer that gives several
values is as many graders; one whose numbers leave 0 to 1 is no grader, and a note says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from goldloop.errors import RecordError
from goldloop.evaluation import Attempt, Evaluation, GraderFacts
from goldloop.graders.grader import Grade
from goldloop.json_values import identifier_at
from goldloop.samples import ToolCall
from sync.adapters.foreign import (
    About,
    Row,
    count,
    evaluation_of,
    grader_version,
    listed,
    mapping,
    name,
    number,
    plain,
    print_of,
    sample_id_of,
    text,
)

_LETTERS = {"c": 1.0, "p": 0.5, "i": 0.0, "n": 0.0}
_WORDS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}
_MOST_CALLS = 1000
_ABSENT = "the log does not hold it: the evaluation ended before"
Log = Mapping[str, Any]
_Part = tuple[str, str | None]  # a scorer, and which of its values where it gives several
_Names = Mapping[_Part, str]


def is_inspect(document: object) -> bool:
    """Whether a JSON document is a log of Inspect."""
    log = mapping(document)
    return isinstance(log.get("eval"), Mapping) and "status" in log


def read_inspect(log: Log, samples: Iterable[Mapping[str, Any]], file: str) -> Evaluation:
    """The evaluation of a log's header and samples.

    Raises RecordError for a log that is still being written, or that no scorer graded.
    """
    spec, status = mapping(log.get("eval")), log.get("status")
    if status == "started":
        raise RecordError(f"{file} is still being written; wait until the evaluation has ended")
    found = list(samples)
    names = _names(found)
    ranged = _out_of_range(found, names)
    rows = [_row(one, place, file, names, ranged) for place, one in enumerate(found)]
    graders = tuple(_graders(found, spec, names, ranged))
    if not graders:
        raise RecordError(f"{file} has no scorer with values from 0 to 1; score it: inspect score")
    about = About(
        file=file,
        made_by="inspect",
        agent_version=name(spec.get("model"), "inspect"),
        dataset=name(mapping(spec.get("dataset")).get("name") or spec.get("task"), "inspect"),
        graders=graders,
        created_at=name(spec.get("created"), "") or None,
        notes=tuple(_notes(found, names, ranged)),
    )
    return evaluation_of([*rows, *_absent(spec, rows, found)], about)


def _notes(samples: Iterable[Mapping[str, Any]], names: _Names, ranged: set[str]) -> Iterator[str]:
    for one in sorted(ranged):
        yield f"scorer {one} gives numbers outside of 0 to 1, so it grades nothing here"
    values = (
        (label, _score(value)) for one in samples for _, label, value, _ in _values(one, names)
    )
    between = {label for label, score in values if score not in (None, 0.0, 1.0)} - ranged
    for one in sorted(between):
        yield f"scorer {one} gives more than right and wrong, and passes at 1; see --metric score"


def _row(sample: Mapping[str, Any], place: int, file: str, names: _Names, ranged: set[str]) -> Row:
    where = f"{file}: samples[{place}]"
    metadata = mapping(sample.get("metadata"))
    sample_id = sample_id_of(metadata, f"{where}.metadata") or identifier_at(sample, "id", where)
    if sample_id is None:
        raise RecordError(f"{where} has no id; every sample of a log has one")
    asked = sample.get("input")
    content = print_of([_plain_turns(asked), sample.get("target")])
    return Row(sample_id, content, text(_asked(asked)), metadata, _attempt(sample, names, ranged))


def _plain_turns(asked: object) -> object:
    """What was asked, without the ids that every run gives its messages anew."""
    if not isinstance(asked, list):
        return asked
    return [{key: v for key, v in mapping(turn).items() if key != "id"} for turn in asked]


def _asked(asked: object) -> object:
    """The last turn of a conversation, or the one question."""
    turns = listed(asked)
    return _content(mapping(turns[-1]).get("content")) if turns else asked


def _content(content: object) -> str:
    """A message's content: a text, or a list of parts of which the texts count."""
    if isinstance(content, str):
        return content
    return "\n".join(text(mapping(part).get("text")) for part in listed(content))


def _attempt(sample: Mapping[str, Any], names: _Names, ranged: set[str]) -> Attempt:
    error = mapping(sample.get("error")).get("message") or sample.get("error")
    usage = [mapping(one) for one in mapping(sample.get("model_usage")).values()]
    seconds = number(sample.get("working_time")) or number(sample.get("total_time"))
    return Attempt(
        grades=()
        if error
        else tuple(grade for _, grade in _grades(sample, names) if grade.grader not in ranged),
        error=text(error, 1000) if error else None,
        response=_response(sample),
        tool_calls=tuple(_calls(sample)),
        seconds=seconds if seconds is None or seconds >= 0 else None,
        input_tokens=_sum(usage, "input_tokens"),
        output_tokens=_sum(usage, "output_tokens"),
    )


def _sum(usage: Sequence[Mapping[str, Any]], key: str) -> int | None:
    known = [found for one in usage if (found := count(one.get(key))) is not None]
    return sum(known) if known else None


def _response(sample: Mapping[str, Any]) -> str | None:
    output = mapping(sample.get("output"))
    said = output.get("completion")
    if not said:
        choices = listed(output.get("choices"))
        message = mapping(mapping(choices[0]).get("message")) if choices else {}
        said = _content(message.get("content"))
    return text(said) if said else None


def _calls(sample: Mapping[str, Any]) -> Iterator[ToolCall]:
    """The calls of the agent's own turns, which come after those that were asked."""
    asked = sample.get("input")
    before = len(asked) if isinstance(asked, list) else 1
    turns = [mapping(turn) for turn in listed(sample.get("messages"))[before:]]
    said = [turn for turn in turns if turn.get("role") == "assistant"]
    calls = [mapping(call) for turn in said for call in listed(turn.get("tool_calls"))]
    for call in calls[:_MOST_CALLS]:
        yield ToolCall(name(call.get("function"), "unnamed"), plain(mapping(call.get("arguments"))))


def _parts(sample: Mapping[str, Any]) -> Iterator[tuple[_Part, object, Mapping[str, Any]]]:
    """Every value of every scorer: whose it is, the value, the whole score."""
    for scorer, score in mapping(sample.get("scores")).items():
        said = mapping(score)
        value = said.get("value")
        if isinstance(value, Mapping):
            yield from (((scorer, str(key)), part, said) for key, part in value.items())
        elif isinstance(value, list):
            several = enumerate(value[:100], start=1)
            yield from (((scorer, str(place)), part, said) for place, part in several)
        else:
            yield (scorer, None), value, said


def _names(samples: Iterable[Mapping[str, Any]]) -> _Names:
    """What each part of a score is called as a grader. Of two that would be called alike (a scorer
    a.b, and b of a scorer a) the second has a number, the same one in every sample.
    """
    parts = {part for one in samples for part, _, _ in _parts(one)}
    named: dict[_Part, str] = {}
    taken: dict[str, int] = {}
    for scorer, key in sorted(parts, key=lambda part: (part[1] is not None, part[0], part[1])):
        whole = name(scorer, "scorer")
        label = base = whole if key is None else name(f"{whole}.{key}", whole)
        while label in taken:
            taken[base] += 1
            label = f"{base} #{taken[base]}"
        taken[label] = 1
        named[scorer, key] = label
    return named


def _values(
    sample: Mapping[str, Any], names: _Names
) -> Iterator[tuple[str, str, object, Mapping[str, Any]]]:
    """Every value: the scorer, the grader's name, the value, the whole score."""
    for part, value, said in _parts(sample):
        yield part[0], names[part], value, said


def _grades(sample: Mapping[str, Any], names: _Names) -> Iterator[tuple[str, Grade]]:
    for scorer, label, value, said in _values(sample, names):
        score = _score(value)
        reason = text(said.get("explanation") or said.get("answer"), 2000)
        if score is None:
            why = f"no score: {name(said.get('reason') or value, 'it gave none')}"
            yield scorer, Grade(label, None, None, reason, error=why)
        else:
            yield scorer, Grade(label, score, score >= 1.0 - 1e-9, reason)


def _score(value: object) -> float | None:
    """A value as a number; None for one that stands for none."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        return _LETTERS.get(value.lower(), _WORDS.get(value.lower(), _parsed(value)))
    return number(value)


def _parsed(value: str) -> float | None:
    try:
        return number(float(value[:30]))
    except ValueError:
        return None


def _out_of_range(samples: Iterable[Mapping[str, Any]], names: _Names) -> set[str]:
    return {
        label
        for sample in samples
        for _, label, value, _ in _values(sample, names)
        if (score := _score(value)) is not None and not 0.0 <= score <= 1.0
    }


def _graders(
    samples: Iterable[Mapping[str, Any]], spec: Log, names: _Names, ranged: set[str]
) -> Iterator[GraderFacts]:
    """Who graded, by name; a scorer of Inspect that asks a model is a judge."""
    known = {mapping(one).get("name"): mapping(one) for one in listed(spec.get("scorers"))}
    named = {label: scorer for one in samples for scorer, label, _, _ in _values(one, names)}
    for label in sorted(named.keys() - ranged):
        scorer = known.get(named[label], {})
        registered = str(scorer.get("name") or named[label])
        options = mapping(scorer.get("options"))
        judged = registered.rpartition("/")[2].startswith("model_graded")
        model = options.get("model")
        yield GraderFacts(
            name=label,
            kind="judge" if judged else f"inspect:{name(registered, 'scorer')}",
            version=grader_version(registered, options),
            model=name(model, "") or None if isinstance(model, str) else None,
        )


def _absent(spec: Log, rows: Sequence[Row], samples: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """The attempts that should be there and are not, as errors: a lost case is no passed one."""
    wanted = listed(mapping(spec.get("dataset")).get("sample_ids"))
    epochs = count(mapping(spec.get("config")).get("epochs")) or 1
    by_id = {str(one.get("id")): row for one, row in zip(samples, rows, strict=True)}
    have: dict[str, int] = {}
    for one in samples:
        have[str(one.get("id"))] = have.get(str(one.get("id")), 0) + 1
    for key in map(str, wanted[:100_000]):
        known = by_id.get(key)
        row = known or Row(name(key, "sample"), "", "", {}, Attempt())
        for _ in range(min(epochs, 100) - have.get(key, 0)):
            yield Row(
                row.sample_id, row.content, row.user_input, row.metadata, Attempt(error=_ABSENT)
            )
