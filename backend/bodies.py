"""Request bodies: JSON objects from strangers, bounded before they are read."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from flask import request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

FORGOTTEN_BYTES = 64 * 2**20
SMALL_BYTES = 2**20


def json_object() -> dict[str, Any]:
    """The JSON object that the request carries.

    Raises 415 for another content type, 413 for a body over the app's or the request's limit
    (chunked or not), and 400 for what is no JSON object or does not come.
    """
    if not request.is_json:
        raise UnsupportedMediaType("expected Content-Type: application/json")
    try:
        body = json.loads(_read())
    except (ValueError, RecursionError):
        # The parser's own message would quote the body.
        raise BadRequest("the body is not JSON, or is nested too deeply") from None
    if not isinstance(body, dict):
        raise BadRequest("expected a JSON object")
    return body


def small_json_object() -> dict[str, Any]:
    """The JSON object that the request carries, if it says that it is of at most 1 MB; empty for
    everything else.
    """
    length = request.content_length
    if length is None or length > SMALL_BYTES or not request.is_json:
        return {}
    with suppress(BadRequest, RequestEntityTooLarge):
        return json_object()
    return {}


def forget_body() -> None:
    """Read the body and keep nothing of it, within reason: a client that is cut off while it sends
    would not see the answer.
    """
    left = FORGOTTEN_BYTES
    with suppress(OSError, ParseException):
        while left > 0 and (part := request.environ["wsgi.input"].read(min(left, 2**16))):
            left -= len(part)


def _read() -> bytes:
    try:
        content, limit = request.get_data(cache=False), request.max_content_length
        # Where no length was told, werkzeug cuts the body at the limit without a word.
        if request.content_length is None and limit is not None and len(content) >= limit:
            raise RequestEntityTooLarge
    except RequestEntityTooLarge:
        forget_body()
        raise
    except ParseException:
        raise BadRequest("the body's chunks are malformed") from None
    return content
