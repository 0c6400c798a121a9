"""goldloop generate: what is paid for, kept and stopped, against an endpoint with every fault."""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from bench._synthetic_endpoint import SyntheticEndpoint
from tests.sync import dying
from tests.sync.generating import candidates, ended, outcomes, record_of, reply_count, spent, use
from tests.sync.loop import Loop

Endpoints = Callable[..., SyntheticEndpoint]
NO_FAULTS: dict[str, float] = {}


@pytest.fixture
def endpoint() -> Iterator[SyntheticEndpoint]:
    """An endpoint with every fault at its usual rate."""
    with SyntheticEndpoint(seed=5) as server:
        yield server


def test_a_batch_is_written_filtered_and_waits_for_people(
    offline: Loop, endpoint: SyntheticEndpoint
) -> None:
    made = offline.json(*use(offline, endpoint), "40")
    funnel = made["funnel"]
    assert made["finished"]
    assert made["batches"][0]["state"] == "checking"
    assert funnel["kept"] + funnel["needs_human"] + funnel["open"] == funnel["slots"] == 40
    assert funnel["kept"] > 15
    assert {stage for stage, found in funnel["rejected"].items() if found} >= {"call", "rules"}
    assert offline.rows("SELECT count(*) FROM samples") == [(0,)]


def test_a_sample_says_where_it_comes_from(offline: Loop, endpoint: SyntheticEndpoint) -> None:
    offline.run(*use(offline, endpoint), "12")
    [(sample_id, *_)] = offline.rows(
        "SELECT sample_id, slot FROM synthesis_candidates WHERE outcome = 'kept' LIMIT 1"
    )
    record = record_of(offline, sample_id)
    assert re.fullmatch(r"syn-[0-9a-f]{20}", sample_id)
    assert record["source"] == "synthetic"
    written = record["metadata"]["synthesis"]
    assert (written["batch"], written["model"]) == (1, "writer")
    assert written["parameters"]["temperature"] == 0.9
    assert written["request_ids"]
    assert float(written["usd"]) > 0
    cell = written["cell"]
    assert set(record["tags"]) == {cell["capability"], f"intent:{cell['intent']}"}


def test_a_finished_batch_is_not_written_again(offline: Loop, endpoint: SyntheticEndpoint) -> None:
    command = use(offline, endpoint)
    offline.run(*command, "4")
    offline.run(*command, "4")
    assert [row[0] for row in offline.rows("SELECT batch FROM synthesis_batches")] == [1, 2]


def test_a_killed_generation_goes_on_without_paying_twice(
    make_loop: Callable[..., Loop], offline: Loop
) -> None:
    with SyntheticEndpoint(seed=5, delay=0.02) as server:
        command = [*use(offline, server, concurrency=4), "16", "--seed", "11"]
        for replies in (10, 30):
            process = dying.start(offline.folder, command)
            while process.is_alive() and reply_count(offline) < replies:
                time.sleep(0.01)
            process.kill()
            ended(offline, process, -signal.SIGKILL)
        said = ended(offline, dying.start(offline.folder, command), 0)
        assert "going on with batch 1" in said
        assert "kept of 16 asked for" in said
        # What was in the air at a kill was answered, and nobody heard it.
        assert sum(server.paid.values()) - len(server.paid) <= 2 * 4
        assert reply_count(offline) == len(server.paid)
        other = make_loop(offline.server, "undisturbed")
        other.run(*use(other, server, concurrency=4), "16", "--seed", "11")
    assert candidates(offline) == candidates(other)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_batch_that_goes_on(offline: Loop, number: signal.Signals) -> None:
    with SyntheticEndpoint(seed=5, delay=0.05) as server:
        command = [*use(offline, server, concurrency=2), "10"]
        process = dying.start(offline.folder, command)
        while process.is_alive() and not server.paid:
            time.sleep(0.01)
        os.kill(process.pid or 0, number)
        said = ended(offline, process, 128 + number)
        assert said.strip().endswith("the same command goes on")
        assert "Traceback" not in said
        assert sum(server.paid.values()) == reply_count(offline)
        offline.run(*command)
        assert max(server.paid.values()) == 1
    assert offline.rows("SELECT batch, state FROM synthesis_batches") == [(1, "checking")]


def test_the_money_is_a_hard_stop_and_the_rest_follows(
    offline: Loop, endpoint: SyntheticEndpoint
) -> None:
    command = [*use(offline, endpoint, max_output=300), "30"]
    stopped = offline.run(*command, "--max-usd", "20", exit_code=3)
    assert "stopped at --max-usd" in stopped.stderr
    tokens = sum(endpoint.tokens)
    assert 0 < tokens / 1000 <= 20
    assert spent(offline) == pytest.approx(tokens / 1000)
    offline.run(*command)
    assert max(endpoint.paid.values()) == 1
    assert offline.rows("SELECT batch, state FROM synthesis_batches") == [(1, "checking")]


def test_a_limit_needs_prices_and_writes_nothing_without(
    offline: Loop, endpoint: SyntheticEndpoint
) -> None:
    command = use(offline, endpoint)
    offline.settings["prices"] = {}
    offline.configure("store")
    said = offline.refused(*command, "3", "--max-usd", "1", exit_code=2)
    assert '"writer" = [USD per million input tokens' in said
    assert offline.rows("SELECT count(*) FROM synthesis_batches") == [(0,)]


@pytest.mark.parametrize("options", [{"strict": False}, {"strict": False, "json_mode": False}])
def test_an_endpoint_without_strict_schemas_fills_a_batch_too(
    offline: Loop, options: dict[str, bool]
) -> None:
    with SyntheticEndpoint(seed=5, **options) as server:
        offline.run(*use(offline, server), "8")
    forms = offline.rows(
        "SELECT DISTINCT json_extract(provenance, '$.structured') FROM synthesis_candidates"
        " WHERE record IS NOT NULL"
    )
    assert forms == [("prompt" if "json_mode" in options else "json",)]


def test_a_busy_endpoint_is_asked_again(offline: Loop) -> None:
    with SyntheticEndpoint(5, NO_FAULTS, throttle=0.3) as server:
        made = offline.json(*use(offline, server), "10")
        assert server.refusals[429] > 0
    assert made["funnel"]["rejected"]["call"] == {}


def test_refusals_and_truncated_answers_are_counted(offline: Loop) -> None:
    with SyntheticEndpoint(5, {"refused": 0.3, "truncated": 0.3}) as server:
        made = offline.json(*use(offline, server, attempts=1, evolve=False), "30")
        reasons = Counter(one.reason for one in server.log)
    expected = {name: reasons[name] for name in ("refused", "truncated")}
    assert made["funnel"]["rejected"]["call"] == expected
    statuses = made["cost"]["by_purpose"][-1]["statuses"]
    assert {name: statuses[name] for name in expected} == expected


def test_what_the_rules_reject_is_tried_again(offline: Loop, endpoint: SyntheticEndpoint) -> None:
    offline.run(*use(offline, endpoint, attempts=3, consistency=False), "30")
    found = candidates(offline)
    assert {row[2] for row in found} >= {1, 2}
    for _, slot, attempt, outcome, *_ in found:
        if any(row[1] == slot and row[2] > attempt for row in found):
            assert outcome == "rejected"
    assert set(outcomes(offline)) <= {"kept", "rejected"}


def test_an_unfinished_batch_with_other_inputs_is_named(offline: Loop) -> None:
    with SyntheticEndpoint(seed=5) as server:
        command = use(offline, server, max_output=300)
        offline.run(*command, "5", "--max-usd", "3", exit_code=3)
        said = offline.refused(*command, "6", exit_code=2)
        assert "batch 1 is not finished, and was asked for with another count" in said
        assert "--new" in said
        offline.run(*command, "6", "--new")
        states = offline.rows("SELECT batch, state, count FROM synthesis_batches")
    assert states == [(1, "writing", 5), (2, "checking", 6)]


def test_a_dead_endpoint_is_an_error_and_the_batch_goes_on(offline: Loop) -> None:
    with SyntheticEndpoint(seed=5) as server:
        command = [*use(offline, server), "3"]
        url = offline.settings["synthesis"]["base_url"]
        offline.configure("synthesis", base_url="http://127.0.0.1:9/v1")
        offline.configure("agent", attempts=1)
        said = offline.refused(*command)
        assert "127.0.0.1:9" in said
        assert "the same command goes on" in said
        offline.configure("synthesis", base_url=url)
        offline.run(*command)
    assert offline.rows("SELECT batch, state FROM synthesis_batches") == [(1, "checking")]


def test_a_temperature_out_of_bounds_is_warned_about(
    offline: Loop, endpoint: SyntheticEndpoint
) -> None:
    command = use(offline, endpoint, temperature=1.3)
    assert "warning: [synthesis] temperature is 1.3" in offline.run(*command, "2").stderr


def test_a_dry_run_shows_the_grid_and_asks_nobody(
    offline: Loop, endpoint: SyntheticEndpoint
) -> None:
    command = use(offline, endpoint)
    shown = offline.run(*command, "30", "--dry-run").stdout
    assert "capability by difficulty" in shown
    assert "nothing was asked" in shown
    assert not endpoint.paid
    assert offline.rows("SELECT count(*) FROM synthesis_batches") == [(0,)]
    most = float(offline.json(*command, "30", "--dry-run")["most_usd"])
    offline.run(*command, "30")
    assert spent(offline) < most


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("task.toml", "description = 'x'\n[axes\n", r"task.toml is not valid TOML: .*line 2"),
        ("task.toml", "description = 'x'\naxis = 1\n", r"task.toml: unknown key axis"),
        ("task.toml", "policy = 'x'\n", r"task.toml: description is empty"),
        ("task.toml", "description = 'x'\npolicy_file = 'no.md'\n", r"no.md cannot be read"),
        ("task.md", "\xff", r"task.md is not UTF-8"),
    ],
)
def test_a_bad_task_file_is_named_and_nothing_is_written(
    offline: Loop, endpoint: SyntheticEndpoint, name: str, text: str, said: str
) -> None:
    command = use(offline, endpoint)
    path = offline.folder / name
    path.write_text(text, encoding="latin-1")
    command[2] = str(path)
    assert re.search(said, offline.refused(*command, "3", exit_code=2))
    assert offline.rows("SELECT count(*) FROM synthesis_batches") == [(0,)]


def test_a_bad_tools_file_is_named_with_its_line(
    offline: Loop, endpoint: SyntheticEndpoint
) -> None:
    command = use(offline, endpoint)
    tools = offline.folder / "tools.json"
    tools.write_text('[\n{"name": "a"}\n{"name": "b"}]')
    command[4] = str(tools)
    assert "tools.json:3 is not JSON" in offline.refused(*command, "3", exit_code=2)
    tools.write_text('[{"name": "a", "parameters": {"type": "nothing"}}]')
    assert "tools.json, tool 1 (a)" in offline.refused(*command, "3", exit_code=2)


def test_a_focus_without_an_estimate_is_refused(offline: Loop, endpoint: SyntheticEndpoint) -> None:
    said = offline.refused(*use(offline, endpoint), "3", "--focus", exit_code=2)
    assert "--focus goes by goldloop estimate, and there is none" in said


def test_prompts_show_samples_of_the_pool_and_never_labelled_ones(
    offline: Loop, endpoint: SyntheticEndpoint
) -> None:
    texts = [f"What about parcel number {number}?" for number in range(4)]
    records = [
        {"sample_id": f"p{number}", "user_input": text, "tags": ["orders"]}
        for number, text in enumerate(texts)
    ]
    offline.run("import", str(offline.write("pool.jsonl", records)))
    with offline.store() as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute(
            "INSERT INTO annotations (annotation_id, project_id, task_id, sample_id, result,"
            " was_cancelled, ground_truth, created_at, updated_at, annotator_id)"
            " VALUES (1, 1, 1, 'p0', '[]', 0, 0, 'now', 'now', 1)"
        )
        db.conn.commit()
    offline.run(*use(offline, endpoint), "6")
    shown = str(offline.rows("SELECT examples FROM synthesis_batches"))
    assert texts[0] not in shown
    assert all(text in shown for text in texts[1:])
