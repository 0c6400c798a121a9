"""The image's environment as the Dockerfile makes it, and the services as Compose sets them up."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from goldloop.errors import LabelStudioError
from sync.labelstudio.environment import find_uv
from tests.conftest import REPOSITORY
from tests.containers import compose

IMPORTED = """
import backend.__main__, backend.app, backend.gunicorn_worker, gunicorn.arbiter
import sync.healthy, sync.worker
from importlib import import_module
from sync.cli import COMMANDS
for place in COMMANDS.values():
    import_module(f"sync.commands.{place.partition('.')[0]}")
"""


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    """The folder that the Dockerfile fills with Goldloop, made by the Dockerfile's own commands.

    Other than there, uv takes what it downloaded for this checkout, and what no service imports
    stays uncompiled: that would take half a minute.
    """
    try:
        uv = find_uv()
    except LabelStudioError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip("no uv; make test brings one")
    context, made = (tmp_path_factory.mktemp(name) / "opt" for name in ("context", "image"))
    context.mkdir()
    environment = os.environ | {
        "PATH": f"{Path(uv).parent}:{sys.base_prefix}/bin:{os.defpath}",
        "UV_PROJECT_ENVIRONMENT": str(made),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_COMPILE_BYTECODE": "0",
    }
    for name, rest in compose.build_stage():
        if name == "COPY":
            _copy(rest.split(), context)
        elif name == "RUN" and rest.startswith("uv "):
            subprocess.run(rest.split(), cwd=context, env=environment, check=True)
    # With the bytecode that is left behind by it, every service starts at once.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run([made / "bin" / "python", "-P", "-c", IMPORTED], env=environment, check=True)
    yield made
    # pytest keeps the folders of three runs.
    shutil.rmtree(context)
    shutil.rmtree(made)


def _copy(words, context):
    """COPY, from what .dockerignore lets through."""
    *sources, target = words
    for source in sources:
        assert source in compose.let_through(), f"{source} is not among what .dockerignore keeps"
        path = REPOSITORY / source
        if path.is_dir():
            shutil.copytree(path, context / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, context / target)
