"""The door of the commands: the project folder, with Label Studio as its settings name it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from store.settings import find_project, load_settings
from sync.client import LabelStudioClient
from views import project


@dataclass(frozen=True, slots=True)
class Project(project.Project):
    """A project that can call Label Studio."""

    def client(self) -> LabelStudioClient:
        """Label Studio, as the settings name it."""
        return LabelStudioClient(
            self.settings.label_studio.url, self.settings.secrets.label_studio_api_key
        )


def open_project(start: Path) -> Project:
    """The project that `start` lies in."""
    folder = find_project(start.resolve())
    return Project(folder, load_settings(folder))
