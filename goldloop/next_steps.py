"""Where the loop stands: what waits, for whom, and the next useful command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

YOU, AGENT, ANNOTATORS, EXPERTS = "you", "the agent", "annotators", "experts"


@dataclass(frozen=True, slots=True)
class Standing:
    """How much there is at the places of the loop where something can wait.

    `samples` entered the pool, of which `pool` were picked by no round and `without_run` have no
    run by the agent version in use. `unchecked_batches` of synthetic samples wait for their spot
    check, `undelivered_rounds` for a push, `set_aside` events for somebody to look. `open_tasks`
    have too few answers, `disputed` need one more annotator, `asked_again` have asked for one who
    did not answer yet, `ambiguous` need an expert. `gold` samples
    have labels that stand; of the newest version's items `committed` are labelled by annotators,
    None before the first. `damaged` names the newest version where it is not as it was committed,
    `unevaluated` where no evaluation on it has ended. `blocked` is the newest evaluation where its
    gate found a regression, and `is_reviewed` whether people were asked about what flipped.
    """

    samples: int = 0
    pool: int = 0
    without_run: int = 0
    unchecked_batches: int = 0
    undelivered_rounds: int = 0
    set_aside: int = 0
    open_tasks: int = 0
    disputed: int = 0
    asked_again: int = 0
    ambiguous: int = 0
    gold: int = 0
    committed: int | None = None
    damaged: str | None = None
    unevaluated: str | None = None
    blocked: int | None = None
    is_reviewed: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits: for whom, what, and the command that helps (None: only they can)."""

    who: str
    what: str
    command: str | None


def next_steps(now: Standing) -> list[Waiting]:
    """What waits, in the order in which it is worth doing; never empty.

    >>> [step.command for step in next_steps(Standing(samples=9, pool=9, without_run=9))]
    ['goldloop run']
    >>> next_steps(Standing(samples=9, pool=0, gold=9, committed=9))
    [Waiting(who='you', what='every sample is labelled and committed', command='goldloop import more.jsonl')]
    """  # noqa: E501 - a result is one line
    if not now.samples:
        return [*_batches(now), Waiting(YOU, "the pool is empty", "goldloop import samples.jsonl")]
    found = [*_to_mend(now), *_to_answer(now), *_to_keep(now)]
    return [*(found or [_to_go_on(now)]), *_blocked(now)]


def _to_go_on(now: Standing) -> Waiting:
    """What to do when nothing waits."""
    if now.pool:
        what = f"{_count(now.pool, 'sample')} in the pool that nobody was asked about"
        return Waiting(YOU, what, "goldloop push --batch-size 20")
    return Waiting(YOU, "every sample is labelled and committed", "goldloop import more.jsonl")


def _blocked(now: Standing) -> Iterator[Waiting]:
    if now.blocked is not None:
        what = f"evaluation {now.blocked}, in which its gate found a regression"
        command = "gate-review" if now.is_reviewed else "push --from-gate"
        yield Waiting(YOU, what, f"goldloop {command} {now.blocked}")


def _batches(now: Standing) -> Iterator[Waiting]:
    if now.unchecked_batches:
        what = f"{_count(now.unchecked_batches, 'synthetic batch', 'es')} not spot-checked"
        yield Waiting(YOU, what, "goldloop synthesis check")


def _to_mend(now: Standing) -> Iterator[Waiting]:
    """What keeps the loop from turning."""
    if now.damaged:
        what = f"{now.damaged} is not as it was committed"
        yield Waiting(YOU, what, f"goldloop verify {now.damaged}")
    yield from _batches(now)
    if now.set_aside:
        what = f"{_count(now.set_aside, 'event')} that could not be followed up"
        yield Waiting(YOU, what, "goldloop inbox")
    if now.without_run:
        what = f"{_count(now.without_run, 'sample')} without a run"
        yield Waiting(AGENT, what, "goldloop run")
    if now.undelivered_rounds:
        what = f"{_count(now.undelivered_rounds, 'batch', 'es')} not in Label Studio yet"
        yield Waiting(YOU, what, "goldloop push")


def _to_answer(now: Standing) -> Iterator[Waiting]:
    """What people have to say."""
    if now.open_tasks:
        yield Waiting(ANNOTATORS, f"{_count(now.open_tasks, 'task')} to answer", "goldloop pull")
    if now.asked_again:
        what = f"{_count(now.asked_again, 'disputed sample')} to answer once more"
        yield Waiting(ANNOTATORS, what, "goldloop pull")
    if now.disputed:
        yield Waiting(YOU, f"{_count(now.disputed, 'disputed sample')}", "goldloop route")
    if now.ambiguous:
        what = f"{_count(now.ambiguous, 'sample')} that annotators could not settle"
        yield Waiting(EXPERTS, what, "goldloop disputes")


def _to_keep(now: Standing) -> Iterator[Waiting]:
    """What is settled and in no version."""
    more = now.gold - (now.committed or 0)
    if more > 0 and not now.damaged:
        yield Waiting(YOU, f"{_count(more, 'gold sample')} in no version", "goldloop commit")
    if now.unevaluated is not None:
        what = f"{now.unevaluated}, on which no agent was evaluated"
        yield Waiting(YOU, what, f"goldloop evaluate --dataset {now.unevaluated}")


def _count(number: int, what: str, plural: str = "s") -> str:
    """A number with its noun, in the plural where it is not 1.

    >>> _count(1, "sample"), _count(2, "synthetic batch", "es"), _count(1200, "gold sample")
    ('1 sample', '2 synthetic batches', '1,200 gold samples')
    """
    return f"{number:,} {what}" + ("" if number == 1 else plural)
