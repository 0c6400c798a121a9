import re
import shutil
from itertools import pairwise

import pytest

from goldloop.errors import LabelStudioError
from sync.labelstudio import environment, install, lock_fingerprint
from sync.labelstudio.environment import LOCK, find_uv


@pytest.fixture
def uv(tmp_path, monkeypatch):
    """`uv(script)` puts a shell script in the place of uv, which notes its calls in `uv.calls`."""

    def put(script):
        program = tmp_path / "uv"
        program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/uv.calls\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setenv("UV", str(program))
        return tmp_path / "uv.calls"

    return put


MAKES_A_PYTHON = """
for last; do :; done
if [ "$1" = venv ]; then mkdir -p "$last/bin"; touch "$last/bin/python"; fi
"""


def test_every_package_of_the_lock_is_pinned_with_a_hash():
    lines = [line for line in LOCK.read_text().splitlines() if not line.startswith("#")]
    hashes = {line for line in lines if line.startswith("    --hash=sha256:")}
    packages = [line for line in lines if line not in hashes]
    assert len(packages) > 100
    assert "label-studio==1.23.2 \\" in packages
    for package in packages:
        assert re.fullmatch(r"[a-z0-9.-]+(\[[a-z0-9,-]+\])?==[^ ]+( ; .+)? \\", package), package
    for line, following in pairwise(lines):
        assert line not in packages or following in hashes, f"{line} has no hash"


def test_the_lock_names_no_index_and_no_address():
    assert not re.search(r"index-url|find-links|trusted-host|://| @ ", LOCK.read_text())


def test_an_installed_environment_is_not_touched_again(tmp_path, uv):
    calls = uv(MAKES_A_PYTHON)
    said = []
    install(tmp_path / "label-studio", said.append)
    first = calls.read_text()
    install(tmp_path / "label-studio", said.append)
    assert calls.read_text() == first
    assert "--require-hashes" in first
    assert len(said) == 2
    assert "Installing Label Studio 1.23.2" in said[0]


def test_another_lock_or_a_lost_interpreter_makes_the_environment_again(tmp_path, uv):
    calls = uv(MAKES_A_PYTHON)
    folder = tmp_path / "label-studio"
    install(folder, print)
    (folder / environment.STAMP).write_text("an older lock")
    install(folder, print)
    (folder / "bin" / "python").unlink()
    install(folder, print)
    assert calls.read_text().count("pip sync") == 3
    assert (folder / environment.STAMP).read_text() == lock_fingerprint()


def test_a_failed_installation_shows_what_uv_said_and_is_tried_again(tmp_path, uv):
    calls = uv('echo "no route to host" >&2; exit 2')
    for _ in range(2):
        with pytest.raises(LabelStudioError, match="no route to host"):
            install(tmp_path / "label-studio", print)
    assert calls.read_text().count("venv --quiet") == 2


def test_a_long_installation_shows_the_seconds(tmp_path, uv, monkeypatch):
    monkeypatch.setattr(environment, "SAY_SECONDS", 0.05)
    uv(f"sleep 0.3\n{MAKES_A_PYTHON}")
    said = []
    install(tmp_path / "label-studio", said.append)
    assert "Installing Label Studio: 0 s" in said


def test_without_uv_the_advice_is_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("UV", str(tmp_path / "not-there"))
    with pytest.raises(LabelStudioError, match="install it from"):
        install(tmp_path / "label-studio", print)


def test_uv_is_taken_from_the_variable_before_the_path(tmp_path, uv, monkeypatch):
    uv("")
    chosen = find_uv()
    assert chosen == str(tmp_path / "uv")
    monkeypatch.delenv("UV")
    monkeypatch.setattr(environment, "CHECKOUT", tmp_path)
    on_path = tmp_path / "bin" / "uv"
    on_path.parent.mkdir()
    shutil.copy(chosen, on_path)
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert find_uv() == str(on_path)
    kept = tmp_path / ".tools" / "uv" / "bin" / "uv"
    kept.parent.mkdir(parents=True)
    shutil.copy(chosen, kept)
    assert find_uv() == str(kept)
