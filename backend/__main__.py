"""`python -m backend --folder DIR`: the app under gunicorn, for `goldloop backend`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from backend.app import create_app
from goldloop.settings import Settings
from store.settings import load_settings


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, folder: Path, settings: Settings, options: dict[str, Any]) -> None:
        self._folder, self._settings, self._options = folder, settings, options
        super().__init__()

    def load_config(self) -> None:
        for key, value in self._options.items():
            self.cfg.set(key, value)

    def load(self) -> Flask:
        return create_app(self._folder, self._settings)


def main() -> None:
    """Serve until a signal says stop."""
    parser = argparse.ArgumentParser(prog="goldloop backend")
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    given = parser.parse_args()
    settings = load_settings(given.folder)
    host, port = given.host or settings.backend.host, given.port or settings.backend.port
    options = {
        "bind": f"{host}:{port}",
        "worker_class": "gthread",
        "workers": 1,
        "threads": settings.backend.threads,
        # Label Studio gives a prediction 100 seconds.
        "timeout": 120,
        "proc_name": "goldloop-backend",
        "accesslog": None,
        "errorlog": "-",
        "control_socket_disable": True,
    }
    _Server(given.folder, settings, options).run()


if __name__ == "__main__":
    main()
