"""Whom we believe over HTTPS: read once, since it takes as long as many a request."""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def certificates() -> ssl.SSLContext:
    """For every client of this process: the authorities of certifi, or those that SSL_CERT_FILE or
    SSL_CERT_DIR names.
    """
    return httpx.create_ssl_context()
