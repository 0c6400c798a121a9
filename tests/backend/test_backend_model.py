"""The model class: a LabelStudioMLBase of 1.0.9 and of 2.x alike, imported in silence."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from project_folder import Folder, record, tasks_of

from backend import label_studio_ml
from backend.label_studio_ml import LabelStudioMLBase
from backend.model import StoredRunsModel, model_class
from backend.served import Served
from goldloop.calibration import Platt
from store.calibrators import Fitted, save_calibrators
from store.database import open_store


def test_it_is_a_model_of_label_studio_ml(folder: Folder) -> None:
    folder.add(record("a", 0.25))
    model = model_class(Served(folder.path, folder.settings))()
    assert isinstance(model, LabelStudioMLBase)
    assert LabelStudioMLBase.__module__ == "label_studio_ml.model"
    assert model.model_version == "v1"
    [item] = model.predict(tasks_of("a"), context={"result": []}, login=None, password=None)
    assert (item["score"], item["model_version"]) == (0.25, "v1")
    assert model.fit("START_TRAINING", {"project": {"id": 7}}, job_id="x") == {}
    assert folder.rows("SELECT action, project_id FROM inbox") == [("START_TRAINING", 7)]


@pytest.mark.parametrize("data", [None, {}, {"project": None}, {"project": {"id": "7"}}, "text"])
def test_fit_leaves_its_hint_whatever_comes_with_it(folder: Folder, data: Any) -> None:
    model = model_class(Served(folder.path, folder.settings))()
    model.fit("START_TRAINING", data)
    model.fit("ANNOTATION_CREATED", data)
    assert folder.rows("SELECT action, project_id FROM inbox ORDER BY 1") == [
        ("LOOK_AGAIN", None),
        ("START_TRAINING", None),
    ]


def test_a_calibrator_gives_predictions_another_version_and_its_confidence(folder: Folder) -> None:
    folder.add(record("a", 0.9))
    model = model_class(Served(folder.path, folder.settings))()
    assert model.model_version == "v1"
    with closing(open_store(folder.path / "goldloop.db")) as db:
        [method] = db.execute("SELECT confidence_method FROM runs").fetchone()
        halved = Platt(slope=0.0, intercept=0.0)
        save_calibrators(db, "v1", [Fitted(method or "", halved, {}, "of-the-labels")])
    assert model.model_version == "v1+calibrated.1"
    [item, empty] = model.predict(tasks_of("a", "unknown"))
    assert (item["score"], item["model_version"]) == (0.5, "v1+calibrated.1")
    assert empty["model_version"] == "v1+calibrated.1"


def test_two_project_folders_have_two_classes(folder: Folder, tmp_path: Path) -> None:
    one = model_class(Served(folder.path, folder.settings))
    other = model_class(Served(tmp_path, folder.settings))
    assert (one.served.folder, other.served.folder) == (folder.path, tmp_path)
    assert one.__name__ == other.__name__ == StoredRunsModel.__name__


class BaseOf2:
    """What 2.x's base class does that 1.0.9's does not: a version that is only read, a set-up of
    its own, and a small memory.
    """

    def __init__(self, project_id: str | None = None, label_config: str | None = None) -> None:
        self.project_id = project_id or ""
        self._kept: dict[str, Any] = {}
        if not self.model_version:
            self.set("model_version", "0.0.1")
        self.setup()

    def setup(self) -> None:
        """Nothing."""

    def set(self, key: str, value: Any) -> None:
        self._kept[key] = value

    def get(self, key: str) -> Any:
        return self._kept[key]

    @property
    def model_version(self) -> Any:
        return self._kept.get("model_version")


def model_on(base_class: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """backend.model, with a model on another base class."""
    base = ModuleType("backend.label_studio_ml")
    base.LabelStudioMLBase = base_class  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, base.__name__, base)
    spec = importlib.util.find_spec("backend.model")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_label_studio_ml_it_answers_as_well(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_studio_ml, "find_spec", lambda _: None)
    module = model_on(label_studio_ml.find_base(), monkeypatch)
    folder.add(record("a", 0.25))
    model = module.model_class(Served(folder.path, folder.settings))()
    assert not isinstance(model, LabelStudioMLBase)
    [item] = model.predict(tasks_of("a"))
    assert (item["score"], item["model_version"]) == (0.25, "v1")


def test_it_is_served_the_way_that_2_x_serves_models(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 2.x is not on PyPI, so its base class is stood in for.
    module = model_on(BaseOf2, monkeypatch)
    folder.add(record("a", 0.25))
    made = module.model_class(Served(folder.path, folder.settings))
    model = made(project_id="7", label_config="<View/>")
    assert model.get("model_version") == str(model.model_version) == "v1"
    [item] = model.predict(tasks_of("a"), context={}, login=None)
    assert item["score"] == 0.25


def imported(tmp_path: Path, code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A fresh Python without cached bytecode, in which every warning is an error."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPYCACHEPREFIX": str(tmp_path / "no-bytecode-here"),
        **variables,
    }
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code)]
    return subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120
    )


def test_importing_it_says_nothing_even_where_no_bytecode_is_cached(tmp_path: Path) -> None:
    done = imported(tmp_path, "import backend.model")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_torch_and_scipy_are_not_imported_with_it_nor_kept_from_an_agent(tmp_path: Path) -> None:
    package = tmp_path / "torch"
    package.mkdir()
    (package / "__init__.py").write_text("print('torch is here')\n")
    (package / "multiprocessing.py").write_text("raise OSError('no CUDA on this machine')\n")
    code = """
        import backend.app, backend.model, multiprocessing, sys
        assert "scipy" not in sys.modules
        assert multiprocessing.get_start_method(allow_none=True) is None
        print("imported")
        import torch
    """
    done = imported(tmp_path, code, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "imported\ntorch is here\n"), done.stderr
