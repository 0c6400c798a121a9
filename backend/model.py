"""The model that Label Studio talks to: an agent whose runs are stored, or made on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from backend.label_studio_ml import LabelStudioMLBase
from backend.live_runs import LiveRuns
from backend.predictions import Predictions
from backend.served import Served
from backend.webhook import ids_among, keep_training
from goldloop.webhooks import START_TRAINING
from label_config.agent_prediction import empty_prediction
from store.inbox import add_look_again

UNKNOWN_VERSION = "unknown"


class StoredRunsModel(LabelStudioMLBase):  # type: ignore[misc]
    """Answers from the store; asks the agent only about samples that have no run.

    It keeps to what label-studio-ml 1.0.9 and 2.x have in common, so that the servers of either
    can serve it: give them the class that `model_class` makes for a project folder.
    """

    served: ClassVar[Served]
    live: ClassVar[LiveRuns]

    def __init__(self, label_config: str | None = None, **kwargs: Any) -> None:  # noqa: ARG002
        super().__init__(label_config=label_config)

    @property
    def model_version(self) -> str:
        """The agent version, with its calibrator's number; raises StoreError or SettingsError when
        that cannot be told.
        """
        return self.served.model_version()

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

        What cannot be answered, or not within `[backend] deadline`, gets an empty result with a
        score: a missing or null item would break the queue of every annotator in the project.
        """
        ids = [sample_id_of(task) for task in tasks]
        items: list[dict[str, Any]] = []
        version = UNKNOWN_VERSION
        try:
            with self.served.store() as db:
                version = self.served.version(db)
                found = Predictions(self.served, self.live, db, version)
                version = found.model_version
                for item in found.items(ids, self.served.settings.backend.deadline):
                    items.append(item)
        except Exception as error:  # noqa: BLE001 - an item is owed for each task, see above
            self.served.warn(f"predict: {len(ids) - len(items)} tasks without an answer", error)
        return items + [empty_prediction(version) for _ in ids[len(items) :]]

    def fit(
        self,
        event: str,
        data: Mapping[str, Any] | None = None,
        **kwargs: Any,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Leave a hint for the worker: to calibrate confidence, for "Start training", and else to
        look what people answered. Raises StoreError when it could not be written at once.
        """
        project = data.get("project") if isinstance(data, Mapping) else None
        ids = ids_among([project.get("id")] if isinstance(project, Mapping) else [])
        with self.served.inbox() as db:
            if event == START_TRAINING:
                keep_training(db, ids[0] if ids else None)
            else:
                add_look_again(db)
        return {}


def model_class(served: Served) -> type[StoredRunsModel]:
    """The model class of one project folder."""
    own = {"served": served, "live": LiveRuns(served)}
    return type(StoredRunsModel.__name__, (StoredRunsModel,), own)


def sample_id_of(task: object) -> str | None:
    """The sample that a task of Label Studio's was made of; None for one made by hand."""
    data = task.get("data") if isinstance(task, Mapping) else None
    sample_id = data.get("sample_id") if isinstance(data, Mapping) else None
    return sample_id if isinstance(sample_id, str) and len(sample_id) <= 200 else None
