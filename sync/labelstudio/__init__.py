"""The real Label Studio, for the demo and the tests: installed, started, stopped, signed up to.

It runs in an environment of its own, since its dependencies clash with ours, from a locked list
with hashes (`label-studio.txt`). A Label Studio that somebody else runs needs nothing from here.
"""

from sync.labelstudio.accounts import (
    Account,
    invite_token,
    log_in,
    personal_access_token,
    sign_up,
)
from sync.labelstudio.environment import install, lock_fingerprint
from sync.labelstudio.server import LabelStudioServer, ServerSettings

__all__ = [
    "Account",
    "LabelStudioServer",
    "ServerSettings",
    "install",
    "invite_token",
    "lock_fingerprint",
    "log_in",
    "personal_access_token",
    "sign_up",
]
