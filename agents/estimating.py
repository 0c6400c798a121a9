"""An agent whose runs say how sure they are: it is asked again, and a model is asked about it.

What each estimator says stands in `Run.estimates` under its name (`goldloop.confidence`), and the
confidence is taken from there. `spent_input_tokens` and `spent_output_tokens` count everything that
was asked for a run; the tokens and seconds of the run itself are those of its own answer.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from agents.answers import FailedRunError
from agents.base import Agent, Model
from agents.case_text import ReplyError
from agents.judged import judged_groups
from agents.retry import CallError
from agents.texts import short_text
from agents.usage import Usage, total
from agents.verbalized import asked_probability
from goldloop.canonical import normalise_text
from goldloop.confidence import (
    AGREEMENT,
    AUTO,
    ENTROPY,
    ESTIMATORS,
    LOGPROB,
    PROCESS,
    VERBALIZED,
    Answer,
    answer_of,
    comparing,
    entropy_confidence,
    process_estimate,
    share_agreeing,
    with_estimates,
)
from goldloop.errors import AgentError
from goldloop.samples import Run, Sample, own_turns

logger = logging.getLogger("goldloop.agents")


@dataclass(frozen=True, slots=True)
class Estimation:
    """Which estimators there are, and how they ask.

    `answers` is how many answers to a sample are compared, the first included. `model` is asked how
    likely the answer is right, `judge` which answers mean the same; None: nobody is.
    `instructions` is the prompt that the agent works by, which the model is told.
    """

    method: str = AUTO
    estimators: frozenset[str] = frozenset(ESTIMATORS) - {ENTROPY}
    answers: int = 3
    ordered: bool = False
    model: Model | None = None
    judge: Model | None = None
    instructions: str | None = None

    def asks(self, *names: str) -> bool:
        """Whether one of these estimators is to be made."""
        return any(name in self.estimators or name == self.method for name in names)


@dataclass(slots=True)
class _Inquiry:
    """What was found out about one answer, and what that took."""

    sample: Sample
    main: Run
    estimates: dict[str, float] = field(default_factory=dict)
    spent: list[Usage] = field(default_factory=list)


class EstimatingAgent:
    """Asks an agent, and then about its answer.

    After the answer come `answers` - 1 more for the agreement, by `answer_again` where the agent
    has it and else by `answer`; then the model's question. One that fails is left out, and the
    first of its kind is logged. With the method `auto` an agent that reports a confidence of its
    own is asked nothing more. When the answer itself fails, so does this. One instance may be used
    from several threads; it asks one thing after the other, so that no more calls are under way
    than there are threads.
    """

    def __init__(self, agent: Agent, estimation: Estimation) -> None:
        self.agent = agent
        self.estimation = estimation
        self._again: Callable[[Sample], Run] = getattr(agent, "answer_again", agent.answer)
        self._told: set[str] = set()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"EstimatingAgent({self.agent!r}, method={self.estimation.method!r})"

    @property
    def version(self) -> str:
        """The version of the agent that is asked."""
        return self.agent.version

    def answer(self, sample: Sample) -> Run:
        """The agent's answer with its estimates and its confidence; raises as the agent does."""
        main = self.agent.answer(sample)
        inquiry = _Inquiry(sample, main, spent=[_spent(main)])
        if self.estimation.method != AUTO or main.confidence is None:
            self._compare(inquiry)
            self._question(inquiry)
        spent = total(inquiry.spent)
        return replace(
            self._scored(inquiry),
            spent_input_tokens=spent.input_tokens,
            spent_output_tokens=spent.output_tokens,
        )

    def close(self) -> None:
        """Close the agent and the models."""
        for one in (self.agent, self.estimation.model, self.estimation.judge):
            if one is not None:
                one.close()

    def _scored(self, inquiry: _Inquiry) -> Run:
        main, found = inquiry.main, inquiry.estimates
        if LOGPROB in main.estimates and not self.estimation.asks(LOGPROB):
            kept = {name: value for name, value in main.estimates.items() if name != LOGPROB}
            main = replace(main, estimates=kept)
        if self.estimation.asks(PROCESS):
            turns = own_turns(inquiry.sample, main.messages)
            value = process_estimate(turns, main.stop_reason)
            found |= {} if value is None else {PROCESS: value}
        return with_estimates(main, found, self.estimation.method)

    def _compare(self, inquiry: _Inquiry) -> None:
        """Ask the agent again, and see how far its answers are the same."""
        if not self.estimation.asks(AGREEMENT, ENTROPY):
            return
        runs = [inquiry.main]
        for _ in range(self.estimation.answers - 1):
            if run := self._other(inquiry):
                runs.append(run)
        if len(runs) < 2:
            return
        answers = self._answers(inquiry, runs)
        found = {
            AGREEMENT: share_agreeing(answers[0], answers[1:]),
            ENTROPY: entropy_confidence(answers),
        }
        judged, ordered = answers[0].judged, self.estimation.ordered
        for name, value in found.items():
            if value is not None and self.estimation.asks(name):
                inquiry.estimates[comparing(name, judged=judged, ordered=ordered)] = value

    def _other(self, inquiry: _Inquiry) -> Run | None:
        try:
            run = self._again(inquiry.sample)
        except AgentError as error:
            self._left_out("another answer", inquiry, error)
            return None
        inquiry.spent.append(_spent(run))
        return run

    def _answers(self, inquiry: _Inquiry, runs: Sequence[Run]) -> list[Answer]:
        """What is compared of the runs; by normalised text where the judge failed."""
        groups = self._judged(inquiry, runs)
        ordered = self.estimation.ordered
        if groups is None:
            return [answer_of(run, ordered=ordered) for run in runs]
        return [answer_of(run, ordered=ordered, group=groups[_said(run)]) for run in runs]

    def _judged(self, inquiry: _Inquiry, runs: Sequence[Run]) -> dict[str, int] | None:
        """The group of every normalised response; the empty one is a group of its own, 0."""
        judge = self.estimation.judge
        if judge is None:
            return None
        texts: dict[str, str] = {}
        for run in runs:
            if said := _said(run):
                texts.setdefault(said, run.response or "")
        groups = list(range(1, len(texts) + 1))
        if len(texts) > 1:
            try:
                groups, spent = judged_groups(judge, inquiry.sample, list(texts.values()))
            except AgentError as error:
                self._left_out("the judge", inquiry, error)
                return None
            inquiry.spent.append(spent)
        return {"": 0, **dict(zip(texts, groups, strict=True))}

    def _question(self, inquiry: _Inquiry) -> None:
        """Ask the model how likely the answer is right."""
        model = self.estimation.model
        if model is None or not self.estimation.asks(VERBALIZED):
            return
        try:
            value, spent = asked_probability(model, inquiry.main, self.estimation.instructions)
        except AgentError as error:
            self._left_out("the question for a probability", inquiry, error)
            return
        inquiry.spent.append(spent)
        inquiry.estimates[VERBALIZED] = value

    def _left_out(self, what: str, inquiry: _Inquiry, error: AgentError) -> None:
        """Count what the failure took, where that is known, and tell of the first of its kind."""
        if (usage := _usage_of(error)).known:
            inquiry.spent.append(usage)
        with self._lock:
            first = what not in self._told
            self._told.add(what)
        if first:
            logger.warning(
                "sample %s: %s failed and is left out of the confidence, and so will be further "
                "failures of this kind, without a word: %s",
                short_text(inquiry.sample.sample_id),
                what,
                short_text(str(error)),
            )


def _said(run: Run) -> str:
    return normalise_text(run.response or "")


def _spent(run: Run) -> Usage:
    """What a run took in all; its own tokens where the agent does not count more than these."""
    spent = Usage(run.spent_input_tokens, run.spent_output_tokens)
    return spent if spent.known else Usage(run.input_tokens, run.output_tokens)


def _usage_of(error: AgentError) -> Usage:
    if isinstance(error, FailedRunError):
        return _spent(error.run)
    return error.usage if isinstance(error, CallError | ReplyError) else Usage()
