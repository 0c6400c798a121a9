"""healthy: the worker is well while it reconciles, and not for long after it stopped."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from goldloop.errors import RecordError, StoreError
from store.annotations import set_cursor
from store.database import create_store
from store.tasks import ReviewProject, save_review_project
from sync.healthy import RECONCILED, check_worker
from sync.init import init_project

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def db(tmp_path):
    made = create_store(tmp_path / "goldloop.db")
    yield made
    made.close()


@pytest.fixture
def pushed(db):
    save_review_project(db, ReviewProject(1, "http://localhost:8080", "Review", "<View/>"))
    return db


def reconciled(db, seconds_ago):
    moment = NOW - timedelta(seconds=seconds_ago)
    set_cursor(db, RECONCILED, moment.isoformat(timespec="microseconds").replace("+00:00", "Z"))


def test_it_is_well_before_the_first_push_for_there_is_nothing_to_reconcile(db):
    assert "nothing was pushed" in check_worker(db, 60.0, NOW)


def test_it_is_not_well_when_it_never_reconciled(pushed):
    with pytest.raises(StoreError, match="has not reconciled yet"):
        check_worker(pushed, 60.0, NOW)


@pytest.mark.parametrize(("interval", "seconds_ago"), [(60.0, 0), (60.0, 240), (5.0, 75)])
def test_it_is_well_for_three_intervals_and_a_minute(pushed, interval, seconds_ago):
    reconciled(pushed, seconds_ago)
    assert check_worker(pushed, interval, NOW) == f"reconciled {seconds_ago} s ago"


@pytest.mark.parametrize(("interval", "seconds_ago"), [(60.0, 241), (5.0, 76), (5.0, 86400)])
def test_it_is_not_well_after_that(pushed, interval, seconds_ago):
    reconciled(pushed, seconds_ago)
    with pytest.raises(StoreError, match=f"last reconciled {seconds_ago} s ago"):
        check_worker(pushed, interval, NOW)


def test_a_clock_that_was_set_back_does_not_make_it_ill(pushed):
    reconciled(pushed, -3600)
    assert check_worker(pushed, 60.0, NOW) == "reconciled 0 s ago"


def test_a_cursor_that_is_no_time_is_an_error(pushed):
    set_cursor(pushed, RECONCILED, "yesterday")
    with pytest.raises(RecordError, match="yesterday"):
        check_worker(pushed, 60.0, NOW)


def test_the_worker_writes_the_cursor_that_is_looked_at():
    from sync import worker

    assert worker.RECONCILED == RECONCILED


def checked(folder, **variables):
    command = [sys.executable, "-P", "-m", "sync.healthy"]
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_command_says_how_it_is_in_a_line_and_by_its_exit_code(tmp_path):
    init_project(tmp_path)
    well = checked(tmp_path)
    assert (well.returncode, well.stderr) == (0, "")
    assert well.stdout.count("\n") == 1


def test_the_command_fails_in_one_line_where_there_is_no_project(tmp_path):
    ill = checked(tmp_path)
    assert ill.returncode == 1
    assert ill.stderr.startswith("goldloop: no goldloop.toml")
    assert ill.stderr.count("\n") == 1


def test_the_command_takes_the_interval_from_the_environment_as_the_worker_does(tmp_path):
    init_project(tmp_path)
    wrong = checked(tmp_path, GOLDLOOP_WORKER_INTERVAL="often")
    assert wrong.returncode == 1
    assert "GOLDLOOP_WORKER_INTERVAL" in wrong.stderr
