"""`python -m backend --folder DIR`: the app under gunicorn, for `goldloop backend`."""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from goldloop.errors import GoldloopError
from goldloop.settings import BackendSettings, Settings
from store.settings import load_settings

# Seconds that a client may say nothing while we wait for the rest of a long request.
SILENCE = 10
# The name that prometheus_client knows; set before it is imported, for several processes.
SHARED = "PROMETHEUS_MULTIPROC_DIR"


class CannotListenError(GoldloopError):
    """The address is taken, forbidden, or not one of this machine's."""


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, app: Flask, options: dict[str, Any]) -> None:
        self._app, self._options = app, options
        super().__init__()

    def load_config(self) -> None:
        for key, value in self._options.items():
            self.cfg.set(key, value)

    def load(self) -> Flask:
        return self._app


def main() -> None:
    """Serve until a signal says stop; what a person can mend is one line and an exit code."""
    given = _arguments()
    try:
        settings = _settings(given)
        with _figures_together(settings.backend.workers):
            _serve(given.folder.resolve(), settings)
    except GoldloopError as error:
        print(f"goldloop: {error}", file=sys.stderr)  # noqa: T201 - before there is a log
        sys.exit(error.exit_code)


def _serve(folder: Path, settings: Settings) -> None:
    # Not before it is known whether there are several processes: importing what counts settles how.
    from backend.app import create_app
    from backend.logs import set_up_logging

    # Made here rather than in the worker, which gunicorn would start again and again.
    app = create_app(folder, settings)
    listening = _listen(settings.backend)
    set_up_logging()
    _Server(app, _options(settings.backend, listening)).run()


@contextmanager
def _figures_together(workers: int) -> Iterator[None]:
    """Let several processes count into a private folder, which goes when the program ends."""
    os.environ.pop(SHARED, None)
    if workers == 1:
        yield
        return
    owner, folder = os.getpid(), mkdtemp(prefix="goldloop-figures-")
    os.environ[SHARED] = folder
    try:
        yield
    finally:
        # Workers come through here as well when they end.
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="goldloop backend")
    parser.add_argument("--folder", type=Path, default=Path(), help="where goldloop.toml is")
    parser.add_argument("--host", help="listen here; default: settings")
    parser.add_argument("--port", type=int, help="listen here; default: settings")
    return parser.parse_args()


def _settings(given: argparse.Namespace) -> Settings:
    """The folder's settings, with the address that was given in the place of theirs."""
    settings = load_settings(given.folder)
    host, port = given.host or settings.backend.host, given.port or settings.backend.port
    return replace(settings, backend=replace(settings.backend, host=host, port=port))


def _listen(backend: BackendSettings) -> int:
    """The descriptor of a socket that listens; gunicorn itself would try for five seconds."""
    family = socket.AF_INET6 if ":" in backend.host else socket.AF_INET
    try:
        listening = socket.create_server((backend.host, backend.port), family=family)
    except (OSError, OverflowError) as error:
        why = str(getattr(error, "strerror", None) or error).partition(" (while")[0]
        raise CannotListenError(
            f"the ML backend cannot listen on {backend.host}, port {backend.port}: {why}; stop "
            "what listens there, or choose another port: [backend] port, or --port"
        ) from error
    # Every connection inherits it. Without it, eight clients that stop in the middle of a request
    # would hold all threads for good.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", SILENCE, 0))
    return listening.detach()


def _options(backend: BackendSettings, listening: int) -> dict[str, Any]:
    from backend.gunicorn_worker import GRACE_SECONDS, Worker, begin, bury, end
    from backend.logs import GunicornLog

    return {
        "bind": f"fd://{listening}",
        "worker_class": Worker,
        "workers": backend.workers,
        "threads": backend.threads,
        # A worker whose own thread shows no sign of life for so long is replaced; those of requests
        # and of the agent may take their time.
        "timeout": 120,
        "graceful_timeout": GRACE_SECONDS,
        "post_worker_init": begin,
        "worker_exit": end,
        "child_exit": bury,
        "proc_name": "goldloop-backend",
        "accesslog": None,
        "errorlog": "-",
        "logger_class": GunicornLog,
        # It would leave a socket in the home folder.
        "control_socket_disable": True,
    }


if __name__ == "__main__":
    main()
