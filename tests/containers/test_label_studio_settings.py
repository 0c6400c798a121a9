"""The settings of Label Studio in docker-compose.yml, proved on a real one with exactly those.

Only its database is another one (SQLite), and it listens on this machine alone.
"""

import re
import shutil
import subprocess
import time
from contextlib import contextmanager

import httpx
import pytest

from sync.labelstudio import invite_token, sign_up
from sync.labelstudio.ports import free_port
from tests.containers.compose import GIVEN, check_of, environment_of

TOKEN = GIVEN["LABEL_STUDIO_API_KEY"]
PUBLIC = "https://label.example.org"
CONFIG = """<View>
  <Text name="asked" value="$asked"/>
  <Choices name="said" toName="asked"><Choice value="yes"/></Choices>
</View>"""
PRIVATE = (
    "http://127.0.0.1:9090",
    "http://10.1.2.3:9090",
    "http://172.17.0.1:9090",
    "http://192.168.1.1",
    "http://198.18.0.1:9090",
    "http://169.254.169.254",
)


@contextmanager
def running(environment_folder, folder, template, variables):
    """A Label Studio with what Compose would give it; an httpx client to it, with its token."""
    shutil.copytree(template, folder)
    port, programs = free_port(), environment_folder / "bin"
    here = {"DJANGO_DB": "sqlite", "LABEL_STUDIO_BASE_DATA_DIR": str(folder)}
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": "/nonexistent"}
    environment |= environment_of("label-studio", variables) | here
    command = ["label-studio", "start", "--no-browser", "--internal-host", "127.0.0.1"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [programs / command[0], *command[1:], "--port", str(port)],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        _wait(server, environment, port, folder / "log")
        headers = {"Authorization": f"Token {TOKEN}"}
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
            yield client
    finally:
        server.terminate()
        server.wait(10)


def _wait(server, environment, port, log):
    """Until the service's own health check passes."""
    check = [word.replace(":8080/", f":{port}/") for word in check_of("label-studio")]
    end = time.monotonic() + 100
    while subprocess.run(check, env=environment, capture_output=True).returncode:
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.5)


@pytest.fixture(scope="module")
def server(label_studio_environment, label_studio_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("compose") / "data"
    with running(label_studio_environment, folder, label_studio_template, GIVEN) as client:
        yield client


@pytest.fixture(scope="module")
def project(server):
    made = server.post("/api/projects/", json={"title": "Compose", "label_config": CONFIG})
    return made.raise_for_status().json()["id"]


def webhook_to(server, project, url):
    return server.post("/api/webhooks/", json={"project": project, "url": f"{url}/webhook"})


def backend_at(server, project, url):
    return server.post("/api/ml", json={"project": project, "url": url, "title": "x"})


def logged_in(server, origin):
    """The answer to who logs in by the form, on a page of `origin`."""
    with httpx.Client(base_url=server.base_url, timeout=30) as browser:
        form = browser.get("/user/login/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)[1]
        account = {"email": "admin@example.org", "password": GIVEN["LABEL_STUDIO_ADMIN_PASSWORD"]}
        return browser.post(
            "/user/login/",
            data={"csrfmiddlewaretoken": token, **account},
            headers={"Origin": origin},
        )


def test_the_token_works_at_the_first_start(server):
    assert server.get("/api/current-user/whoami").json()["email"] == "admin@example.org"


def test_the_first_account_has_the_password_that_was_given(server):
    assert logged_in(server, str(server.base_url).rstrip("/")).status_code == 302


def test_nobody_signs_up_without_a_link(server):
    with httpx.Client(base_url=server.base_url) as stranger:
        page = stranger.get("/user/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
        account = {"email": "stranger@example.org", "password": "a-password-of-a-stranger"}
        for link in ("/user/signup/", "/user/signup/?token=guessed"):
            asked = stranger.post(link, data={"csrfmiddlewaretoken": token, **account})
            assert asked.status_code == 403
    known = [user["email"] for user in server.get("/api/users/").json()]
    assert "stranger@example.org" not in known


def test_people_join_by_the_link(server):
    url = str(server.base_url).rstrip("/")
    joined = sign_up(url, invite_token(url, TOKEN), "ann@example.org", "a-password-of-ann")
    assert joined.token


def test_a_webhook_to_our_network_is_accepted(server, project):
    made = webhook_to(server, project, "http://198.19.77.3:9090")
    assert made.status_code == 201
    server.delete(f"/api/webhooks/{made.json()['id']}/").raise_for_status()


@pytest.mark.parametrize("url", PRIVATE)
def test_any_other_private_address_is_refused_for_webhooks_and_ml_backends(server, project, url):
    for refused in (webhook_to(server, project, url), backend_at(server, project, url)):
        assert refused.status_code == 403
        assert "reserved network address" in refused.text


def test_a_webhook_to_a_name_without_a_dot_is_refused_so_that_the_backend_needs_one(
    server, project
):
    assert webhook_to(server, project, "http://backend:9090").status_code == 400


def test_nothing_is_told_to_the_makers_of_label_studio(server):
    with httpx.Client(base_url=server.base_url) as stranger:
        page = stranger.get("/user/login/").text
    assert not re.search(r"sentry\.io|google-analytics|heap-|segment\.com|fullstory", page)


def test_behind_a_proxy_with_tls_people_log_in_and_their_cookies_travel_by_tls_alone(
    label_studio_environment, label_studio_template, tmp_path
):
    behind = {"LABEL_STUDIO_HOST": PUBLIC, "LABEL_STUDIO_SESSION_COOKIE_SECURE": "1"}
    template, folder = label_studio_template, tmp_path / "data"
    with running(label_studio_environment, folder, template, GIVEN | behind) as server:
        with httpx.Client(base_url=server.base_url) as browser:
            page = browser.get("/user/login/")
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
        # The proxy speaks HTTP to Label Studio, and hands on cookies that a client would keep back.
        cookie = f"csrftoken={page.cookies['csrftoken']}"
        account = {"email": "admin@example.org", "password": GIVEN["LABEL_STUDIO_ADMIN_PASSWORD"]}
        answers = {
            origin: httpx.post(
                server.base_url.join("/user/login/"),
                data={"csrfmiddlewaretoken": token, **account},
                headers={"Origin": origin, "Cookie": cookie},
            )
            for origin in (PUBLIC, "https://elsewhere.example.org")
        }
    assert [answer.status_code for answer in answers.values()] == [302, 403]
    cookies = answers[PUBLIC].headers.get_list("set-cookie")
    assert cookies
    assert all("Secure" in cookie for cookie in cookies)
