"""The floor under a webhook receiver: gunicorn as our backend runs it, and nothing but a 202.

`python -m bench._bare_receiver PORT`
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from gunicorn.app.base import BaseApplication

OPTIONS = {"worker_class": "gthread", "workers": 1, "threads": 8, "control_socket_disable": True}


class _Bare(BaseApplication):  # type: ignore[misc]
    def load_config(self) -> None:
        self.cfg.set("bind", f"127.0.0.1:{int(sys.argv[1])}")
        for key, value in OPTIONS.items():
            self.cfg.set(key, value)

    def load(self) -> Callable[..., Iterable[bytes]]:
        return _accept


def _accept(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    environ["wsgi.input"].read(length)
    status = "202 Accepted" if environ["PATH_INFO"] == "/webhook" else "200 OK"
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", "2")])
    return [b"{}"]


if __name__ == "__main__":
    _Bare().run()
