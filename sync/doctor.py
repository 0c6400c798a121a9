"""doctor: is everything that the loop needs there, and how is what is wrong mended?"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from goldloop.errors import GoldloopError
from goldloop.samples import Sample
from goldloop.webhooks import HEADER, HOW_TO_MAKE, LIFT_PRIVATE, VARIABLE
from label_config.interface import Interface
from label_config.tasks import check_task_data, task_data
from store.database import project_fact
from store.runs import named_version
from store.samples import count_samples, random_samples
from store.tasks import review_project
from sync.client import LabelStudioClient
from sync.project import Project, open_project
from sync.webhook import faults, our_webhooks, webhook_address
from views.answers import consensus_rules

TESTED_VERSION = "1.23"
# Of so many samples the tasks are made that push would send.
TRIED = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: `ok` is None for a remark that is neither good nor bad."""

    check: str
    ok: bool | None
    says: str
    mend: str = ""


def diagnose(start: Path) -> Iterator[Finding]:
    """Check settings, store, labelling interface, Label Studio, its webhook and the ML backend, in
    that order.

    A check that another one rests on ends the list when it fails.
    """
    try:
        project = open_project(start)
    except GoldloopError as error:
        yield Finding("settings", False, str(error), "goldloop init, or mend the line named")
        return
    yield Finding("settings", True, str(project.folder / "goldloop.toml"))
    yield from _store(project)
    yield from _interface(project)
    yield from _label_studio(project)
    yield from _backend(project)


def _store(project: Project) -> Iterator[Finding]:
    try:
        db = project.open_store()
    except GoldloopError as error:
        yield Finding("store", False, str(error), "goldloop init")
        return
    try:
        yield Finding(
            "store",
            True,
            f"{project.settings.store.path}: {count_samples(db)} samples, "
            f"store {project_fact(db, 'store_id')}",
        )
        yield Finding("agent", True, named_version(db, project.settings.agent))
    except GoldloopError as error:
        yield Finding("agent", False, str(error), "set [agent] version in goldloop.toml")
    finally:
        db.close()


def _interface(project: Project) -> Iterator[Finding]:
    try:
        interface = project.interface()
        asked = project.settings.label_studio.annotators_per_task
        rules = consensus_rules(interface, project.settings.consensus, asked)
    except GoldloopError as error:
        yield Finding("interface", False, str(error), "mend the labelling interface or settings")
        return
    shown = _shown(project, interface)
    if shown is not None:
        yield shown
        return
    if rules.min_annotators > asked:
        yield Finding(
            "annotators",
            False,
            f"{asked} people answer each task, but consensus waits for {rules.min_annotators}",
            "raise [label_studio] annotators_per_task or lower [consensus] min_annotators",
        )
    says = f"{len(interface.fields)} fields; gold needs: {', '.join(rules.gold_fields)}"
    yield Finding("interface", True, says)


def _shown(project: Project, interface: Interface) -> Finding | None:
    """What push would say of an interface that shows what tasks do not have; None where it fits."""
    try:
        db = project.open_store()
    except GoldloopError:
        return None  # said already
    try:
        samples = random_samples(db, TRIED)
    finally:
        db.close()
    try:
        for sample in samples or [Sample("none", "")]:
            check_task_data(interface, task_data(sample, None))
    except GoldloopError as error:
        # Metadata of samples that are still to come may bring the key.
        told = False if samples else None
        return Finding("interface", told, str(error), "mend the labelling interface or the samples")
    return None


def _label_studio(project: Project) -> Iterator[Finding]:
    url = project.settings.label_studio.url
    try:
        with project.client() as client:
            yield from _server(project, client)
            yield from _project_in(project, client)
    except GoldloopError as error:
        mend = "start Label Studio, set LABEL_STUDIO_URL, or make a new token"
        yield Finding(f"Label Studio at {url}", False, str(error), mend)


def _server(project: Project, client: LabelStudioClient) -> Iterator[Finding]:
    version = client.version()
    tested = version.startswith(TESTED_VERSION)
    yield Finding(
        "Label Studio",
        True if tested else None,
        f"{version} at {project.settings.label_studio.url}",
        "" if tested else f"Goldloop is tested with {TESTED_VERSION}",
    )
    yield Finding("token", True, f"{client.token_kind} of {client.whoami().get('email')}")


def _project_in(project: Project, client: LabelStudioClient) -> Iterator[Finding]:
    try:
        db = project.open_store()
    except GoldloopError:
        return  # said already
    try:
        made = review_project(db)
    finally:
        db.close()
    if made is None:
        yield Finding("project", None, "not made yet", "goldloop push makes it")
        return
    there = client.project(made.project_id)
    if there is None:
        mend = "restore it, or start a new store"
        yield Finding("project", False, f"project {made.project_id} is gone", mend)
        return
    yield Finding("project", True, f"{made.project_id}: {there['title']}")
    yield from _addresses(project, client, made.project_id)
    yield from _webhook(project, client, made.project_id)


def _addresses(project: Project, client: LabelStudioClient, project_id: int) -> Iterator[Finding]:
    """Whether Label Studio would refuse the ML backend's address, or a webhook to it."""
    backend = project.settings.backend
    parts = urlsplit(backend.url or f"http://{backend.host}:{backend.port}")
    # Nobody listens on port 1, so nothing is registered by asking.
    refused = client.refuses_address(project_id, f"{parts.scheme}://{parts.hostname}:1")
    if refused:
        yield Finding(
            "private addresses",
            False,
            f"Label Studio refuses {parts.hostname} for {' and '.join(refused)}",
            f"start Label Studio with {LIFT_PRIVATE}",
        )
    else:
        yield Finding("private addresses", True, f"Label Studio accepts {parts.hostname}")


def _webhook(project: Project, client: LabelStudioClient, project_id: int) -> Iterator[Finding]:
    """Whether Label Studio tells the backend what happens: once, and so that it is believed."""
    settings, address = project.settings, webhook_address(project.settings)
    polled = f"answers are found every {settings.worker.interval:g} s"
    if not address:
        yield Finding("webhook", None, f"no address is set; {polled}", "set [backend] url")
        return
    if not settings.secrets.webhook_secret:
        mend = f"put one into .env, made with: {HOW_TO_MAKE}; then: goldloop webhook install"
        yield Finding("webhook", None, f"{VARIABLE} is empty; {polled}", mend)
        return
    ours = our_webhooks(settings, client.webhooks(project_id))
    wrong = [fault for hook in ours for fault in faults(settings, hook)]
    if len(ours) > 1:
        wrong.insert(0, f"there are {len(ours)}, and annotators wait for each")
    says = f"to {address}" if ours else f"Label Studio has none to {address}"
    if wrong:
        says = f"{says}: {', '.join(dict.fromkeys(wrong))}"
    good = bool(ours) and not wrong
    yield Finding("webhook", good, says, "" if good else "goldloop webhook install")
    yield _receiver(address, settings.secrets.webhook_secret)


def _receiver(address: str, secret: str) -> Finding:
    """Whether our backend answers at the webhook's address, and knows the secret; from here, which
    may be another network than Label Studio's.
    """
    base, called, _ = address.rpartition("/webhook")
    try:
        health = httpx.get(f"{base}/health", timeout=3.0, trust_env=False) if called else None
        if health is None or not _is_ours(health):
            says = f"whether our backend is at {address} cannot be told"
            return Finding("webhook receiver", None, says, "goldloop serve")
        # An event without an action is refused, so nothing comes of it; but first its secret is.
        asked = httpx.post(address, json={}, headers={HEADER: secret}, timeout=3.0, trust_env=False)
    except httpx.TransportError as error:
        says = f"{address} does not answer from here ({type(error).__name__})"
        return Finding("webhook receiver", None, says, "goldloop serve")
    known = asked.status_code == httpx.codes.BAD_REQUEST
    says = f"{address} {'knows' if known else 'does not know'} the secret"
    mend = "" if known else f"start the backend again, with the same {VARIABLE} as here"
    return Finding("webhook receiver", known, says, mend)


def _is_ours(health: httpx.Response) -> bool:
    """Whether what answers is a backend of Goldloop; nobody else is shown the secret."""
    try:
        return bool(health.json().get("model_class") == "StoredRunsModel")
    except (ValueError, AttributeError):
        return False


def _backend(project: Project) -> Iterator[Finding]:
    backend, secrets = project.settings.backend, project.settings.secrets
    local = f"http://{backend.host}:{backend.port}"
    if not _is_loopback(backend.host) and not secrets.backend_password:
        yield Finding(
            "ML backend",
            False,
            f"{backend.host} is open to others and asks for no password",
            "set GOLDLOOP_BACKEND_USER and GOLDLOOP_BACKEND_PASSWORD in .env",
        )
    try:
        answer = httpx.get(f"{backend.url or local}/health", timeout=3.0, trust_env=False)
        up = answer.status_code == httpx.codes.OK
        says = f"{backend.url or local} answers {answer.status_code}"
    except httpx.TransportError as error:
        up, says = False, f"{backend.url or local} does not answer ({type(error).__name__})"
    yield Finding("ML backend", up or None, says, "" if up else "goldloop serve")
    if not backend.url:
        yield Finding(
            "registration",
            None,
            "[backend] url is empty, so push does not register the ML backend",
            "set it to how Label Studio reaches the backend",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
