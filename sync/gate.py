"""gate: whether the candidate is worse than the baseline; the verdict is kept in the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from goldloop.evaluation import Evaluation, Rules, Summary, Verdict, gate, summarise
from goldloop.settings import Settings
from store.database import Store
from store.evaluations import save_gate
from sync.gate_inputs import Named, baseline_of, candidate_of
from sync.judges_file import judge_checks
from sync.project import Project
from views.version_folder import dataset_names

# The store has the evaluations whole; lists read the records of many gates.
LONGEST_KEPT = 1_500


@dataclass(frozen=True, slots=True)
class Gated:
    """A verdict, what it is on, what each side came to by the graders that it counts, and the
    gate's number in the store (None where the candidate came from a file). `notes` say which
    evaluations were taken.
    """

    verdict: Verdict
    baseline: Evaluation
    candidate: Evaluation
    baseline_summary: Summary
    candidate_summary: Summary
    strict: bool = False
    gate_id: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 pass, 1 regression, 2 too many errors, 3 not enough evidence where strict."""
        return self.verdict.exit_code(self.strict)

    def record(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {
            **self.verdict.record(),
            "gate_id": self.gate_id,
            "exit_code": self.exit_code,
            "strict": self.strict,
            "summaries": {
                "baseline": self.baseline_summary.record(),
                "candidate": self.candidate_summary.record(),
            },
            "resolved": list(self.notes),
        }


def rules_of(settings: Settings, **asked: Any) -> Rules:
    """The settings' rules, but for what is asked for: fields of Rules, None where nothing is."""
    given = {key: value for key, value in asked.items() if value is not None}
    return replace(Rules.of(settings), **given)


def gate_evaluations(
    project: Project,
    baseline: str,
    candidate: str,
    rules: Rules,
    *,
    dataset: str | None = None,
    strict: bool = False,
    intersect: bool = False,
) -> Gated:
    """Compare two evaluations by what they are called, and keep the verdict.

    Raises UnknownEvaluationError for a name that nothing has, RecordError for a file that is none,
    and IncomparableError for evaluations that were not made alike.
    """
    with _store(project) as db:
        judged = candidate_of(db, candidate, dataset)
        against = baseline_of(db, baseline, judged)
        verdict = gate(
            against.evaluation,
            judged.evaluation,
            rules,
            _checks(project, judged.evaluation),
            intersect=intersect,
        )
        return Gated(
            verdict=verdict,
            baseline=against.evaluation,
            candidate=judged.evaluation,
            baseline_summary=summarise(against.evaluation, rules.metric, verdict.without),
            candidate_summary=summarise(judged.evaluation, rules.metric, verdict.without),
            strict=strict,
            gate_id=_kept(db, judged, against, verdict),
            notes=(*judged.notes, *against.notes),
        )


@contextmanager
def _store(project: Project) -> Iterator[Store | None]:
    """The store where there is one: two files can be gated without."""
    if not project.path(project.settings.store.path).is_file():
        yield None
        return
    db = project.open_store()
    with closing(db.conn):
        yield db


def _checks(project: Project, candidate: Evaluation) -> dict[str, Any]:
    """How the dataset's judges compare with people; none for a dataset without a folder."""
    if not any(facts.is_judge for facts in candidate.graders):
        return {}
    root = project.path(project.settings.store.versions)
    if candidate.dataset not in dataset_names(root):
        return {}
    return dict(judge_checks(root, candidate.dataset))


def _kept(db: Store | None, judged: Named, against: Named, verdict: Verdict) -> int | None:
    if db is None or judged.stored_id is None:
        return None
    record = verdict.record(LONGEST_KEPT)
    return save_gate(db, judged.stored_id, against.stored_id, verdict.status, record)
