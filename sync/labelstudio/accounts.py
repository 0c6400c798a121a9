"""Accounts in Label Studio Community: made by the sign-up form, since the API's cannot log in.

`POST /api/users/` makes a user without a usable password or an organization, so an account is made
as a person would make it: with the invite link of the organization and the form behind it.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from goldloop.errors import LabelStudioError
from sync.certificates import certificates

TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can log in. `token` is the legacy token: `Authorization: Token <token>`."""

    email: str
    user_id: int
    token: str = field(repr=False)
    password: str = field(repr=False)


def invite_token(base_url: str, admin_token: str) -> str:
    """The organization's invite token, which `sign_up` needs; the same until it is reset.

    Raises LabelStudioError if the token is refused.
    """
    with _session(base_url) as session:
        reply = session.get("/api/invite", headers={"Authorization": f"Token {admin_token}"})
        return str(_answer(reply, "give its invite link")["token"])


def sign_up(base_url: str, invite_token: str, email: str, password: str, name: str = "") -> Account:
    """Make an account, or log in to it where it exists with this password: both end the same.

    email: Label Studio keeps it in lower case.
    password: 8 to 128 characters.
    name: shown beside annotations; empty, it is made of the address ("ann.lee@..." is Ann Lee).

    Raises LabelStudioError if the invite or the password is refused, or if the address belongs to
    an account with another password.
    """
    with _session(base_url) as session:
        if not _log_in(session, email, password):
            _register(session, invite_token, email, password)
        return _account(session, password, name)


def log_in(base_url: str, email: str, password: str) -> Account:
    """The account of somebody who exists, with the name as it is; raises LabelStudioError."""
    with _session(base_url) as session:
        if not _log_in(session, email, password):
            raise LabelStudioError(f"Label Studio at {base_url} refused the password of {email}")
        return _account(session, password, None)


def personal_access_token(base_url: str, account: Account, *, replace: bool = False) -> str:
    """A new personal access token (PAT), the kind that a fresh Label Studio accepts by default.

    Label Studio shows it this once and allows one per user: keep it. `replace` revokes the one
    that exists, and with it whatever uses it. Raises LabelStudioError if one exists and `replace`
    is false, or if the account cannot log in.
    """
    with _session(base_url) as session:
        if not _log_in(session, account.email, account.password):
            raise LabelStudioError(f"Label Studio refused the password of {account.email}")
        if replace:
            _revoke_tokens(session)
        reply = session.post("/api/token/", headers=_csrf(session), json={})
        if reply.status_code == httpx.codes.CONFLICT:
            raise LabelStudioError(
                f"{account.email} already has a personal access token, and Label Studio shows it "
                "only once; use that one, or revoke it under Account & Settings"
            )
        return str(_answer(reply, "make a personal access token")["token"])


def _log_in(session: httpx.Client, email: str, password: str) -> bool:
    """Whether the session is logged in now; false if there is no such account or password."""
    session.get("/user/login/")
    form = {"email": email, "password": password}
    return _sent(session, "/user/login/", form).is_redirect


def _register(session: httpx.Client, invite: str, email: str, password: str) -> None:
    path = f"/user/signup/?{httpx.QueryParams(token=invite)}"
    session.get(path)
    reply = _sent(session, path, {"email": email, "password": password})
    if reply.is_redirect:
        return
    if reply.status_code == httpx.codes.FORBIDDEN:
        why = "the invite is not valid (any more)"
    elif "already exists" in reply.text:
        why = "the address belongs to an account with another password"
    else:
        why = "the address or the password is not acceptable (8 to 128 characters)"
    raise LabelStudioError(f"Label Studio did not sign {email} up: {why}")


def _sent(session: httpx.Client, path: str, form: dict[str, str]) -> httpx.Response:
    """The answer to one of Label Studio's HTML forms, which redirects where it took the form."""
    headers = _csrf(session)
    fields = {"csrfmiddlewaretoken": headers["X-CSRFToken"], **form}
    reply = session.post(path, data=fields, headers=headers)
    if reply.is_server_error:
        raise LabelStudioError(f"Label Studio failed at {path.split('?')[0]}: {reply.status_code}")
    return reply


def _account(session: httpx.Client, password: str, name: str | None) -> Account:
    me = _answer(session.get("/api/current-user/whoami"), "say who is logged in")
    token = _answer(session.get("/api/current-user/token"), "give the user's token")["token"]
    account = Account(str(me["email"]), int(me["id"]), str(token), password)
    if name is not None:
        _set_name(session, account, name or _name_of(account.email))
    return account


def _set_name(session: httpx.Client, account: Account, name: str) -> None:
    first, _, last = name.partition(" ")
    names = {"first_name": first, "last_name": last}
    reply = session.patch(f"/api/users/{account.user_id}/", headers=_csrf(session), json=names)
    _answer(reply, f"name {account.email}")


def _name_of(email: str) -> str:
    """A name to show for an address.

    >>> _name_of("ann.lee-smith@example.org")
    'Ann Lee Smith'
    """
    words = re.split(r"[^0-9A-Za-z]+", email.partition("@")[0])
    return " ".join(word.capitalize() for word in words if word)


def _revoke_tokens(session: httpx.Client) -> None:
    for listed in _answer(session.get("/api/token/"), "list the personal access tokens"):
        revoked = {"refresh": listed["token"]}
        reply = session.post("/api/token/blacklist/", headers=_csrf(session), json=revoked)
        _answer(reply, "revoke a personal access token")


def _csrf(session: httpx.Client) -> dict[str, str]:
    return {
        "X-CSRFToken": session.cookies.get("csrftoken") or "",
        "Referer": str(session.base_url),
    }


def _answer(reply: httpx.Response, what: str) -> Any:
    """The reply's JSON (None for none); raises LabelStudioError that Label Studio did not `what`.

    The reply's body stays out of the message: it may repeat a secret that was sent.
    """
    if reply.status_code == httpx.codes.UNAUTHORIZED:
        raise LabelStudioError(
            f"Label Studio did not {what}: the token was refused (401); check it, and that "
            "legacy tokens are enabled if it is one (Organization > Access Token Settings)"
        )
    if not reply.is_success:
        raise LabelStudioError(f"Label Studio did not {what}: status {reply.status_code}")
    return reply.json() if reply.content else None


@contextmanager
def _session(base_url: str) -> Iterator[httpx.Client]:
    """One visitor with cookies; errors of the network become LabelStudioError."""
    try:
        # No proxy from the environment: sign-up is for the server that we started on this machine.
        with httpx.Client(
            base_url=base_url,
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
            verify=certificates(),
        ) as session:
            yield session
    except httpx.HTTPError as error:
        raise LabelStudioError(f"cannot reach Label Studio at {base_url}: {error}") from error
