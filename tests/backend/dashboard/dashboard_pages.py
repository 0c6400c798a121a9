"""Every page of the dashboard, and a project that fills all of them with hostile content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from backend.app import create_app
from store.settings import load_settings
from tests.backend.dashboard.gated_store import fill_gates
from tests.sync.labelled import TRUTHS, Labelled
from tests.sync.reported import reported

# A path of every page, as a browser asks for them on the project below.
PATHS = (
    "/dashboard/",
    "/dashboard/rounds",
    "/dashboard/rounds/1",
    "/dashboard/rounds/1?why=random",
    "/dashboard/quality",
    "/dashboard/quality?by=difficulty&sort=worst",
    "/dashboard/people",
    "/dashboard/people?by=tag&field=tool_use",
    "/dashboard/people/2",
    "/dashboard/disputes",
    "/dashboard/disputes/s4",
    "/dashboard/samples/s4",
    "/dashboard/versions",
    "/dashboard/versions/golden/2.0.0",
    "/dashboard/versions/golden/2.0.0/report",
    "/dashboard/diff?a=golden@1.0.0&b=golden@2.0.0",
    "/dashboard/evaluations",
    "/dashboard/evaluations?by=agent",
    "/dashboard/evaluations/2",
    "/dashboard/evaluations/2/s-001",
    "/dashboard/gates",
    "/dashboard/gates/1",
)
# What is asked for that is not there, and what nobody may ask.
MISSING = (
    "/dashboard/nowhere",
    "/dashboard/rounds/99",
    "/dashboard/people/99",
    "/dashboard/disputes/none",
    "/dashboard/samples/none",
    "/dashboard/versions/golden/9.0.0",
    "/dashboard/versions/nowhere/1.0.0",
    "/dashboard/diff?a=golden@1.0.0&b=golden@9.0.0",
    "/dashboard/rounds?page=99",
    "/dashboard/evaluations/99",
    "/dashboard/gates/99",
)
NONSENSE = (
    "/dashboard/rounds?page=-1",
    "/dashboard/rounds?page=x",
    "/dashboard/rounds?sort=x",
    "/dashboard/rounds/1?why=<b>",
    "/dashboard/rounds/1?sort=<b>",
    "/dashboard/rounds/1?tag=nobody",
    "/dashboard/gates?sort=x",
    "/dashboard/versions?sort=x",
    "/dashboard/diff?a=golden@1.0.0&b=golden@2.0.0&sort=x",
)


@contextmanager
def shown(folder: Path) -> Iterator[Labelled]:
    """Two versions of hostile samples, and among those that people answered some disputed ones."""
    with reported(folder) as made:
        numbers = picked(made)
        made.label(one for n in numbers[1:6] for one in made.three(n, TRUTHS))
        made.run("consensus")
        fill_gates(made.db)
        yield made


def picked(made: Labelled) -> list[int]:
    """The numbers of the samples that the round picked."""
    rows = made.db.execute("SELECT sample_id FROM picks").fetchall()
    return sorted(int(row[0][1:]) for row in rows)


def app_of(folder: Path, **settings: object) -> Flask:
    """The backend's app on a project folder, with further lines in its .env."""
    lines = "".join(f"{name}={value}\n" for name, value in settings.items())
    (folder / ".env").write_text(lines)
    return create_app(folder, load_settings(folder, {}))


def client_of(folder: Path, **settings: object) -> FlaskClient:
    """A browser, as far as it only asks."""
    return app_of(folder, **settings).test_client()


def state_in(page: str) -> str:
    """The state that a page says it shows."""
    given = page.split("hx-headers='", 1)[1].split("'", 1)[0]
    return str(json.loads(given)["X-State"])
