"""The backend of a project, running, with the secrets that its webhook and Label Studio show."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sync.labelstudio.ports import free_port
from sync.processes import backend_command, running, wait_until_up
from tests.sync.loop import Loop

WEBHOOK_SECRET = "only-our-webhook-shows-this"
PASSWORD = "a-password-nobody-else-has"


def use_secrets(loop: Loop, *, webhook: str = WEBHOOK_SECRET, password: str = PASSWORD) -> None:
    """Write .env; empty is not set."""
    lines = {
        "LABEL_STUDIO_API_KEY": loop.server.admin.token,
        "GOLDLOOP_WEBHOOK_SECRET": webhook,
        "GOLDLOOP_BACKEND_USER": "label-studio" if password else "",
        "GOLDLOOP_BACKEND_PASSWORD": password,
    }
    written = "".join(f"{name}={value}\n" for name, value in lines.items())
    (loop.folder / ".env").write_text(written)


def with_address(loop: Loop, url: str = "") -> str:
    """Give the backend an address on this machine, or the one that is given."""
    port = free_port()
    url = url or f"http://127.0.0.1:{port}"
    loop.configure("backend", port=port, url=url)
    return url


@contextmanager
def receiving(loop: Loop) -> Iterator[None]:
    """The backend as the settings are now, running while the block does; its log is checked."""
    path = loop.folder / "backend.log"
    settings = loop.project.settings
    with (
        path.open("ab") as log,
        running([backend_command(loop.folder)], loop.folder, log) as [process],
    ):
        health = f"http://127.0.0.1:{settings.backend.port}/health"
        wait_until_up(health, process, "the backend")
        yield
    said = path.read_text()
    secrets = settings.secrets
    for secret in (secrets.webhook_secret, secrets.backend_password, secrets.label_studio_api_key):
        assert not secret or secret not in said
    assert "Traceback" not in said


def webhooks(loop: Loop) -> list[dict[str, Any]]:
    """The webhooks that the project has in Label Studio."""
    found = loop.api().get("/api/webhooks/", params={"project": loop.project_id}).json()
    return sorted(found, key=lambda hook: hook["id"])


def events(loop: Loop, count: int = 1) -> list[tuple[Any, ...]]:
    """Action, task ids and annotation ids of what came into the inbox, once there are so many."""
    sql = "SELECT action, task_ids, annotation_ids FROM inbox ORDER BY event_id"
    wait_for(lambda: len(loop.rows(sql)) >= count)
    return loop.rows(sql)


def wait_for(is_so: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something is so, or for so long."""
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.05)
