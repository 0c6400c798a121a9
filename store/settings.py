"""Reading `goldloop.toml` and `.env`: the settings that were written down."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from goldloop.errors import SettingsError
from goldloop.settings import Settings, parse_settings

FILE = "goldloop.toml"


def find_project(start: Path) -> Path:
    """The nearest folder, from `start` upwards, that holds goldloop.toml."""
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder
    raise SettingsError(f"no {FILE} in {start} or above it; make one with: goldloop init")


def load_settings(folder: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of a project folder.

    What the environment says overrides `.env`, and both override goldloop.toml. Raises
    SettingsError that names the file and the place in it.
    """
    path = folder / FILE
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"there is no {path}; make one with: goldloop init") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from None
    written = {key: value or "" for key, value in dotenv_values(folder / ".env").items()}
    return parse_settings(
        table, {**written, **(os.environ if environment is None else environment)}
    )
