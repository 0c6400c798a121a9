"""A project folder with tasks in a running Label Studio, its webhook installed."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench._label_studio import Inhabited
from store.database import Store
from store.tasks import review_project, task_samples
from sync.certificates import certificates
from sync.cli import main
from sync.init import init_project
from sync.labelstudio.ports import free_port
from sync.project import Project, open_project

SECRET = "only-the-webhook-shows-this"  # noqa: S105
# What would make a benchmark work on somebody's own project instead.
OURS = ("LABEL_STUDIO_", "OPENAI_", "GOLDLOOP_")


@dataclass(frozen=True, slots=True)
class Site:
    """The folder, and where and as whom people annotate."""

    folder: Path
    url: str
    tokens: tuple[str, ...]

    @property
    def project(self) -> Project:
        """The project as its settings are now."""
        return open_project(self.folder)

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The store, open."""
        db = self.project.open_store()
        try:
            yield db
        finally:
            db.close()

    @property
    def project_id(self) -> int:
        """The project in Label Studio."""
        with self.store() as db:
            made = review_project(db)
        assert made is not None, "nothing was pushed"
        return made.project_id

    def tasks(self) -> list[int]:
        """The tasks of the project, in order."""
        with self.store() as db:
            return sorted(task_samples(db, self.project_id))

    @property
    def port(self) -> int:
        """Where the backend listens."""
        return self.project.settings.backend.port

    def person(self, number: int) -> httpx.Client:
        """Label Studio's own API as an annotator, from 0; close it."""
        return httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Token {self.tokens[number]}"},
            timeout=60,
            trust_env=False,
            verify=certificates(),
        )


def new_site(folder: Path, there: Inhabited, samples: int, interval: float, *, hook: bool) -> Site:
    """A new project with so many tasks. The worker reconciles every `interval` seconds; `hook` has
    the webhook installed.
    """
    init_project(folder)
    port = free_port()
    settings: Mapping[str, Mapping[str, Any]] = {
        "label_studio": {"url": there.server.url, "title": f"Bench {folder.name}"},
        "backend": {"port": port, "webhook_url": f"http://127.0.0.1:{port}/webhook"},
        "worker": {"interval": interval},
    }
    lines = []
    for section, values in settings.items():
        lines += [f"[{section}]", *(f"{key} = {json.dumps(v)}" for key, v in values.items())]
    (folder / "goldloop.toml").write_text("\n".join(lines) + "\n")
    (folder / ".env").write_text(
        f"LABEL_STUDIO_API_KEY={there.admin.token}\nGOLDLOOP_WEBHOOK_SECRET={SECRET}\n"
    )
    records = folder / "samples.jsonl"
    records.write_text("".join(json.dumps(_sample(number)) + "\n" for number in range(samples)))
    goldloop(folder, "import", str(records))
    goldloop(folder, "push", "--batch-size", str(samples))
    goldloop(folder, "webhook", "install" if hook else "remove")
    return Site(folder, there.server.url, tuple(one.token for one in there.annotators))


def goldloop(folder: Path, *arguments: str) -> None:
    """A command of goldloop, in this process, which saves two seconds; what it says goes to
    standard error.
    """
    outside = dict(os.environ)
    for name in outside.keys() - environment().keys():
        del os.environ[name]
    try:
        with redirect_stdout(sys.stderr):
            main(["-C", str(folder), *arguments], standalone_mode=False)
    finally:
        os.environ.update(outside)
        # Commands leave the store open, and so its write-ahead log in use.
        gc.collect()


def environment() -> dict[str, str]:
    """This process's environment without settings of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


def _sample(number: int) -> dict[str, Any]:
    answer = f"Your order {number} leaves tomorrow. " * 10
    return {
        "sample_id": f"s-{number:05}",
        "user_input": f"Where is my order {number}?",
        "expected_response": answer,
        "run": {
            "agent_version": "agent-1",
            "response": answer,
            "tool_calls": [{"name": "find_order", "arguments": {"number": number}}],
            "confidence": 0.5,
        },
    }
