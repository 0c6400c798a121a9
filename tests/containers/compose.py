"""docker-compose.yml and Dockerfile as data: what Compose would read out of them."""

import re
import shlex

import yaml

from goldloop.settings import ALIASES, PRICES_VARIABLE, SECRETS, SECTIONS
from tests.conftest import REPOSITORY

FILE = REPOSITORY / "docker-compose.yml"
TEXT = FILE.read_text()
COMPOSE = yaml.safe_load(TEXT)
PAGE = (REPOSITORY / "docs" / "how-to" / "server.md").read_text()
SERVICES = COMPOSE["services"]
OURS = ("setup", "backend", "worker", "goldloop")
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text().replace("\\\n", " ")
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<rule>:?[-?])(?P<text>[^}]*))?\}")
REQUIRED = (
    "LABEL_STUDIO_ADMIN_EMAIL",
    "LABEL_STUDIO_ADMIN_PASSWORD",
    "LABEL_STUDIO_API_KEY",
    "POSTGRES_PASSWORD",
    "GOLDLOOP_BACKEND_PASSWORD",
    "GOLDLOOP_WEBHOOK_SECRET",
)
GIVEN = {
    "LABEL_STUDIO_ADMIN_EMAIL": "admin@example.org",
    "LABEL_STUDIO_ADMIN_PASSWORD": "a-password-of-the-admin",
    "LABEL_STUDIO_API_KEY": "5eed" * 10,
    "POSTGRES_PASSWORD": "a-password-of-the-database",
    "GOLDLOOP_BACKEND_PASSWORD": "a-password-of-the-backend",
    "GOLDLOOP_WEBHOOK_SECRET": "a-secret-of-the-webhook",
}


def filled_in(text, variables):
    """A text of the compose file with its variables replaced, by Compose's rules."""

    def value(found):
        given = variables.get(found["name"], "")
        if given:
            return given
        if found["rule"] == ":-":
            return found["text"]
        raise LookupError(f"{found['name']}: {found['text']}")

    return VARIABLE.sub(value, text)


def environment_of(service, variables=GIVEN):
    """What a service finds in its environment; what is only handed on, where it is given."""
    found = SERVICES[service].get("environment", {})
    written = {name: filled_in(text, variables) for name, text in found.items() if text is not None}
    return {name: variables[name] for name in found if name in variables} | written


def handed_on(service):
    """The variables that a service gets where they are set, and that nothing is said of."""
    found = SERVICES[service].get("environment", {})
    return {name for name, text in found.items() if text is None}


def variables_of_compose():
    """Every variable that Compose itself looks up."""
    named = {found["name"] for found in VARIABLE.finditer(TEXT)}
    return named.union(*(handed_on(service) for service in SERVICES))


def settings_defaults():
    """Every variable that our settings read, with its default; secrets have none."""
    found = {
        f"GOLDLOOP_{section}_{key}".upper(): item.default
        for section, cls in SECTIONS.items()
        for key, item in cls.__dataclass_fields__.items()
    }
    found |= {alias: found[f"GOLDLOOP_{s}_{key}".upper()] for alias, (s, key) in ALIASES.items()}
    return found | {PRICES_VARIABLE: ""} | {name: "" for name, _ in SECRETS.values()}


def build_stage():
    """The instructions of the stage that only builds, as (name, rest)."""
    return _instructions(_stages()[0])


def final_stage():
    """The instructions of the image that runs, by name; each is there once."""
    return dict(_instructions(_stages()[-1]))


def _stages():
    return re.split(r"(?m)^FROM ", DOCKERFILE)[1:]


def _instructions(stage):
    return re.findall(r"(?m)^([A-Z]+) +(.*)$", stage)


def let_through():
    """What .dockerignore leaves of the checkout."""
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    return {line[1:] for line in lines if line.startswith("!")}


def command_of(service):
    """What a service starts, as Docker would: entrypoint and command, its own or the image's."""
    image = yaml.safe_load(final_stage()["ENTRYPOINT"])
    entrypoint = SERVICES[service].get("entrypoint", image)
    return [*entrypoint, *SERVICES[service].get("command", [])]


def check_of(service):
    """The command of a service's health check: its own, or the image's; None where it has none."""
    own = SERVICES[service].get("healthcheck", {})
    if own.get("disable"):
        return None
    if "test" in own:
        return own["test"][1:]
    return yaml.safe_load(final_stage()["HEALTHCHECK"].partition("CMD ")[2])


def goldloop_arguments():
    """The arguments of every `goldloop ...` that the container files and their page start."""
    for service in OURS:
        program, *arguments = command_of(service)
        if program == "goldloop":
            yield arguments
        for word in arguments:
            yield from map(shlex.split, re.findall(r"\bgoldloop ([a-z].*)", word))
    told = TEXT + PAGE
    for arguments in re.findall(r"(?m)docker compose run .*? goldloop ([a-z][^`\n]+)", told):
        yield shlex.split(arguments)
