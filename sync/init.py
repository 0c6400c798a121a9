"""init: a project folder with settings, an example of the secrets, and an empty store."""

from __future__ import annotations

from pathlib import Path

from goldloop.errors import SettingsError
from goldloop.settings import environment_template, parse_settings, settings_template
from store.database import create_store
from store.settings import FILE

ENVIRONMENT = ".env.example"


def init_project(folder: Path) -> list[Path]:
    """Write goldloop.toml and the store, and .env.example where there is none; refuses, and writes
    nothing, if one of the first two exists.

    Returns what was written.
    """
    store = folder / parse_settings({}, {}).store.path
    there = [path for path in (folder / FILE, store) if path.exists()]
    if there:
        raise SettingsError(f"{there[0]} exists, so nothing was written; choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    create_store(store).close()
    (folder / FILE).write_text(settings_template(), encoding="utf-8")
    if (folder / ENVIRONMENT).exists():
        return [folder / FILE, store]
    (folder / ENVIRONMENT).write_text(environment_template(), encoding="utf-8")
    return [folder / FILE, folder / ENVIRONMENT, store]
