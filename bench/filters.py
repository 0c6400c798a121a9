"""How well the filters of synthetic samples tell bad ones from good ones.

The whole way from asking to filtering runs against a local endpoint that makes every kind of bad
sample at known rates, and whose solver errs on good ones now and then, on hard ones the most. For
each reason: of those rejected for it how many have that fault (precision), and of those that have
it how many were rejected for it (recall). Nothing is tried a second time.

Then honest texts, in which nothing should be found: the example's cases, and the recorded runs in
`../shared/data` where they are.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from agents.openai_model import OpenAIModel
from agents.retry import Retry
from agents.synthesis import Asker, Assignment, check_consistency, write_samples
from bench._filter_scores import Outcome, by_reason, of_filter, rows, show_scores
from bench._synthetic_endpoint import SyntheticEndpoint
from bench._synthetic_samples import NOISE, SyntheticSamples
from goldloop.samples import Sample
from goldloop.synthesis.consistency import rejected_by
from goldloop.synthesis.grid import fill
from goldloop.synthesis.personal import personal_data
from goldloop.synthesis.placeholders import argument_placeholder, placeholder
from goldloop.synthesis.prompts import INSTRUCTIONS
from goldloop.synthesis.rules import Rules, Sieve
from goldloop.synthesis.task import Task, read_task, read_tools
from goldloop.synthesis.values import CONSISTENCY, REASONS, RULES, Candidate, Rejection

REPOSITORY = Path(__file__).resolve().parents[1]
EXAMPLE = REPOSITORY / "examples" / "customer_support"
CASES = EXAMPLE / "cases.jsonl"
RUNS = REPOSITORY.parent / "shared" / "data" / "tau-airline" / "trajectories.jsonl"
COUNT, QUICK_COUNT = 3_000, 600
SEED = 7
SHOWN = 3
# Another seed than the endpoint's, so that a copy of an example is not one of its duplicates too.
EXAMPLES = [Sample(f"shown-{n}", text) for n, text in enumerate(SyntheticSamples(SEED + 1).pool)]
SOLVING = [reason for reason in REASONS[CONSISTENCY] if reason != "unsolved"]

Judged = Sequence[tuple[Candidate, Rejection | None]]


def main(quick: bool) -> dict[str, Any]:
    """Score both filters and look at the honest texts."""
    return {**scored(QUICK_COUNT if quick else COUNT), **honest()}


def scored(count: int) -> dict[str, Any]:
    """Write so many samples, filter them and score the filters."""
    with SyntheticEndpoint(SEED) as endpoint:
        endpoint.samples.noise = NOISE
        written, sifted, checked = asyncio.run(_filtered(endpoint, count))
        truth, slipped = dict(endpoint.truth), endpoint.samples.slipped
    _show_rates(checked)
    return {
        "written": written,
        **_false_alarms(checked, truth, slipped),
        **figures(_outcomes(sifted, truth), _outcomes(checked, truth)),
    }


def figures(by_rules: Sequence[Outcome], by_solving: Sequence[Outcome]) -> dict[str, Any]:
    """The scores of both filters, printed and for JSON."""
    first, second = by_reason(by_rules, REASONS[RULES]), by_reason(by_solving, SOLVING)
    rules = of_filter(by_rules, REASONS[RULES], "all of them")
    solving = of_filter(by_solving, SOLVING, "all of them")
    show_scores("rules", [*first, rules])
    show_scores("consistency", [*second, solving])
    recalls = [one.recall for one in (*first, *second) if one.recall is not None]
    return {
        "rules_precision": rules.precision,
        "rules_recall": rules.recall,
        "consistency_precision": solving.precision,
        "consistency_recall": solving.recall,
        "worst_reason_recall": min(recalls, default=None),
        "reasons": {**rows(first), **rows(second)},
    }


async def _filtered(endpoint: SyntheticEndpoint, count: int) -> tuple[int, Judged, Judged]:
    """How many samples came out of the calls, and what each filter says of those it sees."""
    task = support_task()
    assignments = [Assignment(slot, 1, _shown(slot.index)) for slot in fill(task, count, SEED)]
    model = OpenAIModel("scripted", base_url=endpoint.url, api_key="none", retry=Retry(attempts=1))
    async with Asker(model, concurrency=16) as asker:
        writing = write_samples(
            asker, task, assignments, batch=1, seed=SEED, temperature=0.9, evolve=False
        )
        written = [came async for _, came in writing if isinstance(came, Candidate)]
        sifted = _sieve(task, endpoint.samples.pool).sift(written, shown=_texts(written))
        kept = [one for one, rejection in sifted if rejection is None]
        checking = check_consistency(asker, asker, task, kept, seed=SEED)
        return len(written), sifted, [one async for one in checking]


def support_task() -> Task:
    """The customer support example."""
    tools = read_tools(json.loads((EXAMPLE / "tools.json").read_text(encoding="utf-8")))
    return read_task({"description": "Customer support of an outdoor shop."}, tools)


def _sieve(task: Task, pool: Sequence[str]) -> Sieve:
    known = [(f"pool-{n}", text) for n, text in enumerate(pool)]
    known += [(sample.sample_id, sample.user_input) for sample in EXAMPLES]
    return Sieve(Rules.of(task.tools), pool=known, instructions=INSTRUCTIONS)


def _shown(index: int) -> tuple[Sample, ...]:
    return tuple(EXAMPLES[(SHOWN * index + n) % len(EXAMPLES)] for n in range(SHOWN))


def _texts(written: Sequence[Candidate]) -> Mapping[int, Sequence[tuple[str, str]]]:
    return {
        one.slot.index: [(shown.sample_id, shown.user_input) for shown in _shown(one.slot.index)]
        for one in written
    }


def _outcomes(judged: Judged, truth: Mapping[str, str | None]) -> list[Outcome]:
    return [
        (truth[one.sample.user_input], rejection.reason if rejection else None)
        for one, rejection in judged
    ]


def _false_alarms(
    checked: Judged, truth: Mapping[str, str | None], slipped: Container[str]
) -> dict[str, int]:
    """Good samples that the second filter rejects, and how many of them their solver got wrong, for
    which no filter can tell that they are good.
    """
    inputs = [one.sample.user_input for one, rejection in checked if rejection]
    false = [text for text in inputs if truth[text] is None]
    erred = sum(text in slipped for text in false)
    print(f"{len(false)} good ones are rejected for consistency; in {erred} a solver erred\n")
    return {"consistency_false_alarms": len(false), "of_which_the_solver_erred": erred}


def _show_rates(checked: Judged) -> None:
    """By difficulty, for hard cases go first."""
    print(f"{'consistency rejects':<24}{'judged':>7}{'share':>8}{'95% interval':>17}")
    for rate in rejected_by(checked):
        if rate.axis == "difficulty":
            share = f"{rate.share:.3f}" if rate.share is not None else "-"
            interval = f"{rate.low:.3f} to {rate.high:.3f}"
            print(f"{rate.name:<24}{rate.judged:>7}{share:>8}{interval:>17}")
    print()


def honest() -> dict[str, Any]:
    """In how many honest texts something is found: whatever is, is a false alarm or a real one."""
    sources = {"the example's texts": support_texts(CASES)}
    if RUNS.is_file():
        sources |= {"recorded runs": run_texts(RUNS), "their arguments": run_arguments(RUNS)}
    print(f"{'honest texts':<24}{'texts':>7}{'placeholders':>14}{'personal data':>15}")
    figures = {}
    for name, texts in sources.items():
        found = _found(texts)
        print(f"{name:<24}{len(texts):>7}{found[0]:>14}{found[1]:>15}")
        figures[name] = {"texts": len(texts), "placeholders": found[0], "personal_data": found[1]}
    print()
    return {"honest": figures}


def _found(texts: Sequence[Any]) -> tuple[int, int]:
    placeholders = sum(
        bool(placeholder(text) if isinstance(text, str) else argument_placeholder(text))
        for text in texts
    )
    plain = (text if isinstance(text, str) else json.dumps(text) for text in texts)
    return placeholders, sum(bool(personal_data(text)) for text in plain)


def support_texts(path: Path) -> list[str]:
    """Every text of the example: what was asked, what is expected, and the turns of the runs."""
    texts = []
    for case in _lines(path):
        turns = (*case.get("conversation", ()), *case["run"]["messages"])
        texts += [case["user_input"], case.get("expected_response") or ""]
        texts += [turn["content"] for turn in turns if turn.get("content")]
    return texts


def run_texts(path: Path) -> list[str]:
    """Every turn of the recorded runs."""
    turns = (turn for run in _lines(path) for turn in run["messages"])
    return [turn["content"] for turn in turns if turn.get("content")]


def run_arguments(path: Path) -> list[Any]:
    """The arguments of every tool call of the recorded runs."""
    turns = (turn for run in _lines(path) for turn in run["messages"])
    calls = (call for turn in turns for call in turn.get("tool_calls") or ())
    return [json.loads(call["function"]["arguments"]) for call in calls]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from (json.loads(line) for line in file)
