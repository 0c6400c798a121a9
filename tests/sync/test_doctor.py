"""doctor: what is wrong is said with how to mend it, and the exit code says whether anything is."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from tests.sync.receiver import (
    WEBHOOK_SECRET,
    receiving,
    use_secrets,
    webhooks,
    with_address,
)

pytestmark = pytest.mark.labelstudio


def _by_check(findings):
    return {finding["check"]: finding for finding in findings}


def test_everything_is_right_after_a_push(loop):
    loop.pushed(1)
    found = _by_check(loop.json("doctor"))
    good = ("settings", "store", "agent", "interface", "Label Studio", "token", "project")
    assert all(found[check]["ok"] for check in good)
    assert found["token"]["says"].startswith("legacy token of admin@")
    assert found["private addresses"]["ok"]
    assert found["ML backend"]["ok"] is None


def test_asking_about_addresses_registers_nothing(loop):
    loop.pushed(1)
    loop.run("doctor")
    api = loop.api()
    assert api.get("/api/ml/", params={"project": loop.project_id}).json() == []
    assert api.get("/api/webhooks/", params={"project": loop.project_id}).json() == []


def test_a_label_studio_that_refuses_private_addresses_is_named(make_loop, label_studio_factory):
    strict = {"LABEL_STUDIO_USE_DEFAULT_BANNED_SUBNETS": "true"}
    loop = make_loop(label_studio_factory(extra=strict))
    loop.pushed(1)
    found = _by_check(loop.json("doctor", exit_code=1))
    assert found["private addresses"]["ok"] is False
    assert "ML backends and webhooks" in found["private addresses"]["says"]
    assert "USE_DEFAULT_BANNED_SUBNETS=false" in found["private addresses"]["mend"]


def test_a_label_studio_that_is_away_is_named(offline):
    found = _by_check(offline.json("doctor", exit_code=1))
    [away] = [f for check, f in found.items() if check.startswith("Label Studio")]
    assert away["ok"] is False
    assert "LABEL_STUDIO_URL" in away["mend"]


def test_an_interface_that_push_would_refuse_is_named(offline):
    shows = '<View><Text name="t" value="$question"/><Rating name="good" toName="t"/></View>'
    (offline.folder / "own.xml").write_text(shows)
    offline.configure("label_studio", interface="own.xml", url=offline.server.url)
    offline.configure("consensus", gold_fields=["good"])
    found = _by_check(offline.json("doctor", exit_code=1))["interface"]
    # Nothing is imported yet, so that metadata may still bring it.
    assert found["ok"] is None
    offline.fill(2)
    found = _by_check(offline.json("doctor", exit_code=1))["interface"]
    assert found["ok"] is False
    assert "shows $question" in found["says"]
    (offline.folder / "own.xml").write_text(shows.replace("$question", "$user_input"))
    assert _by_check(offline.json("doctor", exit_code=1))["interface"]["ok"]


def test_a_consensus_that_could_never_be_reached_is_named(loop):
    loop.configure("consensus", min_annotators=3)
    found = _by_check(loop.json("doctor", exit_code=1))
    assert "waits for 3" in found["annotators"]["says"]


def test_a_folder_without_a_project_is_told_to_make_one(tmp_path, loop):
    loop.folder = tmp_path / "empty"
    loop.folder.mkdir()
    [found] = loop.json("doctor", exit_code=1)
    assert "goldloop init" in found["says"] + found["mend"]


@pytest.fixture
def hooked(loop):
    """A project with a webhook whose backend does not run yet."""
    loop.pushed(1)
    with_address(loop)
    use_secrets(loop, password="")
    loop.run("webhook", "install")
    return loop


def _webhook(loop, exit_code=1):
    done = loop.run("doctor", "--json", exit_code=exit_code)
    assert WEBHOOK_SECRET not in done.output
    return _by_check(json.loads(done.stdout))["webhook"]


def test_a_webhook_that_is_right_and_received_is_good(hooked):
    with receiving(hooked):
        found = _by_check(hooked.json("doctor"))
        assert found["webhook"]["ok"]
        assert found["webhook receiver"]["ok"]
        assert hooked.rows("SELECT * FROM inbox") == []


def test_a_webhook_that_is_missing_doubled_or_silenced_is_named(hooked):
    [hook] = webhooks(hooked)
    api = hooked.api()
    api.patch(f"/api/webhooks/{hook['id']}/", json={"is_active": False})
    silenced = _webhook(hooked)
    assert "it is switched off, its actions are not ours" in silenced["says"]
    assert silenced["mend"] == "goldloop webhook install"
    api.post("/api/webhooks/", json={"project": hooked.project_id, "url": hook["url"]})
    assert "there are 2" in _webhook(hooked)["says"]
    hooked.run("webhook", "remove")
    assert "Label Studio has none" in _webhook(hooked)["says"]
    hooked.run("webhook", "install")
    assert _webhook(hooked, exit_code=0)["ok"]


def test_a_webhook_with_another_secret_is_named_without_either_secret(hooked):
    use_secrets(hooked, webhook="a-secret-that-came-later", password="")
    found = _webhook(hooked)
    assert "it shows another secret, or none" in found["says"]
    assert "came-later" not in str(found)


@pytest.mark.parametrize("running_with", ["a-secret-of-last-week", ""])
def test_a_backend_that_was_not_started_again_with_the_new_secret_is_named(hooked, running_with):
    use_secrets(hooked, webhook=running_with, password="")
    with receiving(hooked):
        use_secrets(hooked, password="")
        found = _by_check(hooked.json("doctor", exit_code=1))["webhook receiver"]
    assert found["ok"] is False
    assert "does not know the secret" in found["says"]
    assert "GOLDLOOP_WEBHOOK_SECRET" in found["mend"]


def test_a_receiver_that_cannot_be_reached_from_here_is_a_remark(hooked):
    found = _by_check(hooked.json("doctor"))
    assert found["webhook"]["ok"]
    assert found["webhook receiver"]["ok"] is None
    hooked.configure("backend", webhook_url="http://127.0.0.1:9/other/path")
    hooked.run("webhook", "install")
    assert "cannot be told" in _by_check(hooked.json("doctor"))["webhook receiver"]["says"]


def test_a_stranger_at_the_address_is_not_shown_the_secret(hooked):
    shown = []

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self):
            shown.append(dict(self.headers))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status": "UP"}')

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        hooked.configure("backend", webhook_url=f"http://127.0.0.1:{server.server_port}/webhook")
        hooked.run("webhook", "install")
        found = _by_check(hooked.json("doctor"))["webhook receiver"]
        server.shutdown()
    assert found["ok"] is None
    assert len(shown) == 1
    assert WEBHOOK_SECRET not in str(shown)


def test_without_address_or_secret_doctor_says_how_answers_are_found(loop):
    loop.pushed(1)
    assert "answers are found every 60 s" in _webhook(loop, exit_code=0)["says"]
    with_address(loop)
    found = _webhook(loop, exit_code=0)
    assert "GOLDLOOP_WEBHOOK_SECRET is empty" in found["says"]
    assert "token_urlsafe" in found["mend"]
