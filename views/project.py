"""The door: the project folder that something works in, with its settings and its store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from goldloop.settings import Settings
from label_config.interface import Interface, read_interface
from label_config.named import named_interface
from store.database import Store, open_store
from store.tasks import review_project


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with goldloop.toml, read once; passed down to whatever reads or moves."""

    folder: Path
    settings: Settings

    def path(self, relative: str) -> Path:
        """A path from the settings, which is relative to the folder."""
        return self.folder / relative

    def open_store(self) -> Store:
        """The store, for one thread."""
        return open_store(self.path(self.settings.store.path))

    def interface(self) -> Interface:
        """The labelling interface that the settings name: built in, or a file."""
        return named_interface(self.settings.label_studio.interface, self.folder)


def interface_in_use(project: Project, db: Store) -> Interface:
    """The interface that annotators were shown; before the first push, the settings' one."""
    made = review_project(db)
    if made is None:
        return project.interface()
    return read_interface(made.label_config, f"the interface of project {made.project_id}")
