"""A project folder that is bound to a real Label Studio, and the hands that work on both."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from click.testing import CliRunner, Result

from label_config.results import write_result
from store.database import Store
from sync.certificates import certificates
from sync.cli import main
from sync.client import LabelStudioClient
from sync.labelstudio import Account
from sync.project import Project, open_project
from sync.simulate import SimulatedAnnotator, label_everything

VERDICT = {"correctness": "correct", "tool_use": "right"}


@dataclass
class Loop:
    """One project of Goldloop: its folder, its Label Studio, and who labels there."""

    folder: Path
    server: Any  # a LabelStudio, or the address of none
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    closing: ExitStack = field(default_factory=ExitStack)
    people: dict[int, LabelStudioClient] = field(default_factory=dict)

    def configure(self, section: str, **values: Any) -> None:
        """Change goldloop.toml; what was set before stays."""
        self.settings.setdefault(section, {}).update(values)
        lines = []
        for name, chosen in self.settings.items():
            lines += [f"[{name}]", *(f"{key} = {json.dumps(v)}" for key, v in chosen.items())]
        (self.folder / "goldloop.toml").write_text("\n".join(lines) + "\n")

    def use_token(self, token: str) -> None:
        """Put a token into .env."""
        (self.folder / ".env").write_text(f"LABEL_STUDIO_API_KEY={token}\n")

    @property
    def project(self) -> Project:
        """The project as its settings are now."""
        return open_project(self.folder)

    def run(self, *arguments: str, exit_code: int = 0) -> Result:
        """A command of goldloop; fails the test when it ends otherwise than expected."""
        result = CliRunner().invoke(main, ["-C", str(self.folder), *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == exit_code, f"{arguments}: {result.stdout}{result.stderr}"
        return result

    def json(self, *arguments: str, exit_code: int = 0) -> Any:
        """What a command prints with --json."""
        return json.loads(self.run(*arguments, "--json", exit_code=exit_code).stdout)

    def refused(self, *arguments: str, exit_code: int = 1) -> str:
        """The one line that a command ends with when it refuses."""
        result = self.run(*arguments, exit_code=exit_code)
        lines = result.stderr.strip().splitlines()
        assert lines[-1].startswith("goldloop: ")
        assert "Traceback" not in result.stderr
        return lines[-1]

    def write(self, name: str, records: Iterable[Mapping[str, Any]]) -> Path:
        """A JSONL file in the project's folder."""
        path = self.folder / name
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        return path

    def fill(self, count: int, version: str = "agent-1") -> None:
        """Import `count` samples s-000, s-001, ..., the first the least confident."""
        records = [sample(number, count, version) for number in range(count)]
        self.run("import", str(self.write(f"{version}.jsonl", records)))

    def pushed(self, count: int) -> dict[str, int]:
        """Fill the pool, push all of it, and say which sample became which task."""
        self.fill(count)
        self.run("push", "--batch-size", str(count))
        return self.task_ids()

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The store, open."""
        db = self.project.open_store()
        with closing(db.conn):
            yield db

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query on the store's file finds."""
        path = self.folder / "goldloop.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return connection.execute(sql, values).fetchall()

    @property
    def project_id(self) -> int:
        """The project in Label Studio."""
        return self._project("review")

    @property
    def expert_id(self) -> int:
        """The experts' project in Label Studio."""
        return self._project("expert")

    def _project(self, role: str) -> int:
        sql = "SELECT project_id FROM label_studio_projects WHERE role = ?"
        [(found,)] = self.rows(sql, role)
        return int(found)

    def task_ids(self) -> dict[str, int]:
        """The store's map: sample to task of the review project."""
        sql = "SELECT sample_id, task_id FROM tasks WHERE project_id = ? ORDER BY sample_id"
        return dict(self.rows(sql, self.project_id))

    def states(self) -> dict[str, str]:
        """The consensus of every sample, by id."""
        return dict(self.rows("SELECT sample_id, state FROM consensus ORDER BY sample_id"))

    def api(self, account: Account | None = None) -> httpx.Client:
        """Label Studio's own API as the administrator or somebody else."""
        token = (account or self.server.admin).token
        client = httpx.Client(
            base_url=self.server.url,
            headers={"Authorization": f"Token {token}"},
            timeout=60,
            verify=certificates(),
            event_hooks={"response": [_succeeded]},
        )
        return self.closing.enter_context(client)

    def person(self, number: int) -> LabelStudioClient:
        """An annotator, by number from 0."""
        if number not in self.people:
            client = LabelStudioClient(self.server.url, self.server.annotators[number].token)
            self.people[number] = self.closing.enter_context(client)
        return self.people[number]

    def annotate(
        self, key: Mapping[str, Mapping[str, Any]], rates: Sequence[float] = (0.0, 0.0, 0.0)
    ) -> dict[str, int]:
        """Let simulated annotators, one a rate of error, label until the queue is empty."""
        people = [
            SimulatedAnnotator(f"person {number}", self.person(number), rate)
            for number, rate in enumerate(rates)
        ]
        return label_everything(people, self.project.interface(), self.project_id, key)

    def answer(
        self, number: int, task_id: int, answers: Mapping[str, Any] = VERDICT, **fields: Any
    ) -> int:
        """An annotation by an annotator; its id."""
        result = write_result(self.project.interface(), answers)
        made = self.person(number).create_annotation(
            task_id, {"result": result, "lead_time": 9.5, **fields}
        )
        return int(made["id"])

    def tasks_there(self) -> list[dict[str, Any]]:
        """Every task that Label Studio has in the project, with everything in it."""
        with self.project.client() as client:
            return list(client.export(self.project_id))

    def predictions_there(self) -> list[dict[str, Any]]:
        """Every prediction that Label Studio has in the project."""
        return self.api().get("/api/predictions/", params={"project": self.project_id}).json()

    def samples_there(self) -> list[str]:
        """The sample of every task in Label Studio, sorted; a double stands twice."""
        return sorted(task["data"].get("sample_id", "") for task in self.tasks_there())


def _succeeded(reply: httpx.Response) -> None:
    reply.read()
    assert reply.is_success, f"{reply.request.method} {reply.url}: {reply.text[:500]}"


def sample(number: int, count: int, version: str = "agent-1") -> dict[str, Any]:
    """A small sample with a run; confidence rises with the number."""
    answer = f"Your order {number} leaves tomorrow."
    return {
        "sample_id": f"s-{number:03}",
        "user_input": f"Where is my order {number}?",
        "expected_response": answer,
        "tags": ["orders"],
        "difficulty": "easy",
        "run": {
            "agent_version": version,
            "response": answer,
            "tool_calls": [{"name": "find_order", "arguments": {"number": number}}],
            "confidence": round((number + 0.5) / count, 6),
        },
    }
