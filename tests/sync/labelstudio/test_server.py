import os
import socket
import subprocess
import sys
import textwrap
import time
from contextlib import ExitStack, closing
from dataclasses import replace

import httpx
import psutil
import pytest

from goldloop.errors import LabelStudioError
from sync.labelstudio import LabelStudioServer, ServerSettings, log_in, server
from sync.labelstudio.ports import free_port

PASSWORD = "a-password-nobody-else-has"
TOKEN = "5e" * 20


@pytest.fixture
def stand_in(tmp_path):
    """`stand_in(code)` is a server whose environment runs `code` in the place of Label Studio.

    For ends that the real one does not come to on demand. Stopped when the test is over.
    """
    with ExitStack() as made:

        def server_of(code, **changes):
            environment = tmp_path / "environment"
            _environment_that_runs(code, environment)
            fresh = {"environment": environment, "data_dir": tmp_path / "data", "port": free_port()}
            admin = {"email": "admin@example.org", "password": PASSWORD, "token": TOKEN}
            stood_in = LabelStudioServer(ServerSettings(**{**fresh, **admin, **changes}))
            made.callback(stood_in.stop)
            return stood_in

        yield server_of


def _environment_that_runs(code, environment):
    package = environment / "label_studio"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "server.py").write_text(textwrap.dedent(code))
    # -I ignores PYTHONPATH, so the package's place is put in by hand.
    found = f"import sys, runpy; sys.path.insert(0, {str(environment)!r}); "
    run = "runpy.run_path(sys.argv[1], run_name='__main__')"
    python = environment / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$1" "$2" -c "{found}{run}" "$3"\n')
    python.chmod(0o755)


def process_of(port):
    """The process of this machine that listens on a port."""
    listening = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    return psutil.Process(next(c.pid for c in listening if c.laddr.port == port))


def has_ended(process):
    """Whether a process is gone, or is an orphan that only waits for init to take note."""
    try:
        return psutil.Process(int(process)).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(true, seconds=10.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)


def test_a_taken_port_is_named_with_its_taker_and_a_way_out(stand_in):
    with closing(socket.create_server(("127.0.0.1", 0))) as taker:
        port = taker.getsockname()[1]
        with pytest.raises(LabelStudioError) as error:
            stand_in("", port=port).start()
    assert f"port {port} is taken by" in str(error.value)
    assert "choose another port" in str(error.value)
    if sys.platform == "linux":
        assert f"(process {os.getpid()})" in str(error.value)


@pytest.mark.parametrize("impossible", [{"port": 70000}, {"host": "203.0.113.1"}])
def test_a_port_that_cannot_be_listened_on_is_refused(stand_in, impossible):
    with pytest.raises(LabelStudioError, match="cannot listen on"):
        stand_in("", **impossible).start()


def test_what_is_not_installed_is_refused_with_the_command_that_installs_it(tmp_path):
    settings = ServerSettings(tmp_path / "nothing", tmp_path / "data", "a@b.c", PASSWORD, TOKEN)
    with pytest.raises(LabelStudioError, match="make label-studio"):
        LabelStudioServer(settings).start()


def test_a_server_that_ends_while_it_starts_is_reported_at_once_with_its_last_words(stand_in):
    standing = stand_in("""
        for line in range(100):
            print("line", line)
        raise SystemExit("the database is broken")
    """)
    begun = time.monotonic()
    with pytest.raises(LabelStudioError) as error, standing:
        pass
    assert time.monotonic() - begun < 10
    assert "the database is broken" in str(error.value)
    assert "line 99" in str(error.value)
    assert "line 50" not in str(error.value)
    assert str(standing.settings.log) in str(error.value)


def test_a_server_that_never_answers_is_given_up_and_stopped(stand_in, monkeypatch):
    monkeypatch.setattr(server, "START_SECONDS", 1.0)
    standing = stand_in("""
        import os, time
        print("process", os.getpid())
        time.sleep(60)
    """)
    with pytest.raises(LabelStudioError, match="did not answer within 1 s"):
        standing.__enter__()
    assert not psutil.pid_exists(int(standing.settings.log.read_text().split()[1]))


def test_waiting_shows_the_seconds_that_have_passed(stand_in, monkeypatch):
    monkeypatch.setattr(server, "SAY_SECONDS", 0.0)
    monkeypatch.setattr(server, "START_SECONDS", 1.0)
    said = []
    starting = stand_in("import time; time.sleep(60)")
    starting.start()
    with pytest.raises(LabelStudioError):
        starting.wait(said.append)
    assert "Label Studio is starting: 0 s" in said


def test_a_server_that_ignores_the_request_to_end_is_killed_with_its_children(
    stand_in, monkeypatch
):
    monkeypatch.setattr(server, "STOP_SECONDS", 0.5)
    standing = stand_in("""
        import os, signal, subprocess, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen(["sleep", "60"])
        print(os.getpid(), child.pid)
        time.sleep(60)
    """)
    standing.start()
    log = standing.settings.log
    wait_until(lambda: len(log.read_text().split()) == 2)
    standing.stop()
    wait_until(lambda: all(map(has_ended, log.read_text().split())))


def test_neither_the_users_environment_nor_a_secret_is_in_the_servers_environment(
    stand_in, monkeypatch
):
    for name in ("LABEL_STUDIO_BASE_DATA_DIR", "DJANGO_DB", "HOST", "DEBUG", "SECRET_KEY"):
        monkeypatch.setenv(name, "from-outside")
    standing = stand_in("import os, time; print(os.getpid()); time.sleep(60)")
    standing.start()
    wait_until(lambda: standing.settings.log.read_text().strip())
    process = psutil.Process(int(standing.settings.log.read_text()))
    shown = " ".join(process.cmdline()) + str(process.environ())
    assert "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN" in shown
    assert "from-outside" not in shown
    assert PASSWORD not in shown
    assert TOKEN not in shown


def test_the_secrets_reach_the_server_all_the_same(stand_in):
    code = """
        import os
        print(os.environ["LABEL_STUDIO_PASSWORD"], os.environ["LABEL_STUDIO_USER_TOKEN"])
        print(os.environ["LABEL_STUDIO_ML_TIMEOUT_PREDICT"])
    """
    with pytest.raises(LabelStudioError, match=f"{PASSWORD} {TOKEN}\n7"):
        stand_in(code, extra={"LABEL_STUDIO_ML_TIMEOUT_PREDICT": "7"}).__enter__()


def test_no_secret_is_in_the_repr_of_the_settings(stand_in):
    shown = repr(stand_in("", extra={"SECRET_KEY": "a-key-nobody-else-has"}).settings)
    assert "admin@example.org" in shown
    assert PASSWORD not in shown
    assert TOKEN not in shown
    assert "a-key-nobody-else-has" not in shown


def test_the_server_ends_when_its_starter_is_killed(stand_in):
    settings = stand_in("import os, time; print(os.getpid()); time.sleep(60)").settings
    code = f"""
        import time
        from pathlib import Path
        from sync.labelstudio import LabelStudioServer, ServerSettings
        folders = Path({str(settings.environment)!r}), Path({str(settings.data_dir)!r})
        admin = "admin@example.org", "password", "token"
        server = LabelStudioServer(ServerSettings(*folders, *admin, port={settings.port}))
        server.start()
        time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)]) as starter:
        try:
            wait_until(lambda: settings.log.exists() and settings.log.read_text().strip())
        finally:
            starter.kill()
    wait_until(lambda: has_ended(settings.log.read_text()))


def test_stopping_what_does_not_run_does_nothing(stand_in):
    idle = stand_in("")
    idle.stop()
    idle.stop()


@pytest.mark.labelstudio
def test_a_second_server_on_the_same_data_folder_is_refused_with_the_first_ones_address(
    label_studio,
):
    settings = replace(label_studio.server.settings, port=free_port())
    with pytest.raises(LabelStudioError) as error:
        LabelStudioServer(settings).start()
    assert "already runs" in str(error.value)
    assert label_studio.url in str(error.value)


@pytest.mark.labelstudio
def test_a_restart_keeps_projects_accounts_and_tokens(label_studio_factory):
    running = label_studio_factory(annotators=1)
    ann = running.annotators[0]
    headers = {"Authorization": f"Token {running.admin.token}"}
    project = {"title": "Kept", "label_config": "<View><Text name='t' value='$t'/></View>"}
    httpx.post(f"{running.url}/api/projects/", headers=headers, json=project).raise_for_status()

    running.server.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{running.url}/health")
    running.server.start()
    running.server.wait()

    kept = httpx.get(f"{running.url}/api/projects/", headers=headers).json()
    assert [project["title"] for project in kept["results"]] == ["Kept"]
    assert log_in(running.url, ann.email, ann.password) == ann
    assert log_in(running.url, running.admin.email, running.admin.password) == running.admin


@pytest.mark.labelstudio
def test_the_real_server_shows_no_secret_to_ps_and_none_in_its_log(label_studio):
    process = process_of(label_studio.server.settings.port)
    shown = " ".join(process.cmdline()) + str(process.environ())
    shown += label_studio.server.settings.log.read_text()
    assert str(label_studio.data_dir) in shown
    assert label_studio.admin.password not in shown
    assert label_studio.admin.token not in shown


@pytest.mark.labelstudio
def test_the_real_server_listens_on_this_machine_only(label_studio):
    process = process_of(label_studio.server.settings.port)
    listening = [c.laddr.ip for c in process.net_connections() if c.status == psutil.CONN_LISTEN]
    assert listening == ["127.0.0.1"]


@pytest.mark.labelstudio
def test_webhooks_may_call_this_machine_but_no_metadata_service(label_studio):
    headers = {"Authorization": f"Token {label_studio.admin.token}"}
    project = {"title": "Webhooks", "label_config": "<View><Text name='t' value='$t'/></View>"}
    with httpx.Client(base_url=label_studio.url, headers=headers) as client:
        number = client.post("/api/projects/", json=project).json()["id"]
        answers = [
            client.post("/api/webhooks/", json={"project": number, "url": url}).status_code
            for url in ("http://127.0.0.1:9/webhook", "http://169.254.169.254/latest")
        ]
    assert answers == [201, 403]


@pytest.mark.labelstudio
def test_nobody_signs_up_without_an_invite(label_studio):
    with httpx.Client(base_url=label_studio.url) as visitor:
        visitor.get("/user/signup/")
        form = {
            "csrfmiddlewaretoken": visitor.cookies["csrftoken"],
            "email": "uninvited@example.org",
            "password": "a-good-password",
        }
        reply = visitor.post("/user/signup/", data=form)
    assert reply.status_code == 403


@pytest.mark.labelstudio
def test_label_studio_keeps_out_of_the_home_folder(label_studio):
    """It makes folders in its default place before it reads --data-dir, unless told earlier."""
    log = label_studio.server.settings.log.read_text()
    places = {line.partition(": ")[2] for line in log.splitlines() if "media directory" in line}
    assert places == {str(label_studio.data_dir)}
