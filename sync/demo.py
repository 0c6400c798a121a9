"""demo: the whole loop on this machine, with a real Label Studio and the sample data."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from goldloop.errors import RecordError, SettingsError
from store.database import Store
from store.rounds import picks_by_sample, undelivered_rounds
from store.runs import named_version
from store.settings import FILE, load_settings
from sync.import_records import import_files
from sync.init import init_project
from sync.labelstudio import (
    Account,
    LabelStudioServer,
    ServerSettings,
    install,
    invite_token,
    sign_up,
)
from sync.labelstudio.ports import is_free, listener
from sync.processes import backend_command, running, wait_until_up, worker_command
from sync.project import Project
from sync.push import Delivery, push_rounds
from sync.rank_pool import embedding
from sync.score_recorded import score_recorded
from sync.select_batch import select_batch

EXAMPLES = Path(__file__).parent.parent / "examples" / "customer_support"
ADMIN = "admin@example.com"
ANNOTATORS = ("ann@example.com", "ben@example.com", "cleo@example.com")
BATCH = 20
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that is running."""

    project: Project
    admin: Account
    annotators: tuple[Account, ...]
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """What the demo is told: its folder, the data, and the ports."""

    folder: Path
    environment: Path
    data: Path
    port: int = 8080
    backend_port: int = 9090

    @property
    def url(self) -> str:
        """Label Studio's address."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running_demo(demo: DemoSettings, say: Say) -> Iterator[Demo]:
    """Label Studio, backend and worker, with a batch to label; all stopped after the block."""
    if not demo.data.is_file():
        raise RecordError(
            f"there is no file {demo.data}; name a JSONL file of samples (make demo DATA=FILE, or "
            "goldloop demo --data FILE), or use a clone, which has some"
        )
    _refuse_taken(demo.backend_port)
    install(demo.environment, say)
    keys = _keys(demo.folder)
    project = _project(demo, keys)
    with ExitStack() as stack:
        stack.enter_context(_label_studio(demo, keys, say))
        admin, people = _accounts(demo, keys)
        say(f"{len(people) + 1} accounts are there")
        db = project.open_store()
        stack.callback(db.close)
        _fill_pool(db, project, demo.data, say)
        log = stack.enter_context((demo.folder / "services.log").open("ab"))
        commands = [backend_command(project.folder), worker_command()]
        processes = stack.enter_context(running(commands, project.folder, log))
        health = f"http://127.0.0.1:{demo.backend_port}/health"
        wait_until_up(health, processes[0], f"the ML backend (see {log.name})")
        say("the ML backend and the worker are running")
        yield Demo(project, admin, tuple(people), _first_batch(db, project, say))


def _refuse_taken(port: int) -> None:
    """Known before Label Studio takes its time to start."""
    if not is_free("127.0.0.1", port):
        raise SettingsError(
            f"port {port}, for the ML backend, is taken by {listener(port) or 'another program'}; "
            "stop it, or choose another: make demo BACKEND_PORT=9091"
        )


@contextmanager
def _label_studio(demo: DemoSettings, keys: dict[str, str], say: Say) -> Iterator[None]:
    settings = ServerSettings(
        environment=demo.environment,
        data_dir=demo.folder / "label-studio",
        email=ADMIN,
        password=keys["password"],
        token=keys["token"],
        port=demo.port,
    )
    server = LabelStudioServer(settings)
    try:
        server.start()
        server.wait(say)
        yield
    finally:
        server.stop()


def _keys(folder: Path) -> dict[str, str]:
    """The demo's own password and tokens: made once, kept in its folder."""
    path = folder / "keys.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.is_file() else {}
    keys = {
        "password": secrets.token_urlsafe(9),
        "token": secrets.token_hex(20),
        "backend": secrets.token_urlsafe(18),
        "webhook": secrets.token_urlsafe(32),
    } | known
    folder.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(keys))
    return keys


def _project(demo: DemoSettings, keys: dict[str, str]) -> Project:
    """The demo's project folder; its settings follow the ports that are asked for."""
    folder = demo.folder
    if not (folder / FILE).exists():
        init_project(folder)
    lines = [
        "# Written by goldloop demo at every start.",
        "[label_studio]",
        f'url = "{demo.url}"',
        "[backend]",
        f"port = {demo.backend_port}",
        f'url = "http://127.0.0.1:{demo.backend_port}"',
        "[worker]",
        "interval = 5.0",
    ]
    (folder / FILE).write_text("\n".join(lines) + "\n")
    environment = folder / ".env"
    environment.touch(mode=0o600)
    environment.write_text(
        f"LABEL_STUDIO_API_KEY={keys['token']}\n"
        f"GOLDLOOP_BACKEND_USER=goldloop\nGOLDLOOP_BACKEND_PASSWORD={keys['backend']}\n"
        f"GOLDLOOP_WEBHOOK_SECRET={keys['webhook']}\n"
    )
    return Project(folder, load_settings(folder, {}))


def _accounts(demo: DemoSettings, keys: dict[str, str]) -> tuple[Account, list[Account]]:
    invite = invite_token(demo.url, keys["token"])
    people = [sign_up(demo.url, invite, email, keys["password"]) for email in ANNOTATORS]
    return Account(ADMIN, 0, keys["token"], keys["password"]), people


def _fill_pool(db: Store, project: Project, data: Path, say: Say) -> None:
    done = import_files(db, [data], say)
    version = named_version(db, project.settings.agent)
    score_recorded(db, version, project.settings.confidence)
    say(
        f"pool: {done.counts['added']} samples added, {done.counts['unchanged']} there already, "
        f"runs by {version}"
    )


def _first_batch(db: Store, project: Project, say: Say) -> Delivery:
    if not picks_by_sample(db) and not undelivered_rounds(db):
        version = named_version(db, project.settings.agent)
        settings = project.settings.selection
        batch = select_batch(db, version, settings, BATCH, embed=embedding(project))
        say(f"round {batch.round_id}: {len(batch.picks)} of {batch.pool_size} samples picked")
    delivery = push_rounds(project, db)
    say(f"project {delivery.project_id}: {delivery.sent} tasks pushed")
    return delivery
