"""Addresses of endpoints: checked once, and shown without what may be secret."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from goldloop.errors import SettingsError


def checked_url(url: str, setting: str) -> str:
    """The URL, if it is http or https, has a host, and holds no user name or password.

    Raises `SettingsError` naming `setting` and never repeating the URL, which may hold a secret.
    """
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not url.isprintable() or " " in url:
        raise SettingsError(f"{setting}: expected an address such as https://host/path")
    if "@" in parts.netloc:
        raise SettingsError(f"{setting}: leave out user and password, and send them in a header")
    return url


def shown_url(url: str) -> str:
    """Scheme, host and path; the query, which often holds a key, is left out."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def checked_headers(headers: Mapping[str, str], setting: str) -> dict[str, str]:
    """The headers, if HTTP can carry them.

    Raises `SettingsError` naming the header and never its value.
    """
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable() and value == value.strip()):
            raise SettingsError(f"{setting}: the value of {name!r} must be printable ASCII")
        if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            raise SettingsError(f"{setting}: {name!r} is not the name of a header")
    return dict(headers)
