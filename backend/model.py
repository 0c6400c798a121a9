"""The model that Label Studio talks to: an agent whose runs are stored, or made on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from backend.label_studio_ml import LabelStudioMLBase
from backend.predictions import Predictions
from backend.served import Served
from label_config.agent_prediction import empty_prediction

CHUNK = 200
UNKNOWN_VERSION = "unknown"


class StoredRunsModel(LabelStudioMLBase):  # type: ignore[misc]
    """Answers from the store; asks the agent only about samples that have no run.

    It keeps to what label-studio-ml 1.0.9 and 2.x have in common, so that the servers of either
    can serve it: give them the class that `model_class` makes for a project folder.
    """

    served: ClassVar[Served]

    def __init__(self, label_config: str | None = None, **kwargs: Any) -> None:  # noqa: ARG002
        super().__init__(label_config=label_config)

    @property
    def model_version(self) -> str:
        """The agent version; raises StoreError or SettingsError when that cannot be told."""
        with self.served.store() as db:
            return self.served.version(db)

    def setup(self) -> None:
        """2.x calls this when it makes a model, and answers /setup with what is kept here."""
        self.set("model_version", self.model_version)

    def predict(
        self,
        tasks: Sequence[Any],
        context: Mapping[str, Any] | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> list[dict[str, Any]]:
        """Exactly one good prediction a task, in the order of the tasks, whatever happens.

        What cannot be answered gets an empty result with a score: a missing or null item would
        break the queue of every annotator in the project.
        """
        ids = [sample_id_of(task) for task in tasks]
        items: list[dict[str, Any]] = []
        version = UNKNOWN_VERSION
        try:
            with self.served.store() as db:
                version = self.served.version(db)
                found = Predictions(self.served, db, version)
                for start in range(0, len(ids), CHUNK):
                    items += found.items(ids[start : start + CHUNK])
        except Exception as error:  # noqa: BLE001 - an item is owed for each task, see above
            self.served.warn(f"predict: {len(ids) - len(items)} tasks without an answer", error)
        return items + [empty_prediction(version) for _ in ids[len(items) :]]

    def fit(
        self,
        event: str,  # noqa: ARG002
        data: Mapping[str, Any] | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Nothing is trained here; answers are pulled by the worker."""
        return {}


def model_class(served: Served) -> type[StoredRunsModel]:
    """The model class of one project folder."""
    return type(StoredRunsModel.__name__, (StoredRunsModel,), {"served": served})


def sample_id_of(task: object) -> str | None:
    """The sample that a task of Label Studio's was made of; None for one made by hand."""
    data = task.get("data") if isinstance(task, Mapping) else None
    sample_id = data.get("sample_id") if isinstance(data, Mapping) else None
    return sample_id if isinstance(sample_id, str) and len(sample_id) <= 200 else None
