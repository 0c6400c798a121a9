"""What a person sees who waits, in a terminal and elsewhere."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from store.annotations import set_cursor
from store.rounds import count_undelivered
from store.tasks import mark_delivered, plan_tasks
from sync import terminal
from sync.pull import tasks_to_fetch
from tests.sync.labelled import PROJECT, Labelled, labelled


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Callable[..., io.StringIO]:
    """What is written to standard error; `screen(is_terminal=False)` is a pipe."""

    def show(*, is_terminal: bool = True) -> io.StringIO:
        written = io.StringIO()
        notes = Console(file=written, force_terminal=is_terminal, width=120, highlight=False)
        monkeypatch.setattr(terminal, "_notes", notes)
        return written

    return show


def test_progress_shows_the_count_the_rate_and_the_time_left(
    screen: Callable[..., io.StringIO],
) -> None:
    written = screen()
    with terminal.progress("running [agent] v1", 400) as advance:
        for _ in range(8):
            time.sleep(0.02)
            advance(10)
        time.sleep(0.3)
    shown = written.getvalue()
    assert "running [agent] v1" in shown
    assert "80/400" in shown
    assert "/s" in shown
    assert "0:00:0" in shown


def test_bytes_are_shown_as_such(screen: Callable[..., io.StringIO]) -> None:
    written = screen()
    with terminal.progress("reading", 4_000_000, of_bytes=True) as advance:
        for _ in range(4):
            time.sleep(0.02)
            advance(500_000)
        time.sleep(0.3)
    assert "2.0/4.0 MB" in written.getvalue()
    assert "MB/s" in written.getvalue()


def test_what_has_no_steps_shows_for_how_long_it_takes_already(
    screen: Callable[..., io.StringIO],
) -> None:
    written = screen()
    with terminal.busy("selecting"):
        time.sleep(1.2)
    assert "selecting" in written.getvalue()
    assert "0:00:01" in written.getvalue()


def test_where_nobody_watches_nothing_is_shown(screen: Callable[..., io.StringIO]) -> None:
    written = screen(is_terminal=False)
    with terminal.progress("running", 2) as advance, terminal.busy("selecting"):
        advance()
    assert written.getvalue() == ""


def test_every_item_is_told_of_as_it_is_written_exported_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: dict[str, tuple[int | None, int]] = {}

    @contextmanager
    def heard(what: str, total: int | None, **_: bool) -> Iterator[Callable[..., None]]:
        steps[what] = (total, 0)

        def advance(done: int = 1) -> None:
            steps[what] = (total, steps[what][1] + done)

        yield advance

    monkeypatch.setattr(terminal, "progress", heard)
    made = picked(tmp_path / "project", 4)
    with closing(made.db):
        assert count_undelivered(made.db) == 4
        made.label(one for n in range(3) for one in made.three(n, ["correct"] * 3))
        made.run("consensus")
        made.run("commit", "-m", "first")
        made.run("export", "-o", str(tmp_path / "golden.jsonl"))
        made.run("verify", "golden@1.0.0")
        (made.folder / "versions" / "golden" / "1.0.0" / "manifest.json").write_text("{}")
        made.run("verify", "golden@1.0.0", exit_code=1)
    assert steps["committing items"] == steps["exporting items"] == (3, 3)
    assert steps["checking items"] == (None, 0)
    assert steps["reading"][0] == steps["reading"][1] > 100


def test_how_many_tasks_a_pull_fetches_is_known_of_a_full_one(tmp_path: Path) -> None:
    made = picked(tmp_path / "project", 2)
    with closing(made.db):
        plan_tasks(made.db, PROJECT, 1, ["s0", "s1"], chunk_size=2)
        mark_delivered(made.db, PROJECT, {"s0": 11, "s1": 12})
        assert tasks_to_fetch(made.db) == 2
        set_cursor(made.db, f"pull:{PROJECT}", "2026-01-01T00:00:00Z")
        assert tasks_to_fetch(made.db) is None
        assert tasks_to_fetch(made.db, full=True) == 2


def picked(folder: Path, count: int) -> Labelled:
    """A project with six samples that have runs, and a round of so many of them."""
    made = labelled(folder, samples=6)
    run = {"agent_version": "v1", "response": "So.", "confidence": 0.5}
    records = ({"sample_id": f"s{n}", "user_input": f"{n}?", "run": run} for n in range(6))
    (folder / "runs.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in records))
    made.run("import", str(folder / "runs.jsonl"))
    made.run("select", "--batch-size", str(count))
    return made
