"""Who may ask the ML backend: basic credentials, and when it may do without them; and which webhook
is believed: the one that shows our secret.
"""

from __future__ import annotations

import hmac
from enum import Enum
from hashlib import sha256
from ipaddress import ip_address
from urllib.parse import urlsplit

from werkzeug.datastructures import Authorization
from werkzeug.exceptions import Forbidden

from goldloop.errors import SettingsError
from goldloop.settings import Secrets, Settings
from goldloop.webhooks import check_webhook_secret


class Sender(Enum):
    """Who sent a webhook, as far as its header says."""

    OURS = "shows our secret"
    UNKNOWN = "shows none, or there is none to show"
    FORGED = "shows another"


def check_credentials(secrets: Secrets, host: str) -> None:
    """Refuse credentials that Label Studio could not send, and none where others can reach us.

    Raises SettingsError that says what to set, also for a webhook secret that is none.
    """
    check_webhook_secret(secrets.webhook_secret)
    user, password = secrets.backend_user, secrets.backend_password
    if not user and not password:
        if is_loopback(host):
            return
        raise SettingsError(
            f"the ML backend would listen on {host}, where others can reach it, without a "
            "password; set GOLDLOOP_BACKEND_USER and GOLDLOOP_BACKEND_PASSWORD in .env or the "
            "environment, or let it listen on 127.0.0.1"
        )
    if not user or not password:
        missing = "GOLDLOOP_BACKEND_PASSWORD" if user else "GOLDLOOP_BACKEND_USER"
        raise SettingsError(
            f"{missing} is empty; Label Studio sends the ML backend's user and password only when "
            "both are set, so set both or neither"
        )
    if ":" in user or not f"{user}{password}".isascii():
        raise SettingsError(
            "GOLDLOOP_BACKEND_USER and GOLDLOOP_BACKEND_PASSWORD must be ASCII, and the user "
            "without a colon: basic authentication cannot carry them otherwise"
        )


def check_host(settings: Settings, host: str) -> None:
    """Without a password only this machine's own names are answered, and the one that Label Studio
    reaches us by: another site could otherwise point a name of its own at us, and read what a
    browser here may read. `host` is the request's, with or without a port; raises Forbidden.
    """
    if settings.secrets.backend_password:
        return
    name = _host_name(f"//{host}")
    if not is_loopback(name) and (not name or name != _host_name(settings.backend.url)):
        raise Forbidden(
            "without a password, only localhost and the host of [backend] url are answered"
        )


def _host_name(address: str) -> str:
    """The name in an address, without a port; nothing where there is none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server on `host`; in doubt no.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "box", "")]
    [True, True, True, False, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_allowed(secrets: Secrets, given: Authorization | None) -> bool:
    """Whether a request's credentials are ours; anything is, where none are set.

    Both are compared whole and in constant time, as digests, so that the time tells nothing of
    either, not even its length.
    """
    if not secrets.backend_password:
        return True
    user = given.username if given is not None else None
    password = given.password if given is not None else None
    user_fits = hmac.compare_digest(_digest(user), _digest(secrets.backend_user))
    password_fits = hmac.compare_digest(_digest(password), _digest(secrets.backend_password))
    return user_fits & password_fits


def webhook_sender(secrets: Secrets, shown: str | None) -> Sender:
    """Who sent a webhook that shows this secret, or None for no header; in constant time."""
    if shown is None or not secrets.webhook_secret:
        return Sender.UNKNOWN
    fits = hmac.compare_digest(_digest(shown), _digest(secrets.webhook_secret))
    return Sender.OURS if fits else Sender.FORGED


def _digest(text: str | None) -> bytes:
    return sha256((text or "").encode("utf-8", "replace")).digest()
