"""One version for every test of an export: none of them changes it."""

from __future__ import annotations

import pytest

from tests.sync.exports.golden import Golden, make_golden


@pytest.fixture(scope="session")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Golden:
    """A project with the version golden@1.0.0; do not change it."""
    return make_golden(tmp_path_factory.mktemp("exports") / "project")
