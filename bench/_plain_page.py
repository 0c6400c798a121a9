"""The floor under any page: a plain Flask app whose page shows one row of the store.

`python -m bench._plain_page PORT THREADS STORE`, under gunicorn with so many threads.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing

from flask import Flask, current_app, render_template_string
from gunicorn.app.base import BaseApplication

PAGE = "<!doctype html><title>One row</title><h1>{{ row[0] }}</h1><p>{{ row[1] }}</p>"


class _Plain(BaseApplication):  # type: ignore[misc]
    def load_config(self) -> None:
        self.cfg.set("bind", f"127.0.0.1:{int(sys.argv[1])}")
        self.cfg.set("threads", int(sys.argv[2]))
        self.cfg.set("worker_class", "gthread")
        self.cfg.set("control_socket_disable", True)

    def load(self) -> Flask:
        app = Flask("plain")
        app.config["STORE"] = sys.argv[3]
        app.add_url_rule("/health", view_func=lambda: "up", endpoint="health")
        app.add_url_rule("/", view_func=_page, endpoint="page")
        return app


def _page() -> str:
    with closing(sqlite3.connect(current_app.config["STORE"])) as connection:
        row = connection.execute("SELECT sample_id, user_input FROM samples LIMIT 1").fetchone()
    return render_template_string(PAGE, row=row)


if __name__ == "__main__":
    _Plain().run()
