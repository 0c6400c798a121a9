"""What the benchmark of generation is made of: a model that writes good and bad samples."""

import httpx
import pytest

from agents.openai_model import OpenAIModel
from agents.retry import Retry
from agents.synthesis import Asker, Assignment, MemoryJournal, write_samples
from bench import generate
from bench._synthetic_endpoint import SyntheticEndpoint
from goldloop.synthesis.grid import fill
from goldloop.synthesis.task import read_task
from goldloop.synthesis.values import Candidate, Rejection, Tool
from tests.agents.synthetic import listed, using

TASK = read_task("Support", [Tool("find_order", "Finds."), Tool("cancel_order", "Cancels.")])
COUNT = 40


def batch(endpoint, journal=None):
    """What the endpoint writes for a batch, by its slot."""
    model = OpenAIModel(
        "writer", base_url=endpoint.url, timeout=20, max_tokens=500, retry=Retry(attempts=1)
    )
    asker = Asker(model, journal, concurrency=8, retry=Retry(attempts=4, first_wait=0.01))

    async def work(opened):
        todo = [Assignment(slot) for slot in fill(TASK, COUNT, seed=2)]
        found = write_samples(opened, TASK, todo, batch=1, seed=3, temperature=0.9, evolve=False)
        return {assignment.slot.index: came for assignment, came in await listed(found)}

    return using(asker, work)


@pytest.mark.parametrize(
    ("has", "form"),
    [
        ({}, "schema"),
        ({"strict": False}, "json"),
        ({"strict": False, "json_mode": False}, "prompt"),
    ],
)
def test_samples_come_with_and_without_a_schema(has, form):
    with SyntheticEndpoint(rates={}, **has) as endpoint:
        found = batch(endpoint)
    assert len(found) == COUNT
    assert {came.provenance.structured for came in found.values()} == {form}


def test_the_ledger_says_what_is_wrong_with_each_sample():
    with SyntheticEndpoint(seed=1, rates={"placeholder": 0.5}) as endpoint:
        found = batch(endpoint)
        truth = [endpoint.truth[came.sample.user_input] for came in found.values()]
    assert 10 <= truth.count("placeholder") <= 30
    assert set(truth) == {None, "placeholder"}


def test_answers_that_hold_no_sample_are_told_by_their_kind():
    rates = {"refused": 0.3, "truncated": 0.3, "malformed": 0.3}
    with SyntheticEndpoint(rates=rates) as endpoint:
        found = batch(endpoint)
        made = sorted(one.reason for one in endpoint.log if one.reason)
    assert made == sorted(came.reason for came in found.values() if isinstance(came, Rejection))
    assert set(made) == set(rates)


def test_it_answers_by_the_request_alone_and_counts_what_is_asked_again():
    with SyntheticEndpoint() as endpoint:
        first = batch(endpoint)
        assert endpoint.counts()["paid_twice"] == 0
        assert batch(endpoint) == first
        assert endpoint.counts()["paid_twice"] == COUNT
    with SyntheticEndpoint() as endpoint:
        assert batch(endpoint) == first


def test_a_throttled_generation_loses_nothing():
    journal = MemoryJournal()
    with SyntheticEndpoint(rates={}, throttle=0.4) as endpoint:
        found = batch(endpoint, journal)
        assert endpoint.refusals[429] > 0
    assert all(isinstance(came, Candidate) for came in found.values())
    assert len(journal.replies) == COUNT


def test_the_benchmark_fills_a_batch_by_the_real_verb(tmp_path):
    with generate.peer(0.0) as model:
        generate.make_project(tmp_path / "project", model)
        generate.fill(tmp_path / "project", 6)
        asked = httpx.get(f"http://127.0.0.1:{model.port}/counts").json()["calls"]
    assert asked["write"] >= 6
    assert {slot for slot, *_ in generate.texts(tmp_path / "project")} == set(range(6))
