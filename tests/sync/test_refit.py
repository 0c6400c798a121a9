"""Learning anew: nobody waits for it, nothing is lost while it runs, and one process does it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import psutil
import pytest

import goldloop.consensus.by_kind as by_kind
from goldloop.errors import RecordError
from store.consensus import learned, stored_models
from store.inbox import add_hint, backlog
from sync import consensus
from sync.claims import claimed
from sync.consensus import refit, refit_due, update_consensus
from sync.refit import CUT_OFF, BackgroundRefit
from tests.sync.dying import start
from tests.sync.labelled import elsewhere, labelled

FINISH = 60.0


@pytest.fixture
def made(tmp_path):
    """90 samples, of which 60 have three answers."""
    one = labelled(tmp_path / "project")
    one.label([answer for n in range(60) for answer in one.careless(n)])
    yield one
    one.db.close()


@pytest.fixture
def many(monkeypatch):
    """However few annotations there are, they count as many."""
    monkeypatch.setattr("sync.consensus.SMALL", 0)


def while_learning(monkeypatch, act):
    """Do something just before each field is learned."""
    learn = by_kind.learn_field

    def slow(*args, **kwargs):
        act()
        return learn(*args, **kwargs)

    monkeypatch.setattr("goldloop.consensus.by_kind.learn_field", slow)


def test_a_webhook_is_taken_while_the_models_are_learned(made, monkeypatch):
    with elsewhere(made) as webhook:
        act = lambda: add_hint(webhook.db, "ANNOTATION_CREATED", 7, [1], [])  # noqa: E731
        while_learning(monkeypatch, act)
        refit(made.project, made.db)
        assert backlog(webhook.db).pending == len(stored_models(made.db)) > 0


@pytest.mark.parametrize("fits", [0, 1], ids=["the first fit", "a later fit"])
def test_what_changes_while_the_models_are_learned_stays_counted(made, monkeypatch, many, fits):
    for _ in range(fits):
        refit(made.project, made.db)
    numbers = iter((70, 71))
    with elsewhere(made) as worker:

        def answer():
            for number in numbers:
                changed = worker.label(worker.careless(number))
                update_consensus(worker.project, worker.db, changed)

        while_learning(monkeypatch, answer)
        refit(made.project, made.db)
    state = learned(made.db)
    assert (state.version, state.changed, state.samples) == (fits + 1, 2, 60)
    assert {"s70", "s71"} <= made.found().keys()


def test_an_answer_that_comes_while_its_sample_is_decided_is_not_overwritten(made, monkeypatch):
    made.label(made.three(80, ("correct", "correct")))
    decide, late = consensus._decisions, iter([80])
    with elsewhere(made) as worker:

        def slow(project, db, sample_ids):
            results = decide(project, db, sample_ids)
            for number in late:
                worker.label(worker.three(number, ("incorrect", "incorrect")))
            return results

        monkeypatch.setattr("sync.consensus._decisions", slow)
        refit(made.project, made.db)
    assert made.found()["s80"].labels["correctness"] == "incorrect"


def test_others_write_between_the_chunks_that_are_decided(made, monkeypatch):
    monkeypatch.setattr("sync.consensus.CHUNK", 10)
    taken = []
    with elsewhere(made) as webhook:

        @contextmanager
        def progress(what, total):
            def meter(done=1):
                if what.startswith("deciding"):
                    taken.append(add_hint(webhook.db, "ANNOTATION_CREATED", 7, [1], []))

            yield meter

        refit(made.project, made.db, progress)
    assert len(taken) == 6
    assert None not in taken


def test_a_refit_that_was_cut_off_before_all_was_decided_is_due_again(made, monkeypatch):
    def die(*_):
        raise RecordError("cut off")

    with monkeypatch.context() as patch:
        patch.setattr("sync.consensus.save_consensus", die)
        with pytest.raises(RecordError):
            refit(made.project, made.db)
    assert refit_due(made.project, made.db)
    refit(made.project, made.db)
    assert not refit_due(made.project, made.db)


def test_before_anybody_has_answered_no_refit_is_due(tmp_path):
    made = labelled(tmp_path / "empty", samples=1)
    assert not refit_due(made.project, made.db)
    made.db.close()


def test_a_second_process_waits_until_the_first_has_refitted(made):
    done = threading.Event()

    def other():
        with elsewhere(made) as second:
            refit(second.project, second.db)
        done.set()

    with claimed(made.project, "refit"):
        thread = threading.Thread(target=other)
        thread.start()
        assert not done.wait(0.5)
        assert learned(made.db).version == 0
    thread.join(FINISH)
    assert done.is_set()
    assert learned(made.db).version == 1


class TestBeside:
    """A refit in a process of its own."""

    def test_it_gives_what_a_refit_here_gives_while_everybody_goes_on(self, tmp_path, many):
        made = labelled(tmp_path / "project", samples=700)
        made.label(made.crowd(range(700)))
        said, waits = [], []
        beside = BackgroundRefit(made.folder, said.append)
        beside.want()
        end = time.monotonic() + FINISH
        while not beside.turn():
            assert time.monotonic() < end
            begun = time.monotonic()
            add_hint(made.db, "ANNOTATION_CREATED", 7, [1], [])  # fails after half a second
            update_consensus(made.project, made.db, ["s0"])
            waits.append(time.monotonic() - begun)
            time.sleep(0.02)
        assert not beside.awaited
        assert len(waits) > 10
        assert max(waits) < 1
        assert learned(made.db).applied
        assert said == ["the annotators' models were learned anew; consensus is up to date"]
        there = made.states()
        refit(made.project, made.db)
        assert made.states() == there
        made.db.close()

    def test_it_ends_with_whoever_started_it_even_if_that_was_killed(self, made):
        code = (
            "import sys, time; from pathlib import Path; from sync.refit import BackgroundRefit\n"
            "beside = BackgroundRefit(Path(sys.argv[1]), print); beside.want(); beside.turn()\n"
            "print(beside._process.pid, flush=True); time.sleep(60)"
        )
        with claimed(made.project, "refit"):  # so that it has to wait
            command = [sys.executable, "-c", code, str(made.folder)]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as starter:
                beside = psutil.Process(int(starter.stdout.readline()))
                starter.send_signal(signal.SIGKILL)
            gone, _ = psutil.wait_procs([beside], timeout=15)
        assert gone == [beside]

    def test_stopping_ends_it(self, made):
        beside = BackgroundRefit(made.folder, pytest.fail)
        with claimed(made.project, "refit"):
            beside.want()
            assert not beside.turn()
            process = beside._process
            assert beside.awaited
            beside.stop()
            assert process.returncode == -signal.SIGTERM
        assert not beside.awaited

    def test_one_that_fails_is_reported_and_not_tried_again_at_once(self, made):
        made.configure("[consensus]\ncolour = 1\n")
        said = []
        beside = BackgroundRefit(made.folder, said.append)
        beside.want()
        end = time.monotonic() + FINISH
        while not said:
            assert not beside.turn()
            assert time.monotonic() < end
            time.sleep(0.02)
        assert said == ["the refit ended with code 2; trying again in a minute"]
        assert not beside.awaited
        assert not beside.turn()
        assert beside._process is None

    def test_without_anybody_at_its_standard_input_it_ends_at_once(self, made):
        command = [sys.executable, "-m", "sync.refit", str(made.folder)]
        with claimed(made.project, "refit"):
            done = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=FINISH, check=False)
        assert done.returncode == CUT_OFF


@pytest.mark.labelstudio
def test_the_worker_learns_beside_its_work_where_there_are_many_annotations(loop):
    tasks = loop.pushed(3)
    for person in (0, 1):
        loop.answer(person, tasks["s-000"])
    loop.configure("worker", interval=1.0)
    worker = start(loop.folder, ("worker",), constants=[("sync.consensus", "SMALL", 0)])
    end = time.monotonic() + FINISH
    log = loop.folder / "dying.log"
    try:
        for turn, sample_id in enumerate(("s-001", "s-002"), 1):
            while not log.exists() or log.read_text().count("learned anew") < turn:
                assert time.monotonic() < end
                time.sleep(0.1)
            loop.answer(0, tasks[sample_id])  # more than a tenth of the samples: due again
        while loop.states() != {"s-000": "agreed", "s-001": "waiting", "s-002": "waiting"}:
            assert time.monotonic() < end
            time.sleep(0.1)
    finally:
        worker.terminate()
        worker.join(15)
    assert worker.exitcode == 0
    assert "Traceback" not in log.read_text()
