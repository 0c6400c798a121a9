"""What an evaluation is made of: the cases of a version, their graders, and the branch."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from goldloop.canonical import canonical_json
from goldloop.errors import RecordError, SettingsError, VersionError
from goldloop.evaluation import Case
from goldloop.evaluation.summary import LEAST_CHANCE
from goldloop.graders import Grader, GraderSet, case_graders, expected_graders, read_graders
from goldloop.json_values import number_at
from goldloop.printable import printable
from goldloop.samples import Sample
from goldloop.versions import Item, content_of, item_id
from store.database import Store, create_store
from store.lineage import tasks_of_sample
from sync.exports.case import case_of
from sync.project import Project
from views.lineage import linked
from views.version_folder import (
    checked_items,
    dataset_folder,
    find_version,
    parse_reference,
    with_dataset,
)

GRADERS = "graders.toml"
MAX_GRADERS_FILE = 10_000_000
_BRANCH = re.compile(r"ref: refs/heads/(\S{1,200})\s*")


@dataclass(frozen=True, slots=True)
class Question:
    """A case before the agent was asked: what it is, what is expected, and who grades it."""

    case: Case
    sample: Sample
    graders: tuple[Grader, ...] = ()


@dataclass(frozen=True, slots=True)
class Questions:
    """The cases of a dataset version that are evaluated, in the order of their ids; `ungraded` are
    those that no grader applies to, which are not asked.
    """

    dataset: str
    version: str
    content_fingerprint: str
    labels_fingerprint: str
    asked: tuple[Question, ...]
    ungraded: tuple[str, ...] = ()


def store_of(project: Project) -> Store:
    """The project's store; a new one in a fresh checkout, which has none."""
    path = project.path(project.settings.store.path)
    return project.open_store() if path.exists() else create_store(path)


def reference_of(project: Project, text: str | None) -> tuple[str, str]:
    """NAME@VERSION, NAME for its newest version, or VERSION of the dataset of the settings."""
    named = project.settings.dataset.name
    root = project.path(project.settings.store.versions)
    return parse_reference(root, with_dataset(text or named, named))


def questions_of(
    project: Project,
    db: Store,
    dataset: str,
    version: str,
    *,
    tags: Sequence[str] = (),
    difficulties: Sequence[str] = (),
) -> Questions:
    """The cases of a version, or those with one of the tags and one of the difficulties.

    Raises VersionError for a version that is not as it was committed, or has no such case.
    """
    root = project.path(project.settings.store.versions)
    prints = find_version(root, dataset, version).manifest["fingerprints"]
    asked = tuple(
        _question(db, item)
        for item in checked_items(root, dataset, version)
        if _wanted(item, tags, difficulties)
    )
    if not asked:
        part = ", ".join([*(f"tag {tag}" for tag in tags), *difficulties])
        raise VersionError(
            f"{dataset}@{version} has no case{f' of {part}' if part else ''}; nothing to evaluate"
        )
    in_order = tuple(sorted(asked, key=lambda one: one.case.sample_id))
    return Questions(dataset, version, prints["content"], prints["labels"], in_order)


def _wanted(item: Item, tags: Sequence[str], difficulties: Sequence[str]) -> bool:
    tagged = not tags or bool(set(tags) & set(item.get("tags") or ()))
    return tagged and (not difficulties or item.get("difficulty") in difficulties)


def _question(db: Store, item: Item) -> Question:
    """Raises VersionError for an item that is none of ours, though its version is as committed."""
    try:
        sample = replace(case_of(item), sample_id=item_id(item))
        selection = item.get("selection") or {}
        chance = number_at(selection, "inclusion_probability", 0.0, 1.0)
        if chance is not None and 0.0 < chance < LEAST_CHANCE:
            raise RecordError(f"selection.inclusion_probability is {chance:g}, below 1e-12")
    except (RecordError, KeyError, TypeError, AttributeError) as error:
        said = error if isinstance(error, RecordError) else repr(error)
        named = printable(str(item["sample_id"]))
        raise VersionError(f"sample {named!r} is no whole item of a version: {said}") from None
    case = Case(
        sample_id=sample.sample_id,
        content=mark_of(content_of(item)),
        attempts=(),
        user_input=sample.user_input,
        cluster_id=sample.cluster_id,
        tags=sample.tags,
        difficulty=sample.difficulty,
        source=sample.source,
        inclusion_probability=chance or None,
        task_url=_task_url(db, sample.sample_id),
    )
    return Question(case, sample)


def _task_url(db: Store, sample_id: str) -> str | None:
    links = (linked(task)["link"] for task in tasks_of_sample(db, sample_id))
    return next((str(link) for link in links if link), None)


def graders_of(project: Project, dataset: str, path: Path | None = None) -> GraderSet:
    """The graders of the file given, else of [evaluation] graders, else of the dataset's folder;
    else those for what each case expects.

    Raises SettingsError that names the file and the place in it, and VersionError for a dataset
    whose name is none.
    """
    settings = project.settings.evaluation
    own = dataset_folder(project.path(project.settings.store.versions), dataset) / GRADERS
    if path is None and settings.graders:
        path = project.path(settings.graders)
    elif path is None and own.is_file():
        path = own
    if path is None:
        return expected_graders(settings.judge or None)
    return read_graders(_parsed(path), str(path))


def _parsed(path: Path) -> object:
    """A file of graders, as JSON by its ending, else as TOML."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_GRADERS_FILE + 1)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}; expected graders") from None
    if len(content) > MAX_GRADERS_FILE:
        raise SettingsError(f"{path} is larger than {MAX_GRADERS_FILE:,} bytes; expected graders")
    form = "JSON" if path.suffix == ".json" else "TOML"
    try:
        text = content.decode("utf-8-sig")
        value: object = json.loads(text) if form == "JSON" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path} is not valid {form}: {error}") from None
    return value


def graded(questions: Questions, graders: GraderSet) -> Questions:
    """Each case with its graders, without those that none applies to.

    Raises RecordError where none applies to any, and SettingsError for a case whose own graders
    are wrong.
    """
    every = [replace(one, graders=case_graders(graders, one.sample)) for one in questions.asked]
    asked = tuple(one for one in every if one.graders)
    if not asked:
        raise RecordError(
            f"no grader applies to any of the {len(every)} cases of "
            f"{questions.dataset}@{questions.version}; give a file of graders with --graders, or "
            "set [evaluation] judge to a model that grades responses"
        )
    ungraded = tuple(one.case.sample_id for one in every if not one.graders)
    return replace(questions, asked=asked, ungraded=ungraded)


def notes_of(questions: Questions, graders: GraderSet) -> tuple[str, ...]:
    """What is not graded, in words."""
    notes = []
    if questions.ungraded:
        total = len(questions.ungraded) + len(questions.asked)
        notes.append(
            f"{len(questions.ungraded)} of {total} cases left out: no grader applies to them "
            f"({listed(questions.ungraded)})"
        )
    if graders.fingerprint == expected_graders(None).fingerprint:
        unheard = sum(one.sample.expected_response is not None for one in questions.asked)
        if unheard:
            notes.append(
                f"the responses of {unheard} cases are not graded, only their tool calls; set "
                "[evaluation] judge to grade them"
            )
    return tuple(notes)


def listed(ids: Sequence[str], most: int = 5) -> str:
    """The first few ids for a message, and how many more there are."""
    more = f" and {len(ids) - most} more" if len(ids) > most else ""
    return ", ".join(printable(one, 60) for one in ids[:most]) + more


def mark_of(value: object) -> str:
    """Sixteen hexadecimal digits that change with a JSON value."""
    return sha256(canonical_json(value)).hexdigest()[:16]


def branch_of(folder: Path) -> str | None:
    """The branch that is checked out where `folder` lies; None outside of Git, and for a commit
    that is checked out by itself.
    """
    for above in (folder, *folder.parents):
        found = above / ".git"
        if found.exists():
            return _branch(found)
    return None


def _branch(found: Path) -> str | None:
    try:
        if found.is_file():  # a second work tree: a pointer to the folder where its HEAD is
            pointer = found.read_text(encoding="utf-8")[:4096].removeprefix("gitdir:").strip()
            found = found.parent / pointer
        head = (found / "HEAD").read_text(encoding="utf-8")[:4096]
    except (OSError, ValueError):
        return None
    match = _BRANCH.fullmatch(head)
    return match[1] if match and match[1].isprintable() else None
