"""Label Studio's webhooks: which of its actions we ask for, and the secret that ours shows."""

from __future__ import annotations

from goldloop.errors import SettingsError

HEADER = "X-Goldloop-Secret"
VARIABLE = "GOLDLOOP_WEBHOOK_SECRET"
SHORTEST = 16
HOW_TO_MAKE = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'
# Lets Label Studio call private addresses, for webhooks and ML backends, but not link-local ones,
# where clouds keep their keys. To switch its guard off altogether opens more than is needed.
LIFT_PRIVATE = (
    "LABEL_STUDIO_USE_DEFAULT_BANNED_SUBNETS=false and "
    "LABEL_STUDIO_USER_ADDITIONAL_BANNED_SUBNETS=169.254.0.0/16,fe80::/10"
)

# What gives, changes or takes back an answer. Not TASKS_CREATED: Label Studio would post every task
# back to us while we push it, megabytes at a time, and tasks of others are none of ours.
ASKED_ACTIONS = (
    "ANNOTATION_CREATED",
    "ANNOTATIONS_CREATED",
    "ANNOTATION_UPDATED",
    "ANNOTATIONS_DELETED",
    "TASKS_DELETED",
)
# What is understood when it comes all the same.
KNOWN_ACTIONS = (*ASKED_ACTIONS, "TASKS_CREATED")
# What Label Studio's "Start training" sends to the ML backend's address, as if it were a webhook.
START_TRAINING = "START_TRAINING"


def check_webhook_secret(secret: str) -> None:
    """Refuse a secret that could be guessed, or that a header cannot carry; an empty one is none.

    Raises SettingsError that says how to make a good one, and never quotes it.

    >>> check_webhook_secret("short")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    goldloop.errors.SettingsError: GOLDLOOP_WEBHOOK_SECRET is too short to be a secret...
    """
    if not secret:
        return
    if not (secret.isascii() and secret.isprintable()) or " " in secret:
        raise SettingsError(
            f"{VARIABLE} must be printable ASCII without spaces, because it travels in a "
            f"header; make one with: {HOW_TO_MAKE}"
        )
    if len(secret) < SHORTEST:
        raise SettingsError(
            f"{VARIABLE} is too short to be a secret ({len(secret)} characters of at least "
            f"{SHORTEST}); make one with: {HOW_TO_MAKE}"
        )
