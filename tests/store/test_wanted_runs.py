"""Runs that are wanted: each is made by one at a time, whoever dies meanwhile."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from goldloop.errors import StoreError
from goldloop.samples import Run, Sample
from store.database import Store, open_store
from store.runs import get_runs, insert_runs
from store.samples import add_samples
from store.wanted_runs import (
    Turn,
    claim_run,
    claimant,
    free_dead_claims,
    keep_run,
    lacking_runs,
    late_runs,
    release_claims,
    renew_claims,
    settle_late_runs,
    show_empty,
    want_runs,
    wanted,
    wanted_samples,
    withdraw_failures,
)

V = "live-1"
ELSEWHERE = "another-machine:/1/aaaa"


@pytest.fixture
def pool(db: Store) -> Store:
    """Six samples without runs."""
    add_samples(db, [(Sample(name, f"Where is {name}?"), None) for name in "abcdef"])
    return db


def test_what_is_wanted_waits_in_its_order_once(pool: Store) -> None:
    assert want_runs(pool, V, ["c", "a", "c"], 10) == []
    assert want_runs(pool, V, ["a", "b"], 10) == []
    assert wanted_samples(pool, V, 10) == ["c", "a", "b"]
    assert wanted_samples(pool, V, 1, ["c"]) == ["a"]
    assert wanted_samples(pool, "live-2", 10) == []


def test_what_does_not_fit_is_told_and_not_kept(pool: Store) -> None:
    assert want_runs(pool, V, ["a", "b", "c"], 2) == ["c"]
    assert want_runs(pool, V, ["d", "a"], 2) == ["d"]
    assert wanted_samples(pool, V, 10) == ["a", "b"]


def test_only_samples_of_the_pool_can_be_wanted(pool: Store) -> None:
    odd = ["unknown", "a\x00", "\ud800", "b"]
    assert lacking_runs(pool, V, odd) == ["b"]
    assert want_runs(pool, V, odd, 10) == []
    assert wanted_samples(pool, V, 10) == ["b"]


def test_samples_that_lack_a_run_are_named_in_order_once(pool: Store) -> None:
    insert_runs(pool, [Run("b", V, response="yes"), Run("c", V, error="no")])
    insert_runs(pool, [Run("d", "live-2", response="yes")])
    asked = ["e", "b", "unknown", "c", "d", "e", "a"]
    assert lacking_runs(pool, V, asked) == ["e", "d", "a"]


def test_a_claimed_sample_is_nobody_elses_until_it_is_released(pool: Store) -> None:
    want_runs(pool, V, ["a"], 10)
    assert claim_run(pool, "a", V, claimant()) == Turn(True, attempts=1)
    one, other = claimant(), claimant()
    assert claim_run(pool, "b", V, one).ours
    assert claim_run(pool, "b", V, other) == Turn(False)
    assert wanted_samples(pool, V, 10) == []
    assert release_claims(pool, one) == 1
    assert claim_run(pool, "b", V, other).ours


def test_of_many_who_claim_at_once_one_gets_it(pool: Store, path: Path) -> None:
    def claim(_number: int) -> list[bool]:
        with closing(open_store(path)) as db:
            return [claim_run(db, name, V, claimant()).ours for name in "abcdef"]

    with ThreadPoolExecutor(8) as threads:
        turns = list(threads.map(claim, range(8)))
    assert [sum(ours) for ours in zip(*turns, strict=True)] == [1] * 6


def test_a_sample_with_a_run_is_not_claimed_and_its_run_is_given(pool: Store) -> None:
    run = keep_run(pool, Run("a", V, response="yes", created_at="2026-01-01T00:00:00Z"))
    turn = claim_run(pool, "a", V, claimant())
    assert (turn.ours, turn.run) == (False, run)


def test_a_failed_run_is_a_run_unless_it_is_to_be_tried_again(pool: Store) -> None:
    keep_run(pool, Run("a", V, error="away"))
    assert claim_run(pool, "a", V, claimant()).run is not None
    assert claim_run(pool, "a", V, claimant(), retry=True).ours
    keep_run(pool, Run("a", V, response="yes"))
    assert get_runs(pool, ["a"], V)["a"].error is None


def test_the_first_run_that_did_not_fail_stands(pool: Store) -> None:
    first = keep_run(pool, Run("a", V, response="theirs", created_at="2026-01-01T00:00:00Z"))
    assert keep_run(pool, Run("a", V, response="ours")) == first
    assert keep_run(pool, Run("a", V, error="ours failed")) == first


def test_a_kept_run_is_wanted_no_more(pool: Store) -> None:
    want_runs(pool, V, ["a", "b"], 10)
    claim_run(pool, "a", V, claimant())
    assert (wanted(pool).pending, wanted(pool).claimed) == (2, 1)
    keep_run(pool, Run("a", V, response="yes"))
    assert (wanted(pool).pending, wanted(pool).claimed) == (1, 0)


def test_a_lease_that_ran_out_is_void_and_one_that_is_renewed_is_not(pool: Store) -> None:
    want_runs(pool, V, ["a", "b"], 10)
    claim_run(pool, "a", V, ELSEWHERE, seconds=-1)
    claim_run(pool, "b", V, ELSEWHERE)
    assert wanted_samples(pool, V, 10) == ["a"]
    assert renew_claims(pool, ELSEWHERE) == 2
    assert wanted_samples(pool, V, 10) == []
    assert claim_run(pool, "a", V, claimant()) == Turn(False)


def test_what_is_released_waits_as_long_as_it_is_told_to(pool: Store) -> None:
    want_runs(pool, V, ["a", "b"], 10)
    me = claimant()
    claim_run(pool, "a", V, me)
    claim_run(pool, "b", V, me)
    release_claims(pool, me, ["a"], seconds=60)
    release_claims(pool, me, ["b"])
    assert wanted_samples(pool, V, 10) == ["b"]


def test_only_attempts_that_count_are_counted(pool: Store) -> None:
    want_runs(pool, V, ["a"], 10)
    me = claimant()
    for counts, attempts in ((True, 1), (False, 2), (True, 2), (True, 3)):
        assert claim_run(pool, "a", V, me).attempts == attempts
        release_claims(pool, me, counts=counts)


def test_what_nobody_else_wants_is_forgotten_with_its_claim(pool: Store) -> None:
    me = claimant()
    claim_run(pool, "a", V, me)
    claim_run(pool, "b", V, me)
    want_runs(pool, V, ["b"], 10)
    assert release_claims(pool, me) == 2
    assert wanted_samples(pool, V, 10) == ["b"]


CLAIMS_AND_WAITS = """
    import sys, time
    from pathlib import Path
    from store.database import open_store
    from store.wanted_runs import claim_run, claimant
    db = open_store(Path(sys.argv[1]))
    print(claim_run(db, "a", "live-1", claimant()).ours, flush=True)
    time.sleep(60)
"""


def test_the_claim_of_a_killed_process_is_void_at_once(pool: Store, path: Path) -> None:
    want_runs(pool, V, ["a", "b"], 10)
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", textwrap.dedent(CLAIMS_AND_WAITS), str(path)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"True\n"
        assert free_dead_claims(pool) == 0
        assert claim_run(pool, "a", V, claimant()) == Turn(False)
        process.send_signal(signal.SIGKILL)
        # Not waited for yet: its parent may take its time.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert free_dead_claims(pool) == 1
    assert wanted_samples(pool, V, 10) == ["a", "b"]
    assert claim_run(pool, "a", V, claimant()) == Turn(True, attempts=2)


def test_nothing_is_presumed_of_processes_elsewhere(pool: Store) -> None:
    claim_run(pool, "a", V, ELSEWHERE)
    assert free_dead_claims(pool) == 0
    assert claim_run(pool, "a", V, claimant()) == Turn(False)


def test_a_run_that_came_after_an_empty_prediction_is_late_until_that_is_settled(
    pool: Store,
) -> None:
    want_runs(pool, V, ["a", "b", "c"], 10)
    show_empty(pool, V, ["b", "a", "unknown"])
    assert late_runs(pool, V) == []
    for name in "bca":
        keep_run(pool, Run(name, V, response="yes"))
    assert late_runs(pool, V) == ["a", "b"]
    assert late_runs(pool, V, 1) == ["a"]
    assert (wanted(pool).pending, wanted_samples(pool, V, 10)) == (0, [])
    settle_late_runs(pool, V, ["a"])
    assert late_runs(pool, V) == ["b"]


def test_failures_that_are_withdrawn_are_wanted_again_and_nothing_else_is_taken_back(
    pool: Store,
) -> None:
    keep_run(pool, Run("a", V, error="away"))
    keep_run(pool, Run("b", V, response="yes"))
    keep_run(pool, Run("c", "live-2", error="away"))
    withdraw_failures(pool, V, ["a", "b", "c", "d"])
    assert wanted_samples(pool, V, 10) == ["a"]
    assert set(get_runs(pool, list("abcd"), V)) == {"b"}
    assert set(get_runs(pool, list("abcd"), "live-2")) == {"c"}


def test_wanting_does_not_wait_long_for_another_writer(pool: Store, path: Path) -> None:
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"what is wanted could not be stored: .* locked"):
            want_runs(pool, V, ["a"], 10)
        with pytest.raises(StoreError, match=r"what is wanted could not be stored: .* locked"):
            show_empty(pool, V, ["a"])
    assert pool.execute("PRAGMA busy_timeout").fetchone() == (30_000,)
    assert wanted_samples(pool, V, 10) == []


def test_the_oldest_wish_is_told(pool: Store) -> None:
    assert wanted(pool).oldest is None
    want_runs(pool, V, ["a"], 10)
    first = wanted(pool).oldest
    want_runs(pool, V, ["b"], 10)
    assert wanted(pool).oldest == first is not None
