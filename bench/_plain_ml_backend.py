"""An ML backend as label-studio-ml makes them: a Flask handler that asks the agent task by task.

`python -m bench._plain_ml_backend PORT THREADS FOLDER`, under gunicorn with so many threads.
`/ready/NAME` is the floor under any backend: it reads what it is sent and answers with the file
NAME.json of the folder, which it has at hand.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, jsonify, request
from gunicorn.app.base import BaseApplication

AGENT_SECONDS = 0.2


class _Plain(BaseApplication):  # type: ignore[misc]
    def load_config(self) -> None:
        self.cfg.set("bind", f"127.0.0.1:{int(sys.argv[1])}")
        self.cfg.set("threads", int(sys.argv[2]))
        self.cfg.set("worker_class", "gthread")
        self.cfg.set("control_socket_disable", True)

    def load(self) -> Flask:
        app = Flask("plain")
        app.add_url_rule("/health", view_func=_health)
        app.add_url_rule("/predict", view_func=_predict, methods=["POST"])
        files = Path(sys.argv[3]).glob("*.json")
        app.config["READY"] = {file.stem: file.read_bytes() for file in files}
        app.add_url_rule("/ready/<name>", view_func=_ready, methods=["POST"])
        return app


def _health() -> Response:
    return jsonify(status="UP")


def _predict() -> Response:
    tasks = request.get_json()["tasks"]
    return jsonify(results=[_prediction(task) for task in tasks])


def _prediction(task: dict[str, Any]) -> dict[str, Any]:
    """What the benchmark's agent says, after as long a time."""
    time.sleep(AGENT_SECONDS)
    text = f"On its way: {task['data']['sample_id']}"
    result = {
        "from_name": "expected_response",
        "to_name": "trace",
        "type": "textarea",
        "value": {"text": [text]},
    }
    return {"result": [result], "score": 0.5, "model_version": "plain"}


def _ready(name: str) -> Response:
    request.get_data()
    return Response(current_app.config["READY"][name], content_type="application/json")


if __name__ == "__main__":
    _Plain().run()
