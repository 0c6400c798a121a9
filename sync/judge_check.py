"""judge: how far each judge agrees with people, on the very runs that they were shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agents.grading import Grading
from agents.usage import Usage, total
from goldloop.errors import AgentError, GoldloopError, SettingsError
from goldloop.evaluation import Case, GraderFacts, JudgeCheck, Rules, check_judge, unproven
from goldloop.graders import JUDGES, GraderSet
from goldloop.graders.facts import facts_of_cases
from goldloop.prices import price_of, shown_usd
from goldloop.samples import Sample
from store.database import Store, utc_now
from sync.consensus import Progress, unwatched
from sync.evaluation_inputs import graders_of
from sync.judged_runs import JudgedRun, judge_runs, judgements
from sync.judges_file import write_checks
from sync.labelled_cases import Labelled, labelled_cases
from sync.project import Project
from sync.verdict_journal import VerdictJournal
from views.estimate import Question, question_of

# With which the command ends where a judge may not block.
UNPROVEN = 3


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A run on which a judge and people differ; `reason` and the verdicts on each of the `criteria`
    are the judge's, and hostile.
    """

    sample_id: str
    agent_version: str
    people: bool
    judge: bool
    reason: str
    criteria: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of one judge.

    `unproven` says why it may not block, and is None where it may; `advice` what to do about it.
    `asked` runs were judged now and paid for, the others before; `errors` were not judged. `models`
    are those that answered: more than one, or another than was asked, where the name is an alias.
    Tokens and `usd` are of `asked` alone; None where the endpoint or the price is not known.
    `notes` are warnings.
    """

    check: JudgeCheck
    unproven: str | None
    advice: str | None
    asked: int
    errors: int
    error: str | None
    models: Sequence[str]
    input_tokens: int | None
    output_tokens: int | None
    usd: str | None
    disagreements: Sequence[Disagreement]
    notes: Sequence[str] = ()

    def record(self) -> dict[str, Any]:
        """Everything as plain values."""
        rest = {name: getattr(self, name) for name in self.__slots__ if name != "check"}
        disagreements = [asdict(one) for one in self.disagreements]
        return {**self.check.record(), **rest, "disagreements": disagreements}


@dataclass(frozen=True, slots=True)
class Judged:
    """What `goldloop judge` found: each judge, and the file that holds it."""

    dataset: str
    field: str
    cases: int
    path: str
    judges: Sequence[Checked]

    def record(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {**asdict(self), "judges": [one.record() for one in self.judges]}


def judge(
    project: Project,
    db: Store,
    dataset: str,
    version: str | None = None,
    *,
    graders: Path | None = None,
    name: str | None = None,
    again: bool = False,
    progress: Progress = unwatched,
) -> Judged:
    """Compare every judge of a dataset, or the one of that name, with the labels that stand.

    With `version`, only on the cases of that version. Verdicts are kept beside the store as they
    come, so that the same command goes on where it was; `again` asks for all of them anew. Raises
    SettingsError where there is no judge, and GoldloopError where nothing is labelled or a judge
    fails on more than [evaluation] max_errors of the cases.
    """
    question = question_of(project, db, None, ())
    labelled = labelled_cases(project, db, question, dataset, version)
    if not labelled.cases:
        raise GoldloopError(_why_nothing(question, dataset, version))
    with Grading(project.settings, project.folder) as grading:
        given = grading.prepared(graders_of(project, dataset, graders))
        facts = _judges(given, labelled, name)
        todo = judgements(given, labelled.cases, [one.name for one in facts])
        journal = VerdictJournal(journal_path(project), again=again)
        concurrency = project.settings.agent.concurrency
        with progress("asking judges", len(todo)) as meter:
            runs = judge_runs(grading, todo, journal, concurrency, on_done=meter)
    checked = [
        _checked(project, one, dataset, [run for run in runs if run.grade.grader == one.name])
        for one in facts
    ]
    root = project.path(project.settings.store.versions)
    path = write_checks(root, dataset, [one.check for one in checked])
    return Judged(dataset, question.field, len(labelled.cases), str(path), checked)


def journal_path(project: Project) -> Path:
    """Where verdicts are kept: beside the store, and like it nothing for git."""
    store = project.path(project.settings.store.path)
    return store.with_name(f"{store.name}-judged.jsonl")


def _why_nothing(question: Question, dataset: str, version: str | None) -> str:
    where = f" of a case of {dataset}@{version}" if version else ""
    return (
        f"no label of {question.field} stands on a run{where} that people were shown, so there is"
        " nothing to compare a judge with; let people label some: goldloop push --batch-size 100,"
        " and then: goldloop pull"
    )


def _judges(graders: GraderSet, labelled: Labelled, name: str | None) -> list[GraderFacts]:
    """The judges that are asked for, with the versions that an evaluation knows them by."""
    known = [one for one in facts_of_cases(graders, labelled.samples) if one.kind in JUDGES]
    if not known:
        raise SettingsError(
            "no grader is a judge: name a model as [evaluation] judge in goldloop.toml, or add a"
            " grader of kind judge to the graders file"
        )
    chosen = [one for one in known if name in (None, one.name)]
    if not chosen:
        names = ", ".join(one.name for one in known)
        raise SettingsError(f"no judge is called {str(name)[:80]!r}; there are: {names}")
    return chosen


def _checked(
    project: Project, facts: GraderFacts, dataset: str, runs: Sequence[JudgedRun]
) -> Checked:
    failed = [run for run in runs if run.grade.passed is None]
    _refuse_errors(project, facts, runs, failed)
    check = check_judge(
        facts,
        {one.sample.sample_id: one.grade.passed for one in runs if one.grade.passed is not None},
        {one.sample.sample_id: one.case.right for one in runs},
        {one.sample.sample_id: _slices(one.sample) for one in runs},
        dataset=dataset,
        checked_at=utc_now(),
    )
    rules = Rules.of(project.settings)
    why = unproven(check, rules)
    usage = total(_usage(one) for one in runs if one.paid)
    models = sorted({model for one in runs if (model := one.grade.details.get("model"))})
    return Checked(
        check=check,
        unproven=why,
        advice=_advice(check, rules) if why else None,
        asked=sum(one.paid for one in runs),
        errors=len(failed),
        error=failed[0].grade.error if failed else None,
        models=models,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        usd=_usd(project, facts, usage),
        disagreements=_disagreements(runs),
        notes=_notes(project, facts, models),
    )


def _refuse_errors(
    project: Project,
    facts: GraderFacts,
    runs: Sequence[JudgedRun],
    failed: Sequence[JudgedRun],
) -> None:
    """Kappa on the cases that a judge could cope with would flatter it."""
    if len(failed) > project.settings.evaluation.max_errors * len(runs):
        first = failed[0]
        raise AgentError(
            f"judge {facts.name} gave no verdict on {len(failed)} of {len(runs)} cases (sample"
            f" {first.sample.sample_id}: {first.grade.error}); the others are kept, so run the"
            " same command again"
        )


def _slices(sample: Sample) -> tuple[str, ...]:
    return Case(
        sample.sample_id,
        "",
        (),
        tags=sample.tags,
        difficulty=sample.difficulty,
        source=sample.source,
    ).slices


def _usage(run: JudgedRun) -> Usage:
    """No tokens at all where the judge had nothing to be asked about."""
    said = run.grade.details.get("usage")
    return Usage(said["input_tokens"], said["output_tokens"]) if said else Usage(0, 0)


def _usd(project: Project, facts: GraderFacts, usage: Usage) -> str | None:
    price = price_of(project.settings.prices, facts.model or "")
    if price is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    return shown_usd(price.cost(usage.input_tokens, usage.output_tokens))


def _advice(check: JudgeCheck, rules: Rules) -> str:
    missing = rules.judge_cases - check.cases
    if missing > 0:
        return (
            f"let people label {missing} more runs that this judge is for: goldloop push"
            f" --batch-size {missing}; then goldloop pull, and goldloop judge again"
        )
    if check.low is None:
        return "label runs of both kinds, right and wrong, then run goldloop judge again"
    return (
        "read where it differs from people (--json has all of it), make the criteria say what"
        " people go by or take another model, and run goldloop judge again"
    )


def _notes(project: Project, facts: GraderFacts, models: Sequence[str]) -> list[str]:
    notes = []
    if models and [*models] != [facts.model]:
        notes.append(
            f"{facts.model} was asked and {', '.join(models)} answered: pin the model to that name,"
            " or its verdicts may change from one day to the next"
        )
    agent = project.settings.agent
    if agent.kind == "openai" and agent.model in (facts.model, *models):
        notes.append(
            "it is the agent's own model, and models favour what they would say themselves; take"
            " one of another family"
        )
    return notes


def _disagreements(runs: Sequence[JudgedRun]) -> list[Disagreement]:
    return [
        Disagreement(
            one.sample.sample_id,
            one.case.run.agent_version,
            people=one.case.right,
            judge=one.grade.passed,
            reason=one.grade.reason,
            criteria=one.grade.details.get("criteria", ()),
        )
        for one in runs
        if one.grade.passed is not None and one.grade.passed is not one.case.right
    ]
