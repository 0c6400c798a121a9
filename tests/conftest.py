"""What every test may ask for: a real Label Studio, a real browser, real data, no stray settings.

Label Studio is installed into `.goldloop/label-studio`, which the demo uses too. Its database is
migrated once per lock and kept as a template, so that a server of a test starts in seconds.
"""

import asyncio
import fcntl
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright

from sync.labelstudio import (
    Account,
    LabelStudioServer,
    ServerSettings,
    install,
    invite_token,
    lock_fingerprint,
    log_in,
    sign_up,
)
from sync.labelstudio.ports import free_port
from sync.labelstudio.server import ENVIRONMENT

# A first call that finds the machine busy is no failure; pytest's own timeout stays.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

REPOSITORY = Path(__file__).resolve().parents[1]
ENVIRONMENT_FOLDER = REPOSITORY / ".goldloop" / "label-studio"
TEMPLATES = REPOSITORY / ".goldloop" / "label-studio-template"
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
MEMORY = Path("/dev/shm")
ROOM = 4 * 2**30  # bytes
LONG = ("labelstudio", "browser")
OURS = ("LABEL_STUDIO_", "OPENAI_", "GOLDLOOP_")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_configure() -> None:
    """Keep the tests' folders in memory where there is room: on a disk, Label Studio and the stores
    wait for it at every write, which is a third of the run.
    """
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that need a server or a browser come first: a long file that is left for the end keeps
    one process busy and the others waiting.
    """
    long = {one.path for one in items for name in LONG if one.get_closest_marker(name)}
    items.sort(key=lambda one: one.path not in long)


@dataclass(frozen=True)
class LabelStudio:
    """A running Label Studio, its administrator and the annotators who signed up to it."""

    server: LabelStudioServer
    admin: Account
    annotators: tuple[Account, ...]

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.server.url

    @property
    def data_dir(self) -> Path:
        """Its database, uploads and log."""
        return self.server.settings.data_dir


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own keys and addresses must not change what a test does."""
    for name in list(os.environ):
        if name.startswith(OURS):
            monkeypatch.delenv(name)


@contextmanager
def _no_loop_from_elsewhere(item: pytest.Item) -> Iterator[None]:
    """Playwright leaves its event loop marked as running in this thread as long as a browser is
    open; who has none of their own must be able to run one.
    """
    running = asyncio._get_running_loop()
    if "chromium" not in getattr(item, "fixturenames", ()):
        asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(running or asyncio._get_running_loop())


# Not what ends with a test: browsers end with the last one, whatever that is.
@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Also for fixtures of a module or a session."""
    with _no_loop_from_elsewhere(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """For the test itself."""
    with _no_loop_from_elsewhere(item):
        return (yield)


@pytest.fixture(scope="session")
def label_studio_environment() -> Path:
    """The installed Label Studio."""
    install(ENVIRONMENT_FOLDER, print)
    return ENVIRONMENT_FOLDER


@pytest.fixture(scope="session")
def label_studio_template(label_studio_environment: Path) -> Path:
    """A data folder with a migrated database and nobody in it; never started, only copied."""
    template = TEMPLATES / lock_fingerprint()
    TEMPLATES.mkdir(parents=True, exist_ok=True)
    with (TEMPLATES / "in-use").open("w") as claim:
        fcntl.flock(claim, fcntl.LOCK_EX)
        if not template.exists():
            _migrate(label_studio_environment, template)
    return template


@pytest.fixture(scope="session")
def label_studio_settings(
    label_studio_environment: Path,
    label_studio_template: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., ServerSettings]:
    """Makes the settings of a new server: fresh data folder, free port, own administrator."""

    def settings(**changes: object) -> ServerSettings:
        data_dir = tmp_path_factory.mktemp("label-studio") / "data"
        shutil.copytree(label_studio_template, data_dir)
        fresh = {
            "environment": label_studio_environment,
            "data_dir": data_dir,
            "email": "admin@example.org",
            "password": secrets.token_hex(),
            "token": secrets.token_hex(20),
            "port": free_port(),
        }
        return ServerSettings(**{**fresh, **changes})  # type: ignore[arg-type]

    return settings


@pytest.fixture(scope="session")
def label_studio(label_studio_settings: Callable[..., ServerSettings]) -> Iterator[LabelStudio]:
    """One Label Studio with three annotators, shared by all tests: make your own project in it."""
    with LabelStudioServer(label_studio_settings()) as server:
        yield _inhabited(server, annotators=3)


@pytest.fixture
def label_studio_factory(
    label_studio_settings: Callable[..., ServerSettings],
) -> Iterator[Callable[..., LabelStudio]]:
    """Starts servers for one test (4 s each), as `factory(annotators=1, extra={...})`."""
    with ExitStack() as running:

        def start(annotators: int = 0, **changes: object) -> LabelStudio:
            server = running.enter_context(LabelStudioServer(label_studio_settings(**changes)))
            return _inhabited(server, annotators)

        yield start


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A real Chromium without a window. Skips where there is none; CI must have one."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        reason = f"no Chromium on PATH (looked for {', '.join(BROWSERS)})"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}; CI has to install it")
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=BROWSER_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real runs and real labels that lies beside the checkout."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the shared test data is not in {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def tau_airline(shared_data: Path) -> Path:
    """Real runs of an airline agent with tools, one JSON object a line."""
    path = shared_data / "tau-airline" / "trajectories.jsonl"
    if not path.is_file():
        pytest.skip(f"the airline runs are not in {path}")
    return path


def _inhabited(server: LabelStudioServer, annotators: int) -> LabelStudio:
    settings = server.settings
    admin = log_in(server.url, settings.email, settings.password)
    invite = invite_token(server.url, admin.token)
    people = [
        sign_up(server.url, invite, f"annotator.{number}@example.org", secrets.token_hex())
        for number in range(1, annotators + 1)
    ]
    return LabelStudio(server, admin, tuple(people))


def _migrate(environment: Path, template: Path) -> None:
    """Make the template whole in a temporary place; `version` migrates and makes no account."""
    unfinished = template.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    variables = {"PATH": os.environ["PATH"], "LABEL_STUDIO_BASE_DATA_DIR": str(unfinished)}
    subprocess.run(
        [environment / "bin" / "python", "-I", "-m", "label_studio.server", "version"],
        env={**ENVIRONMENT, **variables},
        cwd=unfinished,
        stdin=subprocess.DEVNULL,
        check=True,
    )
    # Each server has to make a secret key of its own.
    (unfinished / ".env").unlink()
    unfinished.rename(template)
