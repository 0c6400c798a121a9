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
        # Editors on Windows begin a file with a byte order mark.
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(f"there is no {path}; make one with: goldloop init") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from None
    written = _secrets(folder / ".env")
    return parse_settings(
        table, {**written, **(os.environ if environment is None else environment)}
    )


def _secrets(path: Path) -> dict[str, str]:
    """What `.env` says, word for word: a `$` in a password is a dollar sign."""
    try:
        found = dotenv_values(path, encoding="utf-8-sig", interpolate=False)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        # The error itself would show the bytes, which may be a secret.
        raise SettingsError(f"{path} is not UTF-8: byte {error.start} is wrong") from None
    return {key: value or "" for key, value in found.items()}
