"""calibrate: learn what the agent's confidence is worth from the labels that stand, and let Label
Studio's queue follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from goldloop.calibration import (
    Assessment,
    LabelledScores,
    NoCalibrator,
    assess,
    fingerprint,
    labelled_scores,
    stratum_weights,
    trimmed,
)
from goldloop.prn import tie_break
from store.calibrators import (
    Fitted,
    StoredCalibrator,
    calibrators_in_use,
    model_version,
    save_calibrators,
)
from store.database import Store, transaction
from store.labelled_runs import LabelledRun, MethodRuns, labelled_runs, versions_shown
from store.runs import named_version
from sync.client import LabelStudioClient
from sync.consensus import Progress, unwatched
from sync.project import Project
from sync.refresh_scores import Refreshed, refresh_scores
from views.question import right_answers

# Of the bootstrap and the simulation in a report, which say the same each time.
SEED = 20_000

State = Literal["fitted", "unchanged", "none"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one method of one agent version.

    A calibrator was `fitted`, is `unchanged` because the labels and scores are, or there is `none`
    to be had, and `why` says so; then `missing` is how many labels are lacking, and None where more
    would not do by themselves. `calibrator_id` and `kind` are of the calibrator in use, which may
    be an older one, or None. `report` is what `goldloop.calibration.Assessment` says. `notes` are
    sentences on how far to trust it.
    """

    agent_version: str
    method: str
    state: State
    labels: int
    correct: int
    worth: float
    calibrator_id: int | None = None
    kind: str | None = None
    why: str = ""
    missing: int | None = None
    report: Mapping[str, Any] | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Calibration:
    """What calibrate did. `calibrated` says whether the agent version that counts has a calibrator
    (in a dry run: would have); `refreshed` is None where Label Studio was not asked.
    """

    agent_version: str
    model_version: str
    calibrated: bool
    outcomes: Sequence[Outcome]
    refreshed: Refreshed | None = None


def calibrate(
    project: Project,
    db: Store,
    client: LabelStudioClient | None,
    *,
    dry_run: bool = False,
    progress: Progress = unwatched,
) -> Calibration:
    """Fit a calibrator for every agent version and method that people labelled runs of, and bring
    the scores in Label Studio up to date.

    Without a client, or with `dry_run`, Label Studio is left alone; with `dry_run` nothing is kept.
    The same labels and scores make no new calibrator. Raises SettingsError where [calibration] does
    not fit the labelling interface or the agent version is not clear, and LabelStudioError; what
    was fitted until then is kept.
    """
    counts = named_version(db, project.settings.agent)
    right = right_answers(project, db)
    versions = [counts, *(one for one in versions_shown(db) if one != counts)]
    outcomes: list[Outcome] = []
    with progress("fitting calibrators", len(versions)) as meter:
        for version in versions:
            found = _calibrate_version(project, db, version, right, dry_run)
            # Of other versions only what people labelled.
            outcomes += [one for one in found if one.labels or version == counts]
            meter()
    refreshed = None
    if client is not None and not dry_run:
        with progress("refreshing scores in Label Studio", None) as meter:
            refreshed = refresh_scores(project, db, client, on_done=meter)
    return Calibration(
        agent_version=counts,
        model_version=model_version(db, counts),
        calibrated=any(one.kind for one in outcomes if one.agent_version == counts),
        outcomes=outcomes,
        refreshed=refreshed,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What one method's labels give; None where the calibrator in use was fitted on the same."""

    runs: MethodRuns
    labels: LabelledScores
    fingerprint: str
    result: Assessment | NoCalibrator | None


def _calibrate_version(
    project: Project, db: Store, version: str, right: frozenset[str], dry_run: bool
) -> list[Outcome]:
    """What comes of each method of one agent version, kept unless it is a dry run."""
    runs = labelled_runs(db, version, project.settings.calibration.field)
    in_use = calibrators_in_use(db, version)
    found = [_fit(one, right, in_use.get(one.method)) for one in runs.values()]
    fitted = [
        Fitted(one.runs.method, one.result.calibrator, _report(one.result), one.fingerprint)
        for one in found
        if isinstance(one.result, Assessment)
    ]
    if fitted and not dry_run:
        in_use = _kept(db, version, fitted)
    return [_outcome(version, one, in_use.get(one.runs.method)) for one in found]


def _fit(runs: MethodRuns, right: frozenset[str], known: StoredCalibrator | None) -> _Found:
    labels = _labels(runs, right)
    mark = fingerprint([run.sample_id for run in runs.labelled], labels)
    same = known is not None and known.fingerprint == mark
    return _Found(runs, labels, mark, None if same else assess(labels, SEED))


def _kept(db: Store, version: str, fitted: Sequence[Fitted]) -> dict[str, StoredCalibrator]:
    """The calibrators in use, with these among them; another process may have kept the same."""
    with transaction(db):
        known = calibrators_in_use(db, version)
        marks = {method: one.fingerprint for method, one in known.items()}
        new = [one for one in fitted if marks.get(one.method) != one.fingerprint]
        if new:
            save_calibrators(db, version, new)
        return calibrators_in_use(db, version)


def _labels(runs: MethodRuns, right: frozenset[str]) -> LabelledScores:
    """The labels with the weights by which they speak for the pool that was selected from."""
    own = runs.labelled
    numbers: dict[object, int] = {}
    for run in own:
        numbers.setdefault(_cluster(run), len(numbers))
    weights = stratum_weights(
        [run.certain for run in own],
        runs.pool_certain,
        runs.pool_rest,
        [run.inclusion_probability for run in own],
    )
    return labelled_scores(
        scores=[run.confidence for run in own],
        correct=[run.value in right for run in own],
        weights=trimmed(weights),
        groups=[numbers[_cluster(run)] for run in own],
        # Not the number itself: by that, all that was picked at random would be in one fold.
        order=tie_break(np.array([run.prn for run in own], dtype=np.float64)),
    )


def _cluster(run: LabelledRun) -> object:
    """What a run shares with those that it depends on; itself where there are none."""
    return ("sample", run.sample_id) if run.cluster_id is None else ("cluster", run.cluster_id)


def _report(found: Assessment) -> dict[str, Any]:
    report = asdict(found)
    del report["calibrator"]
    return report


def _outcome(version: str, found: _Found, in_use: StoredCalibrator | None) -> Outcome:
    result = found.result
    refused = isinstance(result, NoCalibrator)
    report = in_use.report if in_use else None
    if isinstance(result, Assessment):
        report = _report(result)
    return Outcome(
        agent_version=version,
        method=found.runs.method,
        state="none" if refused else "fitted" if result else "unchanged",
        labels=len(found.labels),
        correct=int(found.labels.correct.sum()),
        worth=found.labels.worth,
        calibrator_id=in_use.calibrator_id if in_use else None,
        kind=_kind(result, in_use),
        why=result.why if isinstance(result, NoCalibrator) else "",
        missing=result.missing if isinstance(result, NoCalibrator) else None,
        report=None if refused else report,
        notes=_notes(found),
    )


def _kind(result: Assessment | NoCalibrator | None, in_use: StoredCalibrator | None) -> str | None:
    if isinstance(result, Assessment):
        return result.calibrator.kind
    return in_use.calibrator.kind if in_use else None


def _notes(found: _Found) -> list[str]:
    """How far the labels speak for the whole pool."""
    certain = np.array([run.certain for run in found.runs.labelled], dtype=np.bool_)
    notes = []
    if len(certain) and certain.all() and found.runs.pool_rest:
        notes.append(
            f"no label of the {found.runs.pool_rest} runs that were not sure to be picked: nothing"
            " is known of the surer ones; label the random part of a batch, too"
        )
    if len(certain) and found.labels.worth < len(certain) / 2:
        notes.append(
            f"the {len(certain)} labels say as much of the whole pool as {found.labels.worth:.0f}"
            " picked at random, because most were picked for being uncertain"
        )
    return notes
