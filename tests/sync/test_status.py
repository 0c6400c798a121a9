"""goldloop status: the loop in numbers, what is next, and how to watch it."""

from __future__ import annotations

import json
import os
import signal
import threading
from contextlib import closing

from sync.terminal import again_and_again
from tests.sync.labelled import labelled


def test_status_names_the_next_command_as_the_loop_goes_on(offline):
    assert offline.json("status")["next"][0]["command"] == "goldloop import samples.jsonl"
    offline.fill(6)
    assert offline.json("status")["next"][0]["command"] == "goldloop push --batch-size 20"
    offline.run("select", "--batch-size", "3")
    found = offline.json("status")
    assert found["next"] == [
        {
            "who": "you",
            "what": "1 batch not in Label Studio yet",
            "command": "goldloop push",
        }
    ]
    assert "goldloop push" in offline.run("status").stdout


def test_watching_goes_on_until_it_is_interrupted(offline):
    offline.fill(2)
    timer = threading.Timer(0.8, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    shown = offline.run("status", "--watch", "0.2", "--json").stdout.splitlines()
    timer.join()
    assert len(shown) >= 2
    assert {json.loads(line)["samples"] for line in shown} == {2}


def test_nothing_is_done_once_it_is_stopped():
    again_and_again(lambda: stop.set(), 60.0, (stop := threading.Event()).is_set)
    again_and_again(lambda: 1 / 0, 60.0, stop.is_set)


def test_a_shell_is_told_how_to_complete(offline):
    for shell in ("bash", "zsh", "fish"):
        assert "_GOLDLOOP_COMPLETE" in offline.run("completion", shell).stdout


def test_commands_work_in_any_folder_below_the_project(offline):
    offline.fill(2)
    below = offline.folder / "a" / "b"
    below.mkdir(parents=True)
    assert json.loads(offline.run("-C", str(below), "status", "--json").stdout)["samples"] == 2


def test_verbose_says_where_an_error_came_from(offline):
    quiet = offline.run("verify", "round", "7", exit_code=1)
    loud = offline.run("-v", "verify", "round", "7", exit_code=1)
    assert "Traceback" not in quiet.stderr
    assert "Traceback" in loud.stderr
    assert loud.stderr.endswith(quiet.stderr)


def test_a_damaged_version_is_the_first_thing_that_waits(tmp_path):
    made = labelled(tmp_path / "project", samples=6)
    with closing(made.db):
        made.label(one for n in range(3) for one in made.three(n, ["correct"] * 3))
        made.run("commit")
        (made.folder / "versions" / "golden" / "1.0.0" / "manifest.json").write_text("{}")
        waiting = json.loads(made.run("status", "--json").stdout)["next"]
    assert waiting[0]["what"] == "golden@1.0.0 is not as it was committed"
    assert waiting[0]["command"] == "goldloop verify golden@1.0.0"
    assert "goldloop commit" not in [one["command"] for one in waiting]
