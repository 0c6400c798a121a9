"""What takes long is worked out once for every state of the project."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask

from backend.dashboard import kept as kept_module
from backend.dashboard.kept import MOST, kept, kept_as, oldest_shown
from goldloop.settings import Settings
from views.project import Project


def test_is_made_once_as_long_as_nothing_changes_and_again_after(tmp_path: Path) -> None:
    project, made = Project(tmp_path, Settings()), []

    def make() -> int:
        made.append(1)
        return len(made)

    assert [kept(project, "one", make) for _ in range(3)] == [1, 1, 1]
    (tmp_path / project.settings.store.path).write_text("an answer")
    assert [kept(project, "one", make) for _ in range(2)] == [2, 2]
    assert kept(project, "another", make) == 3


def test_what_fails_is_tried_again(tmp_path: Path) -> None:
    def fail() -> int:
        raise ZeroDivisionError

    for _ in range(2):
        try:
            kept_as("state", (tmp_path, "failing"), fail)
        except ZeroDivisionError:
            continue
        raise AssertionError("it was kept")
    assert kept_as("state", (tmp_path, "failing"), lambda: 7) == 7


def test_only_what_was_used_last_is_kept(tmp_path: Path) -> None:
    made: list[int] = []
    for number in range(MOST + 1):
        kept_as("state", (tmp_path, number), lambda number=number: made.append(number))
    kept_as("state", (tmp_path, MOST), lambda: made.append(-1))
    kept_as("state", (tmp_path, 0), lambda: made.append(-2))
    assert made == [*range(MOST + 1), -2]


def test_what_was_slow_to_make_outlives_what_was_quick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    monkeypatch.setattr(kept_module, "SLOW", -1.0)
    kept_as("state", (tmp_path, "slow"), lambda: made.append("slow"))
    monkeypatch.undo()
    for number in range(2 * MOST):
        kept_as("state", (tmp_path, number), lambda: None)
    kept_as("state", (tmp_path, "slow"), lambda: made.append("again"))
    assert made == ["slow"]


def test_what_is_shown_while_it_is_made_anew_keeps_its_own_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "SLOW", -1.0)
    monkeypatch.setattr(kept_module, "TIMES", 1)
    times = iter(["first", "second"])
    monkeypatch.setattr(kept_module, "utc_now", lambda: next(times))
    project, seen = Project(tmp_path, Settings()), []

    def fail() -> int:
        with Flask("test").test_request_context():
            kept_module._aged(kept_module._place((project.folder, "aged")))
            seen.append(oldest_shown())
        raise ZeroDivisionError

    kept(project, "aged", lambda: 1)
    (tmp_path / project.settings.store.path).write_text("an answer")
    with pytest.raises(ZeroDivisionError):
        kept(project, "aged", fail)
    assert seen == ["first"]


def test_what_is_slow_to_make_is_shown_a_while_longer_and_the_page_says_of_when(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "SLOW", -1.0)
    monkeypatch.setattr(kept_module, "TIMES", 10**9)
    project = Project(tmp_path, Settings())
    assert kept(project, "slow", lambda: 1) == 1
    with Flask("test").test_request_context():
        assert kept(project, "slow", lambda: 2) == 1
        assert oldest_shown() is None
        (tmp_path / project.settings.store.path).write_text("an answer")
        assert kept(project, "slow", lambda: 2) == 1
        assert oldest_shown() is not None


def test_who_asks_while_it_is_made_anew_is_shown_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "SLOW", -1.0)
    monkeypatch.setattr(kept_module, "TIMES", 1)
    project = Project(tmp_path, Settings())
    assert kept(project, "slower", lambda: 1) == 1
    (tmp_path / project.settings.store.path).write_text("an answer")
    asked: list[int] = []

    def make() -> int:
        with ThreadPoolExecutor() as others:
            asked.append(others.submit(kept, project, "slower", lambda: 3).result(10))
        return 2

    assert kept(project, "slower", make) == 2
    assert asked == [1]
