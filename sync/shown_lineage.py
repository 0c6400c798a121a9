"""What `show` prints: one item's whole story, a section at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from goldloop.printable import printable
from goldloop.version_diff import Cause, Reason
from sync import terminal
from sync.shown_versions import reason_text

LONG, LONGER = 100, 400
Record = Mapping[str, Any]


def show_lineage(found: Record) -> None:
    """Every section that has something, in the order in which it came about."""
    terminal.result(printable(found["sample_id"]))
    for title, lines in _SECTIONS.items():
        text = list(lines(found))
        if text:
            terminal.result(f"\n{title}")
            for line in text:
                terminal.result(f"  {printable(line, LONGER)}")


def _origin(found: Record) -> Iterator[str]:
    sample, entered = found["sample"], found["entered"]
    if sample is None:
        yield "the store does not know it; what follows is from the versions that hold it"
        return
    yield f"source {sample['source']}, entered the pool {_when(entered['created_at'])}"
    yield f"permanent random number {entered['prn']:.6f}"
    for key in ("difficulty", "cluster_id"):
        if sample[key] is not None:
            yield f"{key.replace('_id', '')} {sample[key]}"
    if sample["tags"]:
        yield f"tags {', '.join(sample['tags'])}"
    for key, value in sample["metadata"].items():
        yield f"metadata {_short(key)}: {_short(value)}"


def _asked(found: Record) -> Iterator[str]:
    sample = found["sample"]
    if sample is None:
        return
    for turn in sample["conversation"]:
        yield f"{turn['role']}: {_short(turn.get('content'))}"
    yield f"user: {_short(sample['user_input'], LONGER)}"
    if sample["expected_response"]:
        yield f"expected response: {_short(sample['expected_response'], LONGER)}"
    if sample["expected_tool_calls"] is not None:
        yield f"expected tool calls: {_calls(sample['expected_tool_calls'])}"


def _runs(found: Record) -> Iterator[str]:
    for run in found["runs"]:
        shown = ", shown to annotators" if run["shown"] else ""
        yield f"{_short(run['agent_version'])} at {_when(run['created_at'])}{shown}"
        method = run["confidence_method"] or "a method that it does not name"
        if run["confidence"] is not None:
            yield f"  confidence {run['confidence']:.3f} by {_short(method)}"
        else:
            yield "  no confidence"
        for name, value in sorted(run["estimates"].items()):
            yield f"    {_short(name)} {value:.3f}"
        if run["error"]:
            yield f"  failed: {_short(run['error'])}"
        if run["stop_reason"]:
            yield f"  stopped: {run['stop_reason']}"
        if run["response"]:
            yield f"  said: {_short(run['response'])}"
        yield f"  called: {_calls(run['tool_calls'])}"
        yield f"  {_cost(run)}"


def _cost(run: Record) -> str:
    """The run's own tokens, everything that was spent for it, and how long it took."""
    pairs = [(run["input_tokens"], run["output_tokens"])]
    pairs += [(run["spent_input_tokens"], run["spent_output_tokens"])]
    own, spent = (f"{_known(given)} in, {_known(taken)} out" for given, taken in pairs)
    seconds = "" if run["seconds"] is None else f"; {run['seconds']:.1f} s"
    if pairs == [(None, None)] * 2:
        return f"tokens not known{seconds}"
    return f"tokens {own}; with its confidence {spent}{seconds}"


def _rounds(found: Record) -> Iterator[str]:
    for one in found["rounds"]:
        head = f"round {one['round_id']} of {_when(one['created_at'])}"
        if one["reason"] is None:
            yield f"{head}: left out, because it says what {_short(one['duplicate_of'])} says"
            continue
        kind = "novel " if one["novel"] else ""
        yield (
            f"{head} ({_short(one['agent_version'])}): picked as {one['reason']}, rank "
            f"{one['rank']} of {one['batch_size']}, from a pool of {one['pool_size']:,}"
        )
        yield (
            f"  {kind}uncertainty {one['uncertainty']:.3f}, confidence {_known(one['confidence'])},"
            f" chance in this round {one['inclusion_probability']:.4f}"
        )


def _tasks(found: Record) -> Iterator[str]:
    for one in found["tasks"]:
        task = "not there yet" if one["task_id"] is None else f"task {one['task_id']}"
        yield f"{one['role']} project {one['project_id']}, {task}, {one['state']}"
        if one["link"]:
            yield f"  {one['link']}"
    for one in found["further_annotators"]:
        asked = "" if one["confirmed_at"] else ", not confirmed yet"
        yield f"{one['overlap']} people asked in all from {_when(one['planned_at'])}{asked}"


def _annotations(found: Record) -> Iterator[str]:
    for one in found["annotations"]:
        yield f"{_who(one)} at {_when(one['updated_at'])}: {', '.join(_marks(one))}"
        for name, value in one["answers"].items():
            yield f"  {_short(name)}: {_short(value)}"
        for problem in one["unread"]:
            yield f"  not read: {_short(problem)}"


def _who(one: Record) -> str:
    name = one["annotator"] or "somebody without a name"
    return f"#{one['annotation_id']} {_short(name)} ({one['annotator_id']})"


def _marks(one: Record) -> Iterator[str]:
    """What became of an annotation, and what it is."""
    if one["replaced_at"]:
        yield f"an earlier form, until {_when(one['replaced_at'])}"
    elif one["deleted_at"]:
        yield f"deleted by {_when(one['deleted_at'])}"
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


def _agreed(found: Record) -> Iterator[str]:
    one = found["consensus"]
    if one is None:
        return
    yield (
        f"{one['state']}; agreement rate {_known(one['agreement_rate'])}; {one['annotators']} "
        f"annotators, {one['skips']} skips; computed {_when(one['updated_at'])}"
    )
    for name, field in one["fields"].items():
        sure = "" if field["confidence"] is None else f", confidence {field['confidence']:.3f}"
        value = "nothing stands" if field["value"] is None else _short(field["value"])
        yield (
            f"{_short(name)}: {value} ({field['state']} by {field['method']}{sure}, "
            f"{field['votes']} votes)"
        )
        if field["reason"]:
            yield f"  {_short(field['reason'], LONGER)}"


def _decided(found: Record) -> Iterator[str]:
    for one in found["adjudication"]:
        said = ", ".join(f"{_short(k)}={_short(v)}" for k, v in one["answers"].items())
        yield f"{_who(one)} at {_when(one['updated_at'])}: {said or 'no answer'}"


def _checks(found: Record) -> Iterator[str]:
    check = found["gold_check"]
    if check is not None:
        names = [_short(name or who) for who, name in check["voters"].items()]
        yield (
            f"given to further people with round {check['round_id']} ({check['overlap']} in all); "
            f"settled before by {', '.join(names) or 'nobody'}"
        )


def _versions(found: Record) -> Iterator[str]:
    for one in found["versions"]:
        name = f"{one['dataset']}@{one['version']}"
        if "damaged" in one:
            yield f"{name} cannot be read: {one['damaged']}"
            continue
        yield f"{name} of {_when(one['created_at'])}: {one['change']['kind']}"
        yield from _changed(one["change"])


def _changed(change: Record) -> Iterator[str]:
    for one in change.get("relabelled", ()):
        yield f"  label {_short(one['field'])}: {_moved(one)}"
        for reason in one["reasons"]:
            known = {**reason, "cause": Cause(reason["cause"])}
            yield f"    {_short(reason_text(Reason(**known)))}"
    for one in (*change.get("changes", ()), *change.get("evidence", ())):
        yield f"  {_short(one['path'])}: {_moved(one)}"


def _moved(change: Record) -> str:
    old, new = (_short(change[key]) if key in change else "absent" for key in ("old", "new"))
    return f"{old} -> {new}"


_SECTIONS: Mapping[str, Callable[[Record], Iterator[str]]] = {
    "where it came from": _origin,
    "what is asked": _asked,
    "runs": _runs,
    "selection": _rounds,
    "in Label Studio": _tasks,
    "annotations": _annotations,
    "consensus": _agreed,
    "adjudication": _decided,
    "gold check": _checks,
    "versions": _versions,
}


def _calls(calls: Sequence[Record]) -> str:
    return ", ".join(f"{c['name']}({_short(c['arguments'])})" for c in calls) or "nothing"


def _known(value: float | None) -> str:
    if value is None:
        return "not known"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _when(time: str | None) -> str:
    return "at a time not known" if time is None else time[:19].replace("T", " ")


def _short(value: Any, limit: int = LONG) -> str:
    """A value in one line: a text as it is, anything else as JSON."""
    if value is None:
        return "nothing"
    if isinstance(value, float):
        return f"{value:.4g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=list)
    return printable(text, limit)
