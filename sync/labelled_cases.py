"""Labelled cases: the runs that people were shown, with what they said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from goldloop.samples import Run, Sample
from store.database import Store
from store.grades import grades
from store.runs import stored_runs
from store.samples import get_samples
from sync.exports.case import case_of
from sync.project import Project
from views.estimate import Question
from views.version_folder import checked_items, version_names


@dataclass(frozen=True, slots=True)
class LabelledCase:
    """A run that people were shown, and whether it is right, by a label that stands."""

    sample: Sample
    run: Run
    right: bool


@dataclass(frozen=True, slots=True)
class Labelled:
    """The labelled cases by sample id, and all cases of the dataset, labelled or not."""

    cases: Sequence[LabelledCase]
    samples: Sequence[Sample]


def labelled_cases(
    project: Project, db: Store, question: Question, dataset: str, version: str | None = None
) -> Labelled:
    """Every run with a label that stands; with `version`, only of that version's cases.

    A case is as the version has it (without `version`: the newest), because what it expects may
    have come from people; one that is in no version is as it is in the pool. Of a sample that
    several rounds picked, the last run that was shown counts. Raises VersionError for a version
    that is missing or damaged.
    """
    held = _version_cases(project, dataset, version)
    labels = {
        one.sample_id: (one.agent_version, one.value in question.correct)
        for one in grades(db, question.field)
        if one.outcome == "answered" and (version is None or one.sample_id in held)
    }
    ids = sorted(labels)
    samples, runs = get_samples(db, ids) | held, stored_runs(db, ids)
    shown = [(samples[one], runs.get((one, labels[one][0]))) for one in ids]
    cases = [
        LabelledCase(sample, run, labels[sample.sample_id][1])
        for sample, run in shown
        if run is not None and run.error is None
    ]
    return Labelled(cases, list((held or samples).values()))


def _version_cases(project: Project, dataset: str, version: str | None) -> dict[str, Sample]:
    root = project.path(project.settings.store.versions)
    name = version or next(reversed(version_names(root, dataset)), None)
    if name is None:
        return {}
    return {sample.sample_id: sample for sample in map(case_of, checked_items(root, dataset, name))}
