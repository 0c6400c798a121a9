from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from goldloop.errors import SettingsError
from goldloop.samples import Message, Run, Sample, ToolCall
from goldloop.settings import AgentSettings
from store.database import Store
from store.runs import (
    agent_versions,
    get_runs,
    insert_runs,
    named_version,
    shown_runs,
    stored_runs,
)
from store.samples import add_samples

CALL = ToolCall("track", {"z": 1, "a": [12345678901234567890, "漢", None]}, "c1")
RUN = Run(
    sample_id="s1",
    agent_version="v1",
    messages=(
        Message("user", "Where is it?"),
        Message("assistant", None, (CALL, ToolCall("track", {"__unparsed__": '{"id": '}))),
        Message("tool", "lost", tool_call_id="c1", name="track"),
        Message("assistant", "Lost. \u202e😀"),
    ),
    response="Lost. \u202e😀",
    tool_calls=(CALL, ToolCall("track", {"__unparsed__": '{"id": '})),
    confidence=0.1 + 0.2,
    confidence_method="agreement",
    input_tokens=10,
    output_tokens=0,
    seconds=1.25,
    created_at="2026-01-31T12:00:00Z",
)


@pytest.fixture
def sample(db: Store) -> Store:
    """A store with the sample of the run."""
    add_samples(db, [(Sample("s1", "Where is it?", cluster_id="c"), None)])
    return db


def test_a_run_comes_back_as_it_was(sample: Store) -> None:
    insert_runs(sample, [RUN])
    found = stored_runs(sample, ["s1"])["s1", "v1"]
    assert found == RUN
    assert found.tool_calls[0].call_id == "c1"


def test_the_order_of_arguments_is_kept_for_people_to_read(sample: Store) -> None:
    insert_runs(sample, [RUN])
    found = stored_runs(sample, ["s1"])["s1", "v1"]
    assert list(found.tool_calls[0].arguments) == ["z", "a"]


def test_a_run_without_a_time_gets_the_time_of_storing(sample: Store) -> None:
    insert_runs(sample, [replace(RUN, created_at=None)])
    assert (stored_runs(sample, ["s1"])["s1", "v1"].created_at or "") > "2026"


def test_a_run_by_the_same_version_replaces_the_one_before(sample: Store) -> None:
    insert_runs(sample, [replace(RUN, error="time-out", response=None)])
    insert_runs(sample, [RUN])
    assert stored_runs(sample, ["s1"]) == {("s1", "v1"): RUN}


def test_the_tool_path_is_stored_for_the_selection(sample: Store) -> None:
    insert_runs(sample, [RUN])
    assert sample.execute("SELECT tool_path FROM runs").fetchone()[0] == '["track"]'


def test_runs_are_got_by_version(sample: Store) -> None:
    insert_runs(sample, [RUN, replace(RUN, agent_version="v2", response="other")])
    assert get_runs(sample, ["s1", "s2"], "v2")["s1"].response == "other"
    assert get_runs(sample, ["s1"], "v3") == {}


def test_versions_are_counted_the_most_used_first(
    db: Store, fill: Callable[..., list[str]]
) -> None:
    fill(2, version="b")
    fill(3, version="a")
    fill(2, version="c")
    assert list(agent_versions(db).items()) == [("a", 3), ("b", 2), ("c", 2)]


def test_runs_that_people_were_given_are_known_by_version(
    db: Store, fill: Callable[..., list[str]], pick: Callable[..., tuple[int, list[str]]]
) -> None:
    ids = fill(4, version="v1")
    fill(4, version="v2")
    _, picked = pick(2, version="v2")
    assert shown_runs(db, ids) == {(sample_id, "v2") for sample_id in picked}


# The version that counts


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (AgentSettings(version="mine"), "mine"),
        (AgentSettings(kind="openai", model="gpt-5"), "gpt-5"),
        (AgentSettings(kind="openai"), "openai"),
        (AgentSettings(kind="http", url="http://a/run?key=hush"), "http:http://a/run"),
        (AgentSettings(kind="python:m:f"), "python:m:f"),
        (AgentSettings(), "recorded"),
    ],
)
def test_a_version_is_named_by_the_settings(
    db: Store, settings: AgentSettings, expected: str
) -> None:
    assert named_version(db, settings) == expected


def test_the_only_recorded_version_is_the_one_that_counts(
    db: Store, fill: Callable[..., list[str]]
) -> None:
    fill(1, version="v7")
    assert named_version(db, AgentSettings()) == "v7"


def test_a_choice_of_recorded_versions_is_left_to_the_user(
    db: Store, fill: Callable[..., list[str]]
) -> None:
    fill(2, version="v1")
    fill(1, version="v2")
    with pytest.raises(SettingsError, match=r"2 agent versions \(v1, v2\); .*\[agent\] version"):
        named_version(db, AgentSettings())
