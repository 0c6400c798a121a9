"""A filled project, for the tests that change nothing in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.backend.dashboard.dashboard_pages import client_of, shown
from tests.sync.labelled import Labelled


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labelled]:
    """The project that every page has something to show of."""
    with shown(tmp_path_factory.mktemp("shown") / "project") as made:
        yield made


@pytest.fixture(scope="module")
def client(filled: Labelled) -> FlaskClient:
    """A browser of this machine, without a password."""
    return client_of(filled.folder)
