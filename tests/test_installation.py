"""Goldloop installs by pip as well, which knows nothing of what uv is told to override."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

from sync.labelstudio.environment import find_uv

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


def test_its_requirements_fit_together_without_an_override(tmp_path: Path) -> None:
    needed = tomllib.loads(PYPROJECT.read_text())["project"]["dependencies"]
    (tmp_path / "requirements.in").write_text("\n".join(needed))
    command = [find_uv(), "pip", "compile", "--quiet", "--python-version", "3.11"]
    done = subprocess.run(
        [*command, "requirements.in"], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "flask==3" in done.stdout
