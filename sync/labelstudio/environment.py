"""Label Studio's own Python environment: made by uv from a lock with hashes, once."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from goldloop.errors import LabelStudioError

LOCK = Path(__file__).with_name("label-studio.txt")
STAMP = "goldloop-lock"
CHECKOUT = Path(__file__).resolve().parents[2]
# Not every package of the lock has wheels for a newer Python than this.
NEWEST_PYTHON = (3, 13)
SAY_SECONDS = 5.0
LOG_LINES = 15


def install(environment: Path, say: Callable[[str], None]) -> None:
    """Make `environment` the virtual environment that the lock describes; nothing if it is already.

    Takes 10 to 60 seconds with a fast network. Two processes that ask at once do it once, and a
    half-made environment is made again. Raises LabelStudioError if uv is missing or fails.
    """
    environment = environment.resolve()
    environment.parent.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(environment.with_name(f".{environment.name}.lock"), say):
        if _installed(environment) == lock_fingerprint():
            return
        say(f"Installing Label Studio {_version()} into {environment} (once, about a minute)")
        started = time.monotonic()
        _make(environment, say)
        (environment / STAMP).write_text(lock_fingerprint())
        say(f"Label Studio is installed ({time.monotonic() - started:.0f} s)")


def lock_fingerprint() -> str:
    """Names what is installed: 16 hex digits of the lock's SHA-256."""
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]


def find_uv() -> str:
    """The uv to call: `$UV`, else the one that the Makefile keeps, else the one on PATH.

    Raises LabelStudioError where there is none.
    """
    kept = CHECKOUT / ".tools" / "uv" / "bin" / "uv"
    named = os.environ.get("UV") or (str(kept) if kept.exists() else "uv")
    found = shutil.which(named)
    if found is None:
        raise LabelStudioError(
            f"cannot install Label Studio: uv was not found (looked for {named!r}); "
            "install it from https://docs.astral.sh/uv or set UV to its path"
        )
    return str(Path(found).absolute())


def _make(environment: Path, say: Callable[[str], None]) -> None:
    (environment / STAMP).unlink(missing_ok=True)
    uv = find_uv()
    _run([uv, "venv", "--quiet", "--clear", "--python", _python(), str(environment)], say)
    # Compiled while installing: else the first start does it, alone and on one core.
    options = ["--require-hashes", "--compile-bytecode", "--python", str(environment)]
    _run([uv, "pip", "sync", *options, str(LOCK)], say)


def _run(command: list[str], say: Callable[[str], None]) -> None:
    """Run uv; raises LabelStudioError with the end of what it said if it fails."""
    with tempfile.TemporaryFile("w+") as output:
        # Not inside a project: uv would apply that project's overrides to what is installed here.
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/"
        ) as process:
            _wait(process, say)
        if process.returncode == 0:
            return
        output.seek(0)
        end = "".join(deque(output, LOG_LINES)).strip()
    raise LabelStudioError(
        f"Label Studio could not be installed: `{' '.join(command[:3])}` ended with exit code "
        f"{process.returncode}. Check the network and try again. It said:\n{end}"
    )


def _wait(process: subprocess.Popen[bytes], say: Callable[[str], None]) -> None:
    started = time.monotonic()
    try:
        while process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(SAY_SECONDS)
                return
            say(f"Installing Label Studio: {time.monotonic() - started:.0f} s")
    except BaseException:
        process.terminate()
        raise


def _python() -> str:
    if sys.version_info[:2] <= NEWEST_PYTHON:
        return sys.executable
    return ".".join(map(str, NEWEST_PYTHON))


def _version() -> str:
    pinned = re.search(r"^label-studio==(\S+)", LOCK.read_text(), re.MULTILINE)
    if pinned is None:
        raise LabelStudioError(f"{LOCK} does not pin label-studio; run `make lock-label-studio`")
    return pinned[1]


def _installed(environment: Path) -> str | None:
    """The fingerprint of what is installed; None if nothing, or nothing that can still run."""
    stamp = environment / STAMP
    # A broken link to an interpreter that was removed counts as absent.
    if not stamp.is_file() or not (environment / "bin" / "python").exists():
        return None
    return stamp.read_text()


@contextmanager
def _one_at_a_time(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another process that is installing Label Studio")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
