"""All services beside each other as Compose sets them up: read-only, without rights, not root.

Label Studio is on SQLite here. Its image and PostgreSQL's, and Docker's own part, are not shown.
Our image is built without a container, once: what is in it is shown here as well.
"""

import ipaddress
import json
import os
import shutil
import subprocess
import time
import tomllib
from pathlib import Path

import httpx
import pytest
import yaml

from label_config.named import named_interface
from label_config.results import write_result
from sync.labelstudio import invite_token, sign_up
from tests.conftest import REPOSITORY
from tests.containers.compose import (
    COMPOSE,
    GIVEN,
    SERVICES,
    command_of,
    environment_of,
    filled_in,
    final_stage,
)
from tests.containers.confined import VOLUME, Confinement, Container, why_impossible
from tests.sync.loop import VERDICT, sample

HERE = "198.19.77"
HOSTS = {"label-studio": f"{HERE}.2", "backend.goldloop.internal": f"{HERE}.3"}
LABEL_STUDIO = f"http://{HERE}.2:8080"
TOKEN = GIVEN["LABEL_STUDIO_API_KEY"]
PUSHED = 3


@pytest.fixture(scope="module")
def containers(image, label_studio_environment):
    """Every service as a container, with the environment that Compose gives it and no more."""
    why = why_impossible()
    if why:
        pytest.skip(f"this machine cannot confine a service (it takes root): {why}")
    ours = {"PATH": f"{image}/bin:/usr/bin:/bin", "HOME": "/nonexistent"}
    # So seldom that what happens in a test was not found by looking.
    given = {**GIVEN, "GOLDLOOP_WORKER_INTERVAL": "600"}
    made = {
        name: Container(name, ours | environment_of(name, given), "goldloop")
        for name in ("setup", "backend", "worker", "goldloop")
    }
    theirs = {"PATH": f"{label_studio_environment}/bin:/usr/bin:/bin", "HOME": "/nonexistent"}
    here = {"DJANGO_DB": "sqlite", "LABEL_STUDIO_BASE_DATA_DIR": VOLUME}
    made["label-studio"] = Container(
        "label-studio", theirs | environment_of("label-studio") | here, "label-studio"
    )
    return made


@pytest.fixture(scope="module")
def machine(containers, image, label_studio_environment, label_studio_template, tmp_path_factory):
    """Everything running, and a few samples pushed."""
    programs = image, label_studio_environment
    with Confinement(tmp_path_factory.mktemp("machine"), programs, HOSTS) as machine:
        _give(machine, containers["label-studio"], label_studio_template)
        machine.start(containers["label-studio"], ["label-studio"])
        machine.wait_until_healthy(containers["label-studio"], 100)
        done = machine.run(containers["setup"], *command_of("setup"))
        assert done.returncode == 0, done.stderr
        for service in ("backend", "worker"):
            machine.start(containers[service], command_of(service))
            machine.wait_until_healthy(containers[service], 60)
        yield machine


@pytest.fixture(scope="module")
def goldloop(machine, containers):
    """`docker compose run --rm goldloop ...`; what it printed as JSON."""

    def run(*arguments):
        done = machine.run(containers["goldloop"], "goldloop", *arguments, "--json")
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="module")
def pushed(machine, containers, goldloop):
    """The ids of the tasks of a few samples."""
    samples = machine.volume(containers["goldloop"]) / "samples.jsonl"
    samples.write_text("".join(json.dumps(sample(n, PUSHED)) + "\n" for n in range(PUSHED)))
    goldloop("import", "samples.jsonl")
    project = goldloop("push", "--batch-size", str(PUSHED))["project_id"]
    found = machine.call(_asked, "/api/tasks", {"project": project})
    return project, [task["id"] for task in found["tasks"]]


def _give(machine, container, template):
    """Fill a container's volume."""
    volume = machine.volume(container)
    shutil.copytree(template, volume, dirs_exist_ok=True)
    for path in (volume, *volume.rglob("*")):
        os.chown(path, *map(int, container.user))


def _asked(path, parameters=None):
    headers = {"Authorization": f"Token {TOKEN}"}
    reply = httpx.get(f"{LABEL_STUDIO}{path}", params=parameters, headers=headers, timeout=30)
    return reply.raise_for_status().json()


def _page(path, *auth):
    reply = httpx.get(f"http://{HERE}.3:9090{path}", auth=auth or None, timeout=30)
    return reply.status_code, reply.text


def _answered(people, task, result):
    invite = invite_token(LABEL_STUDIO, TOKEN)
    for email in people:
        person = sign_up(LABEL_STUDIO, invite, email, "a-password-of-a-person")
        httpx.post(
            f"{LABEL_STUDIO}/api/tasks/{task}/annotations/",
            json={"result": result, "lead_time": 9.5},
            headers={"Authorization": f"Token {person.token}"},
            timeout=30,
        ).raise_for_status()


def test_a_container_can_write_nowhere_but_in_its_volume_and_tmp(machine, containers):
    places = [f"{VOLUME}/x", "/tmp/x", "/x", "/usr/x", "/var/tmp/x", "/etc/x", "/run/x"]
    done = machine.run(
        containers["worker"],
        "sh",
        "-c",
        f"for f in {' '.join(places)}; do touch $f && echo $f; done",
    )
    assert done.stdout.split() == places[:2]


def test_a_container_is_its_user_without_a_way_to_more(machine, containers):
    asked = "id -u; id -g; grep -E 'CapBnd|NoNewPrivs' /proc/self/status"
    said = machine.run(containers["backend"], "sh", "-c", asked).stdout.split()
    # Capability 2 is to read.
    assert said == ["10001", "10001", "CapBnd:", "0000000000000004", "NoNewPrivs:", "1"]


def test_a_second_start_leaves_the_project_as_it_is(machine, containers, pushed):
    done = machine.run(containers["setup"], *command_of("setup"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_token_works_at_the_first_start(machine):
    assert machine.call(_asked, "/api/current-user/whoami")["email"] == "admin@example.org"


def test_push_registers_backend_and_webhook_at_a_private_dotted_name(machine, pushed):
    url = "http://backend.goldloop.internal:9090"
    project, _ = pushed
    [backend] = machine.call(_asked, "/api/ml", {"project": project})
    assert (backend["url"].rstrip("/"), backend["state"]) == (url, "CO")
    [webhook] = machine.call(_asked, "/api/webhooks/", {"project": project})
    assert (webhook["url"], webhook["is_active"]) == (f"{url}/webhook", True)


def test_the_dashboard_is_shown_from_the_image_to_who_knows_the_password(machine, pushed):
    assert machine.call(_page, "/dashboard/")[0] == 401
    known = ("goldloop", GIVEN["GOLDLOOP_BACKEND_PASSWORD"])
    status, page = machine.call(_page, "/dashboard/", *known)
    assert (status, "Where does the loop stand?" in page) == (200, True)
    for name in (
        "dashboard.css",
        "dashboard.js",
        "live.js",
        "plots.js",
        "htmx.min.js",
        "uplot.min.js",
    ):
        status, text = machine.call(_page, f"/dashboard/static/{name}", *known)
        assert (status, len(text) > 1000) == (200, True)


def test_the_doctor_finds_nothing_wrong(goldloop, pushed):
    wrong = [finding for finding in goldloop("doctor") if finding["ok"] is False]
    assert wrong == []


def test_answers_reach_consensus_by_the_webhook_long_before_the_worker_looks(
    machine, containers, goldloop, pushed
):
    machine.wait_until_healthy(containers["worker"], 30)
    _, tasks = pushed
    result = write_result(named_interface("agent_review", Path()), VERDICT)
    machine.call(_answered, ["one@example.org", "two@example.org"], tasks[0], result)
    end = time.monotonic() + 20
    while not goldloop("status")["consensus"].get("agreed"):
        assert time.monotonic() < end, machine.log(containers["worker"]).read_text()


def test_the_worker_is_well_while_it_reconciles(machine, containers, pushed):
    machine.wait_until_healthy(containers["worker"], 30)
    assert machine.check(containers["worker"]).stdout.startswith("reconciled ")


@pytest.mark.parametrize("service", ["backend", "worker", "label-studio"])
def test_no_secret_is_in_a_log(machine, containers, pushed, service):
    said = machine.log(containers[service]).read_text()
    secrets = {name: value for name, value in GIVEN.items() if "EMAIL" not in name}
    assert [name for name, value in secrets.items() if value in said] == []


def test_the_addresses_here_are_of_composes_network_and_names():
    [network] = COMPOSE["networks"]["default"]["ipam"]["config"]
    subnet = ipaddress.ip_network(filled_in(network["subnet"], {}))
    assert all(ipaddress.ip_address(address) in subnet for address in HOSTS.values())
    aliases = SERVICES["backend"]["networks"]["default"]["aliases"]
    assert {*HOSTS} == {*aliases, "label-studio"}


def ran(image, *command, cwd):
    """A program of the image, with nothing of this machine's on its path."""
    environment = {"PATH": f"{image}/bin:/usr/bin:/bin", "HOME": "/nonexistent"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


def test_what_it_builds_is_goldloop_and_what_it_needs_without_our_tools(image, tmp_path):
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    said = ran(image, "goldloop", "--version", cwd=tmp_path)
    assert said.stdout.strip() == f"goldloop, version {version}", said.stderr
    imported = "import backend.app, sync.worker, sync.healthy, goldloop; print(goldloop.__file__)"
    found = ran(image, "python", "-P", "-c", imported, cwd=tmp_path)
    assert found.stdout.startswith(str(image)), found.stderr
    assert ran(image, "python", "-c", "import pytest", cwd=tmp_path).returncode


def test_its_health_check_fails_where_nothing_answers(image, tmp_path):
    command = yaml.safe_load(final_stage()["HEALTHCHECK"].partition("CMD ")[2])
    # Nobody listens on port 1.
    done = ran(image, *(word.replace(":9090/", ":1/") for word in command), cwd=tmp_path)
    assert done.returncode == 1
    assert "refused" in done.stderr
