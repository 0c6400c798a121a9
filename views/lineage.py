"""show: everything that led to one item, from where it came to the versions that hold it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from goldloop.errors import GoldloopError, VersionError
from goldloop.printable import printable
from goldloop.records import sample_record
from goldloop.version_diff import diff_items
from goldloop.versions import Item
from label_config.interface import Interface
from label_config.results import read_result
from store.annotations import people
from store.consensus import stored_consensus
from store.database import Store
from store.lineage import (
    check_of,
    entry,
    forms_of_answers,
    further_asked,
    rounds_of,
    sample_ids,
    tasks_of_sample,
)
from store.runs import shown_runs, stored_runs
from store.samples import get_sample
from views.evaluations import evaluations_of_sample
from views.project import Project, interface_in_use
from views.version_folder import (
    checked_items,
    dataset_names,
    read_manifest,
    version_names,
)

NEAREST = 5


class UnknownSampleError(GoldloopError):
    """Neither the store nor a version holds a sample of that id."""

    exit_code = 2


def lineage(project: Project, db: Store, sample_id: str) -> dict[str, Any]:
    """Everything that is known of a sample, as plain values; sections are empty where there is
    nothing, and None where there can be at most one.

    Raises UnknownSampleError, with the ids that are nearest, where nobody knows the sample.
    """
    versions = list(_versions(project.path(project.settings.store.versions), sample_id))
    sample, entered = get_sample(db, sample_id), entry(db, sample_id)
    if sample is None and not any(one["holds_it"] for one in versions):
        raise UnknownSampleError(_unknown(sample_id, sample_ids(db)))
    answers = _annotations(project, db, sample_id)
    return {
        "sample_id": sample_id,
        "sample": None if sample is None else sample_record(sample),
        "entered": entered,
        "runs": _runs(db, sample_id),
        "rounds": rounds_of(db, sample_id),
        "tasks": [linked(task) for task in tasks_of_sample(db, sample_id)],
        "annotations": answers,
        "further_annotators": further_asked(db, sample_id),
        "gold_check": _check(check_of(db, sample_id), people(db)),
        "consensus": _consensus(db, sample_id),
        "adjudication": [one for one in answers if one["decides"]],
        "versions": versions,
        "evaluations": evaluations_of_sample(db, sample_id),
    }


def _unknown(sample_id: str, known: Sequence[str]) -> str:
    """The error's text; ids that hold the word come before those that are spelled alike."""
    if not known:
        return f"there is no sample {printable(sample_id)!r}: the store is empty; goldloop import"
    sought = sample_id.casefold()
    holding = [one for one in known if sought and sought in one.casefold()][:NEAREST]
    alike = get_close_matches(sample_id[:200], known, NEAREST, 0.5)
    nearest = list(dict.fromkeys([*holding, *alike]))[:NEAREST] or known[:NEAREST]
    listed = ", ".join(printable(one, 60) for one in nearest)
    return f"there is no sample {printable(sample_id)!r}; the nearest are: {listed}"


def _runs(db: Store, sample_id: str) -> list[dict[str, Any]]:
    """The runs without their traces, oldest first; `shown` are those that annotators were given."""
    shown = shown_runs(db, [sample_id])
    found = [
        {
            "agent_version": run.agent_version,
            "shown": key in shown,
            "confidence": run.confidence,
            "confidence_method": run.confidence_method,
            "estimates": dict(run.estimates),
            "response": run.response,
            "tool_calls": [{"name": c.name, "arguments": c.arguments} for c in run.tool_calls],
            "error": run.error,
            "stop_reason": run.stop_reason,
            "input_tokens": run.input_tokens,
            "output_tokens": run.output_tokens,
            "spent_input_tokens": run.spent_input_tokens,
            "spent_output_tokens": run.spent_output_tokens,
            "seconds": run.seconds,
            "created_at": run.created_at,
        }
        for key, run in stored_runs(db, [sample_id]).items()
    ]
    return sorted(found, key=lambda run: (str(run["created_at"]), str(run["agent_version"])))


def linked(task: Mapping[str, Any]) -> dict[str, Any]:
    """A task with the page where it can be looked at; None before it arrived."""
    link = f"{task['url']}/projects/{task['project_id']}/data?task={task['task_id']}"
    return {**task, "link": link if task["task_id"] is not None else None}


def _annotations(project: Project, db: Store, sample_id: str) -> list[dict[str, Any]]:
    """Every form of every annotation, read by the interface that people were shown."""
    interface, names = interface_in_use(project, db), people(db)
    return [_read(interface, names, form) for form in forms_of_answers(db, sample_id)]


def _read(
    interface: Interface, names: Mapping[int, str], form: Mapping[str, Any]
) -> dict[str, Any]:
    """`decides` is true for what settles the sample whatever the votes: an expert's answer, or one
    that was marked as the ground truth.
    """
    answers, unread = read_result(interface, form["result"])
    stands = form["deleted_at"] is None and form["replaced_at"] is None
    settles = form["role"] == "expert" or form["ground_truth"]
    kept = {key: value for key, value in form.items() if key != "result"}
    return {
        **kept,
        "annotator": names.get(form["annotator_id"]),
        "answers": dict(answers),
        "unread": list(unread),
        "decides": stands and settles and not form["was_cancelled"],
    }


def _check(check: Mapping[str, Any] | None, names: Mapping[int, str]) -> dict[str, Any] | None:
    if check is None:
        return None
    return {**check, "voters": {str(who): names.get(who) for who in check["voters"]}}


def _consensus(db: Store, sample_id: str) -> dict[str, Any] | None:
    found = stored_consensus(db, sample_ids=[sample_id])
    return found[0].record() if found else None


def _versions(root: Path, sample_id: str) -> Iterator[dict[str, Any]]:
    """Every version that holds the sample or no longer does, and what changed in it since the one
    before; a damaged version is named with what is wrong about it.
    """
    for dataset in dataset_names(root):
        before: Item | None = None
        for version in version_names(root, dataset):
            named = {"dataset": dataset, "version": version, "holds_it": False}
            try:
                manifest = read_manifest(root, dataset, version)
                item = _item(root, dataset, version, sample_id)
            except VersionError as error:
                yield {**named, "damaged": str(error)}
                continue
            if item is not None or before is not None:
                yield {
                    **named,
                    "holds_it": item is not None,
                    "created_at": manifest["created_at"],
                    "labels": None if item is None else item["labels"],
                    "selection": None if item is None else item.get("selection"),
                    "change": _change(before, item),
                }
            before = item


def _item(root: Path, dataset: str, version: str, sample_id: str) -> Item | None:
    items = checked_items(root, dataset, version)
    return next((one for one in items if one["sample_id"] == sample_id), None)


def _change(before: Item | None, after: Item | None) -> dict[str, Any]:
    """`added`, `removed`, `unchanged`, or `changed` with every value that was and is, by its path,
    and what moved each label.
    """
    if before is None or after is None:
        return {"kind": "added" if before is None else "removed"}
    found = diff_items(str(after["sample_id"]), before, after)
    if not (found.changes or found.relabelled or found.evidence):
        return {"kind": "unchanged"}
    return {"kind": "changed", **found.record()}
