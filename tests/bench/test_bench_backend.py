"""What the benchmark of the ML backend is made of."""

import psutil
import pytest

from bench import backend


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    folder = backend._project(tmp_path_factory.mktemp("bench") / "project")
    with backend._goldloop(folder) as ours, backend._plain(folder) as plain:
        yield ours, plain


def test_both_backends_answer_for_every_task_and_the_plain_one_asks_one_after_another(servers):
    names = [f"new-{number}" for number in range(32)]

    ours, plain = (backend._timed(server, "/predict", names) for server in servers)

    # No machine is too slow for this: it only sleeps so long.
    assert plain >= 32 * backend.AGENT_SECONDS
    assert ours > 0


def test_an_answer_that_is_empty_for_a_task_is_no_measurement(servers):
    with pytest.raises(RuntimeError, match="did not answer for all of 2 tasks"):
        backend._timed(servers[0], "/predict", ["old-0", "unknown"])


def test_a_refusal_is_no_measurement(servers):
    with pytest.raises(RuntimeError, match="answered 404"):
        backend._timed(servers[0], "/nowhere", [])


def test_the_floor_answers_with_as_many_predictions_as_it_is_measured_against(servers):
    names = [f"old-{number}" for number in range(backend.BATCH)]

    assert backend._timed(servers[1], "/ready/batch", names) > 0
    seconds, took = backend._load(servers[1], "/ready/one", backend._body(["old-1"]), 8)

    assert len(seconds) == 8
    assert max(seconds) <= took


def test_memory_is_that_of_all_processes_of_a_backend(servers):
    main = psutil.Process(servers[0].process.pid)

    assert servers[0].memory() > main.memory_info().rss
