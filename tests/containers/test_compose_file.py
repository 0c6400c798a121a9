"""docker-compose.yml: what it starts, with which rights, and what it asks for."""

import ipaddress
import os
import re
import shutil
import subprocess
import tomllib

import click
import pytest
import yaml

from goldloop.settings import parse_settings
from goldloop.webhooks import check_webhook_secret
from sync.labelstudio.server import ENVIRONMENT
from tests.conftest import REPOSITORY
from tests.containers.compose import (
    COMPOSE,
    DOCKERFILE,
    FILE,
    GIVEN,
    OURS,
    PAGE,
    REQUIRED,
    SERVICES,
    TEXT,
    VARIABLE,
    check_of,
    command_of,
    environment_of,
    filled_in,
    final_stage,
    goldloop_arguments,
    handed_on,
    settings_defaults,
)

KEPT_RUNNING = ("postgres", "label-studio", "backend", "worker")
NAMES_A_SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|_KEY$|AUTHORIZATION")
# What the image of PostgreSQL makes its first database of.
OF_POSTGRES = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"}


def images():
    yield from re.findall(r"(?m)^FROM (\S+)", DOCKERFILE)
    yield from (service["image"] for service in SERVICES.values())


@pytest.fixture(scope="session")
def label_studio_source(label_studio_environment):
    """Every line of Label Studio's own Python."""
    [package] = label_studio_environment.glob("lib/python*/site-packages/label_studio")
    return "\n".join(path.read_text() for path in package.rglob("*.py"))


@pytest.mark.parametrize("image", sorted(set(images())))
def test_an_image_is_pinned_to_a_version(image):
    _, _, tag = image.partition(":")
    assert re.match(r"\d+(\.\d+)*", tag), image


def test_label_studio_is_the_version_that_the_tests_run_against():
    lock = (REPOSITORY / "sync" / "labelstudio" / "label-studio.txt").read_text()
    version = re.search(r"^label-studio==(\S+)", lock, re.MULTILINE)[1]
    assert SERVICES["label-studio"]["image"] == f"heartexlabs/label-studio:{version}"
    assert f"LABEL_STUDIO_VERSION := {version}\n" in (REPOSITORY / "Makefile").read_text()


def test_our_image_is_the_version_of_the_project():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert {SERVICES[name]["image"] for name in OURS} == {f"goldloop:{project['version']}"}


def test_label_studio_has_the_settings_that_all_other_tests_run_with():
    given = environment_of("label-studio")
    ours = {**ENVIRONMENT, "LABEL_STUDIO_DJANGO_DB": None}
    subnets = "LABEL_STUDIO_USER_ADDITIONAL_BANNED_SUBNETS"
    assert set(ours.pop(subnets).split(",")) < set(given.pop(subnets).split(","))
    assert {name: given.get(name) for name in ours} == ours


def test_label_studio_reads_every_variable_that_it_is_given(label_studio_source):
    for name in environment_of("label-studio"):
        read = "|".join({name, name.removeprefix("LABEL_STUDIO_")})
        assert re.search(rf"get_(bool_)?env(_list)?\(\s*'({read})'", label_studio_source), name


def test_our_services_and_the_database_read_every_variable_that_they_are_given():
    for service in OURS:
        assert SERVICES[service].get("environment", {}).keys() <= settings_defaults().keys()
    assert SERVICES["postgres"]["environment"].keys() == OF_POSTGRES


def test_no_private_address_may_be_called_but_those_of_our_network(label_studio_source):
    block = re.search(r"default_banned_subnets = \[(.*?)\]", label_studio_source, re.DOTALL)[1]
    by_default = set(re.findall(r"'([0-9a-f:./]+)'", block))
    assert len(by_default) > 20
    banned = environment_of("label-studio")["LABEL_STUDIO_USER_ADDITIONAL_BANNED_SUBNETS"]
    assert set(banned.split(",")) == by_default - {"198.18.0.0/15"} | {"198.18.0.0/16"}
    [network] = COMPOSE["networks"]["default"]["ipam"]["config"]
    ours = ipaddress.ip_network(filled_in(network["subnet"], {}))
    assert ours.subnet_of(ipaddress.ip_network("198.19.0.0/16"))


def test_label_studios_guard_against_private_addresses_stays_on():
    assert "SSRF_PROTECTION_ENABLED" not in " ".join(SERVICES["label-studio"]["environment"])
    assert "ML_BLOCK_LOCAL_IP" not in " ".join(SERVICES["label-studio"]["environment"])


@pytest.mark.parametrize("missing", REQUIRED)
def test_a_required_variable_has_no_default_and_says_how_to_set_it(missing):
    with pytest.raises(LookupError, match=f"^{missing}: set it,? [a-z0-9]+"):
        filled_in(TEXT, {**GIVEN, missing: ""})


def test_the_required_variables_are_enough():
    assert "${" not in filled_in(TEXT, GIVEN)


def test_no_secret_has_a_default_or_is_written_down():
    found = [
        (service, name, value)
        for service in SERVICES
        for name, value in SERVICES[service].get("environment", {}).items()
        if NAMES_A_SECRET.search(name) and name not in ENVIRONMENT
    ]
    assert len(found) >= 10
    for service, name, value in found:
        variable = value and VARIABLE.fullmatch(value)
        assert value is None or variable["rule"] == ":?", f"{service}: {name}"


@pytest.mark.parametrize("arguments", list(goldloop_arguments()), ids=str)
def test_a_command_line_in_the_container_files_is_one_that_goldloop_takes(arguments):
    from sync.cli import main

    name, *rest = arguments
    context = click.Context(main.commands[name], info_name=name)
    _, left_over, _ = main.commands[name].make_parser(context).parse_args(list(rest))
    assert left_over == []


def test_the_commands_of_all_our_services_are_among_those_checked():
    checked = {arguments[0] for arguments in goldloop_arguments()}
    assert checked >= {"init", "backend", "worker", "status", "import", "push"}


@pytest.mark.parametrize("service", ["backend", "worker", "goldloop"])
def test_goldloop_understands_the_environment_that_it_is_given(service):
    given = {**GIVEN, "GOLDLOOP_WORKER_INTERVAL": "7"}
    settings = parse_settings({}, environment_of(service, given))
    assert settings.worker.interval == 7


def test_label_studio_reaches_the_backend_by_a_dotted_name_and_the_port_it_listens_on():
    url = parse_settings({}, environment_of("goldloop")).backend.url
    host, port = re.fullmatch(r"http://([a-z.]+\.[a-z]+):(\d+)", url).groups()
    assert host in SERVICES["backend"]["networks"]["default"]["aliases"]
    assert command_of("backend")[-1] == port
    assert final_stage()["EXPOSE"] == port
    assert f":{port}/health" in check_of("backend")[-1]
    assert "default" in SERVICES["label-studio"]["networks"]


def test_backend_and_commands_share_the_credentials_and_the_secret():
    backend, commands = (
        parse_settings({}, environment_of(service)).secrets for service in ("backend", "goldloop")
    )
    assert backend.backend_user == commands.backend_user == "goldloop"
    assert backend.backend_password == commands.backend_password
    assert backend.webhook_secret == commands.webhook_secret
    check_webhook_secret(backend.webhook_secret)


def test_a_service_holds_only_the_secrets_that_it_needs():
    held = {
        service: {name for name in settings["environment"] if NAMES_A_SECRET.search(name)}
        for service, settings in SERVICES.items()
        if "environment" in settings
    }
    agents = {"OPENAI_API_KEY", "GOLDLOOP_AGENT_AUTHORIZATION"}
    called = {"GOLDLOOP_BACKEND_PASSWORD", "GOLDLOOP_WEBHOOK_SECRET"}
    assert held["backend"] == called | agents
    assert held["worker"] == {"LABEL_STUDIO_API_KEY", "GOLDLOOP_WEBHOOK_SECRET"}
    assert held["goldloop"] == {"LABEL_STUDIO_API_KEY"} | called | agents
    assert "environment" not in SERVICES["setup"]


def test_a_setting_reaches_every_service_of_ours_or_none():
    choices = {name for name in settings_defaults() if name.startswith("GOLDLOOP_")}
    passed = [handed_on(service) & choices for service in ("backend", "worker", "goldloop")]
    secret = {"GOLDLOOP_AGENT_AUTHORIZATION"}
    assert passed[0] - secret == passed[1] == passed[2] - secret
    assert len(passed[1]) > 25


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_service_has_no_more_rights_than_it_needs(service):
    settings = SERVICES[service]
    assert settings["read_only"] is True
    assert settings["cap_drop"] == ["ALL"]
    assert settings["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "pid", "ipc", "devices"} & settings.keys()
    assert settings.get("network_mode") in (None, "none")
    volumes = {volume.partition(":")[0] for volume in settings["volumes"]}
    assert volumes <= COMPOSE["volumes"].keys(), "a folder of the host is mounted"


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_no_service_is_root(service):
    user, _, _ = SERVICES[service].get("user", final_stage()["USER"]).partition(":")
    assert int(user) > 0


def test_our_services_write_to_their_volume_and_to_tmp_alone():
    for service in OURS:
        assert SERVICES[service]["volumes"] == ["goldloop:/data"]
        assert [mount.partition(":")[0] for mount in SERVICES[service]["tmpfs"]] == ["/tmp"]
    assert final_stage()["WORKDIR"] == "/data"


def test_what_is_kept_in_memory_is_bounded():
    mounts = [mount for service in SERVICES.values() for mount in service["tmpfs"]]
    assert all(re.search(r":mode=1777,size=\d+m$", mount) for mount in mounts)


def test_only_label_studio_is_published_and_to_this_machine_alone_by_default():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert [*published] == ["label-studio"]
    assert [filled_in(port, {}) for port in published["label-studio"]] == ["127.0.0.1:8080:8080"]


def test_the_database_is_reached_by_label_studio_alone():
    assert COMPOSE["networks"]["database"] == {"internal": True}
    reaches = {
        name for name, service in SERVICES.items() if "database" in service.get("networks", ())
    }
    assert reaches == {"postgres", "label-studio"}


@pytest.mark.parametrize("service", KEPT_RUNNING)
def test_what_has_to_keep_running_is_restarted_and_its_health_checked(service):
    assert SERVICES[service]["restart"] == "unless-stopped"
    assert check_of(service)


def test_nothing_starts_before_what_it_needs_is_well():
    assert SERVICES["label-studio"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    made = {"setup": {"condition": "service_completed_successfully"}}
    well = {"label-studio": {"condition": "service_healthy"}}
    assert SERVICES["worker"]["depends_on"] == made | well
    # Not for Label Studio: push registers the backend, which has to answer then.
    assert SERVICES["backend"]["depends_on"] == made


def docker_compose():
    """Docker Compose, as Docker's plugin or as a program of its own; it needs no engine here."""
    docker, program = shutil.which("docker"), shutil.which("docker-compose")
    plugin = [docker or "docker", "compose"]
    if docker and not subprocess.run([*plugin, "version"], capture_output=True).returncode:
        return plugin
    return [program] if program else None


@pytest.fixture
def composed(tmp_path):
    """What Compose itself says to the file, given variables."""
    program = docker_compose()
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Docker Compose; CI has to install it")
        pytest.skip("neither `docker compose` nor `docker-compose` is here")
    given = tmp_path / "given.env"

    def asked(variables):
        """`variables`, or what the file given.env holds already."""
        if variables is not None:
            given.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
        return subprocess.run(
            [*program, "--env-file", given, "-f", FILE, "--profile", "commands", "config"],
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
        )

    return asked


def test_compose_itself_reads_the_file_as_these_tests_do(composed):
    done = composed({**GIVEN, "GOLDLOOP_WORKER_INTERVAL": "7"})
    assert done.returncode == 0, done.stderr
    found = yaml.safe_load(done.stdout)["services"]
    assert found.keys() == SERVICES.keys()
    for service, settings in found.items():
        given = environment_of(service, {**GIVEN, "GOLDLOOP_WORKER_INTERVAL": "7"})
        read = settings.get("environment", {}).items()
        assert {name: value for name, value in read if value is not None} == given
        assert settings["read_only"] is True
        assert settings["cap_drop"] == ["ALL"]


def test_the_page_begins_with_an_environment_that_compose_reads(composed, tmp_path):
    first = re.search(r"(?m)^\$ (cp .*)$", PAGE)[1]
    shutil.copy(REPOSITORY / ".env.example", tmp_path)
    subprocess.run(["sh", "-ec", first], cwd=tmp_path, check=True)
    made = tmp_path / ".env"
    assert made.stat().st_mode & 0o777 == 0o600
    made.rename(tmp_path / "given.env")
    assert composed(None).returncode != 0
    text = (tmp_path / "given.env").read_text()
    for name, value in GIVEN.items():
        text = text.replace(f"\n{name}=\n", f"\n{name}={value}\n")
    settings = dict(re.findall(r"(?m)^([A-Z_]+)=(.*)$", PAGE))
    assert len(settings) >= 4
    lines = "".join(f"{name}={value}\n" for name, value in settings.items())
    (tmp_path / "given.env").write_text(text + lines)
    done = composed(None)
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load(done.stdout)["services"]["backend"]["environment"].items() >= (
        settings.items()
    )


@pytest.mark.parametrize("missing", REQUIRED)
def test_compose_itself_refuses_to_start_without_a_secret_or_with_an_empty_one(composed, missing):
    [why] = {found["text"] for found in VARIABLE.finditer(TEXT) if found["name"] == missing}
    for variables in ({**GIVEN, missing: ""}, {n: v for n, v in GIVEN.items() if n != missing}):
        refused = composed(variables)
        assert refused.returncode != 0
        assert why in refused.stderr
