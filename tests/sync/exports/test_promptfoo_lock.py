"""The lock of promptfoo: what it installs is pinned, comes from one place, and is not too much."""

from __future__ import annotations

import json

import pytest

from tests.sync.exports.promptfoo import program
from tests.sync.exports.promptfoo.lock import without_optional

NPM = "https://registry.npmjs.org/"
PACKAGES = json.loads((program.HERE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
ASKED = json.loads((program.HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]


def test_every_package_comes_from_npm_and_has_a_hash() -> None:
    locked = {path: one for path, one in PACKAGES.items() if path}
    assert len(locked) > 100
    assert [path for path, one in locked.items() if not one["resolved"].startswith(NPM)] == []
    assert [
        path for path, one in locked.items() if not one["integrity"].startswith("sha512-")
    ] == []


@pytest.mark.parametrize(("name", "version"), ASKED.items())
def test_what_is_asked_for_is_what_is_locked(name: str, version: str) -> None:
    assert PACKAGES[f"node_modules/{name}"]["version"] == version
    assert PACKAGES[""]["dependencies"] == ASKED


def test_optional_packages_are_left_out_of_the_lock() -> None:
    assert without_optional({"packages": PACKAGES}) == {"packages": PACKAGES}


def test_what_asks_for_a_package_that_is_left_out_no_longer_does() -> None:
    asks = {
        "optionalDependencies": {"browser": "1"},
        "peerDependencies": {"cloud": "1", "zod": "4"},
        "peerDependenciesMeta": {"cloud": {"optional": True}},
    }
    lock = {"packages": {"node_modules/a": asks, "node_modules/browser": {"optional": True}}}
    kept = {"node_modules/a": {"peerDependencies": {"zod": "4"}}}
    assert without_optional(lock) == {"packages": kept}
