"""What the benchmarks of webhooks and of chaos are made of."""

import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from bench import _label_studio, chaos, webhooks
from bench._event_load import send_steadily
from bench._site import SECRET
from bench._supervised import Supervised

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.mark.parametrize("benchmark", [chaos, webhooks])
def test_without_label_studio_they_say_what_is_missing(benchmark, tmp_path, monkeypatch):
    monkeypatch.setattr(_label_studio, "ENVIRONMENT", tmp_path / "nowhere")

    said = benchmark.main(quick=True)["skipped"]

    assert f"not installed in {tmp_path / 'nowhere'}" in said
    assert "make label-studio" in said


def test_a_killed_program_is_started_again_and_a_crashed_one_is_not(tmp_path):
    with Supervised(SLEEPER, tmp_path, tmp_path / "log") as program:
        first = program.pid
        assert program.kill()
        end = time.monotonic() + 10
        while program.starts == 1 and time.monotonic() < end:
            time.sleep(0.05)
        assert (program.starts, program.pid != first) == (2, True)
        program.crash()
        time.sleep(0.3)
        assert program.starts == 2
    with pytest.raises(ProcessLookupError):
        os.kill(program.pid, signal.SIG_DFL)


def test_events_are_sent_at_their_rate_with_the_secret_and_every_answer_is_kept():
    seen = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append((self.headers["X-Goldloop-Secret"], self.rfile.read(1)))
            self.send_response(500 if seen[-1][1] == b"5" else 202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_): ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        Thread(target=server.serve_forever, args=(0.05,)).start()
        begun = time.perf_counter()
        found = send_steadily(server.server_address[1], [b"0", b"5", b"1", b"2"] * 5, 40)
        took = time.perf_counter() - begun
        server.shutdown()

    assert found.statuses == (202, 500, 202, 202) * 5
    assert {secret for secret, _ in seen} == {SECRET}
    assert len(seen) == len(found.seconds) == 20
    assert took > 19 / 40


def test_a_receiver_that_is_not_there_counts_as_no_answer():
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        port = server.server_address[1]

    assert send_steadily(port, [b"{}"], 100).statuses == (0,)
