"""The story of one item in words: what `lineage` found, a step for everything that happened."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goldloop.printable import printable
from goldloop.version_diff import Cause, Reason
from views.diff_rows import reason_text

LONG, LONGER = 100, 400
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened, or is known: when as far as it was written down, and details.

    `link` is the task in Label Studio, `round_id` the round, `version` the NAME@VERSION and
    `evaluation_id` the evaluation that it is about; `adverse` marks what went wrong.
    """

    says: str
    details: tuple[str, ...] = ()
    when: str | None = None
    link: str | None = None
    round_id: int | None = None
    version: str | None = None
    evaluation_id: int | None = None
    adverse: bool = False


def story(found: Record) -> dict[str, list[Step]]:
    """The steps of every section, in the order in which they came about; empty ones too."""
    return {title: list(steps(found)) for title, steps in _SECTIONS.items()}


def _origin(found: Record) -> Iterator[Step]:
    sample, entered = found["sample"], found["entered"]
    if sample is None:
        yield Step("the store does not know it; what follows is from the versions that hold it")
        return
    details = [f"permanent random number {entered['prn']:.6f}"]
    for key in ("difficulty", "cluster_id"):
        if sample[key] is not None:
            details.append(f"{key.replace('_id', '')} {sample[key]}")
    if sample["tags"]:
        details.append(f"tags {', '.join(sample['tags'])}")
    details += [f"metadata {_short(key)}: {_short(v)}" for key, v in sample["metadata"].items()]
    when = entered["created_at"]
    says = f"source {sample['source']}, entered the pool {time_text(when)}"
    yield Step(says, tuple(details), when)


def _asked(found: Record) -> Iterator[Step]:
    sample = found["sample"]
    if sample is None:
        return
    for turn in sample["conversation"]:
        yield Step(f"{turn['role']}: {_short(turn.get('content'))}")
    yield Step(f"user: {_short(sample['user_input'], LONGER)}")
    if sample["expected_response"]:
        yield Step(f"expected response: {_short(sample['expected_response'], LONGER)}")
    if sample["expected_tool_calls"] is not None:
        yield Step(f"expected tool calls: {_calls(sample['expected_tool_calls'])}")


def _runs(found: Record) -> Iterator[Step]:
    for run in found["runs"]:
        shown = ", shown to annotators" if run["shown"] else ""
        says = f"{_short(run['agent_version'])} at {time_text(run['created_at'])}{shown}"
        yield Step(says, tuple(_of_run(run)), run["created_at"], adverse=bool(run["error"]))


def _of_run(run: Record) -> Iterator[str]:
    method = run["confidence_method"] or "a method that it does not name"
    if run["confidence"] is not None:
        yield f"confidence {run['confidence']:.3f} by {_short(method)}"
    else:
        yield "no confidence"
    for name, value in sorted(run["estimates"].items()):
        yield f"  {_short(name)} {value:.3f}"
    if run["error"]:
        yield f"failed: {_short(run['error'])}"
    if run["stop_reason"]:
        yield f"stopped: {run['stop_reason']}"
    if run["response"]:
        yield f"said: {_short(run['response'])}"
    yield f"called: {_calls(run['tool_calls'])}"
    yield _cost(run)


def _cost(run: Record) -> str:
    """The run's own tokens, everything that was spent for it, and how long it took."""
    pairs = [(run["input_tokens"], run["output_tokens"])]
    pairs += [(run["spent_input_tokens"], run["spent_output_tokens"])]
    own, spent = (f"{_known(given)} in, {_known(taken)} out" for given, taken in pairs)
    seconds = "" if run["seconds"] is None else f"; {run['seconds']:.1f} s"
    if pairs == [(None, None)] * 2:
        return f"tokens not known{seconds}"
    return f"tokens {own}; with its confidence {spent}{seconds}"


def _rounds(found: Record) -> Iterator[Step]:
    for one in found["rounds"]:
        when, number = one["created_at"], one["round_id"]
        head = f"round {number} of {time_text(when)}"
        if one["reason"] is None:
            says = f"{head}: left out, because it says what {_short(one['duplicate_of'])} says"
            yield Step(says, (), when, round_id=number)
            continue
        kind = "novel " if one["novel"] else ""
        says = (
            f"{head} ({_short(one['agent_version'])}): picked as {one['reason']}, rank "
            f"{one['rank']} of {one['batch_size']}, from a pool of {one['pool_size']:,}"
        )
        detail = (
            f"{kind}uncertainty {one['uncertainty']:.3f}, confidence {_known(one['confidence'])},"
            f" chance in this round {one['inclusion_probability']:.4f}"
        )
        yield Step(says, (detail,), when, round_id=number)


def _tasks(found: Record) -> Iterator[Step]:
    for one in found["tasks"]:
        task = "not there yet" if one["task_id"] is None else f"task {one['task_id']}"
        says = f"{one['role']} project {one['project_id']}, {task}, {one['state']}"
        when = one["delivered_at"] or one["sent_at"]
        yield Step(says, (one["link"],) if one["link"] else (), when, one["link"])
    for one in found["further_annotators"]:
        asked = "" if one["confirmed_at"] else ", not confirmed yet"
        when = one["planned_at"]
        yield Step(f"{one['overlap']} people asked in all from {time_text(when)}{asked}", (), when)


def _annotations(found: Record) -> Iterator[Step]:
    for one in found["annotations"]:
        says = f"{_who(one)} at {time_text(one['updated_at'])}: {', '.join(_marks(one))}"
        details = [f"{_short(name)}: {_short(value)}" for name, value in one["answers"].items()]
        details += [f"not read: {_short(problem)}" for problem in one["unread"]]
        yield Step(says, tuple(details), one["updated_at"], adverse=bool(one["unread"]))


def _who(one: Record) -> str:
    name = one["annotator"] or "somebody without a name"
    return f"#{one['annotation_id']} {_short(name)} ({one['annotator_id']})"


def _marks(one: Record) -> Iterator[str]:
    """What became of an annotation, and what it is."""
    if one["replaced_at"]:
        yield f"an earlier form, until {time_text(one['replaced_at'])}"
    elif one["deleted_at"]:
        yield f"deleted by {time_text(one['deleted_at'])}"
    elif one["was_cancelled"]:
        yield "skipped"
    else:
        yield "counts" if one["counts"] else "does not count"
    if one["role"] == "expert":
        yield "in the experts' project"
    if one["is_check"]:
        yield "answers a gold check"
    if one["ground_truth"]:
        yield "ground truth"
    if one["returned_from"]:
        yield f"brought back from the experts' #{one['returned_from']}"
    if one["lead_time"] is not None:
        yield f"{one['lead_time']:.1f} s"
    if one["updated_by"] not in (None, one["annotator_id"]):
        yield f"last changed by {one['updated_by']}"


def _agreed(found: Record) -> Iterator[Step]:
    one = found["consensus"]
    if one is None:
        return
    says = (
        f"{one['state']}; agreement rate {_known(one['agreement_rate'])}; {one['annotators']} "
        f"annotators, {one['skips']} skips; computed {time_text(one['updated_at'])}"
    )
    details = (line for name, field in one["fields"].items() for line in _of_field(name, field))
    yield Step(says, tuple(details), one["updated_at"])


def _of_field(name: str, field: Record) -> Iterator[str]:
    sure = "" if field["confidence"] is None else f", confidence {field['confidence']:.3f}"
    value = "nothing stands" if field["value"] is None else _short(field["value"])
    yield (
        f"{_short(name)}: {value} ({field['state']} by {field['method']}{sure}, "
        f"{field['votes']} votes)"
    )
    if field["reason"]:
        yield f"  {_short(field['reason'], LONGER)}"


def _decided(found: Record) -> Iterator[Step]:
    for one in found["adjudication"]:
        said = ", ".join(f"{_short(k)}={_short(v)}" for k, v in one["answers"].items())
        when = one["updated_at"]
        yield Step(f"{_who(one)} at {time_text(when)}: {said or 'no answer'}", (), when)


def _checks(found: Record) -> Iterator[Step]:
    check = found["gold_check"]
    if check is not None:
        names = [_short(name or who) for who, name in check["voters"].items()]
        says = (
            f"given to further people with round {check['round_id']} ({check['overlap']} in all); "
            f"settled before by {', '.join(names) or 'nobody'}"
        )
        yield Step(says, (), check["planned_at"], round_id=check["round_id"])


def _versions(found: Record) -> Iterator[Step]:
    for one in found["versions"]:
        name = f"{one['dataset']}@{one['version']}"
        if "damaged" in one:
            says = f"{name} cannot be read: {one['damaged']}"
            yield Step(says, version=name, adverse=True)
            continue
        when = one["created_at"]
        says = f"{name} of {time_text(when)}: {one['change']['kind']}"
        yield Step(says, tuple(_changed(one["change"])), when, version=name)


def _changed(change: Record) -> Iterator[str]:
    for one in change.get("relabelled", ()):
        yield f"label {_short(one['field'])}: {_moved(one)}"
        for reason in one["reasons"]:
            known = {**reason, "cause": Cause(reason["cause"])}
            yield f"  {_short(reason_text(Reason(**known)))}"
    for one in (*change.get("changes", ()), *change.get("evidence", ())):
        yield f"{_short(one['path'])}: {_moved(one)}"


def _moved(change: Record) -> str:
    old, new = (_short(change[key]) if key in change else "absent" for key in ("old", "new"))
    return f"{old} -> {new}"


def _evaluations(found: Record) -> Iterator[Step]:
    for one in found["evaluations"]:
        when, number = one["created_at"], one["evaluation_id"]
        came = f"passed {one['passed']} of {one['runs']}" if one["runs"] else "not run yet"
        says = (
            f"evaluation {number} of {_short(one['agent_version'])} on {one['dataset']}"
            f"@{one['version']} at {time_text(when)}: {came}"
        )
        details = [f"{one['errors']} came to nothing: {_short(one['error'])}"]
        details = (details if one["errors"] else []) + ([one["reason"]] if one["reason"] else [])
        adverse = one["passed"] < one["graded"]
        yield Step(says, tuple(details), when, evaluation_id=number, adverse=adverse)


ASKED, DECIDED = "what is asked", "adjudication"
_SECTIONS: Mapping[str, Callable[[Record], Iterator[Step]]] = {
    "where it came from": _origin,
    ASKED: _asked,
    "runs": _runs,
    "selection": _rounds,
    "in Label Studio": _tasks,
    "annotations": _annotations,
    "consensus": _agreed,
    DECIDED: _decided,
    "gold check": _checks,
    "versions": _versions,
    "evaluations": _evaluations,
}


def _calls(calls: Sequence[Record]) -> str:
    return ", ".join(f"{c['name']}({_short(c['arguments'])})" for c in calls) or "nothing"


def _known(value: float | None) -> str:
    if value is None:
        return "not known"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def time_text(time: str | None) -> str:
    """A time to the second.

    >>> time_text("2026-03-01T10:20:30.123Z")
    '2026-03-01 10:20:30'
    """
    return "at a time not known" if time is None else time[:19].replace("T", " ")


def _short(value: Any, limit: int = LONG) -> str:
    """A value in one line: a text as it is, anything else as JSON."""
    if value is None:
        return "nothing"
    if isinstance(value, float):
        return f"{value:.4g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=list)
    return printable(text, limit)
