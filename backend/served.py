"""What one process serves: a project folder with its settings, and its live agent, made once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import lru_cache
from logging import INFO
from pathlib import Path
from threading import Lock

from agents.base import Agent
from agents.from_settings import agent_from_settings
from backend.logs import tell, warn
from backend.metrics import Metrics
from backend.remembered import Remembered
from goldloop.errors import GoldloopError, StoreError
from goldloop.log_lines import Fact
from goldloop.settings import Settings
from label_config.interface import Interface, builtin_interface, read_interface
from label_config.named import BUILTIN, named_interface
from store.calibrators import model_version
from store.connections import Connections
from store.database import PATIENCE_SECONDS, Store, open_store
from store.runs import named_version
from store.tasks import review_project


class Served:
    """Shared by the threads of a process, each with a store of its own."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self._path = folder / settings.store.path
        self._connections = Connections(self._path)
        self.metrics = Metrics(self.store)
        self._model_version = Remembered(self._read_model_version)
        # A project's interface seldom changes, and is read for every request.
        self._interface = lru_cache(maxsize=2)(read_interface)
        self._builtin = lru_cache(maxsize=2)(builtin_interface)
        known = settings.secrets
        self._secrets = (
            known.label_studio_api_key,
            known.openai_api_key,
            known.agent_authorization,
            known.backend_password,
            known.webhook_secret,
        )
        self._agent: Agent | None = None
        self._making = Lock()
        self._turn = Lock()

    def store(self) -> AbstractContextManager[Store]:
        """This thread's store, for the length of a block; raises StoreError."""
        return self._connections.store()

    def check_store(self) -> None:
        """See that the store is there and usable, and let go of it; raises StoreError."""
        db = open_store(self._path)
        try:
            # Several versions to choose from are no reason not to start.
            with suppress(GoldloopError):
                self._model_version.remember(model_version(db, self.version(db)))
        finally:
            db.close()

    def model_version(self) -> str:
        """What Label Studio is to call the predictions; the one of before where the store takes
        too long to read. Raises StoreError, and SettingsError as `version` does.
        """
        return self._model_version.get()

    def _read_model_version(self) -> str:
        with self.store() as db:
            return model_version(db, self.version(db))

    @contextmanager
    def inbox(self) -> Iterator[Store]:
        """The store for one thread at a time: SQLite's own waiting is not in turns, and in a burst
        of events some would wait too long. Raises StoreError when the turn does not come.
        """
        if not self._turn.acquire(timeout=PATIENCE_SECONDS):
            raise StoreError("the hint could not be stored: too many are waiting to be")
        try:
            with self.store() as db:
                yield db
        finally:
            self._turn.release()

    def version(self, db: Store) -> str:
        """The agent version that is served; raises SettingsError when there are several."""
        return named_version(db, self.settings.agent)

    def interface(self, db: Store) -> Interface:
        """What annotators were shown, not what a request claims: requests are not trusted."""
        made = review_project(db)
        if made is not None:
            return self._interface(made.label_config, f"the interface of project {made.project_id}")
        name = self.settings.label_studio.interface
        # A file may change; what is built in does not.
        return self._builtin(name) if name in BUILTIN else named_interface(name, self.folder)

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
        """Count what went wrong, and log it without our secrets."""
        self.metrics.count_error(error)
        warn(what, error, self._secrets)

    def tell(self, what: str, facts: Mapping[str, Fact], level: int = INFO) -> None:
        """Log what happened, without our secrets."""
        tell(what, facts, self._secrets, level)
