"""Start and stop the real Label Studio on this machine, with SQLite in a folder of its own."""

import fcntl
import json
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, NoReturn, Self

import httpx

from goldloop.errors import LabelStudioError
from sync.certificates import certificates
from sync.labelstudio import ports

TETHER = Path(__file__).with_name("tethered.py")
START_SECONDS = 240.0
POLL_SECONDS = 0.5
SAY_SECONDS = 5.0
STOP_SECONDS = 10.0
LOG_LINES = 15

# Label Studio reads many variables also without its prefix (HOST, PORT, DEBUG, USERNAME ...), so it
# is given what a Python program needs to run here, and nothing else of the user's environment.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")

ENVIRONMENT = MappingProxyType(
    {
        # Without it a fresh organization refuses the admin's token.
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        # The ML backend and the webhook receiver are on this machine, in networks that Label Studio
        # bans by default. Link-local addresses stay banned: clouds hand out credentials there.
        "LABEL_STUDIO_USE_DEFAULT_BANNED_SUBNETS": "false",
        "LABEL_STUDIO_USER_ADDITIONAL_BANNED_SUBNETS": "169.254.0.0/16,fe80::/10",
        "LABEL_STUDIO_COLLECT_ANALYTICS": "false",
        "LABEL_STUDIO_LATEST_VERSION_CHECK": "false",
        "LABEL_STUDIO_SENTRY_DSN": "",
        "LABEL_STUDIO_FRONTEND_SENTRY_DSN": "",
        "LABEL_STUDIO_DJANGO_DB": "sqlite",
    }
)


def quietly(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """One Label Studio: where it is installed, where it keeps everything, where it listens.

    environment: made by `install`.
    data_dir: database, uploads, secret key and log; a second start with it finds all of it again.
    email, password, token: the administrator, made at the first start and unchanged by later ones.
        The token is a legacy token: 40 hex digits.
    public_url: set it behind a proxy only; empty, every link is relative and any address works.
    extra: more environment variables, stronger than those that we set.
    """

    environment: Path
    data_dir: Path
    email: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    port: int = 8080
    host: str = "127.0.0.1"
    public_url: str = ""
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def url(self) -> str:
        """Where programs and people on this machine reach it, without a slash at the end."""
        return f"http://{'127.0.0.1' if self.host == '0.0.0.0' else self.host}:{self.port}"  # noqa: S104

    @property
    def log(self) -> Path:
        """What the server of the latest start printed."""
        return self.data_dir / "label-studio.log"


class LabelStudioServer:
    """A Label Studio that lives at most as long as this process; a context manager.

    `with LabelStudioServer(settings)` starts it, waits for it, and stops it whatever happens. It
    is in a session of its own: Ctrl-C in a terminal reaches only us, and `stop` then ends it.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._claim: IO[str] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.settings.url

    def start(self) -> None:
        """Start it, without waiting until it answers.

        Raises LabelStudioError if a Label Studio already runs on this data folder, if the port is
        taken (with the taker's name, where it can be found out), or if it is not installed.
        """
        if self._process is not None:
            raise LabelStudioError(f"Label Studio at {self.url} was started already")
        _refuse_absent(self.settings.environment)
        self.settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._claim = _claim(self.settings)
        try:
            _refuse_taken_port(self.settings)
            self._process = _spawn(self.settings)
        except BaseException:
            self._release()
            raise

    def wait(self, say: Callable[[str], None] = quietly) -> None:
        """Wait until it answers: about 10 s, and 40 to 100 s at the first start of a data folder.

        Raises LabelStudioError with the end of its log, and leaves it stopped, if it ends or does
        not answer within 240 s.
        """
        begun = said = time.monotonic()
        while not self._answers():
            now = time.monotonic()
            if self._process is None or self._process.poll() is not None:
                self._give_up(f"Label Studio ended while it was starting ({now - begun:.0f} s)")
            if now - begun > START_SECONDS:
                self._give_up(f"Label Studio did not answer within {START_SECONDS:.0f} s")
            if now - said >= SAY_SECONDS:
                said = now
                say(f"Label Studio is starting: {now - begun:.0f} s")
            time.sleep(POLL_SECONDS)
        say(f"Label Studio answers at {self.url} ({time.monotonic() - begun:.0f} s)")

    def stop(self) -> None:
        """End it and everything that it started; does nothing if it does not run."""
        process, self._process = self._process, None
        try:
            if process is not None:
                _end(process)
        finally:
            self._release()

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _answers(self) -> bool:
        try:
            # The way to this machine leads through no proxy.
            reply = httpx.get(
                f"{self.url}/health", timeout=2.0, trust_env=False, verify=certificates()
            )
        except httpx.HTTPError:
            return False
        alive = self._process is not None and self._process.poll() is None
        return alive and reply.status_code == httpx.codes.OK

    def _give_up(self, what: str) -> NoReturn:
        self.stop()
        log = self.settings.log
        raise LabelStudioError(f"{what}; the end of {log}:\n{_tail(log)}")

    def _release(self) -> None:
        if self._claim is not None:
            self._claim.close()
            self._claim = None


def _refuse_absent(environment: Path) -> None:
    if not _python(environment).exists():
        raise LabelStudioError(
            f"Label Studio is not installed in {environment}; run `make label-studio`, "
            f"or `python -m sync.labelstudio {environment}`"
        )


def _claim(settings: ServerSettings) -> IO[str]:
    """Hold the data folder: two servers on one SQLite file would lock each other out.

    The operating system lets go of it when this process ends, and the tether then ends the server.
    """
    file = (settings.data_dir / "in-use").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip() or "another process"
        file.close()
        raise LabelStudioError(
            f"Label Studio already runs on {settings.data_dir}: {holder}; "
            "use that one, or stop it first"
        ) from error
    file.truncate(0)
    file.write(f"{settings.url}, started by process {os.getpid()}")
    file.flush()
    return file


def _refuse_taken_port(settings: ServerSettings) -> None:
    """Label Studio itself would move to the next port and leave us talking to a stranger."""
    try:
        free = ports.is_free(settings.host, settings.port)
    except (OSError, OverflowError) as error:
        raise LabelStudioError(
            f"Label Studio cannot listen on {settings.host}, port {settings.port}: {error}"
        ) from error
    if not free:
        taker = ports.listener(settings.port) or "another program"
        raise LabelStudioError(
            f"port {settings.port} is taken by {taker}; stop it, or choose another port "
            f"for Label Studio (--port, or PORT= with make)"
        )


def _spawn(settings: ServerSettings) -> subprocess.Popen[bytes]:
    # -I: no module beside the script, and nothing of the user's site, gets into Label Studio.
    python = [str(_python(settings.environment)), "-I", "-u", str(TETHER)]
    arguments = ["start", "--no-browser", "--data-dir", str(settings.data_dir.absolute())]
    listen = ["--internal-host", settings.host, "--port", str(settings.port)]
    with settings.log.open("wb") as log:
        process = subprocess.Popen(
            [*python, *arguments, *listen],
            env=_environment(settings),
            cwd=settings.data_dir,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _hand_over(process, _secrets(settings))
    return process


def _hand_over(process: subprocess.Popen[bytes], secrets: Mapping[str, str]) -> None:
    if process.stdin is None:
        raise LabelStudioError("Label Studio was started without standard input")
    try:
        process.stdin.write(json.dumps(secrets).encode() + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        return  # it ended at once; `wait` tells why


def _environment(settings: ServerSettings) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {
        **inherited,
        **ENVIRONMENT,
        # Before it reads its arguments, it already makes folders in the default place in $HOME.
        "LABEL_STUDIO_BASE_DATA_DIR": str(settings.data_dir.absolute()),
        "LABEL_STUDIO_HOST": settings.public_url,
    }


def _secrets(settings: ServerSettings) -> dict[str, str]:
    """What no `ps` may show; `extra` may hold anything, so it goes this way too."""
    return {
        "LABEL_STUDIO_USERNAME": settings.email,
        "LABEL_STUDIO_PASSWORD": settings.password,
        "LABEL_STUDIO_USER_TOKEN": settings.token,
        **settings.extra,
    }


def _python(environment: Path) -> Path:
    return environment.absolute() / "bin" / "python"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the process group to end, then make what is left of it; the database survives either."""
    with suppress(ProcessLookupError, subprocess.TimeoutExpired):
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _tail(log: Path) -> str:
    with log.open(errors="replace") as lines:
        return "".join(deque(lines, LOG_LINES)).strip() or "(it is empty)"
