"""What the page about other tools writes is imported: each snippet runs on that tool's export."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from sync.cli import main
from tests.docs.console import told

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "moving.md"
TEXT = PAGE.read_text(encoding="utf-8")
SNIPPETS = {
    section.split("\n", 1)[0]: re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    for section in TEXT.split("\n## ")
}
# One task as Label Studio exports it (JSON), and one record as Argilla 2 does (records.to_json).
ENTERPRISE = [
    {
        "id": 17,
        "data": {"question": "Where is LM-1?", "answer": "In Gdansk.", "region": "eu"},
        "annotations": [
            {
                "id": 5,
                "completed_by": 2,
                "result": [
                    {
                        "from_name": "verdict",
                        "to_name": "q",
                        "type": "choices",
                        "value": {"choices": ["right"]},
                    }
                ],
                "was_cancelled": False,
                "ground_truth": False,
                "lead_time": 12.5,
            }
        ],
        "predictions": [],
        "meta": {},
        "created_at": "2026-03-01T10:00:00.000000Z",
        "inner_id": 1,
        "project": 3,
        "agreement": 100.0,
    }
]
ARGILLA = [
    {
        "id": "a-1",
        "fields": {"prompt": "Cancel LM-2"},
        "metadata": {"channel": "chat"},
        "suggestions": {},
        "responses": {"verdict": [{"value": "right", "user_id": "u-1"}]},
        "vectors": {},
        "status": "completed",
    }
]
DATASET = "0d8bd0f5-3a46-4f0e-9c2e-6f3f3a3c2b11"
EXAMPLE = "734fc6a0-c187-4266-9721-90b7a025751a"
WHEN = "2026-03-01T10:00:00+00:00"
LANGSMITH = {
    "/datasets": [{"id": DATASET, "name": "my-dataset", "created_at": WHEN}],
    "/examples": [
        {
            "id": EXAMPLE,
            "dataset_id": DATASET,
            "inputs": {"question": "Refund LM-3"},
            "outputs": {"answer": "Refunded."},
            "metadata": {"split": "base"},
            "created_at": WHEN,
        }
    ],
    "/info": {},
    "/sessions": [],
}


class _LangSmith(BaseHTTPRequestHandler):
    """The paths of LangSmith's API that its client asks for."""

    def do_GET(self) -> None:
        body = json.dumps(LANGSMITH[urlsplit(self.path).path]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def langsmith(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _LangSmith) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("LANGSMITH_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("LANGSMITH_API_KEY", "key-for-tests")
        yield
        server.shutdown()


def _goldloop(*arguments: str) -> str:
    done = CliRunner().invoke(main, list(arguments))
    assert done.exit_code == 0, done.output
    return done.output


def _run(snippet: str) -> None:
    exec(compile(snippet, str(PAGE), "exec"), {})  # noqa: S102 - it is what the page shows


@pytest.mark.usefixtures("langsmith")
def test_every_snippet_makes_samples_that_goldloop_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    _goldloop("init")
    Path("export.json").write_text(json.dumps(ENTERPRISE))
    Path("records.json").write_text(json.dumps(ARGILLA))
    made = {}
    imported, run, select = told(TEXT)[:3]
    enterprise, scores = SNIPPETS["Label Studio Enterprise"]
    for snippet in (enterprise, *SNIPPETS["Argilla"], *SNIPPETS["LangSmith"]):
        _run(snippet)
        [line] = Path("samples.jsonl").read_text().splitlines()
        made[json.loads(line)["sample_id"]] = json.loads(line)
        _goldloop(*imported)
    assert list(made) == ["lse-17", "argilla-a-1", f"langsmith-{EXAMPLE}"]
    assert {one["user_input"] for one in made.values()} == {
        "Where is LM-1?",
        "Cancel LM-2",
        "Refund LM-3",
    }
    _run(scores)
    assert capsys.readouterr().out.split() == ["0.3333333333333333", "0.6666666666666666"]
    # An interface of Enterprise may show $question, as the page says: only `metadata` brings it.
    Path("own.xml").write_text(
        '<View><Text name="q" value="$question"/><Rating name="good" toName="q"/></View>'
    )
    Path("goldloop.toml").write_text(
        '[label_studio]\ninterface = "own.xml"\nurl = "http://127.0.0.1:9"\n'
        '[consensus]\ngold_fields = ["good"]\n'
    )
    found = json.loads(CliRunner().invoke(main, ["doctor", "--json"]).stdout)
    [interface] = [one for one in found if one["check"] == "interface"]
    assert interface["ok"] is False
    assert "shows $question" in interface["says"]
    # Recorded runs that are not there cannot be picked by, as the page says too.
    _goldloop(*run)
    refused = CliRunner().invoke(main, select)
    assert refused.exit_code == 1
    assert "import recorded runs" in refused.output
