"""What can be known of the container files without a Docker engine."""

import os
import re
import shlex
import shutil
import subprocess
import tomllib

import click
import pytest
import yaml

from goldloop.settings import parse_settings
from sync.labelstudio.server import ENVIRONMENT
from tests.conftest import REPOSITORY

COMPOSE_FILE = REPOSITORY / "docker-compose.yml"
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
COMPOSE = yaml.safe_load(COMPOSE_FILE.read_text())
SERVICES = COMPOSE["services"]
OURS = ("setup", "backend", "worker", "goldloop")
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<rule>:?[-?])(?P<text>[^}]*))?\}")
REQUIRED = {
    "LABEL_STUDIO_ADMIN_EMAIL",
    "LABEL_STUDIO_ADMIN_PASSWORD",
    "LABEL_STUDIO_API_KEY",
    "POSTGRES_PASSWORD",
    "GOLDLOOP_BACKEND_PASSWORD",
}
GIVEN = {name: f"value-of-{name.lower()}" for name in REQUIRED}
NAMES_A_SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|_KEY$")


def filled_in(text, variables):
    """A value of the compose file with its variables replaced, by compose's rules."""

    def value(found):
        given = variables.get(found["name"], "")
        if given:
            return given
        if found["rule"] == ":-":
            return found["text"]
        raise LookupError(f"{found['name']}: {found['text']}")

    return VARIABLE.sub(value, text)


def environment_of(service, variables=GIVEN):
    values = SERVICES[service].get("environment", {})
    return {name: filled_in(value, variables) for name, value in values.items()}


def goldloop_arguments():
    """The arguments of every `goldloop ...` that the container files start or tell to start."""
    for service in OURS:
        if command := SERVICES[service].get("command"):
            yield command
        for word in SERVICES[service].get("entrypoint", []):
            yield from re.findall(r"\bgoldloop ([a-z].*)", word)
    yield from re.findall(r"^#.* goldloop ([a-z-].*)$", COMPOSE_FILE.read_text(), re.MULTILINE)
    yield from re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)


def as_list(command):
    if isinstance(command, list):
        return command
    if command.startswith("["):
        return yaml.safe_load(command)
    return shlex.split(re.sub(r"`.*", "", command))


def images():
    yield from re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    yield from (service["image"] for service in SERVICES.values())


@pytest.mark.parametrize("image", sorted(set(images())))
def test_an_image_is_pinned_to_a_version(image):
    _, _, tag = image.partition(":")
    assert re.match(r"\d+(\.\d+)*", tag), image


def test_label_studio_is_the_version_that_the_tests_run_against():
    lock = (REPOSITORY / "sync" / "labelstudio" / "label-studio.txt").read_text()
    version = re.search(r"^label-studio==(\S+)", lock, re.MULTILINE)[1]
    assert SERVICES["label-studio"]["image"] == f"heartexlabs/label-studio:{version}"
    assert f"LABEL_STUDIO_VERSION := {version}\n" in (REPOSITORY / "Makefile").read_text()


def test_label_studio_has_the_settings_that_the_tests_run_with():
    given = environment_of("label-studio")
    ours = {**ENVIRONMENT, "LABEL_STUDIO_DJANGO_DB": None}
    subnets = "LABEL_STUDIO_USER_ADDITIONAL_BANNED_SUBNETS"
    assert set(ours.pop(subnets).split(",")) < set(given.pop(subnets).split(","))
    assert {name: given.get(name) for name in ours} == ours


def test_goldloops_image_is_the_version_of_the_project_and_uv_the_makefiles():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert {SERVICES[name]["image"] for name in OURS} == {f"goldloop:{project['version']}"}
    uv = re.search(r"uv==(\S+)", DOCKERFILE)[1]
    assert f"UV_VERSION := {uv}\n" in (REPOSITORY / "Makefile").read_text()


def test_the_image_holds_every_room():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    rooms = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    copied = set(re.findall(r"^COPY (\w+) \1$", DOCKERFILE, re.MULTILINE))
    kept = {line[1:] for line in (REPOSITORY / ".dockerignore").read_text().splitlines()}
    assert rooms == copied
    assert rooms <= kept


@pytest.mark.parametrize("missing", sorted(REQUIRED))
def test_nothing_starts_without_a_required_variable(missing):
    given = {name: value for name, value in GIVEN.items() if name != missing}
    with pytest.raises(LookupError, match=missing):
        filled_in(COMPOSE_FILE.read_text(), given)


def test_the_required_variables_are_enough_and_explained():
    text = COMPOSE_FILE.read_text()
    assert "${" not in filled_in(text, GIVEN)
    explained = set(re.findall(r"^#   ([A-Z_]+)  +required:", text, re.MULTILINE))
    assert explained == REQUIRED


def test_no_secret_has_a_default_or_is_written_down():
    found = [
        (service, name, value)
        for service in SERVICES
        for name, value in SERVICES[service].get("environment", {}).items()
        if NAMES_A_SECRET.search(name) and name not in ENVIRONMENT
    ]
    assert len(found) >= 7
    for service, name, value in found:
        variable = VARIABLE.fullmatch(value)
        assert variable, f"{service}: {name} is written down"
        assert variable["rule"] == ":?" or variable["text"] == "", f"{service}: {name}"


@pytest.mark.parametrize("arguments", list(goldloop_arguments()), ids=str)
def test_a_command_line_in_the_container_files_is_one_that_goldloop_takes(arguments):
    from sync.cli import main

    name, *rest = as_list(arguments)
    command = main.commands[name]
    context = click.Context(command, info_name=name)
    _, left_over, _ = command.make_parser(context).parse_args(list(rest))
    assert left_over == []


def test_the_commands_of_backend_worker_and_setup_are_among_those_checked():
    assert {as_list(found)[0] for found in goldloop_arguments()} >= {"init", "backend", "worker"}


@pytest.mark.parametrize("service", ["backend", "worker", "goldloop"])
def test_goldloop_understands_the_environment_that_it_is_given(service):
    settings = parse_settings({}, environment_of(service))
    assert settings.label_studio.url == "http://label-studio:8080"
    assert settings.secrets.label_studio_api_key == GIVEN["LABEL_STUDIO_API_KEY"]
    assert settings.secrets.backend_user == "goldloop"
    assert settings.secrets.backend_password == GIVEN["GOLDLOOP_BACKEND_PASSWORD"]
    assert settings.backend.url == environment_of(service)["GOLDLOOP_BACKEND_URL"]


def test_label_studio_reaches_the_backend_by_a_dotted_name_and_the_port_it_listens_on():
    aliases = SERVICES["backend"]["networks"]["default"]["aliases"]
    url = environment_of("worker")["GOLDLOOP_BACKEND_URL"]
    host, port = re.fullmatch(r"http://([a-z.]+\.[a-z]+):(\d+)", url).groups()
    assert host in aliases
    assert SERVICES["backend"]["command"][-1] == port
    assert f"EXPOSE {port}" in DOCKERFILE
    assert "default" in SERVICES["label-studio"]["networks"]


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_service_has_no_more_rights_than_it_needs(service):
    settings = SERVICES[service]
    assert settings["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in settings["security_opt"]
    assert not {"privileged", "cap_add", "pid", "devices"} & settings.keys()
    assert settings.get("network_mode") != "host"
    volumes = {volume.partition(":")[0] for volume in settings.get("volumes", [])}
    assert volumes <= COMPOSE["volumes"].keys(), "a folder of the host is mounted"
    assert settings.get("read_only") or service == "label-studio"


def test_goldloop_writes_to_its_volume_and_to_tmp_alone_and_is_not_root():
    for service in OURS:
        assert SERVICES[service]["volumes"] == ["goldloop:/data"]
        assert SERVICES[service]["tmpfs"] == ["/tmp"]
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001:10001$", final, re.MULTILINE)
    assert "-o goldloop -g goldloop -m 0750 /data" in final
    assert re.search(r"^HEALTHCHECK ", final, re.MULTILINE)


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


def test_what_has_to_keep_running_is_restarted():
    for service in ("postgres", "label-studio", "backend", "worker"):
        assert SERVICES[service]["restart"] == "unless-stopped"


def docker_compose() -> list[str] | None:
    """Docker Compose, as Docker's plugin or as a program of its own; it needs no engine here."""
    docker, program = shutil.which("docker"), shutil.which("docker-compose")
    plugin = [docker or "docker", "compose"]
    if docker and not subprocess.run([*plugin, "version"], capture_output=True).returncode:
        return plugin
    return [program] if program else None


@pytest.mark.parametrize("variables", [GIVEN, {}], ids=["given", "missing"])
def test_docker_compose_itself_accepts_the_file_only_with_the_variables(variables, tmp_path):
    compose = docker_compose()
    if compose is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Docker Compose; CI has to install it")
        pytest.skip("neither `docker compose` nor `docker-compose` is here")
    nothing = tmp_path / "empty"
    nothing.touch()
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **variables}
    done = subprocess.run(
        [*compose, "--env-file", nothing, "-f", COMPOSE_FILE, "config", "--quiet"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (done.returncode == 0) == bool(variables), done.stderr
