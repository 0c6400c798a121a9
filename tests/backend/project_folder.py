"""A project folder with a real store, for the ML backend's tests, and what is put into it."""

from __future__ import annotations

import json
import sqlite3
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from backend.app import create_app
from goldloop.records import read_record
from goldloop.settings import Settings
from store.database import open_store, transaction
from store.samples import add_samples
from store.settings import load_settings

WEBHOOK_SECRET = "only-our-webhook-shows-this"
SIGNED = {"X-Goldloop-Secret": WEBHOOK_SECRET}


@dataclass
class Folder:
    """A project folder, the settings written in it, and what its store holds."""

    path: Path
    written: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def configure(self, section: str, **values: Any) -> None:
        """Change goldloop.toml."""
        self.written.setdefault(section, {}).update(values)
        lines = []
        for name, chosen in self.written.items():
            lines += [f"[{name}]", *(f"{key} = {json.dumps(v)}" for key, v in chosen.items())]
        (self.path / "goldloop.toml").write_text("\n".join(lines) + "\n")

    def use_secrets(self, **secrets: str) -> None:
        """Change .env."""
        self.secrets.update(secrets)
        lines = [f"{name}={value}\n" for name, value in self.secrets.items()]
        (self.path / ".env").write_text("".join(lines))

    @property
    def settings(self) -> Settings:
        """The settings as they are written now."""
        return load_settings(self.path, {})

    def client(self) -> FlaskClient:
        """A client of the app, as the settings are now."""
        return create_app(self.path, self.settings).test_client()

    def add(self, *records: dict[str, Any]) -> None:
        """Put samples and their runs into the pool."""
        with closing(open_store(self.path / "goldloop.db")) as db, transaction(db):
            add_samples(db, [read_record(record) for record in records])

    def use_agent(self, code: str, version: str = "live-1") -> None:
        """A live agent whose module has `answer(asked)`; it may call `note(asked)`."""
        module = f"agent_{uuid.uuid4().hex}"
        note = (
            "from pathlib import Path\n"
            "def note(asked):\n"
            f"    with Path({str(self.path / 'asked.txt')!r}).open('a') as file:\n"
            "        file.write(asked['sample_id'] + '\\n')\n"
        )
        (self.path / f"{module}.py").write_text(note + code)
        self.configure("agent", kind=f"python:{module}:answer", version=version)

    def asked(self) -> list[str]:
        """The samples that the live agent noted, in order."""
        path = self.path / "asked.txt"
        return path.read_text().split() if path.exists() else []

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query on the store's file finds."""
        with closing(sqlite3.connect(self.path / "goldloop.db")) as connection:
            return connection.execute(sql, values).fetchall()

    def change(self, sql: str, *values: Any) -> None:
        """Change the store's file behind the program's back."""
        with closing(sqlite3.connect(self.path / "goldloop.db")) as connection, connection:
            connection.execute(sql, values)


def record(sample_id: str, confidence: float | None = None, **run: Any) -> dict[str, Any]:
    """A sample; with a run by v1 where a confidence or anything of a run is given."""
    made: dict[str, Any] = {"sample_id": sample_id, "user_input": f"Where is order {sample_id}?"}
    if confidence is not None or run:
        run = {"agent_version": "v1", "response": f"{sample_id} is on its way.", **run}
        # By the method that a live agent's own word goes by: other methods are compared by rank.
        said = {"confidence": confidence, "confidence_method": "reported"}
        made["run"] = run if confidence is None else {**run, **said}
    return made


def tasks_of(*sample_ids: str) -> list[dict[str, Any]]:
    """Tasks of those samples, as Label Studio sends them."""
    return [
        {"id": number, "data": {"sample_id": sample_id}, "meta": {}, "annotations": []}
        for number, sample_id in enumerate(sample_ids, start=1)
    ]
