"""A real Label Studio for a benchmark, with people who can annotate in it."""

from __future__ import annotations

import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sync.labelstudio import (
    Account,
    LabelStudioServer,
    ServerSettings,
    invite_token,
    lock_fingerprint,
    log_in,
    sign_up,
)
from sync.labelstudio.ports import free_port

REPOSITORY = Path(__file__).resolve().parents[1]
ENVIRONMENT = REPOSITORY / ".goldloop" / "label-studio"
TEMPLATE = REPOSITORY / ".goldloop" / "label-studio-template" / lock_fingerprint()


@dataclass(frozen=True, slots=True)
class Inhabited:
    """A Label Studio that runs, its administrator, and the annotators who signed up to it."""

    server: LabelStudioServer
    admin: Account
    annotators: tuple[Account, ...]


def what_is_missing() -> str:
    """What has to be done before a Label Studio can be started here; empty when nothing has."""
    if (ENVIRONMENT / "bin" / "python").exists():
        return ""
    return f"Label Studio is not installed in {ENVIRONMENT}; run: make label-studio"


@contextmanager
def inhabited(annotators: int) -> Iterator[Inhabited]:
    """A fresh one on SQLite, for as long as the block runs. Starts in some seconds with the tests'
    migrated template, and in up to two minutes where no test has made that yet.
    """
    with tempfile.TemporaryDirectory() as scratch:
        data_dir = Path(scratch) / "data"
        if TEMPLATE.is_dir():
            shutil.copytree(TEMPLATE, data_dir)
        else:
            print(f"no template in {TEMPLATE}: a slow start (the tests make it)", file=sys.stderr)
        with LabelStudioServer(_settings(data_dir)) as server:
            admin = log_in(server.url, server.settings.email, server.settings.password)
            invite = invite_token(server.url, admin.token)
            names = (f"annotator.{number}@example.org" for number in range(1, annotators + 1))
            people = [sign_up(server.url, invite, name, secrets.token_hex()) for name in names]
            yield Inhabited(server, admin, tuple(people))


def _settings(data_dir: Path) -> ServerSettings:
    return ServerSettings(
        environment=ENVIRONMENT,
        data_dir=data_dir,
        email="admin@example.org",
        password=secrets.token_hex(),
        token=secrets.token_hex(20),
        port=free_port(),
    )
