"""What one process serves: a project folder with its settings, and its live agent, made once."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from threading import Lock

from agents.base import Agent
from agents.from_settings import agent_from_settings
from backend.logs import warn
from goldloop.settings import Settings
from label_config.interface import Interface, read_interface
from label_config.named import named_interface
from store.database import Store, open_store
from store.runs import named_version
from store.tasks import review_project


class Served:
    """Shared by the threads of a process; a store is opened for each request."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        known = settings.secrets
        self._secrets = (
            known.label_studio_api_key,
            known.openai_api_key,
            known.agent_authorization,
            known.backend_password,
        )
        self._agent: Agent | None = None
        self._making = Lock()

    def store(self) -> closing[Store]:
        """The store, open while the block runs; raises StoreError."""
        return closing(open_store(self.folder / self.settings.store.path))

    def version(self, db: Store) -> str:
        """The agent version that is served; raises SettingsError when there are several."""
        return named_version(db, self.settings.agent)

    def interface(self, db: Store) -> Interface:
        """What annotators were shown, not what a request claims: requests are not trusted."""
        made = review_project(db)
        if made is not None:
            return read_interface(made.label_config, f"the interface of project {made.project_id}")
        return named_interface(self.settings.label_studio.interface, self.folder)

    def live_agent(self, version: str) -> Agent | None:
        """The agent to ask about samples without a run; None where all runs are recorded.

        Raises SettingsError when it cannot be made, and tries again the next time.
        """
        if self.settings.agent.kind == "recorded":
            return None
        with self._making:
            if self._agent is None:
                self._agent = agent_from_settings(self.settings, self.folder, version)
            return self._agent

    def warn(self, what: str, error: Exception) -> None:
        """Log what went wrong, without our secrets."""
        warn(what, error, self._secrets)
