"""webhook: have Label Studio tell the backend what happened, with a secret that says who tells it.

Label Studio registers a webhook by itself when an ML backend is: at the same address, for all
actions and without a secret. That one is made ours. Two at one address would cost the annotator,
who waits for both, and so would the actions that tell us nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from goldloop.errors import LabelStudioError, SettingsError
from goldloop.settings import Settings
from goldloop.webhooks import (
    ASKED_ACTIONS,
    HEADER,
    HOW_TO_MAKE,
    LIFT_PRIVATE,
    VARIABLE,
    check_webhook_secret,
)
from sync.client import LabelStudioClient, refusal

T = TypeVar("T")
Webhook = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Installed:
    """The webhook that stands, whether it is new, what was wrong with it, and doubles removed."""

    webhook_id: int
    url: str
    is_new: bool
    mended: tuple[str, ...] = ()
    removed: int = 0

    @property
    def says(self) -> str:
        """What was done, in a line."""
        done = "made" if self.is_new else "right already"
        if self.mended:
            done = f"mended ({', '.join(self.mended)})"
        doubles = f"; {self.removed} doubles removed" if self.removed else ""
        return f"webhook {self.webhook_id} to {self.url}: {done}{doubles}"


def webhook_address(settings: Settings) -> str:
    """Where Label Studio sends what happens; empty where that is not set."""
    backend = settings.backend
    if backend.webhook_url or not backend.url:
        return backend.webhook_url
    return f"{backend.url.rstrip('/')}/webhook"


def is_webhook_set(settings: Settings) -> bool:
    """Whether address and secret are set, without which there is nothing to install."""
    return bool(webhook_address(settings) and settings.secrets.webhook_secret)


def install_webhook(settings: Settings, client: LabelStudioClient, project_id: int) -> Installed:
    """Make the project have exactly one webhook of ours, as it should be; safe to repeat.

    Raises SettingsError that says what to set, and LabelStudioError that says what to change in
    Label Studio where it refuses the address.
    """
    wanted = _wanted(settings, project_id)
    ours = our_webhooks(settings, client.webhooks(project_id))
    if not ours:
        made = _plainly(settings, lambda: client.create_webhook(wanted))
        return Installed(made["id"], wanted["url"], is_new=True)
    kept, *doubles = sorted(ours, key=lambda hook: (len(faults(settings, hook)), hook["id"]))
    wrong = faults(settings, kept)
    if wrong:
        _plainly(settings, lambda: client.update_webhook(kept["id"], wanted))
    for double in doubles:
        client.delete_webhook(double["id"])
    return Installed(kept["id"], wanted["url"], False, tuple(wrong), len(doubles))


def remove_webhook(settings: Settings, client: LabelStudioClient, project_id: int) -> int:
    """Delete our webhooks from the project, Label Studio's own for our backend too; how many."""
    ours = our_webhooks(settings, client.webhooks(project_id))
    for hook in ours:
        client.delete_webhook(hook["id"])
    return len(ours)


def our_webhooks(settings: Settings, found: Sequence[Webhook]) -> list[Webhook]:
    """Those of a project's webhooks that lead to our backend."""
    addresses = {webhook_address(settings)}
    if settings.backend.url:
        addresses.add(f"{settings.backend.url.rstrip('/')}/webhook")
    ours = {address.rstrip("/") for address in addresses if address}
    return [hook for hook in found if hook["url"].rstrip("/") in ours]


def faults(settings: Settings, hook: Webhook) -> list[str]:
    """What is wrong with a webhook of ours, in words that tell no secret; empty when nothing is."""
    checks = {
        "it goes to another address": hook["url"] != webhook_address(settings),
        "it is switched off": not hook["is_active"],
        "it shows another secret, or none": not _shows_our_secret(settings, hook),
        "it sends no ids": not hook["send_payload"],
        "it is sent for all actions": hook["send_for_all_actions"],
        "its actions are not ours": set(hook["actions"]) != set(ASKED_ACTIONS),
    }
    return [fault for fault, is_so in checks.items() if is_so]


def _shows_our_secret(settings: Settings, hook: Webhook) -> bool:
    headers = hook["headers"] if isinstance(hook["headers"], Mapping) else {}
    shown = str(headers.get(HEADER, "")).encode()
    right = hmac.compare_digest(shown, settings.secrets.webhook_secret.encode())
    return right and len(headers) == 1


def _wanted(settings: Settings, project_id: int) -> dict[str, Any]:
    address, secret = webhook_address(settings), settings.secrets.webhook_secret
    if not address:
        raise SettingsError(
            "there is no address for the webhook; set [backend] url in goldloop.toml to how Label "
            "Studio reaches the backend, such as http://localhost:9090"
        )
    if not secret:
        raise SettingsError(
            f"{VARIABLE} is empty, so that nobody could tell Label Studio's events from a "
            f"stranger's; put one into .env, made with: {HOW_TO_MAKE}"
        )
    check_webhook_secret(secret)
    return {
        "project": project_id,
        "url": address,
        "headers": {HEADER: secret},
        "send_payload": True,
        "send_for_all_actions": False,
        # In every change as well: Label Studio forgets the actions that are not said again.
        "actions": list(ASKED_ACTIONS),
        "is_active": True,
    }


def _plainly(settings: Settings, call: Callable[[], T]) -> T:
    """What the call answers; a refusal of the address as what to change in Label Studio."""
    try:
        return call()
    except LabelStudioError as error:
        address, status = webhook_address(settings), refusal(error)
        # What Label Studio says of a request may quote it.
        said = str(error).replace(settings.secrets.webhook_secret, "***")
        mend = {
            403: f"it takes that for a private address; start Label Studio with {LIFT_PRIVATE}",
            400: "its host may need a dot in its name (an alias such as backend.goldloop.internal),"
            " or be localhost or an IP address",
            500: "it cannot resolve the host; set [backend] url or webhook_url to a name that "
            "Label Studio's machine knows",
        }
        if status not in mend:
            raise LabelStudioError(said) from error.__cause__
        raise LabelStudioError(
            f"Label Studio refuses to send events to {address}: {mend[status]} ({said})"
        ) from error.__cause__
