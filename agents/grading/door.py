"""One door for any kind of grader."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from agents.case_text import ReplyError
from agents.grading.asked import facts, judge_error
from agents.grading.callables import Function, grade_by_function, source_of
from agents.grading.criteria import grade_by_criteria
from agents.grading.pairs import grade_by_pair
from agents.openai_model import OpenAIModel
from agents.python_callable import imported
from agents.retry import CallError, Retry
from agents.texts import short_text
from goldloop.errors import AgentError, SettingsError
from goldloop.graders import JUDGES, Grade, Grader, GraderSet, failed_grade, grade_run
from goldloop.samples import Run, Sample
from goldloop.settings import Settings

_ASKED = {"judge": grade_by_criteria, "judge_pair": grade_by_pair}


class Grading:
    """Grades runs by any grader, from several threads at once.

    `prepared` names the graders that people wrote down; what a case brings may use no model and no
    function besides theirs. `folder` is the project's, where callables are looked for first.
    Judges share one pool of connections for each model, at [evaluation] judge_base_url or else
    where the agent's model is.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._lock = threading.Lock()
        self._models: dict[str, OpenAIModel] = {}
        self._functions: dict[str, Function] = {}
        self._named = {settings.evaluation.judge} - {""}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def prepared(self, graders: GraderSet) -> GraderSet:
        """The graders with all that their versions hang on: the model of a judge that names none,
        and the source of each callable.

        Raises SettingsError for a judge without a model or a key, and for a callable that cannot be
        imported.
        """
        return replace(graders, graders=tuple(self._prepared(one) for one in graders.graders))

    def grade(self, grader: Grader, sample: Sample, run: Run) -> Grade:
        """One grade. What fails in a grader, in whatever way, is a grade that says so.

        Raises SettingsError for a judge that has no model or no key.
        """
        if run.error is not None:
            return failed_grade(grader, f"the agent failed: {short_text(run.error)}")
        if grader.kind in JUDGES:
            return self._judged(grader, sample, run)
        if grader.kind == "python":
            return self._called(grader, sample, run)
        return grade_run(grader, sample, run)

    def close(self) -> None:
        """Close the judges' connections."""
        with self._lock:
            for model in self._models.values():
                model.close()
            self._models.clear()

    def _prepared(self, grader: Grader) -> Grader:
        if grader.kind in JUDGES:
            grader = self._with_model(grader)
            self._named.add(grader.settings["model"])
            self._model(grader.settings["model"])
        if grader.kind == "python":
            target = str(grader.settings["target"])
            function = imported(target, str(self._folder), f"grader {grader.name}: target")
            self._functions[target] = function
            return _with(grader, source=source_of(function, target))
        return grader

    def _with_model(self, grader: Grader) -> Grader:
        if grader.settings.get("model"):
            return grader
        if not self._settings.evaluation.judge:
            raise SettingsError(
                f"grader {grader.name}: no model judges; name one, pinned to a version, with the "
                "grader or as [evaluation] judge in goldloop.toml"
            )
        return _with(grader, model=self._settings.evaluation.judge)

    def _judged(self, grader: Grader, sample: Sample, run: Run) -> Grade:
        grader = self._with_model(grader)
        name = grader.settings["model"]
        if name not in self._named:
            return failed_grade(
                grader,
                f"the case names the judge {short_text(str(name))}, which neither the graders file "
                "nor [evaluation] judge names",
            )
        model = self._model(name)
        try:
            return _ASKED[grader.kind](model, grader, sample, run)
        except AgentError as error:
            grade = failed_grade(grader, judge_error(model, error))
            if isinstance(error, ReplyError | CallError):
                return replace(grade, details=facts(model, None, error.usage))
            return grade

    def _called(self, grader: Grader, sample: Sample, run: Run) -> Grade:
        target = str(grader.settings["target"])
        function = self._functions.get(target)
        if function is None:
            return failed_grade(
                grader,
                f"{short_text(target)} is not called: a case brings no code. Name it in the "
                "graders file",
            )
        try:
            return grade_by_function(function, grader, sample, run)
        except AgentError as error:
            return failed_grade(grader, short_text(str(error)))

    def _model(self, name: str) -> OpenAIModel:
        with self._lock:
            if name not in self._models:
                self._models[name] = judge_model(self._settings, name)
            return self._models[name]


def judge_model(settings: Settings, name: str) -> OpenAIModel:
    """A judge at the endpoint that the settings name for judges, or else the agent's.

    An endpoint of its own is asked through Chat Completions, which all of them know. Answers are
    bounded by time alone: what [agent] max_output allows an agent may cut a rubric short. Raises
    SettingsError for OpenAI's endpoint without a key.
    """
    agent, own = settings.agent, settings.evaluation.judge_base_url
    return OpenAIModel(
        name,
        api="chat" if own else agent.api,
        stream=agent.stream and not own,
        base_url=own or agent.base_url or None,
        api_key=settings.secrets.openai_api_key or None,
        timeout=agent.timeout,
        retry=Retry(attempts=agent.attempts, first_wait=agent.first_wait),
    )


def _with(grader: Grader, **settings: Any) -> Grader:
    return replace(grader, settings={**grader.settings, **settings})
